//! The fuzz targets over the committed inputs, on every test run and without a fuzzer: what once broke something stays
//! mended. A new input is looked for by `make fuzz`.

// A test that cannot go on should stop loudly, here as in unit tests.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[allow(unreachable_pub, clippy::expect_used, reason = "it is the library of another crate, and asserts")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// Runs one target over its inputs. A test has a stack of 2 MiB, as a thread of the operator.
fn run(name: &str) {
    let (_, target) = fuzz::TARGETS.into_iter().find(|(target, _)| *target == name).unwrap();
    let corpus = directory().join("corpus").join(name);
    let mut inputs: Vec<PathBuf> = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 5, "{} inputs in {}", inputs.len(), corpus.display());
    for input in inputs {
        println!("{}", input.display());
        target(&fs::read(&input).unwrap());
    }
}

macro_rules! corpus {
    ($($test:ident: $target:literal,)*) => {
        $(#[test]
        fn $test() {
            run($target);
        })*

        #[test]
        fn every_target_has_its_test_and_its_program() {
            let tested = BTreeSet::from([$($target),*]);
            let targets: BTreeSet<&str> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(tested, targets);
            let manifest = fs::read_to_string(directory().join("Cargo.toml")).unwrap();
            let programs = manifest.split("[[bin]]\nname = \"").skip(1).map(|rest| rest.split_once('"').unwrap().0);
            assert_eq!(programs.collect::<BTreeSet<_>>(), targets);
        }
    };
}

corpus! {
    paths_into_state_are_read_back_as_they_were_written: "state_path",
    handlebars_templates_stay_within_their_bounds: "handlebars",
    jinja_templates_stay_within_their_bounds: "jinja",
    annotations_become_events_that_can_be_stored: "annotation",
    any_blocks_are_merged_or_refused: "merge",
    changes_and_their_patch_come_to_the_same: "changes",
    json_paths_answer_in_bounded_time: "json_path",
}
