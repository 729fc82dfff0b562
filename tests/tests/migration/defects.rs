//! What was wrong with the predecessor (docs/migration.md, "Every defect"), and what happens instead: a test for each number.
//!
//! All of it is the drop-in over a folder, and `cicdctl` over manifests; the predecessor itself is not needed.

mod answers;
mod configuration;
mod desk;
mod store;
mod templates;
mod values;

use std::{collections::BTreeSet, fs};

use cicdcontext_tests::cluster::workspace;

#[test]
fn each_of_the_41_defects_has_a_test_and_a_row_of_the_page() {
    let mut tested = BTreeSet::new();
    for file in fs::read_dir(workspace().join("tests/tests/migration/defects")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let names = text.lines().filter_map(|line| line.split_once("fn defect_")).map(|(_, name)| name[..2].to_owned());
        tested.extend(names.map(|number| number.parse::<u32>().unwrap()));
    }
    assert_eq!(tested, (1..=41).collect());
    let page = fs::read_to_string(workspace().join("docs/migration.md")).unwrap();
    let (_, table) = page.split_once("## Every defect").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse::<u32>().ok());
    assert!(rows.eq(1..=41), "the rows of the page");
}
