//! `cicdctl -f` as processes that work beside each other on one state folder.

// The exemption in clippy.toml covers test functions, not what they share.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const MANIFESTS: &str = "\
apiVersion: cicdcontext.io/v1alpha1
kind: CicdContext
metadata: {name: shop}
spec:
  state: {list: []}
  pipelines:
    build:
      eventHandlers:
        success:
          - {name: count, setValues: [{path: state.fired, op: Append, template: '{{event.id}}'}]}
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shop.yaml"), MANIFESTS).unwrap();
    folder
}

fn cicdctl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cicdctl"));
    command.env_clear().arg("-f").arg(folder.join("shop.yaml")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Exit code, standard output, standard error.
fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    told(&cicdctl(folder, arguments).output().unwrap())
}

fn state(folder: &Path) -> Value {
    let (code, state, notes) = run(folder, &["get", "shop", "state", "-o", "json"]);
    assert_eq!(code, Some(0), "{notes}");
    serde_json::from_str(&state).unwrap()
}

#[test]
fn of_eight_processes_that_set_and_eight_that_append_twenty_times_each_nothing_is_lost() {
    let folder = folder();
    std::thread::scope(|scope| {
        for process in 0..16 {
            let folder = folder.path();
            scope.spawn(move || {
                for number in 0..20 {
                    let change = match process {
                        0..8 => format!("state.below.p{process}n{number}={number}"),
                        _ => format!("state.list[]=p{process}n{number}"),
                    };
                    let (code, _, notes) = run(folder, &["set", "shop", &change]);
                    assert_eq!(code, Some(0), "{change}: {notes}");
                }
            });
        }
    });
    let state = state(folder.path());
    let appended: std::collections::HashSet<_> = state["list"].as_array().unwrap().iter().collect();
    assert_eq!(state["below"].as_object().unwrap().len() + appended.len(), 320, "{state}");
    assert_eq!(state["list"].as_array().unwrap().len(), 160);
}

#[test]
fn of_64_processes_at_once_that_are_the_first_to_touch_a_context_nothing_is_lost() {
    let folder = folder();
    let set = |number: usize| cicdctl(folder.path(), &["set", "shop", &format!("state.k{number}=x")]).spawn().unwrap();
    let running: Vec<_> = (0..64).map(set).collect();
    for process in running {
        let output = process.wait_with_output().unwrap();
        assert_eq!(told(&output), (Some(0), String::new(), String::new()));
    }
    assert_eq!(state(folder.path()).as_object().unwrap().len(), 65);
}

#[test]
fn events_of_processes_at_once_run_one_after_the_other_and_each_once() {
    let folder = folder();
    let fire = |number: usize| {
        let id = format!("id{number}");
        cicdctl(folder.path(), &["event", "shop", "build=success", "--id", &id, "--wait"]).spawn().unwrap()
    };
    // Each id twice: the second one is the same event.
    let running: Vec<_> = (0..16).map(|number| fire(number / 2)).collect();
    for process in running {
        let (code, _, notes) = told(&process.wait_with_output().unwrap());
        assert_eq!(code, Some(0), "{notes}");
    }
    let mut fired: Vec<_> =
        state(folder.path())["fired"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    fired.sort();
    assert_eq!(fired, (0..8).map(|number| format!("id{number}")).collect::<Vec<_>>());
}

#[test]
fn what_contradicts_files_is_a_usage_error_and_what_is_missing_is_named() {
    let folder = folder();
    let not = |flag: &str| format!("error: read {flag}: with -f there is no cluster; leave one of the two out\n");
    for (arguments, code, expected) in [
        (&["get", "shop", "--kubeconfig", "x"][..], 2, not("--kubeconfig")),
        (&["get", "shop", "--context", "x"], 2, not("--context")),
        (&["get", "shop", "--cluster", "x"], 2, not("--cluster")),
        (&["get", "shop", "--user", "x"], 2, not("--user")),
        (&["get", "shop", "--as", "x"], 2, not("--as")),
        (
            &["set", "shop", "state.a=1", "--via", "operator"],
            2,
            "error: read --via operator: with -f there is no operator, and none is needed: leave --via out\n"
                .to_owned(),
        ),
    ] {
        assert_eq!(run(folder.path(), arguments), (Some(code), String::new(), expected), "{arguments:?}");
    }
    let (code, _, notes) = run(folder.path(), &["get", "other", "state.a"]);
    assert_eq!(code, Some(6), "{notes}");
    assert!(notes.contains("neither a manifest nor the state folder"), "{notes}");
    let (code, _, notes) = run(folder.path(), &["-n", "team", "get", "shop", "state"]);
    assert_eq!((code, notes.as_str()), (Some(0), ""), "manifests without a namespace belong to the one that is chosen");
    let (code, _, notes) = run(folder.path(), &["-f", "/nowhere.yaml", "get", "shop", "state"]);
    assert_eq!(
        (code, notes.as_str()),
        (Some(1), "error: read the manifests: /nowhere.yaml: No such file or directory (os error 2)\n")
    );
}

#[test]
fn a_state_folder_that_cannot_be_written_is_an_error_of_one_line() {
    let folder = folder();
    let file = folder.path().join("shop.yaml").join("x");
    let (code, _, notes) = run(folder.path(), &["--state-dir", file.to_str().unwrap(), "set", "shop", "state.a=1"]);
    assert_eq!(code, Some(1), "{notes}");
    assert!(
        notes.starts_with("error: change CicdContext shop in namespace default: ")
            && notes.ends_with("(os error 20)\n"),
        "{notes}"
    );
    assert_eq!(notes.matches('\n').count(), 1, "{notes}");
}
