//! `get`: values of the state, as they stand there. Nothing is rendered.

use cicdcontext_engine::state::Path;
use serde_json::{Map, Value};

use crate::{
    arguments::{GetArguments, Object, UsageError, ValueFormat},
    console::Console,
    failure::Failure,
    output::value::{self, Named},
    setting::Setting,
    source::Contexts,
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    context: String,
    paths: Vec<Path>,
    default: Option<String>,
    format: ValueFormat,
}

impl Request {
    /// Understands the arguments; `object` holds the paths.
    pub fn read(arguments: &GetArguments, object: Object) -> Result<Self, UsageError> {
        let paths = object.rest.iter().map(|path| Path::parse(path)).collect::<Result<_, _>>()?;
        Ok(Self { context: object.name, paths, default: arguments.default.clone(), format: arguments.output })
    }

    /// The text to print for this state, or which values are missing.
    fn answer(&self, state: Option<Map<String, Value>>) -> Result<String, Failure> {
        let state = Value::Object(state.unwrap_or_default());
        let default = self.default.as_deref().map(Value::from);
        if self.paths.is_empty() {
            return value::one(self.format, &state);
        }
        let mut found = Vec::with_capacity(self.paths.len());
        let mut missing = Vec::new();
        for path in &self.paths {
            match path.get(&state).or(default.as_ref()) {
                Some(value) => found.push(Named { name: path.to_string(), value }),
                None => missing.push(path.to_string()),
            }
        }
        if !missing.is_empty() {
            return Err(Failure::ValueMissing { paths: missing.join(", "), context: self.context.clone() });
        }
        value::several(self.format, &found)
    }
}

/// Carries out the command.
pub async fn command(arguments: &GetArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("get", arguments.object.iter().chain(&arguments.paths))?;
    let request = Request::read(arguments, object)?;
    run(&setting.place().await?, &request, console).await
}

/// Reads the context once and prints.
pub async fn run<C: Contexts>(contexts: &C, request: &Request, console: &mut Console) -> Result<(), Failure> {
    let context = contexts.context(&request.context).await?;
    console.data(&request.answer(context.state)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    fn request(paths: &[&str], default: Option<&str>, format: ValueFormat) -> Request {
        let paths = paths.iter().map(|path| Path::parse(path).unwrap()).collect();
        Request { context: "shop".to_owned(), paths, default: default.map(str::to_owned), format }
    }

    fn text(paths: &[&str], default: Option<&str>) -> Result<String, Failure> {
        let state = json!({"app": "shop", "n": 5, "null": null, "list": ["a", {"b": 1}], "empty": "", "t": "{{x}}"});
        request(paths, default, ValueFormat::Text).answer(state.as_object().cloned())
    }

    #[test]
    fn texts_are_printed_as_they_are_and_the_rest_as_compact_json() {
        assert_eq!(text(&["state.app", "state.n", "state.list"], None).unwrap(), "shop\n5\n[\"a\",{\"b\":1}]\n");
        assert_eq!(text(&["state.list[1].b"], None).unwrap(), "1\n");
        assert_eq!(text(&["state.t"], None).unwrap(), "{{x}}\n");
    }

    #[test]
    fn null_and_empty_text_are_values() {
        assert_eq!(text(&["state.null", "state.empty"], Some("default")).unwrap(), "null\n\n");
    }

    #[test]
    fn a_missing_value_is_exit_3_and_prints_nothing() {
        let failure = text(&["state.app", "state.x.y", "state.list[7]"], None).unwrap_err();
        assert_eq!(failure.exit(), Exit::ValueMissing);
        assert_eq!(
            failure.to_string(),
            "get state.x.y, state.list[7] of CicdContext shop: not in the state; write it first, or say --default TEXT"
        );
    }

    #[test]
    fn a_default_stands_for_each_missing_value() {
        assert_eq!(text(&["state.x", "state.app", "state.y"], Some("none")).unwrap(), "none\nshop\nnone\n");
    }

    #[test]
    fn a_context_without_state_has_an_empty_one() {
        assert_eq!(request(&[], None, ValueFormat::Text).answer(None).unwrap(), "{}\n");
        assert!(request(&["state.a"], None, ValueFormat::Text).answer(None).is_err());
    }
}
