//! `get`: values of the state, as they stand there. Nothing is rendered.

use std::path::PathBuf;

use cicdcontext_engine::{configuration::json_path, state::Path};
use serde_json::{Map, Value};

use crate::{
    arguments::{GetArguments, Object, UsageError, ValueFormat},
    console::Console,
    failure::Failure,
    output::{
        file::Target,
        result,
        value::{self, Named},
    },
    setting::Setting,
    source::Contexts,
};

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    /// What stands at a path.
    Path(Path),
    /// What a JSONPath finds below `$.state`; one that can be read.
    Query(String),
}

impl Wanted {
    /// What begins with `$` is a JSONPath.
    fn read(text: &str) -> Result<Self, UsageError> {
        if !text.starts_with('$') {
            return Ok(Self::Path(Path::parse(text)?));
        }
        json_path::parse(text).map_err(|problem| UsageError::JsonPath { problem: problem.to_string() })?;
        Ok(Self::Query(text.to_owned()))
    }

    fn name(&self) -> String {
        match self {
            Self::Path(path) => path.to_string(),
            Self::Query(text) => text.clone(),
        }
    }

    /// What it finds in `{"state": ...}`.
    fn find(&self, root: &Value) -> Result<Option<Value>, json_path::JsonPathError> {
        match self {
            Self::Path(path) => Ok(root.get(path.root()).and_then(|state| path.get(state)).cloned()),
            Self::Query(text) => json_path::find(text, root),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    context: String,
    wanted: Vec<Wanted>,
    default: Option<String>,
    format: ValueFormat,
    to: Option<PathBuf>,
}

impl Request {
    /// Understands the arguments; `object` holds the paths.
    pub fn read(arguments: &GetArguments, object: Object) -> Result<Self, UsageError> {
        if arguments.to.is_some() && object.rest.len() != 1 {
            return Err(UsageError::NotOneValue);
        }
        let wanted = object.rest.iter().map(|text| Wanted::read(text)).collect::<Result<_, _>>()?;
        let GetArguments { default, output, to, .. } = arguments.clone();
        Ok(Self { context: object.name, wanted, default, format: output, to })
    }

    /// The text to print for this state, or which values are missing.
    fn answer(&self, state: Option<Map<String, Value>>) -> Result<String, Failure> {
        let state = Value::Object(state.unwrap_or_default());
        if self.wanted.is_empty() {
            return value::one(self.format, &state);
        }
        let root = Value::Object(Map::from_iter([("state".to_owned(), state)]));
        let default = self.default.as_deref().map(Value::from);
        let mut found = Vec::with_capacity(self.wanted.len());
        let mut missing = Vec::new();
        for wanted in &self.wanted {
            let failed = |problem| Failure::Query { context: self.context.clone(), problem };
            match wanted.find(&root).map_err(failed)?.or_else(|| default.clone()) {
                Some(value) => found.push((wanted.name(), value)),
                None => missing.push(wanted.name()),
            }
        }
        if !missing.is_empty() {
            return Err(Failure::ValueMissing { paths: missing.join(", "), context: self.context.clone() });
        }
        let found: Vec<_> = found.iter().map(|(name, value)| Named { name: name.clone(), value }).collect();
        value::several(self.format, &found)
    }
}

/// Carries out the command.
pub async fn command(arguments: &GetArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("get", arguments.object.iter().chain(&arguments.paths))?;
    let request = Request::read(arguments, object)?;
    run(&setting.place().await?, &request, console).await
}

/// Reads the context once and prints, or writes the value into a file.
pub async fn run<C: Contexts>(contexts: &C, request: &Request, console: &mut Console) -> Result<(), Failure> {
    let context = contexts.context(&request.context).await?;
    let answer = request.answer(context.state)?;
    match &request.to {
        Some(file) => match Target::from(file.clone()) {
            Target::StandardOutput => console.data(without_break(&answer)),
            Target::File(file) => Ok(result::write(&file, without_break(&answer))?),
        },
        None => console.data(&answer),
    }
}

fn without_break(answer: &str) -> &str {
    answer.strip_suffix('\n').unwrap_or(answer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    fn request(paths: &[&str], default: Option<&str>, format: ValueFormat) -> Request {
        let (object, default) = (None, default.map(str::to_owned));
        let arguments = GetArguments { object, paths: Vec::new(), default, output: format, to: None };
        let rest = paths.iter().map(ToString::to_string).collect();
        Request::read(&arguments, Object { name: "shop".to_owned(), rest }).unwrap()
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

    #[test]
    fn a_json_path_finds_one_value_or_a_list_of_several_or_none() {
        let state = json!({"runs": [{"id": 1, "ok": true}, {"id": 2, "ok": false}, {"id": 3, "ok": true}]});
        let query = |text: &str| request(&[text], None, ValueFormat::Text).answer(state.as_object().cloned());
        assert_eq!(query("$.state.runs[?@.ok == true].id").unwrap(), "[1,3]\n");
        assert_eq!(query("$.state.runs[?@.id == 2].ok").unwrap(), "false\n");
        assert_eq!(query("$.state.runs[1]").unwrap(), "{\"id\":2,\"ok\":false}\n");
        let missing = query("$.state.runs[?@.id > 3]").unwrap_err();
        assert_eq!(missing.exit(), Exit::ValueMissing);
        assert!(missing.to_string().starts_with("get $.state.runs[?@.id > 3] of CicdContext shop: not in the state"));
        let both = request(&["state.runs[0].id", "$..ok"], None, ValueFormat::Json);
        let both: Value = serde_json::from_str(&both.answer(state.as_object().cloned()).unwrap()).unwrap();
        assert_eq!(both, json!({"state.runs[0].id": 1, "$..ok": [true, false, true]}));
    }

    #[test]
    fn a_json_path_that_is_none_or_too_much_is_refused() {
        let arguments =
            GetArguments { object: None, paths: Vec::new(), default: None, output: ValueFormat::Text, to: None };
        let object = |text: &str| Object { name: "shop".to_owned(), rest: vec![text.to_owned()] };
        let error = Request::read(&arguments, object("$.state[")).unwrap_err().to_string();
        assert!(error.starts_with("read JSONPath \"$.state[\": "), "{error}");
        let wide = Request::read(&arguments, object("$..[?@ == $.state.one]")).unwrap();
        let state = json!({"one": 1, "list": vec![vec![1; 1000]; 3000]});
        let failure = wide.answer(state.as_object().cloned()).unwrap_err();
        assert_eq!(failure.exit(), Exit::Failed);
        assert!(failure.to_string().starts_with("get from CicdContext shop: query JSONPath "), "{failure}");
    }

    #[tokio::test]
    async fn one_value_goes_into_a_file_without_a_line_break_and_nothing_is_printed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("result");
        let fake = crate::source::fake::Fake::new(json!({"text": "a\n", "list": ["x", 1]}));
        for (path, expected) in [("state.text", "a\n"), ("state.list", "[\"x\",1]"), ("$.state.list[1]", "1")] {
            let request = Request { to: Some(file.clone()), ..request(&[path], None, ValueFormat::Text) };
            run(&fake, &request, &mut Console::new(Unwritable, Unwritable)).await.unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        }
        let to = GetArguments {
            object: None,
            paths: Vec::new(),
            default: None,
            output: ValueFormat::Text,
            to: Some(file.clone()),
        };
        for paths in [vec![], vec!["state.text".to_owned(), "state.list".to_owned()]] {
            let error = Request::read(&to, Object { name: "shop".to_owned(), rest: paths }).unwrap_err();
            assert_eq!(error.to_string(), "get: --to FILE writes one value into the file; name one path");
        }
    }

    /// Where nothing may be written.
    struct Unwritable;

    impl std::io::Write for Unwritable {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::Unsupported.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
