//! What three shells read from the file.

use std::{
    fs,
    io::{Write, stderr},
    path::Path as FilePath,
    process::{Command, Output},
};

use cicdcontext_engine::state::Path;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::output::{
    generated,
    variables::{Prefix, Selected, VariableError, variables},
};

/// Generated values.
const VALUES: usize = 1000;

/// The shells of this machine: bash and dash have to be there, busybox may be.
fn shells() -> Vec<Vec<&'static str>> {
    let mut shells = vec![vec!["bash"], vec!["dash"]];
    if Command::new("busybox").args(["sh", "-c", ":"]).status().is_ok_and(|status| status.success()) {
        shells.push(vec!["busybox", "sh"]);
    }
    shells
}

/// Says which shells were used; what `eprintln!` prints is not shown for a test that passes.
fn tell(test: &str, shells: &[Vec<&str>]) {
    let names: Vec<String> = shells.iter().map(|shell| shell.join(" ")).collect();
    writeln!(stderr(), "{test}: read by {}", names.join(", ")).unwrap();
}

/// Runs a script in a directory.
fn run(shell: &[&str], locale: &str, directory: &FilePath, script: &str) -> Output {
    let path = std::env::var_os("PATH").unwrap();
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(script).current_dir(directory);
    command.env_clear().env("PATH", path).env("LC_ALL", locale).output().unwrap()
}

fn file(state: &Value, prefix: &str, export: bool) -> Result<String, VariableError> {
    let selected = [Selected { path: Path::parse("state").unwrap(), value: state }];
    Ok(shell(&variables(&selected, &prefix.parse::<Prefix>()?)?, export))
}

#[test]
fn each_variable_is_one_assignment() {
    let state = json!({"app": "it's", "n": 5, "none": null, "text": "two\nlines"});
    assert_eq!(file(&state, "", false).unwrap(), "app='it'\\''s'\nn='5'\nnone=''\ntext='two\nlines'\n");
    assert_eq!(
        file(&state, "CICD_", true).unwrap(),
        "export CICD_app='it'\\''s'\nexport CICD_n='5'\nexport CICD_none=''\nexport CICD_text='two\nlines'\n"
    );
}

#[test]
fn a_thousand_generated_values_are_read_back_by_every_shell_and_nothing_is_executed() {
    let mut runner = TestRunner::deterministic();
    let generated = std::iter::repeat_with(|| generated::text().new_tree(&mut runner).unwrap().current());
    let long = "x'$(touch canary)\\\n".repeat(10_000);
    let texts: Vec<String> =
        generated::TEXTS.iter().map(|text| (*text).to_owned()).chain([long]).chain(generated).take(VALUES).collect();
    let state: Map<String, Value> =
        texts.iter().enumerate().map(|(number, text)| (format!("v{number:04}"), json!(text))).collect();
    let expected = texts.iter().map(|text| format!("{text}\0")).collect::<Vec<_>>().concat();

    let shells = shells();
    for shell in &shells {
        for (locale, export) in [("C.UTF-8", false), ("C", false), ("C.UTF-8", true)] {
            // printf is built in, so the longest values, which are too long for a program's environment, can be exported.
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("values"), file(&json!(state), "", export).unwrap()).unwrap();
            let print =
                (0..VALUES).map(|number| format!("printf '%s\\0' \"$v{number:04}\"\n")).collect::<Vec<_>>().concat();
            fs::write(directory.path().join("script"), format!("set -eu\n. ./values\n{print}")).unwrap();
            let output = run(shell, locale, directory.path(), "script");
            assert!(output.status.success() && output.stderr.is_empty(), "{shell:?}: {output:?}");
            let read = String::from_utf8(output.stdout).unwrap();
            for (number, (read, text)) in read.split('\0').zip(&texts).enumerate() {
                assert_eq!(read, text, "value {number} in {shell:?}, {locale}");
            }
            assert!(read == expected, "{shell:?} printed {} values", read.matches('\0').count());
            assert_only(&directory, &["script", "values"]);
        }
    }
    tell("1000 values", &shells);
}

#[test]
fn exported_variables_reach_programs() {
    let shells = shells();
    for shell in &shells {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("values"), file(&json!({"a": "$x'\n"}), "", true).unwrap()).unwrap();
        fs::write(directory.path().join("script"), ". ./values\nenv\n").unwrap();
        let output = run(shell, "C", directory.path(), "script");
        let environment = String::from_utf8(output.stdout).unwrap();
        assert!(environment.contains("a=$x'\n"), "{shell:?}: {environment}");
    }
}

#[test]
fn reserved_words_and_builtins_are_names_as_any_other() {
    let words = [
        "if", "then", "fi", "for", "in", "do", "done", "case", "esac", "while", "until", "function", "select", "time",
        "export", "local", "eval", "exec", "source", "alias", "readonly", "test", "true", "set", "unset", "a__", "A_1",
    ];
    let state: Map<String, Value> = words.iter().map(|word| ((*word).to_owned(), json!(format!("${word}")))).collect();
    for shell in &shells() {
        for export in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("values"), file(&json!(state), "", export).unwrap()).unwrap();
            let print = words.iter().map(|word| format!("printf '%s\\n' \"${word}\"\n")).collect::<Vec<_>>().concat();
            fs::write(directory.path().join("script"), format!(". ./values\n{print}")).unwrap();
            let output = run(shell, "C", directory.path(), "script");
            let expected = words.iter().map(|word| format!("${word}\n")).collect::<Vec<_>>().concat();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{shell:?}: {:?}", output.stderr);
        }
    }
}

#[test]
fn every_variable_that_a_shell_sets_by_itself_is_refused() {
    let mut checked = 0;
    for (shell, list) in [(vec!["bash"], "compgen -v"), (vec!["dash"], "set"), (vec!["busybox", "sh"], "set")] {
        if !shells().contains(&shell) {
            continue;
        }
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("script"), list).unwrap();
        let output = run(&shell, "C", directory.path(), "script");
        let text = String::from_utf8(output.stdout).unwrap();
        // LC_ALL is what `run` sets.
        let names = text.lines().map(|line| line.split('=').next().unwrap()).filter(|name| *name != "LC_ALL");
        for name in names.filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase())) {
            let error = file(&json!({ (name): "x" }), "", false).unwrap_err();
            assert!(matches!(error, VariableError::Reserved { .. }), "{shell:?}: {name}");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

fn assert_only(directory: &TempDir, names: &[&str]) {
    let entries = fs::read_dir(directory).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, names);
}
