//! `manual-choice`: choices, written and generated, in the body of the core config, to `slack.url`.

use serde_json::{Map, Value};

use super::{Failure, Prepared, Surroundings, blocks, blocks::Block, capture, request};
use crate::{
    files::kind,
    get::get,
    notice::Notice,
    path::OldPath,
    template::{Scope, has_tags},
    yaml,
};

const NAME: &str = "manualChoice";
const CHOICES: &str = "choices";

/// Renders the request: title, generated choices, texts of all choices, body.
pub(super) fn prepare(
    block: &Block,
    surroundings: &Surroundings<'_>,
    notices: &mut Vec<Notice>,
) -> Result<Prepared, Failure> {
    let mut scope = match surroundings.open(block, NAME, notices)? {
        Ok(scope) => scope,
        Err(reason) => return Ok(Prepared::Skip(reason)),
    };
    let mut own = block.configuration.clone();
    let title = scope.text(&format!("{}.title", block.place), block.template("title")?)?;
    own.insert("title".to_owned(), Value::String(title));
    scope.insert(NAME, Value::Object(own.clone()));
    let Some(Value::Object(written)) = own.get(CHOICES) else {
        let found = kind(own.get(CHOICES));
        return Err(Failure::plain(format!(
            "`{CHOICES}` is {found}; write a map of choices, {{}} if all are generated"
        )));
    };
    let mut choices: Vec<Choice> = written
        .iter()
        .map(|(key, value)| Choice { key: key.clone(), value: value.clone(), generated: false })
        .collect();
    let generators = match own.get("choice-generators") {
        None => None,
        Some(Value::Object(generators)) => Some(generators.clone()),
        Some(other) => {
            let found = kind(Some(other));
            return Err(Failure::plain(format!("`choice-generators` is {found}; write a map of generators")));
        }
    };
    for (name, generator) in generators.into_iter().flatten() {
        let place = format!("{}.choice-generators.{name}", block.place);
        generate(&mut choices, &mut own, &place, &generator, &mut scope, surroundings)?;
    }
    render(&mut choices, &mut own, &block.place, &mut scope, notices)?;
    let body = scope.text("templates.manual-choice", surroundings.core.body("manual-choice")?)?;
    request::check_body(&body, "templates.manual-choice")?;
    let url = surroundings.core.slack_url()?;
    request::check_url(url, "slack.url")?;
    surroundings.secrets.slack_token()?;
    Ok(Prepared::Send {
        url: url.to_owned(),
        headers: Vec::new(),
        body,
        captures: capture::planned(block, surroundings.core)?,
    })
}

struct Choice {
    key: String,
    value: Value,
    generated: bool,
}

/// Shows templates the choices as they are by now.
fn show(choices: &[Choice], own: &mut Map<String, Value>, scope: &mut Scope) {
    let map = choices.iter().map(|choice| (choice.key.clone(), choice.value.clone())).collect();
    own.insert(CHOICES.to_owned(), Value::Object(map));
    scope.insert(NAME, Value::Object(own.clone()));
}

/// Adds the choices of a generator: one for each value of a map in the document as it is in this event.
fn generate(
    choices: &mut Vec<Choice>,
    own: &mut Map<String, Value>,
    place: &str,
    generator: &Value,
    scope: &mut Scope,
    surroundings: &Surroundings<'_>,
) -> Result<(), Failure> {
    let Value::Object(generator) = generator else {
        let found = kind(Some(generator));
        return Err(Failure::plain(format!("{place} is {found}; write a map of foreach, iterator and template")));
    };
    let key =
        |key: &str| blocks::template(generator, key).map_err(|problem| Failure::plain(format!("{place}: {problem}")));
    let path = scope.text(&format!("{place}.foreach"), key("foreach")?)?;
    let items = items(&path, place, surroundings)?;
    let iterator = iterator(key("iterator")?, place, scope, surroundings)?;
    let template = key("template")?;
    for item in items {
        scope.insert(&iterator, item);
        let place = format!("{place}.template");
        let text = scope.text(&place, template)?;
        let read = yaml::read(&text).map_err(|error| Failure::plain(format!("{place} gives no YAML: {error}")))?;
        let found = kind(Some(&read.value));
        let first = if let Value::Object(generated) = read.value { generated.into_iter().next() } else { None };
        let Some((key, value)) = first else {
            let problem = format!("{place} gives {found}; write a choice: `key: {{header: ..., options: [...]}}`");
            return Err(Failure::plain(problem));
        };
        match choices.iter_mut().find(|choice| choice.key == key) {
            Some(choice) => *choice = Choice { key, value, generated: true },
            None => choices.push(Choice { key, value, generated: true }),
        }
        show(choices, own, scope);
    }
    Ok(())
}

/// The values of the map that `foreach` names.
fn items(path: &str, place: &str, surroundings: &Surroundings<'_>) -> Result<Vec<Value>, Failure> {
    let wrong = |problem: String| Failure::plain(format!("{place}.foreach: {problem}"));
    let read = OldPath::parse(path).map_err(|error| wrong(error.to_string()))?;
    let root = Value::Object(surroundings.document.0.clone());
    match read.find(&root).as_slice() {
        [Value::Object(items)] => Ok(items.values().cloned().collect()),
        [other] => Err(wrong(format!("{path} is {}; it must be a map", kind(Some(other))))),
        [] => Err(wrong(format!("{path} is missing; it must be a map"))),
        several => Err(wrong(format!("{path} finds {} values; it must be one map", several.len()))),
    }
}

/// The name that each item gets: what the document has at this path, if it is a path there, else the text as written.
fn iterator(written: &str, place: &str, scope: &Scope, surroundings: &Surroundings<'_>) -> Result<String, Failure> {
    let place = format!("{place}.iterator");
    let path = scope.text(&place, written)?;
    let settings = surroundings.settings.without_variables();
    let found = get(surroundings.document, &path, &settings);
    let found = found.map_err(|error| Failure::plain(format!("{place}: {error}")))?;
    Ok(if found.text.is_empty() { written.to_owned() } else { found.text })
}

/// Renders header, value and text of all choices that are written, each seeing those before it as rendered. Those of
/// generated ones are data by now.
fn render(
    choices: &mut [Choice],
    own: &mut Map<String, Value>,
    place: &str,
    scope: &mut Scope,
    notices: &mut Vec<Notice>,
) -> Result<(), Failure> {
    for index in 0..choices.len() {
        let place = format!("{place}.{CHOICES}.{}", choices[index].key);
        let mut is_tag_kept = false;
        for text in choices[index].texts(&place)? {
            let choice = &mut choices[index];
            let written = choice.template(&text, &place)?;
            let rendered = if choice.generated {
                is_tag_kept |= has_tags(&written);
                scope.data(&written)
            } else {
                scope.text(&text.place(&place), &written)?
            };
            if rendered != written {
                if let Some(fields) = choice.fields(&text) {
                    fields.insert(text.key.to_owned(), Value::String(rendered));
                }
                show(choices, own, scope);
            }
        }
        if is_tag_kept {
            let text = "what was generated holds {{, {% or {#, which stays as it is; before, it was rendered again";
            notices.push(Notice { place, text: text.to_owned(), anchor: "choices-rendered-once" });
        }
    }
    Ok(())
}

/// One text of a choice: its own, or that of one of its options.
struct Text {
    option: Option<usize>,
    key: &'static str,
}

impl Text {
    fn place(&self, choice: &str) -> String {
        match self.option {
            Some(option) => format!("{choice}.options[{option}].{}", self.key),
            None => format!("{choice}.{}", self.key),
        }
    }
}

impl Choice {
    /// The texts to render, in their order.
    fn texts(&self, place: &str) -> Result<Vec<Text>, Failure> {
        let options = match self.value.get("options") {
            Some(Value::Array(options)) => options.len(),
            other => {
                let found = kind(other);
                return Err(Failure::plain(format!("{place}.options is {found}; write a list of {{text, value}}")));
            }
        };
        let of_option = |option| ["value", "text"].map(|key| Text { option: Some(option), key });
        Ok([Text { option: None, key: "header" }].into_iter().chain((0..options).flat_map(of_option)).collect())
    }

    fn fields(&mut self, text: &Text) -> Option<&mut Map<String, Value>> {
        match text.option {
            Some(option) => self.value.get_mut("options")?.get_mut(option)?.as_object_mut(),
            None => self.value.as_object_mut(),
        }
    }

    fn template(&mut self, text: &Text, place: &str) -> Result<String, Failure> {
        let found = self.fields(text).and_then(|fields| fields.get(text.key));
        match found {
            Some(Value::String(template)) => Ok(template.clone()),
            other => {
                let (place, found) = (text.place(place), kind(other));
                Err(Failure::plain(format!("{place} is {found}; write a text, in quotes")))
            }
        }
    }
}
