//! The workflows of GitHub: they call what a person calls, and trust nobody who could change what they run.

use std::collections::BTreeSet;

use cicdcontext_tests::cluster::workspace;
use serde_json::Value;

/// Each workflow's text.
fn workflows() -> Vec<(String, String)> {
    let files = std::fs::read_dir(workspace().join(".github/workflows")).unwrap().map(|file| file.unwrap().path());
    let mut all: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    all.sort();
    all
}

/// The words after `make ` that are targets: options and variables are none.
fn targets(text: &str) -> Vec<&str> {
    let called = text.split("make ").skip(1).filter_map(|rest| rest.lines().next());
    let words = called.flat_map(|rest| {
        rest.split_whitespace().take_while(|word| !word.contains('=')).filter(|word| !word.starts_with("--"))
    });
    words.map(|word| word.trim_end_matches([')', '"'])).collect()
}

#[test]
fn every_target_that_a_workflow_makes_is_one_of_the_makefile() {
    let makefile = std::fs::read_to_string(workspace().join("Makefile")).unwrap();
    let there: BTreeSet<&str> =
        makefile.lines().filter_map(|line| line.split_once(": ").map(|(name, _)| name)).collect();
    let mut called = BTreeSet::new();
    for (name, text) in workflows() {
        // Comments are prose.
        let commands: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        for target in targets(&commands.join("\n")) {
            assert!(there.contains(target), "{name} makes {target}");
            called.insert(target.to_owned());
        }
    }
    assert_eq!(called.into_iter().collect::<Vec<_>>(), ["build", "chart", "dist", "e2e", "image", "version"]);
}

#[test]
fn actions_are_named_by_their_commit_and_rights_are_as_few_as_can_be() {
    let mut used = 0;
    for (name, text) in workflows() {
        let workflow: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(workflow["permissions"], serde_json::json!({"contents": "read"}), "{name}");
        for line in text.lines().filter_map(|line| line.split_once("uses: ").map(|(_, action)| action)) {
            let (action, version) =
                line.split_once(" # v").unwrap_or_else(|| panic!("{name}: {line} tells no version"));
            let commit = action.split_once('@').unwrap().1;
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}: {line}");
            assert!(action.starts_with("actions/") && version.split('.').count() == 3, "{name}: {line}");
            used += 1;
        }
        assert!(!text.contains("secrets."), "{name} needs a secret beside the token of its run");
        for job in workflow["jobs"].as_object().unwrap().values() {
            assert!(job["timeout-minutes"].is_u64(), "{name}: a job without a limit of time");
        }
        for checkout in text.split("actions/checkout@").skip(1) {
            assert!(checkout.lines().nth(2).unwrap().contains("persist-credentials: false"), "{name}");
        }
    }
    assert!(used >= 10, "{used}");
}
