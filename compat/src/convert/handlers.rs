//! Event handlers and generators: the predecessor's maps as lists of named handlers.

use serde_json::{Map, Value, json};

use super::{
    Conversion, Kind,
    changes::Entries,
    condition::condition,
    report::Severity::{Changed, Hint, NotCarried},
    scan::{always_prints, has_tags, raw},
};
use crate::files::plain_text;

/// Types of handlers: the old name, the marker of an unnamed block, and the new name.
pub(super) const TYPES: [(&str, &str, &str); 5] = [
    ("notify", "message", "notify"),
    ("respond", "message", "respond"),
    ("manual-choice", "title", "manualChoice"),
    ("trigger-pipeline", "name", "triggerPipeline"),
    ("set-values", "set", "setValues"),
];

/// Where a handler stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home<'a> {
    /// `ferry.yaml: cicd-contexts.pilot.pipelines.ship.event-handlers.shipped`
    pub(super) place: &'a str,
    /// What tells this event from others.
    pub(super) event: &'a str,
}

impl Conversion<'_> {
    /// The handlers that one file says of an event. `merged` is what all files say of it.
    pub(super) fn event(
        &mut self,
        home: Home<'_>,
        event: &Map<String, Value>,
        merged: &Map<String, Value>,
    ) -> Vec<Value> {
        let mut handlers = Vec::new();
        for (key, value) in event {
            let place = format!("{}.{key}", home.place);
            let Some((old, marker, new)) = TYPES.into_iter().find(|(old, ..)| old == key) else {
                match key.as_str() {
                    "enabled" | "if" => {
                        let text = format!("{key} of an event was ignored, and is left out");
                        self.report.add(Changed, &place, text, format!("write {key} into each handler that is meant"));
                    }
                    _ => self.unknown(&place),
                }
                continue;
            };
            let Value::Object(map) = value else {
                if !value.is_null() {
                    self.report.add(NotCarried, &place, "it is no map, which was an error", "write the handler's keys");
                }
                continue;
            };
            self.kinds.insert(old);
            let merged = merged.get(key).and_then(Value::as_object).unwrap_or(map);
            let enabled = self.enabled(&place, map);
            if merged.contains_key(marker) {
                let mut own = map.clone();
                own.shift_remove("enabled");
                let name = self.name(home.event, old, None);
                handlers.push(self.handler(&place, &name, (old, new), &own, enabled));
                continue;
            }
            self.named(home, &place, (old, new), map, merged, enabled, &mut handlers);
        }
        handlers
    }

    #[allow(clippy::too_many_arguments)]
    fn named(
        &mut self,
        home: Home<'_>,
        place: &str,
        types: (&'static str, &'static str),
        map: &Map<String, Value>,
        merged: &Map<String, Value>,
        enabled: Option<bool>,
        handlers: &mut Vec<Value>,
    ) {
        if enabled == Some(true) {
            let text = "enabled: true beside named blocks was an error; it switches them on now";
            self.report.add(Changed, place, text, "nothing, or leave it out");
        }
        if enabled == Some(false) {
            let inherited = merged.iter().filter(|(block, value)| value.is_object() && !map.contains_key(*block));
            for (block, _) in inherited {
                let name = self.name(home.event, types.0, Some(block));
                handlers.push(json!({"name": name, "enabled": false}));
            }
        }
        for (block, value) in map.iter().filter(|(block, _)| *block != "enabled") {
            let place = format!("{place}.{block}");
            let Value::Object(content) = value else {
                let text = match (types.0, block.as_str()) {
                    ("trigger-pipeline", "if") => {
                        "if beside named blocks guarded nothing and sent one more request; it is left out"
                    }
                    (_, "if") => "if beside named blocks was an error; it is left out",
                    _ => {
                        "it is no block of its own, and without its marker key the handler has no unnamed one; this was an error; it is left out"
                    }
                };
                self.report.add(NotCarried, &place, text, "write it into each block that is meant");
                continue;
            };
            if types.0 == "trigger-pipeline" && !content.contains_key("name") && block == "args" {
                let text = "args without name was read as a block, and posted the auto-args alone; it is left out";
                self.report.add(NotCarried, &place, text, "write the name of the pipeline to start");
                continue;
            }
            let mut own = content.clone();
            if own.shift_remove("enabled").is_some() {
                let text = "enabled of a named block was ignored, and is left out";
                self.report.add(Changed, &place, text, "write enabled: false into the handler if it was meant");
            }
            let name = self.name(home.event, types.0, Some(block));
            let handler = self.handler(&place, &name, types, &own, enabled);
            handlers.push(handler);
        }
    }

    fn enabled(&mut self, place: &str, map: &Map<String, Value>) -> Option<bool> {
        let found = map.get("enabled")?;
        if !found.is_boolean() {
            let text = "enabled is no boolean: the handler was switched on, and is";
            let advice = "write enabled: false without quotes if it was meant";
            self.report.add(Changed, &format!("{place}.enabled"), text, advice);
        }
        found.as_bool()
    }

    fn handler(
        &mut self,
        place: &str,
        name: &str,
        (old, new): (&'static str, &'static str),
        own: &Map<String, Value>,
        enabled: Option<bool>,
    ) -> Value {
        let mut handler = Map::new();
        handler.insert("name".to_owned(), json!(name));
        if let Some(enabled) = enabled {
            handler.insert("enabled".to_owned(), json!(enabled));
        }
        self.condition(place, own, old == "set-values", Kind::Handler(old), &mut handler);
        if own.keys().any(|key| key != "if") {
            let content = match old {
                "notify" => Some(self.notify(place, own)),
                "respond" => Some(self.respond(place, own)),
                "manual-choice" => Some(self.manual_choice(place, own)),
                "trigger-pipeline" => Some(self.trigger(place, own)),
                _ => self.set_values(place, own),
            };
            handler.extend(content.map(|content| (new.to_owned(), content)));
        }
        Value::Object(handler)
    }

    fn condition(
        &mut self,
        place: &str,
        own: &Map<String, Value>,
        strips: bool,
        kind: Kind,
        out: &mut Map<String, Value>,
    ) {
        let place = format!("{place}.if");
        let condition = condition(own.get("if"), strips);
        if let Some(text) = condition.remark {
            let severity = if condition.is_lost { NotCarried } else { Changed };
            let advice = "print a text or nothing: {{ '1' if ... }}, or check that skipping is what you mean";
            self.report.add(severity, &place, text, advice);
        }
        if let Some(template) = condition.template {
            self.uses(&place, &template, kind);
            out.insert("if".to_owned(), json!(template));
        }
    }

    /// A template of a handler.
    pub(super) fn text(&mut self, place: &str, value: &Value, kind: Kind) -> Option<String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Object(_) => {
                self.report.add(
                    NotCarried,
                    place,
                    "it is no template, which was an error; it is left out",
                    "write a text",
                );
                return None;
            }
            other => {
                let text = "it is no text, which was an error; it is that value's text now";
                self.report.add(Changed, place, text, "nothing, or write the text in quotes");
                plain_text(other)
            }
        };
        self.uses(place, &text, kind);
        Some(text)
    }

    /// A text that was never rendered, as a template that prints it.
    pub(super) fn raw_field(&mut self, place: &str, key: &str, value: &Value) -> Option<Value> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Object(_) => {
                let text = "bodies read it as a list or map; fields are texts, so it is left out";
                self.report.add(
                    NotCarried,
                    place,
                    text,
                    "move it to the settings of the context, and let the body read it there",
                );
                return None;
            }
            other => {
                let text = "bodies read it as a value that is no text; it is that value's text now";
                self.report.add(Changed, place, text, "check what the body does with it");
                plain_text(other)
            }
        };
        Some(json!({"name": key, "value": raw(&text)}))
    }

    fn notify(&mut self, place: &str, own: &Map<String, Value>) -> Value {
        let mut notify = Map::new();
        notify.insert("endpoint".to_owned(), json!({"name": self.endpoints.notify}));
        let (mut fields, kind) = (Vec::new(), Kind::Handler("notify"));
        for (key, value) in own {
            let place = format!("{place}.{key}");
            match key.as_str() {
                "if" | "capture-response-data" => {}
                "message" => {
                    let message = self.text(&place, value, kind.clone());
                    if message.as_deref().is_some_and(|message| !always_prints(message)) {
                        self.report.add(
                            Hint,
                            &place,
                            "it may be blank, and is sent all the same, as ever",
                            "write an if where that is not meant",
                        );
                    }
                    notify.extend(message.map(|message| ("message".to_owned(), json!(message))));
                }
                _ => fields.extend(self.raw_field(&place, key, value)),
            }
        }
        self.finish(place, own, notify, fields)
    }

    pub(super) fn finish(
        &mut self,
        place: &str,
        own: &Map<String, Value>,
        mut out: Map<String, Value>,
        fields: Vec<Value>,
    ) -> Value {
        if !fields.is_empty() {
            out.insert("fields".to_owned(), Value::Array(fields));
        }
        let key = "capture-response-data";
        if let Some(capture) = self.changes(&format!("{place}.{key}"), own.get(key), Entries::Capture) {
            out.insert("capture".to_owned(), Value::Array(capture));
        }
        Value::Object(out)
    }

    fn respond(&mut self, place: &str, own: &Map<String, Value>) -> Value {
        let mut respond = Map::new();
        respond.insert("endpoint".to_owned(), json!({"name": self.endpoints.respond}));
        let (mut fields, kind) = (Vec::new(), Kind::Handler("respond"));
        for (key, value) in own {
            let place = format!("{place}.{key}");
            match key.as_str() {
                "if" => {}
                "capture-response-data" => {
                    let text = "respond captured nothing, and this was an error; it is left out";
                    self.report.add(NotCarried, &place, text, "write capture into the handler if it is meant");
                }
                "url" => {
                    if let Some(url) = self.text(&place, value, kind.clone()) {
                        self.check_reply(&place, &url);
                        respond.insert("url".to_owned(), json!(url.trim()));
                    }
                }
                "message" => {
                    let message = self.text(&place, value, kind.clone());
                    // It was stripped before bodies read it.
                    let message = message.map(|message| self.trimmed(message.trim()));
                    respond.extend(message.map(|message| ("message".to_owned(), json!(message))));
                }
                _ => {
                    let text = self.text(&place, value, kind.clone());
                    fields.extend(text.map(|text| json!({"name": key, "value": text})));
                }
            }
        }
        if !fields.is_empty() {
            respond.insert("fields".to_owned(), Value::Array(fields));
        }
        Value::Object(respond)
    }

    /// Answers go to hosts that the endpoint lists.
    fn check_reply(&mut self, place: &str, url: &str) {
        let literal = url.trim().split(['{']).next().unwrap_or_default();
        let parsed = literal.split_once("://").and_then(|(scheme, rest)| {
            let end = rest.find(['/', '?', '#']).or((!has_tags(url)).then_some(rest.len()))?;
            Some((scheme, rest.get(..end)?.rsplit('@').next()?))
        });
        let allowed = self.allowed_hosts.join(", ");
        match parsed {
            None => {
                let text = format!(
                    "its host is known only when it is rendered; answers go to the endpoint's allowedHosts alone ({allowed}), without the token elsewhere than at its own url"
                );
                self.report.add(Changed, place, text, "add the hosts that answers go to to allowedHosts");
            }
            Some((scheme, authority)) => {
                let host = authority.split(':').next().unwrap_or_default();
                if !self.allowed_hosts.iter().any(|allowed| allowed == host) {
                    let text =
                        format!("it answers to {host}, which is none of the endpoint's allowedHosts ({allowed})");
                    self.report.add(
                        NotCarried,
                        place,
                        text,
                        format!("add {host} to allowedHosts if answers may go there"),
                    );
                }
                if scheme == "http" && !self.allows_http {
                    let text = "it answers over plain http, and the endpoint does not allow that";
                    self.report.add(NotCarried, place, text, "write https, or allowHttp: true into the endpoint");
                }
            }
        }
    }

    fn trigger(&mut self, place: &str, own: &Map<String, Value>) -> Value {
        let mut trigger = Map::new();
        trigger.insert("endpoint".to_owned(), json!({"name": "trigger"}));
        for (key, value) in own {
            let place = format!("{place}.{key}");
            match (key.as_str(), value) {
                ("if", _) | ("args", Value::Null) => {}
                ("name", Value::Object(_) | Value::Array(_)) => {
                    self.report.add(NotCarried, &place, "it is no text; it is left out", "write the pipeline's name");
                }
                ("name", value) => {
                    trigger.insert("name".to_owned(), json!(plain_text(value)));
                }
                ("args", Value::Object(args)) => {
                    let arg = |(name, value): (&String, &Value)| {
                        let text = plain_text(value);
                        self.uses(&format!("{place}.{name}"), &text, Kind::Handler("trigger-pipeline"));
                        json!({"name": name, "value": text})
                    };
                    let args = args.iter().map(arg).collect();
                    trigger.insert("args".to_owned(), Value::Array(args));
                }
                ("args", _) => self.report.add(
                    NotCarried,
                    &place,
                    "it is no map, which was an error; it is left out",
                    "write a map of names to templates",
                ),
                ("capture-response-data", _) => {
                    let text = "trigger-pipeline captured nothing; it is left out";
                    self.report.add(Hint, &place, text, "write capture into the handler if it is meant");
                }
                _ => self.unknown(&place),
            }
        }
        Value::Object(trigger)
    }

    fn set_values(&mut self, place: &str, own: &Map<String, Value>) -> Option<Value> {
        for key in own.keys().filter(|key| !["if", "set"].contains(&key.as_str())) {
            self.unknown(&format!("{place}.{key}"));
        }
        let changes = self.changes(&format!("{place}.set"), own.get("set"), Entries::Set)?;
        if changes.is_empty() {
            self.report.add(
                Hint,
                place,
                "nothing is left to set, so the handler has no setValues",
                "remove the handler",
            );
            return None;
        }
        Some(Value::Array(changes))
    }

    /// The items of a generator.
    pub(super) fn generator(&mut self, home: Home<'_>, items: &Map<String, Value>) -> Vec<Value> {
        let mut out = Vec::new();
        for (item, value) in items {
            let place = format!("{}.{item}", home.place);
            let Value::Object(own) = value else {
                self.report.add(NotCarried, &place, "it is no map of if and set; it is left out", "write its keys");
                continue;
            };
            let mut generator = Map::new();
            generator.insert("name".to_owned(), json!(self.name(home.event, "", Some(item))));
            for key in own.keys().filter(|key| !["if", "set"].contains(&key.as_str())) {
                if key == "enabled" {
                    let text = "enabled of a generator's item was ignored, and is left out";
                    self.report.add(
                        Changed,
                        &format!("{place}.enabled"),
                        text,
                        "write enabled: false into the item if it was meant",
                    );
                } else {
                    self.unknown(&format!("{place}.{key}"));
                }
            }
            self.condition(&place, own, true, Kind::Generator, &mut generator);
            if let Some(changes) = self.changes(&format!("{place}.set"), own.get("set"), Entries::Generator) {
                generator.insert("set".to_owned(), Value::Array(changes));
            }
            out.push(Value::Object(generator));
        }
        out
    }
}
