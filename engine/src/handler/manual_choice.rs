//! manualChoice: the endpoint's manualChoice body, which reads title and choices as `handler.title` and
//! `handler.choices`.

use serde_json::{Map, Value, json};

use super::{
    body,
    endpoint::{self, Endpoints},
    error::HandlerError,
    request::Request,
    scope::{Scope, fields},
};
use crate::configuration::model::{Choice, ChoiceGenerator, ManualChoice};

/// Most choices of one handler, generated ones included.
const MAX_CHOICES: usize = 256;
/// Most items that one choice generator goes through.
const MAX_ITEMS: usize = 256;

pub(super) fn prepare(
    manual: &ManualChoice,
    scope: &mut Scope<'_>,
    endpoints: &dyn Endpoints,
    webhook_id: &str,
) -> Result<Box<Request>, HandlerError> {
    let endpoint = endpoint::find(endpoints, &manual.endpoint)?;
    let title = scope.text(&manual.title)?;
    let fields = fields(scope, &manual.fields)?;
    let mut choices = Vec::new();
    for choice in &manual.choices {
        choices.push(rendered(scope, choice)?);
    }
    for generator in &manual.choice_generators {
        choices.extend(generated(scope, generator)?);
    }
    if choices.len() > MAX_CHOICES {
        return Err(HandlerError::Choices {
            place: manual.title.name.clone(),
            problem: format!("there are {} choices, at most {MAX_CHOICES} are allowed", choices.len()),
        });
    }
    scope.add_to_handler([("title", json!(title)), ("fields", json!(fields)), ("choices", Value::Array(choices))]);
    scope.insert("endpoint", json!({"name": manual.endpoint.name}));
    let template = endpoint.bodies.manual_choice.as_ref();
    body::request(scope, &manual.endpoint, &endpoint, template, "manualChoice", webhook_id).map(Box::new)
}

fn rendered(scope: &Scope<'_>, choice: &Choice) -> Result<Value, HandlerError> {
    let header = choice.header.as_ref().map(|header| scope.text(header)).transpose()?;
    let mut options = Vec::with_capacity(choice.options.len());
    for option in &choice.options {
        options.push(json!({
            "text": scope.text(&option.text)?,
            "value": scope.text(&option.value)?,
            "style": option.style,
            "fields": fields(scope, &option.fields)?,
        }));
    }
    Ok(json!({"name": choice.name, "header": header, "options": options}))
}

/// The choices that a generator makes: its template is rendered for each item, and its text is YAML, a map of choices
/// by name or a list of choices. What comes out is not rendered again.
fn generated(scope: &mut Scope<'_>, generator: &ChoiceGenerator) -> Result<Vec<Value>, HandlerError> {
    let wrong = |problem: String| HandlerError::Choices { place: generator.template.name.clone(), problem };
    let place = format!("{}.foreach", generator.template.name.trim_end_matches(".template"));
    let found = scope.query(&place, &generator.foreach).map_err(|error| match error {
        HandlerError::JsonPath { source, .. } => HandlerError::Choices { place, problem: source.to_string() },
        other => other,
    })?;
    let items: Vec<Value> = match found {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(Value::Object(map)) => map.into_iter().map(|(_, item)| item).collect(),
        Some(_) => return Err(wrong(format!("foreach {} is neither a list nor a map", generator.foreach))),
    };
    if items.len() > MAX_ITEMS {
        let problem =
            format!("foreach {} has {} items, at most {MAX_ITEMS} are allowed", generator.foreach, items.len());
        return Err(wrong(problem));
    }
    let mut choices = Vec::new();
    for item in items {
        let text = scope.text_with(&generator.iterator, item, &generator.template)?;
        if text.trim().is_empty() {
            continue;
        }
        let parsed: Value = serde_saphyr::from_str(&text).map_err(|error| wrong(first_line(&error.to_string())))?;
        match parsed {
            Value::Null => {}
            Value::Object(map) => {
                for (name, choice) in map {
                    choices.push(normal(Some(name), choice).map_err(wrong)?);
                }
            }
            Value::Array(list) => {
                for choice in list {
                    choices.push(normal(None, choice).map_err(wrong)?);
                }
            }
            _ => return Err(wrong("its text is neither a map of choices nor a list of them".to_owned())),
        }
    }
    Ok(choices)
}

/// A generated choice in the form of a configured one.
fn normal(name: Option<String>, choice: Value) -> Result<Value, String> {
    let Value::Object(mut choice) = choice else {
        return Err("a choice is not a map of name, header and options".to_owned());
    };
    let name = name.map(Value::String).or_else(|| choice.remove("name")).filter(Value::is_string);
    let Some(name) = name else { return Err("a choice has no name".to_owned()) };
    let header = choice.remove("header").map_or(Value::Null, |header| Value::String(text(&header)));
    let mut options = Vec::new();
    match choice.remove("options") {
        None | Some(Value::Null) => {}
        Some(Value::Array(list)) => {
            for option in list {
                options.push(normal_option(option)?);
            }
        }
        Some(_) => return Err(format!("options of choice {name} is not a list")),
    }
    Ok(json!({"name": name, "header": header, "options": options}))
}

fn normal_option(option: Value) -> Result<Value, String> {
    let Value::Object(mut option) = option else { return Err("an option is not a map of text and value".to_owned()) };
    let mut take = |key: &str| option.remove(key).filter(|value| !value.is_null());
    let label = take("text").map(|value| text(&value)).ok_or("an option has no text")?;
    let value = take("value").map(|value| text(&value)).ok_or("an option has no value")?;
    let style = take("style").map(|value| text(&value));
    let fields = take("fields").unwrap_or_else(|| Value::Object(Map::new()));
    Ok(json!({"text": label, "value": value, "style": style, "fields": fields}))
}

/// A scalar as text, anything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn first_line(text: &str) -> String {
    format!("its text is not YAML: {}", text.lines().next().unwrap_or_default())
}
