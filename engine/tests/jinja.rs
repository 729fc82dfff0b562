//! Jinja against the predecessor: the cases of `jinja/corpus` must give byte for byte what the predecessor's own code
//! gave, which `jinja/oracle.py` wrote to `jinja/expected`; a case that failed there must fail here.
//!
//! Knows the engine's public API only. The predecessor's document becomes the root that handlers give to templates.
//!
//! `JINJA_CASES=TEXT` runs only cases that have TEXT in their name or file. `JINJA_DIFFERENTIAL_FILE=FILE` runs the
//! cases with results in FILE as well; `make differential` generates one.

// A test that cannot go on should stop loudly, and so should what only tests call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use cicdcontext_engine::template::{Engine, Escape, Library, Seed, Source};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Differing cases that are printed in full; more of them are only counted.
const PRINTED: usize = 400;

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    template: String,
    /// Source texts by name, put in front of the template in the order of the names.
    #[serde(default)]
    macros: BTreeMap<String, String>,
    /// Laid over the shared document: maps key by key, anything else replaced.
    #[serde(default)]
    data: Option<Value>,
    /// The block that the template belongs to: a name below `handlers` of the document, or the block itself.
    #[serde(default)]
    handler: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Output(String),
    /// The class of the predecessor's exception.
    Error(String),
}

#[derive(Debug, Deserialize)]
struct Expected {
    template: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// A case with its result.
#[derive(Debug, Deserialize)]
struct Generated {
    #[serde(flatten)]
    case: Case,
    #[serde(flatten)]
    outcome: Outcome,
}

/// A difference that is there on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Documented {
    why: String,
    /// What ours gives; absent when it must fail.
    #[serde(default)]
    output: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jinja")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cases of all files, by file.
fn corpus() -> Vec<(String, Vec<Case>)> {
    let files = fs::read_dir(folder().join("corpus")).expect("corpus is a folder");
    let paths: BTreeSet<PathBuf> = files.map(|file| file.expect("corpus can be read").path()).collect();
    let stem = |path: &Path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    paths.iter().map(|path| (stem(path), yaml(path))).collect()
}

fn expected(file: &str) -> BTreeMap<String, Expected> {
    let path = folder().join("expected").join(format!("{file}.json"));
    serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn lay_over(base: &mut Value, extra: &Value) {
    match (base, extra) {
        (Value::Object(base), Value::Object(extra)) => {
            for (key, field) in extra {
                lay_over(base.entry(key.clone()).or_insert(Value::Null), field);
            }
        }
        (base, extra) => *base = extra.clone(),
    }
}

/// `jinja2Macros` as the predecessor's init makes it.
fn raw_macros(macros: &BTreeMap<String, String>) -> Value {
    let all: String = macros.values().map(|text| text.trim()).collect();
    json!({"byName": macros, "all": all})
}

/// The root as handlers build it from the predecessor's document, and the literal texts of its variables.
fn root_and_variables(case: &Case, shared: &Map<String, Value>) -> (Value, BTreeMap<String, String>) {
    let mut document = Value::Object(shared.clone());
    if let Some(data) = &case.data {
        lay_over(&mut document, data);
    }
    let Value::Object(mut settings) = document else { panic!("{}: data must be a map", case.name) };
    let handlers = settings.shift_remove("handlers").unwrap_or_default();
    let state = settings.shift_remove("state").unwrap_or_default();
    let variables = settings.shift_remove("variables").unwrap_or_default();
    settings.insert("jinja2Macros".to_owned(), raw_macros(&case.macros));
    let mut root = json!({"state": state, "settings": settings});
    match &case.handler {
        Some(Value::String(name)) => root["handler"] = handlers[name].clone(),
        Some(handler) => root["handler"] = handler.clone(),
        None => {}
    }
    (root, serde_json::from_value(variables).expect("variables are texts"))
}

/// What our engine gives: the text, or the error's text. A panic is an error of its own kind.
fn ours(case: &Case, shared: &Map<String, Value>) -> Result<String, String> {
    let (root, variables) = root_and_variables(case, shared);
    let render = || {
        let source = |(name, text): (&String, &String)| {
            (name.clone(), Source::new(format!("partials.{name}"), text.as_str(), Engine::Jinja))
        };
        let (library, _) = Library::new(case.macros.iter().map(source).collect(), BTreeMap::new(), variables.clone());
        let seed = Seed::new("an event", "2026-01-02T03:04:05Z".parse().expect("a time"));
        let template = library.compile(&Source::new("message", case.template.as_str(), Engine::Jinja));
        let rendered = template.and_then(|template| template.render(&library, &root, &seed, Escape::None));
        rendered.map_err(|error| error.to_string())
    };
    panic::catch_unwind(AssertUnwindSafe(render)).unwrap_or_else(|_| Err("PANIC".to_owned()))
}

/// Whether an error is one of the template, rather than of the engine.
fn is_orderly(error: &str) -> bool {
    error != "PANIC" && !error.contains("is not available in this version")
}

/// Whether ours is right: the same text, or any orderly error where the predecessor had one.
fn agrees(expected: &Outcome, ours: &Result<String, String>) -> bool {
    match (expected, ours) {
        (Outcome::Output(text), Ok(ours)) => text == ours,
        (Outcome::Error(_), Err(error)) => is_orderly(error),
        _ => false,
    }
}

/// Whether a generated case runs into what `documented.yaml` has under names that a generated case has not: Python's own
/// objects written as YAML, and slices of what has none, which there fail unless all of it is constant.
fn differs_on_purpose(expected: &Outcome, ours: &Result<String, String>) -> bool {
    let (Outcome::Output(text), Err(error)) = (expected, ours) else { return false };
    (text.contains("!!python/") && error.contains("`to_nice_yaml` cannot write"))
        || error.contains("cannot be cut with `[:]`")
        || error.contains("the numbers of a slice are integers")
}

/// What a person needs to know about a difference.
fn report(file: &str, case: &Case, expected: &Outcome, ours: &Result<String, String>) -> String {
    let mut text = format!("--- {file}: {}\n", case.name);
    for (name, source) in &case.macros {
        writeln!(text, "macro {name}: {source:?}").expect("a text can be written");
    }
    if let Some(data) = &case.data {
        writeln!(text, "data: {data}").expect("a text can be written");
    }
    if let Some(handler) = &case.handler {
        writeln!(text, "handler: {handler}").expect("a text can be written");
    }
    let wanted = match expected {
        Outcome::Output(output) => format!("{output:?}"),
        Outcome::Error(class) => format!("an error, there {class}"),
    };
    let actual = match ours {
        Ok(output) => format!("{output:?}"),
        Err(error) => format!("error: {error}"),
    };
    write!(text, "template: {:?}\nexpected: {wanted}\nactual:   {actual}\n", case.template)
        .expect("a text can be written");
    text
}

/// Fails with all that differs.
fn conclude(count: usize, by_file: &BTreeMap<String, (usize, usize)>, differences: &[String]) {
    for difference in differences.iter().take(PRINTED) {
        eprintln!("{difference}");
    }
    for (file, (differing, cases)) in by_file {
        eprintln!("{file}: {} of {cases} cases agree", cases - differing);
    }
    assert!(differences.is_empty(), "{} of {count} cases differ from the predecessor", differences.len());
}

#[test]
fn every_case_gives_what_the_predecessor_gave() {
    let only = std::env::var("JINJA_CASES").unwrap_or_default();
    let shared: Map<String, Value> = yaml(&folder().join("document.yaml"));
    let documented: BTreeMap<String, Documented> = yaml(&folder().join("documented.yaml"));
    let (mut count, mut by_file, mut differences) = (0, BTreeMap::new(), Vec::new());
    for (file, cases) in corpus() {
        let expected = expected(&file);
        for case in cases.iter().filter(|case| file.contains(&only) || case.name.contains(&only)) {
            let wanted = &expected[&case.name].outcome;
            let ours = ours(case, &shared);
            let fine = match documented.get(&case.name) {
                // What is documented must be so, and must still differ.
                Some(difference) => {
                    let as_written = match &difference.output {
                        Some(output) => ours.as_ref() == Ok(output),
                        None => ours.as_ref().is_err_and(|error| is_orderly(error)),
                    };
                    as_written && !agrees(wanted, &ours)
                }
                None => agrees(wanted, &ours),
            };
            count += 1;
            let (differing, cases) = by_file.entry(file.clone()).or_insert((0, 0));
            *cases += 1;
            if !fine {
                *differing += 1;
                let mut text = report(&file, case, wanted, &ours);
                if let Some(Documented { why, output }) = documented.get(&case.name) {
                    writeln!(text, "documented: {output:?}, because {why}").expect("a text can be written");
                }
                differences.push(text);
            }
        }
    }
    assert!(count > 0, "no case has {only:?} in its name or file");
    conclude(count, &by_file, &differences);
}

#[test]
fn every_generated_case_gives_what_the_predecessor_gave() {
    let Some(path) = std::env::var_os("JINJA_DIFFERENTIAL_FILE").map(PathBuf::from) else {
        return;
    };
    let shared: Map<String, Value> = yaml(&folder().join("document.yaml"));
    let cases: Vec<Generated> = serde_json::from_str(&read(&path)).expect("the file holds cases with results");
    let differences: Vec<String> = cases
        .iter()
        .filter_map(|Generated { case, outcome }| {
            let ours = ours(case, &shared);
            let fine = agrees(outcome, &ours) || differs_on_purpose(outcome, &ours);
            (!fine).then(|| report("generated", case, outcome, &ours))
        })
        .collect();
    conclude(cases.len(), &BTreeMap::new(), &differences);
}

#[test]
fn the_expected_results_belong_to_the_corpus() {
    let mut names = BTreeSet::new();
    for (file, cases) in corpus() {
        let mut expected = expected(&file);
        for case in cases {
            let result = expected.remove(&case.name);
            let same = result.is_some_and(|result| result.template == case.template);
            assert!(same, "{file}: {:?} is new or another template: run jinja/oracle.py again", case.name);
            assert!(names.insert(case.name.clone()), "two cases are called {:?}", case.name);
        }
        assert!(expected.is_empty(), "{file}: results without a case: {:?}", expected.keys());
    }
    let documented: BTreeMap<String, Documented> = yaml(&folder().join("documented.yaml"));
    for (name, difference) in &documented {
        assert!(names.contains(name), "documented.yaml: no case is called {name:?}");
        assert!(!difference.why.trim().is_empty(), "documented.yaml: {name:?} does not say why it differs");
    }
}
