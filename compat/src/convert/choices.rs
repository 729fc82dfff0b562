//! manual-choice: choices and what generates them, maps of the predecessor as lists of what has a name.

use serde_json::{Map, Value, json};

use super::{
    Conversion, Kind, foreach,
    report::Severity::{Hint, NotCarried},
};

impl Conversion<'_> {
    pub(super) fn manual_choice(&mut self, place: &str, own: &Map<String, Value>) -> Value {
        let mut manual = Map::new();
        manual.insert("endpoint".to_owned(), json!({"name": self.endpoints.choice}));
        let (mut fields, kind) = (Vec::new(), Kind::Handler("manual-choice"));
        let mut rest = Map::new();
        for (key, value) in own {
            let place = format!("{place}.{key}");
            match key.as_str() {
                "if" | "capture-response-data" => {}
                "title" => {
                    let title = self.text(&place, value, kind.clone());
                    manual.extend(title.map(|title| ("title".to_owned(), json!(title))));
                }
                "choices" => {
                    let choices = self.named_maps(&place, value, Self::choice);
                    rest.insert("choices".to_owned(), Value::Array(choices));
                }
                "choice-generators" => {
                    let generators = self.named_maps(&place, value, Self::choice_generator);
                    rest.insert("choiceGenerators".to_owned(), Value::Array(generators));
                }
                _ => fields.extend(self.raw_field(&place, key, value)),
            }
        }
        for key in ["choices", "choiceGenerators"] {
            manual.extend(rest.shift_remove(key).map(|list| (key.to_owned(), list)));
        }
        self.finish(place, own, manual, fields)
    }

    fn named_maps(
        &mut self,
        place: &str,
        value: &Value,
        mut convert: impl FnMut(&mut Self, &str, &str, &Map<String, Value>) -> Value,
    ) -> Vec<Value> {
        let Value::Object(map) = value else {
            if !value.is_null() {
                self.report.add(
                    NotCarried,
                    place,
                    "it is no map, which was an error; it is left out",
                    "write a map by names",
                );
            }
            return Vec::new();
        };
        let mut items = Vec::new();
        for (name, value) in map {
            let place = format!("{place}.{name}");
            match value {
                Value::Object(map) => items.push(convert(self, &place, name, map)),
                _ => self.report.add(
                    NotCarried,
                    &place,
                    "it is no map, which was an error; it is left out",
                    "write its keys",
                ),
            }
        }
        items
    }

    fn choice(&mut self, place: &str, name: &str, own: &Map<String, Value>) -> Value {
        let mut choice = Map::new();
        choice.insert("name".to_owned(), json!(name));
        let kind = Kind::Handler("manual-choice");
        for (key, value) in own {
            let place = format!("{place}.{key}");
            match (key.as_str(), value) {
                ("header", value) => {
                    let header = self.text(&place, value, kind.clone());
                    choice.extend(header.map(|header| ("header".to_owned(), json!(header))));
                }
                ("options", Value::Array(options)) => {
                    let options = options.iter().enumerate();
                    let options = options
                        .filter_map(|(index, option)| self.option(&format!("{place}[{index}]"), option))
                        .collect();
                    choice.insert("options".to_owned(), Value::Array(options));
                }
                _ => {
                    let text = "choices have a header and options; what else bodies read of them is left out";
                    self.report.add(NotCarried, &place, text, "move it into a field of the handler, or of its options");
                }
            }
        }
        Value::Object(choice)
    }

    fn option(&mut self, place: &str, option: &Value) -> Option<Value> {
        let Value::Object(own) = option else {
            self.report.add(NotCarried, place, "it is no map of text and value; it is left out", "write {text, value}");
            return None;
        };
        let mut out = Map::new();
        let mut fields = Vec::new();
        for key in ["text", "value"] {
            let place = format!("{place}.{key}");
            let text = if let Some(value) = own.get(key) {
                self.text(&place, value, Kind::Handler("manual-choice"))
            } else {
                let problem = "an option has a text and a value; it is blank";
                self.report.add(NotCarried, &place, problem, format!("write {key}"));
                None
            };
            out.insert(key.to_owned(), json!(text.unwrap_or_default()));
        }
        for (key, value) in own {
            match (key.as_str(), value) {
                ("text" | "value", _) => {}
                ("style", Value::String(style)) => {
                    out.insert("style".to_owned(), json!(style));
                }
                _ => fields.extend(self.raw_field(&format!("{place}.{key}"), key, value)),
            }
        }
        let order: Vec<&String> = own.keys().filter(|key| ["text", "value", "style"].contains(&key.as_str())).collect();
        if !order
            .iter()
            .map(|key| key.as_str())
            .eq(["text", "value", "style"].into_iter().filter(|key| own.contains_key(*key)))
        {
            let text = "a body that prints an option as a whole prints text, value and style first, in this order";
            self.report.add(Hint, place, text, "nothing, unless the receiver minds the order of JSON's keys");
        }
        if !fields.is_empty() {
            out.insert("fields".to_owned(), Value::Array(fields));
        }
        Some(Value::Object(out))
    }

    fn choice_generator(&mut self, place: &str, name: &str, own: &Map<String, Value>) -> Value {
        let mut generator = Map::new();
        generator.insert("name".to_owned(), json!(name));
        let mut iterator = "item".to_owned();
        for (key, value) in own {
            let place = format!("{place}.{key}");
            match (key.as_str(), value) {
                ("foreach", Value::String(text)) => match foreach::json_path(text, &self.settings_roots) {
                    Ok(path) => {
                        generator.insert("foreach".to_owned(), json!(path));
                    }
                    Err(problem) => {
                        let advice = "write foreach as an RFC 9535 JSONPath, as $.state.targets";
                        self.report.add(NotCarried, &place, problem, advice);
                    }
                },
                ("iterator", Value::String(text)) => {
                    if let Some(problem) = foreach::iterator_problem(text, &self.settings_roots) {
                        self.report.add(NotCarried, &place, problem, "choose another name, in the template too");
                    }
                    text.clone_into(&mut iterator);
                    generator.insert("iterator".to_owned(), json!(text));
                }
                ("template", value) => {
                    if let Some(text) = self.text(&place, value, Kind::Choice) {
                        self.check_choices(&place, &text);
                        generator.insert("template".to_owned(), json!(text));
                    }
                }
                ("foreach" | "iterator", _) => {
                    self.report.add(
                        NotCarried,
                        &place,
                        "it is no text, which was an error; it is left out",
                        "write a text",
                    );
                }
                _ => self.unknown(&place),
            }
        }
        self.iterators.push(iterator);
        Value::Object(generator)
    }
}
