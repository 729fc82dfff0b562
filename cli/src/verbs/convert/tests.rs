use std::os::unix::fs::MetadataExt;

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::{
    arguments::{Arguments, Verb},
    console::Recorded,
    environment::Environment,
};

const CONFIG: &str = "cicdstatemgr: {boardUrl: 'https://board.test', slack: {url: 'https://slack.example/post'}, templates: {notify: '{\"text\": {{ notify.message|json_dumps }}}'}}";
const SECRETS_FILE: &str = "cicdstatemgr: {slack: {token: chat-tok}}";
const BASE: &str = "variables: {page: 'https://board.test'}\n";
const APP: &str = "
bases: [dock.yaml]
cicd-contexts:
  stage: {pipelines: {build: {event-handlers: {done: {notify: {message: 'built'}}}}}}
";

/// A folder with the predecessor's files, and a request over them.
fn world(app: &str) -> (tempfile::TempDir, Request) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("bases")).unwrap();
    for (name, text) in
        [("config.yaml", CONFIG), ("secrets.yaml", SECRETS_FILE), ("bases/dock.yaml", BASE), ("shop.yaml", app)]
    {
        fs::write(path(name), text).unwrap();
    }
    let request = Request {
        config: path("config.yaml"),
        secrets: path("secrets.yaml"),
        bases: Some(path("bases")),
        app: path("shop.yaml"),
        context: None,
        document: None,
        folder: path("out"),
        is_cluster_wide: false,
        replaces: false,
    };
    (folder, request)
}

/// How it ended, standard output, standard error.
fn ran(request: &Request) -> (Result<(), String>, String, String) {
    let (data, notes) = (Recorded::default(), Recorded::default());
    let mut console = Console::new(data.clone(), notes.clone());
    let ended = run(request, &mut console).map_err(|failure| {
        assert_eq!(failure.exit(), crate::exit::Exit::Failed);
        failure.to_string()
    });
    (ended, data.text(), notes.text())
}

#[test]
fn manifests_a_report_and_secrets_that_nobody_else_reads_are_written() {
    let (folder, request) = world(APP);
    let (ended, data, notes) = ran(&request);
    assert_eq!(ended, Ok(()), "{data}");
    assert!(notes.starts_with("wrote 8 files; "), "{notes}");
    let out = folder.path().join("out");
    let mut names: Vec<_> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "REPORT.md",
            "base-dock.yaml",
            "base-platform.yaml",
            "base-shop.yaml",
            "context-shop.yaml",
            "endpoint-slack.yaml",
            "secrets"
        ]
    );
    let mode = |path: &str| out.join(path).metadata().unwrap().mode() & 0o777;
    assert_eq!((mode("secrets"), mode("secrets/cicd-slack.yaml")), (0o700, 0o600));
    assert_eq!(fs::read_to_string(out.join("secrets/.gitignore")).unwrap(), IGNORED);
    let secret = fs::read_to_string(out.join("secrets/cicd-slack.yaml")).unwrap();
    let secret: Value = serde_saphyr::from_str(&secret).unwrap();
    assert_eq!(secret["stringData"]["token"], "chat-tok");
    for name in names.iter().filter(|name| *name != "secrets") {
        let text = fs::read_to_string(out.join(name)).unwrap();
        assert!(!text.contains("chat-tok"), "{name}: {text}");
    }
    let report = fs::read_to_string(out.join("REPORT.md")).unwrap();
    assert!(report.contains("Everything was carried over.") && report.contains("kubectl apply -f "), "{report}");
}

#[test]
fn what_is_not_carried_over_is_told_and_fails_when_all_is_written() {
    let app = APP.replace("message: 'built'", "message: '{{ appPipelinesConfig }}'");
    let (folder, request) = world(&app);
    let (ended, data, _) = ran(&request);
    let report = folder.path().join("out/REPORT.md");
    assert_eq!(ended, Err(format!("convert: 1 place was not carried over; see {}", report.display())));
    assert!(
        data.starts_with("not carried over: ") && data.contains("event-handlers.done.notify.message: it reads"),
        "{data}"
    );
    assert!(folder.path().join("out/base-shop.yaml").is_file() && report.is_file());
}

#[test]
fn files_that_are_there_are_replaced_only_if_that_is_asked_for() {
    let (folder, request) = world(APP);
    ran(&request).0.unwrap();
    let report = folder.path().join("out/base-shop.yaml");
    fs::write(&report, "mine").unwrap();
    let (ended, ..) = ran(&request);
    let problem = ended.unwrap_err();
    assert!(problem.contains("it is there already; name another folder, or say --force"), "{problem}");
    assert_eq!(fs::read_to_string(&report).unwrap(), "mine");
    fs::set_permissions(folder.path().join("out/secrets"), fs::Permissions::from_mode(0o755)).unwrap();
    ran(&Request { replaces: true, ..request }).0.unwrap();
    assert_ne!(fs::read_to_string(&report).unwrap(), "mine");
    assert_eq!(folder.path().join("out/secrets").metadata().unwrap().mode() & 0o777, 0o700);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let (_folder, request) = world(APP);
    let problem = |request: Request| ran(&request).0.unwrap_err();
    let missing = problem(Request { config: "/nowhere/config.yaml".into(), ..request.clone() });
    assert_eq!(missing, "read /nowhere/config.yaml: No such file or directory (os error 2)");
    let no_bases = problem(Request { bases: None, ..request.clone() });
    assert!(no_bases.ends_with("shop.yaml lists the base dock.yaml; say --bases FOLDER"), "{no_bases}");
    let context = problem(Request { context: Some("prod".to_owned()), ..request.clone() });
    assert!(context.contains("have cicd-contexts.prod; name one of them with --cicd-context: stage"), "{context}");
    let (_other, broken) = world("- a");
    assert!(problem(broken).contains("the file is a list; write a map of bases"));
}

#[test]
fn with_manifests_it_is_a_usage_error() {
    let line = "cicdctl -f x.yaml convert --config a --secrets b --app c -o d";
    let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
    let setting = Setting { global: &arguments.global, environment: &Environment::default() };
    let Verb::Convert(own) = &arguments.verb else { panic!("not convert") };
    assert!(Request::read(own, setting).unwrap_err().to_string().contains("it reads no manifests; leave -f out"));
}
