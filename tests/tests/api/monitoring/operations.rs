//! The page of operations: every alert has its section, every section its alert, and every command on it works.

use std::collections::BTreeSet;

use cicdcontext_tests::cluster::workspace;

use super::promcheck::alerts;
use crate::{page, scene::Scene};

const PAGE: &str = "docs/operations.md";

#[test]
fn every_alert_has_its_section_and_every_section_its_alert() {
    let page = std::fs::read_to_string(workspace().join(PAGE)).unwrap();
    let sections =
        page.lines().filter_map(|line| line.strip_prefix("### ")).filter(|title| title.starts_with("CicdContext"));
    let sections: BTreeSet<String> = sections.map(str::to_owned).collect();
    let mut named = BTreeSet::new();
    for alert in alerts() {
        // As GitHub makes an anchor of a title of one word.
        assert_eq!(alert.annotations["runbook"], format!("{PAGE}#{}", alert.name.to_lowercase()), "{}", alert.name);
        named.insert(alert.name);
    }
    assert_eq!(sections, named);
}

#[test]
fn a_section_says_what_an_alert_means_and_what_to_do() {
    let page = std::fs::read_to_string(workspace().join(PAGE)).unwrap();
    for section in page.split("\n### ").skip(1).filter(|section| section.starts_with("CicdContext")) {
        let (title, text) = section.split_once('\n').unwrap();
        let text = text.split("\n## ").next().unwrap();
        assert!(text.contains("\nMeaning: ") && text.contains("\nDo: "), "{title}");
    }
}

#[tokio::test]
async fn the_commands_of_the_page_work() {
    let scene = Scene::new().await;
    page::play(&scene, PAGE).await;
}
