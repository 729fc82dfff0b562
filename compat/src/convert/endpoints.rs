//! Core config and secrets as CicdEndpoints and Secrets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    Conversion, Kind,
    changes::Entries,
    report::Severity::{Changed, Hint, NotCarried},
    scan::{Part, names, parts},
};
use crate::files::plain_text;

/// Which endpoint each type of handler sends to.
#[derive(Clone, Debug, Default)]
pub(super) struct EndpointNames {
    pub(super) notify: &'static str,
    pub(super) choice: &'static str,
    pub(super) respond: &'static str,
}

/// Values of Secrets by name and key.
pub(super) type SecretValues = BTreeMap<String, BTreeMap<String, String>>;

impl EndpointNames {
    /// One endpoint, or several where the captures of all answers differ.
    pub(super) fn new(notify: Option<&Value>, choice: Option<&Value>) -> Self {
        let is_none = |captures: Option<&Value>| captures.and_then(Value::as_array).is_none_or(Vec::is_empty);
        let same = notify == choice || (is_none(notify) && is_none(choice));
        let choice = if same { "slack" } else { "slack-choices" };
        let respond = if is_none(notify) { "slack" } else { "slack-replies" };
        Self { notify: "slack", choice, respond }
    }
}

impl Conversion<'_> {
    /// All endpoints that the handlers need, as name and spec.
    pub(super) fn endpoints_of(&mut self, secrets: &mut SecretValues) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        let mut wanted: Vec<(&str, Vec<&'static str>)> = Vec::new();
        for (name, kind) in [
            (self.endpoints.notify, "notify"),
            (self.endpoints.choice, "manual-choice"),
            (self.endpoints.respond, "respond"),
        ] {
            if !self.kinds.contains(kind) && self.core.0.at(&["templates", kind]).is_none() {
                continue;
            }
            match wanted.iter_mut().find(|(found, _)| *found == name) {
                Some((_, kinds)) => kinds.push(kind),
                None => wanted.push((name, vec![kind])),
            }
        }
        for (name, kinds) in wanted {
            all.extend(self.slack(name, &kinds, secrets).map(|spec| (name.to_owned(), spec)));
        }
        if self.kinds.contains("trigger-pipeline") || self.core.0.at(&["trigger"]).is_some() {
            all.extend(self.trigger_endpoint(secrets).map(|spec| ("trigger".to_owned(), spec)));
        }
        all
    }

    fn config_place(&self, path: &str) -> String {
        format!("{}: {path}", self.core.0.name)
    }

    /// A key that the handlers cannot do without.
    fn required(&mut self, found: Result<String, crate::files::FileError>) -> Option<String> {
        match found {
            Ok(text) => Some(text),
            Err(error) => {
                let text = format!("{error}; handlers that need it failed, and do");
                self.report.add(NotCarried, "files", text, "write it, and convert again");
                None
            }
        }
    }

    fn slack(&mut self, name: &str, kinds: &[&'static str], secrets: &mut SecretValues) -> Option<Value> {
        let url = self.required(self.core.slack_url().map(str::to_owned))?;
        let mut spec = Map::new();
        spec.insert("templateEngine".to_owned(), json!("Jinja"));
        spec.insert("url".to_owned(), json!(url));
        if self.allows_http {
            spec.insert("allowHttp".to_owned(), json!(true));
        }
        if kinds.contains(&"respond") {
            spec.insert("allowedHosts".to_owned(), json!(self.allowed_hosts));
        }
        if let Some(token) = self.required(self.secrets.slack_token().map(str::to_owned)) {
            secrets.entry("cicd-slack".to_owned()).or_default().insert("token".to_owned(), token);
            spec.insert("auth".to_owned(), json!({"bearer": {"secretKeyRef": {"name": "cicd-slack", "key": "token"}}}));
        }
        let headers = json!([
            {"name": "Content-Type", "value": "application/json; charset=UTF-8"},
            {"name": "Cache-Control", "value": "no-cache"},
        ]);
        spec.insert("headers".to_owned(), headers);
        let mut bodies = Map::new();
        for kind in kinds {
            let place = self.config_place(&format!("templates.{kind}"));
            match self.core.body(kind).map(str::to_owned) {
                Ok(body) => {
                    self.uses(&place, &body, Kind::Body);
                    bodies.insert(if *kind == "manual-choice" { "manualChoice" } else { kind }.to_owned(), json!(body));
                }
                Err(error) if self.kinds.contains(kind) => {
                    let text = format!("{error}; there is the body of a preset now");
                    self.report.add(NotCarried, &place, text, "write the body's template");
                }
                Err(_) => {}
            }
        }
        spec.insert("bodies".to_owned(), Value::Object(bodies));
        let captured = if kinds.contains(&"notify") { Some("notify") } else { kinds.first().copied() };
        if let Some(kind) = captured.filter(|kind| *kind != "respond") {
            let key = "auto-capture-response-data";
            let listed = self.core.0.at(&[kind, key]).cloned();
            let place = self.config_place(&format!("{kind}.{key}"));
            let capture = self.changes(&place, listed.as_ref(), Entries::Capture);
            spec.extend(
                capture
                    .filter(|capture| !capture.is_empty())
                    .map(|capture| ("capture".to_owned(), Value::Array(capture))),
            );
        }
        Some(self.with_partials(name, spec))
    }

    fn trigger_endpoint(&mut self, secrets: &mut SecretValues) -> Option<Value> {
        let url = self.required(self.core.trigger_url().map(str::to_owned))?;
        let mut spec = Map::new();
        spec.insert("templateEngine".to_owned(), json!("Jinja"));
        let is_http = url.trim().starts_with("http://");
        spec.insert("url".to_owned(), json!(url));
        if is_http {
            spec.insert("allowHttp".to_owned(), json!(true));
        }
        let listed = match self.core.trigger_headers() {
            Ok(headers) => headers,
            Err(error) => {
                self.report.add(NotCarried, "files", error.to_string(), "write the headers, and convert again");
                Vec::new()
            }
        };
        let mut headers = vec![
            json!({"name": "Content-Type", "value": "application/json"}),
            json!({"name": "Cache-Control", "value": "no-cache"}),
        ];
        for (index, header) in listed.iter().enumerate() {
            let place = self.config_place(&format!("trigger.headers[{index}].value"));
            let converted = self.header(&place, &header.name, &header.value, secrets);
            let same = |found: &Value| {
                found.get("name").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(&header.name))
            };
            match headers.iter_mut().find(|found| same(found)) {
                Some(standard) => *standard = converted,
                None => headers.push(converted),
            }
        }
        spec.insert("headers".to_owned(), Value::Array(headers));
        // As Python wrote it: the arguments in their order, all but ASCII escaped.
        spec.insert("bodies".to_owned(), json!({"triggerPipeline": "{{ triggerPipeline.args|json_dumps }}"}));
        match self.core.auto_args() {
            Ok(args) if args.is_empty() => {}
            Ok(args) => {
                let arg = |(name, value): &(String, String)| {
                    let place = self.config_place(&format!("trigger.auto-args.{name}"));
                    self.uses(&place, value, Kind::Handler("trigger-pipeline"));
                    json!({"name": name, "value": value})
                };
                let args = args.iter().map(arg).collect();
                spec.insert("args".to_owned(), Value::Array(args));
            }
            Err(error) => {
                self.report.add(NotCarried, "files", error.to_string(), "write the arguments, and convert again");
            }
        }
        Some(self.with_partials("trigger", spec))
    }

    /// A header: one secret with literal text around it comes from a Secret, anything else is a template.
    fn header(&mut self, place: &str, name: &str, value: &str, secrets: &mut SecretValues) -> Value {
        let parts = parts(value);
        let read = names(value).read;
        let of_secret =
            |part: &Part| matches!(part, Part::Expression(expression) if expression.starts_with("secretData"));
        if let ([only], 1) = (read.as_slice(), parts.iter().filter(|part| of_secret(part)).count())
            && only.root() == "secretData"
            && only.path.len() > 1
            && parts.iter().all(|part| match part {
                Part::Text(_) => true,
                Part::Expression(expression) => super::scan::tokens(expression).len() == only.path.len() * 2 - 1,
                Part::Statement(_) => false,
            })
        {
            let keys: Vec<&str> = only.path.iter().skip(1).map(String::as_str).collect();
            let found = keys.iter().try_fold(None::<&Value>, |found, key| match found {
                None => self.secrets.secret_data().get(*key).map(Some),
                Some(found) => found.get(*key).map(Some),
            });
            if let Some(Some(secret)) =
                found.filter(|found| found.is_some_and(|found| !found.is_object() && !found.is_array()))
            {
                let (secret_name, key) = match keys.as_slice() {
                    [only] => ("cicd-secrets".to_owned(), super::objects::key(only)),
                    [first, rest @ ..] => {
                        (format!("cicd-{}", super::objects::name(first)), super::objects::key(&rest.join(".")))
                    }
                    [] => return json!({"name": name, "value": value}),
                };
                secrets.entry(secret_name.clone()).or_default().insert(key.clone(), plain_text(secret));
                let mut from = Map::new();
                from.insert("secretKeyRef".to_owned(), json!({"name": secret_name, "key": key}));
                let at = parts.iter().position(of_secret).unwrap_or_default();
                let text = |parts: &[Part]| -> String {
                    parts
                        .iter()
                        .filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
                        .collect()
                };
                let (prefix, suffix) = (text(&parts[..at]), text(&parts[at..]));
                for (key, text) in [("prefix", prefix.trim_start()), ("suffix", suffix.trim_end())] {
                    if !text.is_empty() {
                        from.insert(key.to_owned(), json!(text));
                    }
                }
                return json!({"name": name, "valueFrom": from});
            }
            let text = format!("it reads {}, which the secrets have not: it was blank, and is", only.path.join("."));
            self.report.add(Changed, place, text, "remove the header, or write the secret");
            return json!({"name": name, "value": ""});
        }
        self.uses(place, value, Kind::Header);
        json!({"name": name, "value": value})
    }

    /// Copies the macros that the templates of an endpoint call, and adapts what stands behind others than before.
    fn with_partials(&mut self, name: &str, mut spec: Map<String, Value>) -> Value {
        let mut texts: Vec<String> = Vec::new();
        for key in ["headers", "bodies", "args", "capture"] {
            if let Some(value) = spec.get_mut(key) {
                each_template(value, &mut |text| texts.push(text.clone()));
            }
        }
        let macros = std::mem::take(&mut self.macros);
        let keys = macros.needed(texts.iter().map(String::as_str));
        for key in ["bodies", "args", "capture", "headers"] {
            if let Some(value) = spec.get_mut(key) {
                each_template(value, &mut |text| *text = macros.adapted(text, &keys));
            }
        }
        for key in &keys {
            if let Some(file) = self.app_macros.get(*key) {
                let text = format!(
                    "endpoint {name} uses this macro of the app; all apps that send to this endpoint get it now"
                );
                let place = format!("{file}: jinja2-macros.{key}");
                self.report.add(Changed, &place, text, "move it to a base, or call it in the handlers only");
            }
        }
        if !keys.is_empty() {
            let partials: Map<String, Value> =
                keys.iter().map(|key| (macros.partial(key).to_owned(), json!(macros.text(key)))).collect();
            let at = usize::from(spec.contains_key("templateEngine"));
            spec.shift_insert(at, "partials".to_owned(), Value::Object(partials));
        }
        self.macros = macros;
        Value::Object(spec)
    }

    /// Secrets that nothing uses stay where they are.
    pub(super) fn check_secrets(&mut self, file: &str, used: &SecretValues) {
        let used: BTreeSet<&str> = used.values().flat_map(BTreeMap::values).map(String::as_str).collect();
        let mut unused = Vec::new();
        for (key, value) in self.secrets.secret_data() {
            match value {
                Value::Object(map) if key != "datasources" => {
                    let left = map.iter().filter(|(_, value)| !used.contains(plain_text(value).as_str()));
                    unused.extend(left.map(|(inner, _)| format!("{key}.{inner}")));
                }
                other if key == "datasources" || !used.contains(plain_text(other).as_str()) => unused.push(key.clone()),
                _ => {}
            }
        }
        for key in unused {
            let text = "nothing that was converted uses it, so no Secret has it";
            self.report.add(Hint, &format!("{file}: {key}"), text, "nothing, or write a Secret yourself");
        }
    }
}

/// Every template of a part of an endpoint.
fn each_template(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if !matches!(key.as_str(), "name" | "op" | "split") => visit(text),
                    Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Null => {}
                    other if key != "valueFrom" => each_template(other, visit),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_template(item, visit)),
        _ => {}
    }
}
