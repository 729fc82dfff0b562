//! What the predecessor makes of YAML, paths, writes and merges, as recorded/record.py recorded it from the real one, and
//! what is different on purpose.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use cicdcontext_compat::{merge, path::OldPath, write, yaml};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What the predecessor does.
#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    gives: Value,
    fails: Option<String>,
    #[serde(flatten)]
    given: Map<String, Value>,
}

impl Case {
    fn expected(&self) -> Result<String, ()> {
        if self.fails.is_some() { Err(()) } else { Ok(self.gives.to_string()) }
    }

    fn text(&self, key: &str) -> &str {
        self.given[key].as_str().unwrap()
    }
}

/// Something that is different on purpose: the case, what happens here (`error` or JSON), and why.
type Difference = (&'static str, &'static str, &'static str);

/// Runs all cases, and fails with those that differ without being listed, and those that are listed and do not differ.
fn compare(recorded: &str, least: usize, differences: &[Difference], run: impl Fn(&Case) -> Result<Value, String>) {
    let cases: Vec<Case> = serde_json::from_str(recorded).unwrap();
    assert!(cases.len() >= least, "only {} cases", cases.len());
    let mut listed: HashMap<&str, &str> = differences.iter().map(|(name, here, _)| (*name, *here)).collect();
    assert_eq!(listed.len(), differences.len(), "a difference is listed twice");
    let mut problems = Vec::new();
    for case in &cases {
        let result = run(case);
        let here = result.as_ref().map(Value::to_string).map_err(|_| ());
        let wanted = case.expected();
        match listed.remove(case.name.as_str()) {
            None if here == wanted => {}
            None => problems.push(format!(
                "{:?}\n  predecessor: {}\n  here:        {result:?}",
                case.name,
                case.fails.as_ref().map_or_else(|| case.gives.to_string(), |error| format!("error {error}")),
            )),
            Some(_) if here == wanted => problems.push(format!("{:?} is listed as different and is not", case.name)),
            Some(listed) => {
                let here = here.unwrap_or_else(|()| "error".to_owned());
                if here != listed {
                    problems
                        .push(format!("{:?} is {here} and not {listed}, as the list of differences says", case.name));
                }
            }
        }
    }
    problems.extend(listed.keys().map(|name| format!("{name:?} is listed and was not recorded")));
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), cases.len(), problems.join("\n"));
}

const YAML: &[Difference] = &[
    ("item ?x", "error", "a question mark within brackets begins a key; nobody means that, so it is refused"),
    ("flow with a lone dash", "error", "the parser refuses a bare dash within brackets"),
    ("a tuple as a key", "error", "only a stored document of Python could have one, and it could not be addressed"),
    ("tagged &a.b x", r#"{"v":"x"}"#, "anchors may have dots"),
    ("only an end", "null", "an end without a document is an empty text"),
    ("a line separator in a plain text", "{\"a\":\"x\u{2028}y\"}", "since YAML 1.2 this is no line end"),
    ("a next line character in a plain text", "{\"a\":\"x\u{85}y\"}", "since YAML 1.2 this is no line end"),
    ("flow with empty keys", r#"{"None":2}"#, "a missing key is null"),
    ("an empty key", r#"{"None":1}"#, "a missing key is null"),
    ("a tab behind the colon", r#"{"a":"b"}"#, "tabs may stand between tokens since YAML 1.2"),
    ("a tab behind the dash", r#"["b"]"#, "tabs may stand between tokens since YAML 1.2"),
    ("a tab inside of a plain text", "{\"a\":\"b\\tc\"}", "tabs may stand in texts since YAML 1.2"),
    ("a tab before a comment", r#"{"a":"b"}"#, "tabs may stand between tokens since YAML 1.2"),
    ("a tab at the end of a line", r#"{"a":"b"}"#, "tabs may stand between tokens since YAML 1.2"),
    ("a tab in flow", r#"{"a":1,"b":2}"#, "tabs may stand between tokens since YAML 1.2"),
    ("a tab on an empty line", r#"{"a":1,"b":2}"#, "tabs may stand between tokens since YAML 1.2"),
];

#[test]
fn yaml_is_what_the_predecessor_reads() {
    compare(include_str!("recorded/yaml.json"), 250, YAML, |case| {
        yaml::read(case.text("text")).map(|read| read.value).map_err(|error| error.to_string())
    });
}

const PATH: &[Difference] = &[
    ("state.`this`", "error", "names in backticks are not supported: nothing in a pipeline's files needs them"),
    (
        "state.targets.t1.`parent`",
        "error",
        "names in backticks are not supported: nothing in a pipeline's files needs them",
    ),
    (
        "state.targets.t1.id.`parent`.n",
        "error",
        "names in backticks are not supported: nothing in a pipeline's files needs them",
    ),
];

#[test]
fn paths_find_what_the_predecessor_finds() {
    let document: Value = serde_json::from_str(include_str!("recorded/path_document.json")).unwrap();
    compare(include_str!("recorded/path.json"), 120, PATH, |case| {
        let path = OldPath::parse(&case.name).map_err(|error| error.to_string())?;
        Ok(path.find(&document).into_iter().cloned().collect())
    });
}

const WRITE: &[Difference] = &[
    ("=1 in {}", "error", "a path must name something"),
    ("[]=1 in {}", "error", "a path must name something"),
    (r#"a{}=x in {"a": [{"k": 1}]}"#, r#"{"a":[{"k":1},"x"]}"#, "maps in a list are compared rather than refused"),
    (r#"a{}=x in {"a": [[1], [1]]}"#, r#"{"a":[[1],"x"]}"#, "lists in a list are compared rather than refused"),
    (r#"a.b=1 in {"a": null}"#, r#"{"a":{"b":"1"}}"#, "null gives way to a map, so the path is not lost"),
    (r#"a.b[]=1 in {"a": null}"#, r#"{"a":{"b":["1"]}}"#, "null gives way to a map, so the path is not lost"),
    (r#"a.b=1 in {"a": ""}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a.b=1 in {"a": 0}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a.b=1 in {"a": false}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a.b=1 in {"a": []}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a.b=1 in {"a": "text"}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a.b=1 in {"a": 5}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a.b=1 in {"a": [1]}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (
        r#"a.b.c.d=1 in {"a": {"b": "x"}}"#,
        "error",
        "what is in the way would be replaced and the rest of the path lost",
    ),
    (r#"a.b[]=1 in {"a": "text"}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a.b{}=1 in {"a": [1]}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a.b=[1] in {"a": "text"}"#, "error", "what is in the way would be replaced and the rest of the path lost"),
    (r#"a[0]=1 in {"a": [1]}"#, "error", "a single item cannot be written, and such a key could hardly be read again"),
    ("a[0].b=1 in {}", "error", "a single item cannot be written, and such a key could hardly be read again"),
    ("a['b']=1 in {}", "error", "a single item cannot be written, and such a key could hardly be read again"),
    ("a[].b=1 in {}", "error", "[] and {} mean something at the end of a path only"),
    (r#"a[].b=1 in {"a": []}"#, "error", "[] and {} mean something at the end of a path only"),
    ("a{}.b=1 in {}", "error", "[] and {} mean something at the end of a path only"),
    ("a[]b=1 in {}", "error", "[] and {} mean something at the end of a path only"),
    ("a[]{}=1 in {}", "error", "[] and {} mean something at the end of a path only"),
    ("a{}[]=x,x in {}", "error", "[] and {} mean something at the end of a path only"),
    ("a[][]=1 in {}", "error", "[] and {} mean something at the end of a path only"),
];

#[test]
fn writes_change_what_the_predecessor_changes() {
    compare(include_str!("recorded/write.json"), 60, WRITE, |case| {
        let mut document = case.given["document"].as_object().unwrap().clone();
        let written = match &case.given["value"] {
            Value::String(text) => write::write(&mut document, case.text("key"), text),
            other => write::write_value(&mut document, case.text("key"), other.clone()),
        };
        if written.is_err() {
            assert_eq!(Value::Object(document.clone()), case.given["document"], "{}", case.name);
        }
        written.map(|()| Value::Object(document)).map_err(|error| error.to_string())
    });
}

const MERGE: &[Difference] = &[];

#[test]
fn merges_give_what_the_predecessor_gives() {
    compare(include_str!("recorded/merge.json"), 40, MERGE, |case| {
        let layers: Vec<Map<String, Value>> = serde_json::from_value(case.given["layers"].clone()).unwrap();
        let layers = layers.iter().map(|layer| ("layer.yaml", layer));
        merge::merge(layers).map(Value::Object).map_err(|error| error.to_string())
    });
}
