//! A file with expectations as it is written: what is given, what happens, what is expected.
//!
//! ```yaml
//! tests:
//!   - name: a build is told and deployed
//!     context: shop-stage
//!     state: {app: {version: "1.4.0"}}
//!     event: {pipeline: build, event: success, data: {run: runs/17}}
//!     responses:
//!       deploy: {status: 201, body: {run: {id: 7}}}
//!     expect:
//!       phase: Succeeded
//!       handlers:
//!         deploy: {phase: Succeeded, request: {path: /api/pipelines/deploy/runs}}
//!       state: {subset: {deploy: {run: 7}}}
//! ```

use std::collections::BTreeMap;

use cicdcontext_crds::{EventPhase, HandlerPhase, ValueChange};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::source::files::yaml_options;

/// A file with several tests.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    /// The tests.
    tests: Vec<Test>,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Test {
    /// What it shows.
    pub(super) name: String,
    /// The name of a CicdContext of the manifests, or the spec of one.
    pub(super) context: Value,
    /// Merged over the context's state; null removes a key.
    #[serde(default)]
    pub(super) state: Option<Map<String, Value>>,
    /// Whether `state` takes the place of the context's state.
    #[serde(default)]
    pub(super) replace_state: bool,
    /// What happens.
    pub(super) event: Event,
    /// When it happens; `now` and `event.time` of templates. Default: 2026-01-01T00:00:00Z.
    #[serde(default)]
    pub(super) time: Option<Timestamp>,
    /// What receivers answer, by the handler that asks. Default: 200 with `{}`, of which nothing has to be captured.
    #[serde(default)]
    pub(super) responses: BTreeMap<String, Response>,
    /// What is to come of it.
    pub(super) expect: Expect,
}

/// What happens: an event, or a generator to run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Event {
    /// The pipeline.
    pub(super) pipeline: String,
    /// The event.
    #[serde(default, rename = "event")]
    pub(super) name: Option<String>,
    /// The generator.
    #[serde(default)]
    pub(super) generate: Option<String>,
    /// What templates see as event.data.
    #[serde(default)]
    pub(super) data: Option<Value>,
    /// Values that templates see at a path.
    #[serde(default)]
    pub(super) vars: Option<Value>,
    /// Values of the state that templates see at another path.
    #[serde(default)]
    pub(super) vars_from: Option<BTreeMap<String, String>>,
    /// Changes before the first handler.
    #[serde(default)]
    pub(super) set: Option<Vec<ValueChange>>,
}

/// What a receiver answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Response {
    /// Its status code.
    #[serde(default = "ok")]
    pub(super) status: u16,
    /// Its headers.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Its body: a text as it is, anything else as JSON.
    #[serde(default)]
    pub(super) body: Option<Value>,
}

/// What is to come of it. What is not said is not compared.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expect {
    /// How the event ends.
    #[serde(default)]
    pub(super) phase: Option<EventPhase>,
    /// Why, in a word.
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// What each handler does.
    #[serde(default)]
    pub(super) handlers: BTreeMap<String, ExpectedHandler>,
    /// All requests, in their order: no more and no fewer.
    #[serde(default)]
    pub(super) requests: Option<Vec<ExpectedRequest>>,
    /// The state afterwards.
    #[serde(default)]
    pub(super) state: Option<ExpectedState>,
}

/// What a handler does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExpectedHandler {
    /// How it ends.
    #[serde(default)]
    pub(super) phase: Option<HandlerPhase>,
    /// Why, in a word.
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// What its request is like.
    #[serde(default)]
    pub(super) request: Option<ExpectedRequest>,
}

/// What a request is like.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExpectedRequest {
    /// The handler that sends it.
    #[serde(default)]
    pub(super) handler: Option<String>,
    /// Its method.
    #[serde(default)]
    pub(super) method: Option<String>,
    /// Its whole URL.
    #[serde(default)]
    pub(super) url: Option<String>,
    /// The path of its URL.
    #[serde(default)]
    pub(super) path: Option<String>,
    /// Some of its headers, in any case; null: there is none of this name. What comes from a Secret is `***`.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Option<String>>,
    /// Its body: a text as it is, anything else compared as JSON.
    #[serde(default)]
    pub(super) body: Option<Value>,
    /// A part of its body as JSON: of maps some keys, of lists all items.
    #[serde(default)]
    pub(super) body_subset: Option<Value>,
}

/// What the state is like.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExpectedState {
    /// Of maps some keys, of lists all items.
    #[serde(default)]
    pub(super) subset: Option<Value>,
    /// All of it.
    #[serde(default)]
    pub(super) exact: Option<Value>,
    /// Paths at which there is nothing.
    #[serde(default)]
    pub(super) missing: Vec<String>,
}

fn ok() -> u16 {
    200
}

/// Reads the tests of a file; or what is wrong with it, and where.
pub(super) fn read(text: &str) -> Result<Vec<Test>, String> {
    let File { tests } =
        serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| error.to_string())?;
    for (index, test) in tests.iter().enumerate() {
        check(test).map_err(|problem| format!("tests[{index}] {:?}: {problem}", test.name))?;
    }
    Ok(tests)
}

/// What the types cannot say.
fn check(test: &Test) -> Result<(), String> {
    if test.event.name.is_some() == test.event.generate.is_some() {
        return Err("event: write exactly one of event.event and event.generate".to_owned());
    }
    if !matches!(test.context, Value::String(_) | Value::Object(_)) {
        return Err("context: write the name of a CicdContext of the manifests, or the spec of one".to_owned());
    }
    if test.expect == Expect::default() {
        return Err("expect: it is empty, so that this test cannot fail; write what is expected".to_owned());
    }
    if test.expect.state == Some(ExpectedState::default()) {
        return Err("expect.state: it is empty, and expects nothing; write subset, exact or missing".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(test: &str) -> String {
        read(&format!("tests:\n  - {{name: a, context: shop, {test}}}\n")).unwrap_err()
    }

    #[test]
    fn an_unknown_field_is_an_error_that_names_its_place() {
        let text = problem("event: {pipeline: b, event: e}, expect: {phase: Succeeded, handler: {}}");
        assert!(text.contains("handler") && text.contains("line 2"), "{text}");
        let text = problem("event: {pipeline: b, event: e, date: {}}, expect: {phase: Succeeded}");
        assert!(text.contains("date"), "{text}");
        assert!(read("test: []").unwrap_err().contains("test"));
    }

    #[test]
    fn a_test_that_cannot_fail_or_has_no_event_is_refused() {
        assert_eq!(
            problem("event: {pipeline: b, event: e}, expect: {}"),
            "tests[0] \"a\": expect: it is empty, so that this test cannot fail; write what is expected"
        );
        assert_eq!(
            problem("event: {pipeline: b}, expect: {phase: Failed}"),
            "tests[0] \"a\": event: write exactly one of event.event and event.generate"
        );
    }
}
