//! The names that Jinja templates find at the root: the predecessor's, made of the one root that all templates share.
//!
//! `state`, `variables` and the keys of the settings stand at the root, and so do what an event's vars made, the body of
//! a response, and the handler under the predecessor's name for its type. All that both engines know is below `cicd`.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map as Fields, Value as Json};

use super::super::error::Fault;
use super::super::item::Item;
use super::arguments::Arguments;
use super::global;
use super::machine::Machine;
use super::tree::{Step, StepKind};
use super::value::{Dictionary, Map, Object, Value};

/// Names of the shared root that mean something else here, or nothing: they are seen below `cicd`.
const SHARED: &[&str] =
    &["context", "pipeline", "event", "endpoint", "handler", "settings", "status", "headers", "variables", "state"];

/// The predecessor's name for each type of handler.
const OWN_NAMES: &[(&str, &str)] = &[
    ("notify", "notify"),
    ("respond", "respond"),
    ("manualChoice", "manualChoice"),
    ("triggerPipeline", "triggerPipeline"),
    ("generate", "generator"),
    ("generator", "generator"),
];

impl<'a> Machine<'a, '_> {
    /// What the root or the globals have under `name`.
    ///
    /// The handler wins over a response's body, that over what vars made, and that over `state`, `variables` and the
    /// settings, as it was in the predecessor. If the data holds all names there is nothing else.
    pub(super) fn resolve(&mut self, name: &str) -> Option<Value<'a>> {
        let root = self.rendering.root;
        if self.rendering.takes_names_from_data() {
            return root.get(name).map(Value::from_json).or_else(|| global::find(name));
        }
        if let Some(handler) = root.get("handler").and_then(Json::as_object)
            && own_name(handler) == Some(name)
        {
            // What cannot be paid for is told by whatever is paid for next.
            self.burn(weigh(handler)).ok()?;
            return own_value(handler).ok();
        }
        if !SHARED.contains(&name)
            && let Some(value) = root.get(name)
        {
            return Some(Value::from_json(value));
        }
        match name {
            "state" => return root.get("state").map(Value::from_json),
            "variables" => return Some(Value::object(Variables)),
            "cicd" => return Some(Value::from_json(root)),
            "jinja2Macros" => {
                self.afford(self.prefix.bytes()).ok()?;
                return self.prefix.texts().ok();
            }
            _ => {}
        }
        let setting = root.get("settings").and_then(|settings| settings.get(name));
        setting.map(Value::from_json).or_else(|| global::find(name))
    }
}

/// About how many values are made of a handler.
fn weigh(handler: &Fields<String, Json>) -> usize {
    let count = |name: &str| handler.get(name).and_then(Json::as_array).map_or(0, Vec::len);
    let options = handler.get("choices").and_then(Json::as_array).into_iter().flatten();
    let options: usize = options.filter_map(|choice| choice.get("options")?.as_array()).map(Vec::len).sum();
    handler.len() + count("args") + count("choices") * 4 + options * 8
}

fn own_name(handler: &Fields<String, Json>) -> Option<&'static str> {
    let kind = handler.get("type").and_then(Json::as_str)?;
    OWN_NAMES.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name)
}

/// The handler as the predecessor's templates know it: its fields among its own values, lists of what has a name as maps.
fn own_value(handler: &Fields<String, Json>) -> Result<Value<'_>, Fault> {
    let mut own = flattened(handler)?;
    // There `name` was the pipeline's; here a handler has one of its own.
    if let Some(pipeline) = handler.get("pipeline") {
        let key = Value::borrowed("name");
        own.set(key.key()?, key, Value::from_json(pipeline));
    }
    for name in ["choices", "args"] {
        if let Some(Json::Array(items)) = handler.get(name) {
            let named = items.iter().filter_map(Json::as_object).map(|item| named(name, item));
            let named = Value::map(named.collect::<Result<Vec<_>, _>>()?)?;
            let key = Value::borrowed(name);
            own.set(key.key()?, key, named);
        }
    }
    Ok(Value::Map(Map::Own(Rc::new(RefCell::new(own)))))
}

/// What stands first in what a template prints as a whole.
const FIRST: &[&str] = &["text", "value", "style"];

/// Own values and those of `fields`, which win.
fn flattened(values: &Fields<String, Json>) -> Result<Dictionary<'_>, Fault> {
    let mut flat = Dictionary::new();
    let fields = values.get("fields").and_then(Json::as_object).into_iter().flatten();
    let own = values.iter().filter(|(name, _)| *name != "fields" && !FIRST.contains(&name.as_str()));
    let first = FIRST.iter().filter_map(|name| values.get_key_value(*name));
    for (name, value) in first.chain(own).chain(fields) {
        let key = Value::borrowed(name);
        flat.set(key.key()?, key, Value::from_json(value));
    }
    Ok(flat)
}

/// A choice or an argument under its name.
fn named<'a>(list: &str, item: &'a Fields<String, Json>) -> Result<(Value<'a>, Value<'a>), Fault> {
    let name = Value::from_json(item.get("name").unwrap_or(&Json::Null));
    if list == "args" {
        return Ok((name, Value::from_json(item.get("value").unwrap_or(&Json::Null))));
    }
    let mut choice = Dictionary::new();
    for (field, value) in item.iter().filter(|(field, _)| *field != "name") {
        let key = Value::borrowed(field);
        let value = match value {
            Json::Array(options) if field == "options" => {
                let options = options.iter().map(|option| match option.as_object() {
                    Some(option) => Ok(Value::Map(Map::Own(Rc::new(RefCell::new(flattened(option)?))))),
                    None => Ok(Value::from_json(option)),
                });
                Value::list(options.collect::<Result<Vec<_>, Fault>>()?)
            }
            other => Value::from_json(other),
        };
        choice.set(key.key()?, key, value);
    }
    Ok((name, Value::Map(Map::Own(Rc::new(RefCell::new(choice))))))
}

/// `variables` until it is known which of them is read: each is rendered at its use.
struct Variables;

impl<'a> Object<'a> for Variables {
    fn type_name(&self) -> &'static str {
        "variables"
    }

    fn text(&self, machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let all = machine.all_variables()?;
        machine.to_text(&all)
    }
}

impl<'a> Machine<'a, '_> {
    /// The value; all variables as one map where it stands for them.
    pub(super) fn whole(&mut self, value: Value<'a>) -> Result<Value<'a>, Fault> {
        match &value {
            Value::Object(object) if object.type_name() == "variables" => self.all_variables(),
            _ => Ok(value),
        }
    }

    fn all_variables(&mut self) -> Result<Value<'a>, Fault> {
        let all = self.rendering.all_variables()?;
        self.item_value(&all)
    }

    fn variable_called(&mut self, name: &str) -> Result<Value<'a>, Fault> {
        let item = self.rendering.variable(name)?;
        match item {
            Item::Missing => Ok(Value::undefined(&format!("variables.{name}"))),
            item => self.item_value(&item),
        }
    }

    fn item_value(&mut self, item: &Item<'a>) -> Result<Value<'a>, Fault> {
        match item {
            Item::Data(value) => Ok(Value::from_json(value)),
            Item::Missing => Ok(Value::undefined("variables")),
            Item::Made(value) => self.copied(value),
        }
    }

    /// A value of the template's own, of JSON that the rendering made.
    fn copied(&mut self, value: &Json) -> Result<Value<'a>, Fault> {
        match value {
            Json::String(text) => {
                self.afford(text.len())?;
                Ok(Value::text(text.as_str()))
            }
            Json::Object(fields) => {
                self.burn(fields.len())?;
                let mut entries = Vec::with_capacity(fields.len());
                for (name, value) in fields {
                    entries.push((Value::text(name.as_str()), self.copied(value)?));
                }
                Value::map(entries)
            }
            // Variables are texts.
            other => Ok(Value::text(other.to_string())),
        }
    }

    /// Takes the steps of a chain that choose one variable, if `value` stands for all of them; how many it took.
    pub(super) fn of_variables(&mut self, value: Value<'a>, steps: &'a [Step]) -> Result<(Value<'a>, usize), Fault> {
        match &value {
            Value::Object(object) if object.type_name() == "variables" => {}
            _ => return Ok((value, 0)),
        }
        let Some(first) = steps.first() else {
            return Ok((self.all_variables()?, 0));
        };
        self.at = first.at;
        match (&first.kind, steps.get(1).map(|step| &step.kind)) {
            (StepKind::Attribute(name), Some(StepKind::Call(arguments))) if &**name == "get" => {
                let arguments: Arguments<'a> = self.arguments(arguments)?;
                let [name, default] = arguments.bind("get", ["key", "default"], 1)?;
                let found = match &name {
                    Some(Value::Text(name)) => self.variable_called(name)?,
                    _ => Value::None,
                };
                let missing = matches!(found, Value::Undefined(_) | Value::None);
                Ok((if missing { default.unwrap_or(Value::None) } else { found }, 2))
            }
            (StepKind::Attribute(name), _) if !is_map_method(name) => Ok((self.variable_called(name)?, 1)),
            (StepKind::Item(key), _) => {
                let key = self.expression(key)?;
                self.at = first.at;
                if let Value::Text(name) = &key
                    && !is_map_method(name)
                {
                    return Ok((self.variable_called(name)?, 1));
                }
                let all = self.all_variables()?;
                Ok((self.item(&all, &key)?, 1))
            }
            _ => Ok((self.all_variables()?, 0)),
        }
    }
}

fn is_map_method(name: &str) -> bool {
    matches!(
        name,
        "clear"
            | "copy"
            | "fromkeys"
            | "get"
            | "items"
            | "keys"
            | "pop"
            | "popitem"
            | "setdefault"
            | "update"
            | "values"
    )
}
