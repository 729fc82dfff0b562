//! Base files and app file as blocks of configuration, and what the app's block must say so that all of them come to what
//! the old rules gave.

use serde_json::{Map, Value, json};

use super::{
    Conversion, Kind,
    handlers::Home,
    native::{self, Steps},
    report::Severity::{Changed, Hint, NotCarried},
    scan::raw,
};
use crate::files::{File, plain_text};

/// Name of a pipeline, event or generator that can be kept.
fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn map_of<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v Map<String, Value>> {
    map.get(key).and_then(Value::as_object)
}

/// One file as a block.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub(super) variables: Map<String, Value>,
    pub(super) partials: Map<String, Value>,
    /// Entries of `contexts`.
    pub(super) contexts: Map<String, Value>,
    pub(super) unset: Vec<String>,
}

impl Conversion<'_> {
    /// What one file says. `merged` is what all files come to.
    pub(super) fn block(&mut self, file: &File, merged: &Map<String, Value>, is_app: bool) -> Block {
        let mut block = Block::default();
        for (key, value) in &file.content {
            let place = format!("{}: {key}", file.name);
            match (key.as_str(), value) {
                ("jinja2-macros" | "variables" | "cicd-contexts", Value::Null) => {}
                ("bases", Value::Array(items)) => {
                    if !is_app && !items.is_empty() {
                        let text = "bases of bases were not followed, and are not";
                        self.report.add(Hint, &place, text, "list them in the app file if they are meant");
                    }
                }
                ("bases", _) => {
                    self.report.add(Hint, &place, "it is no list, was ignored, and is", "write a list of file names");
                }
                ("jinja2-macros", Value::Object(macros)) => {
                    for (key, text) in macros {
                        let place = format!("{place}.{key}");
                        if let Some(text) = self.text(&place, text, Kind::Macro) {
                            block.partials.insert(self.macros.partial(key).to_owned(), json!(text.trim()));
                        }
                    }
                }
                ("variables", Value::Object(variables)) => {
                    for (name, text) in variables {
                        let place = format!("{place}.{name}");
                        if let Some(text) = self.text(&place, text, Kind::Variable(name.clone())) {
                            block.variables.insert(name.clone(), json!(text));
                        }
                    }
                }
                ("cicd-contexts", Value::Object(contexts)) => {
                    for (name, value) in contexts {
                        let place = format!("{place}.{name}");
                        match (value, merged.get(key).and_then(|all| all.get(name)).and_then(Value::as_object)) {
                            (Value::Object(own), Some(merged)) => {
                                let entry = self.context(&place, own, merged);
                                block.contexts.insert(name.clone(), entry);
                            }
                            (Value::Null, _) => {}
                            _ => self.report.add(NotCarried, &place, "it is no map, which was an error", "write a map"),
                        }
                    }
                }
                ("jinja2-macros" | "variables" | "cicd-contexts", _) => {
                    self.report.add(
                        NotCarried,
                        &place,
                        "it is no map, which was an error; it is left out",
                        "write a map",
                    );
                }
                _ => self.unknown(&place),
            }
        }
        block
    }

    /// An entry of `cicd-contexts` as an entry of `contexts`.
    pub(super) fn context(&mut self, place: &str, own: &Map<String, Value>, merged: &Map<String, Value>) -> Value {
        let (mut settings, mut variables, mut pipelines) = (Map::new(), Map::new(), Map::new());
        for (key, value) in own {
            let place = format!("{place}.{key}");
            match (key.as_str(), value) {
                ("pipelines", Value::Object(all)) => {
                    let none = Map::new();
                    let merged = map_of(merged, "pipelines").unwrap_or(&none);
                    for (name, value) in all {
                        let place = format!("{place}.{name}");
                        let (Value::Object(own), Some(merged)) = (value, map_of(merged, name)) else {
                            if !value.is_null() {
                                self.unknown(&place);
                            }
                            continue;
                        };
                        if !self.check_name(&place, name) {
                            continue;
                        }
                        let pipeline = self.pipeline(&place, name, own, merged);
                        pipelines.insert(name.clone(), pipeline);
                    }
                }
                ("pipelines", Value::Null) => {}
                ("variables", Value::Object(own)) => {
                    for (name, value) in own {
                        let place = format!("{place}.{name}");
                        if self.variables.contains(name) {
                            let text =
                                "the variable of the same name that stands beside cicd-contexts replaced it, and does";
                            self.report.add(Hint, &place, text, "remove it");
                            continue;
                        }
                        let text = match value {
                            Value::String(text) => raw(text),
                            other => {
                                let text = "variables of a context kept their type; it is a text now";
                                self.report.add(
                                    Changed,
                                    &place,
                                    text,
                                    "move it to a key of the context beside variables",
                                );
                                raw(&plain_text(other))
                            }
                        };
                        variables.insert(name.clone(), json!(text));
                    }
                }
                ("state", _) => {
                    let text = "a run began with a fresh state, so it was dropped, and is";
                    self.report.add(Hint, &place, text, "set it in cicdctl init");
                }
                ("appPipelinesConfig" | "jinja2Macros", _) => {
                    self.report.add(Hint, &place, "it was overwritten at init, and is left out", "remove it");
                }
                ("configData", _) => {
                    let text = "templates saw the core config under this name, never this key; it is left out";
                    self.report.add(Hint, &place, text, "give it another name");
                }
                ("cicd", value) => {
                    let text = "the root name cicd is the operator's own now, so templates no longer see this key";
                    self.report.add(NotCarried, &place, text, "give it another name, in the templates too");
                    settings.insert(key.clone(), value.clone());
                }
                (_, value) => {
                    if key.contains(|found: char| !found.is_alphanumeric() && found != '_') {
                        let text = "templates cannot read this key at the root, for the characters in its name";
                        self.report.add(
                            Hint,
                            &place,
                            text,
                            format!("read it as cicd.settings['{key}'], or give it another name"),
                        );
                    }
                    self.check_settings(&place, value);
                    settings.insert(key.clone(), value.clone());
                }
            }
        }
        if let Some(values) = self.old_paths.then(|| Self::pipeline_values(own)).filter(|values| !values.is_empty()) {
            settings.insert("pipelines".to_owned(), Value::Object(values));
        }
        let mut entry = Map::new();
        for (key, map) in [("settings", settings), ("variables", variables), ("pipelines", pipelines)] {
            if !map.is_empty() {
                entry.insert(key.to_owned(), Value::Object(map));
            }
        }
        Value::Object(entry)
    }

    /// What pipelines hold beside handlers and generators, where templates read it at its old path.
    fn pipeline_values(own: &Map<String, Value>) -> Map<String, Value> {
        let mut values = Map::new();
        for (name, pipeline) in map_of(own, "pipelines").into_iter().flatten() {
            let mut rest = pipeline.as_object().cloned().unwrap_or_default();
            rest.retain(|key, _| key != "event-handlers" && key != "generators");
            if !rest.is_empty() {
                values.insert(name.clone(), Value::Object(rest));
            }
        }
        values
    }

    fn check_name(&mut self, place: &str, name: &str) -> bool {
        let is_name = is_name(name);
        if !is_name {
            let text =
                "names of pipelines, events and generators have 1 to 63 letters, digits, - and _; it is left out";
            self.report.add(NotCarried, place, text, "give it another name, in the steps that use it too");
        }
        is_name
    }

    fn pipeline(&mut self, place: &str, name: &str, own: &Map<String, Value>, merged: &Map<String, Value>) -> Value {
        let (mut settings, mut events, mut generators) = (Map::new(), Map::new(), Map::new());
        for (key, value) in own {
            let place = format!("{place}.{key}");
            match (key.as_str(), value) {
                ("event-handlers" | "generators", Value::Null) => {}
                ("event-handlers" | "generators", Value::Object(all)) => {
                    let none = Map::new();
                    let merged = map_of(merged, key).unwrap_or(&none);
                    for (item, value) in all {
                        let place = format!("{place}.{item}");
                        let (Value::Object(own), Some(merged)) = (value, map_of(merged, item)) else {
                            if !value.is_null() {
                                self.unknown(&place);
                            }
                            continue;
                        };
                        if !self.check_name(&place, item) {
                            continue;
                        }
                        let event = format!("{name}/{key}/{item}");
                        let home = Home { place: &place, event: &event };
                        if key == "generators" {
                            let items = self.generator(home, own);
                            generators.insert(item.clone(), Value::Array(items));
                        } else {
                            let handlers = self.event(home, own, merged);
                            if !handlers.is_empty() {
                                events.insert(item.clone(), Value::Array(handlers));
                            }
                        }
                    }
                }
                ("event-handlers" | "generators", _) => {
                    self.report.add(
                        NotCarried,
                        &place,
                        "it is no map, which was an error; it is left out",
                        "write a map by names",
                    );
                }
                _ => {
                    self.check_settings(&place, value);
                    settings.insert(key.clone(), value.clone());
                }
            }
        }
        let mut pipeline = Map::new();
        for (key, map) in [("settings", settings), ("eventHandlers", events), ("generators", generators)] {
            if !map.is_empty() {
                pipeline.insert(key.to_owned(), Value::Object(map));
            }
        }
        Value::Object(pipeline)
    }

    /// Makes the last block say what is missing so that, for each context, all blocks come to what the merged file is.
    pub(super) fn align(&mut self, blocks: &mut [Block], merged: &Map<String, Value>, app: &str) {
        let Some((last, bases)) = blocks.split_last_mut() else { return };
        for (name, target) in map_of(merged, "cicd-contexts").into_iter().flatten() {
            let Some(target) = target.as_object() else { continue };
            // What it comes to is known; what there is to say was said of each file.
            let mut silent = self.silent();
            let target = silent.context("", target, target);
            let mut inherited = Value::Object(Map::new());
            for block in bases.iter_mut() {
                let Some(own) = block.contexts.get(name) else { continue };
                let mut clashes = Vec::new();
                native::merge(&mut inherited, own, &mut Vec::new(), &mut clashes);
                block.unset.extend(clashes.iter().map(|steps| unset(name, steps)));
            }
            let mut own = last.contexts.get(name).cloned().unwrap_or_else(|| Value::Object(Map::new()));
            let (before, mut steps) = (own.clone(), Vec::new());
            native::correct(&inherited, &mut own, &target, &mut Vec::new(), &mut steps);
            if own != before || !steps.is_empty() {
                let text = "the old rules of merging come to something else than the new ones, so this block says more than the file";
                let place = format!("{app}: cicd-contexts.{name}");
                self.report.add(Hint, &place, text, "compare the manifest with the file where handlers are inherited");
            }
            last.unset.extend(steps.iter().map(|steps| unset(name, steps)));
            if own.as_object().is_some_and(|own| !own.is_empty()) || last.contexts.contains_key(name) {
                last.contexts.insert(name.clone(), own);
            }
        }
    }
}

fn unset(context: &str, steps: &Steps) -> String {
    let mut all = vec!["contexts".to_owned(), context.to_owned()];
    all.extend(steps.iter().cloned());
    native::path(&all)
}
