//! What the templates of all files read, and which of it means something else now, or nothing.

use std::collections::BTreeSet;

use super::{
    Conversion, Kind,
    report::Severity::{Changed, Hint, NotCarried},
    scan::{self, Part, Reference, Token, parts, tokens},
};

/// Keys that a template cannot read with a dot: it finds a method of maps there.
const METHODS: [&str; 7] = ["items", "keys", "values", "get", "copy", "pop", "update"];

/// Names that every template has.
const GLOBALS: [&str; 11] =
    ["range", "dict", "lipsum", "cycler", "joiner", "namespace", "loop", "self", "caller", "varargs", "kwargs"];

/// A template, where it stands and what it is.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) place: String,
    pub(super) text: String,
    pub(super) kind: Kind,
}

impl Conversion<'_> {
    /// Notes a template; [`Self::check_templates`] looks at it when all files are known.
    pub(super) fn uses(&mut self, place: &str, text: &str, kind: Kind) {
        self.templates.push(Use { place: place.to_owned(), text: text.to_owned(), kind });
    }

    /// A key that the predecessor did not know, and ignored.
    pub(super) fn unknown(&mut self, place: &str) {
        let text = "it is no key that was known, was ignored, and is left out";
        self.report.add(Hint, place, text, "check its spelling");
    }

    /// A map of the configuration: keys that templates cannot reach or that change.
    pub(super) fn check_settings(&mut self, place: &str, value: &serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let place = format!("{place}.{key}");
                    if METHODS.contains(&key.as_str()) {
                        let text = format!("a template that reads .{key} finds the method of maps, never this key");
                        self.report.add(Hint, &place, text, format!("read it as ['{key}'], or give it another name"));
                    }
                    if value.is_null() {
                        let text = "kubectl apply leaves keys without a value out";
                        self.report.add(Hint, &place, text, "nothing, if templates may find it missing");
                    }
                    self.check_settings(&place, value);
                }
                if !map.keys().is_sorted() {
                    self.unsorted.push(place.to_owned());
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.check_settings(&format!("{place}[{index}]"), item);
                }
            }
            _ => {}
        }
    }

    /// A generator's template: what came out was rendered once more, and read as YAML 1.1.
    pub(super) fn check_choices(&mut self, place: &str, template: &str) {
        let is_open = |text: &str| text.contains("{{") || text.contains("{%");
        let escapes = |part: &Part| match part {
            Part::Expression(expression) => {
                tokens(expression).iter().any(|token| matches!(token, Token::Text(text) if is_open(text)))
            }
            Part::Text(text) => is_open(text),
            Part::Statement(_) => false,
        };
        if parts(template).iter().any(escapes) {
            let text = "what it escapes was rendered a second time; generated choices are rendered once now";
            self.report.add(NotCarried, place, text, "write the inner template without the escape");
        }
        let words = template.split([' ', ',', '}', ']', '\n', '\t', '"', '\'']);
        let mut after_colon = false;
        for word in words.filter(|word| !word.is_empty()) {
            if after_colon && ["yes", "no", "on", "off"].contains(&word.to_ascii_lowercase().as_str()) {
                let text = format!("a bare {word} was a boolean of YAML 1.1; it is a text now");
                self.report.add(Changed, place, text, "quote it, or write true or false");
            }
            after_colon = word.ends_with(':');
        }
    }

    /// Looks at every template that was noted.
    pub(super) fn check_templates(&mut self) {
        let templates = std::mem::take(&mut self.templates);
        let macros: BTreeSet<String> =
            self.macros.texts.iter().flat_map(|(_, text)| scan::names(text).macros).collect();
        for template in &templates {
            let names = scan::names(&template.text);
            let defined: BTreeSet<&str> = names.defined.iter().map(String::as_str).collect();
            for reference in &names.read {
                if !defined.contains(reference.root()) && !macros.contains(reference.root()) {
                    self.check_reference(template, reference);
                }
            }
            let loops = template.text.contains("for ")
                || template.text.contains("json_dumps")
                || template.text.contains("to_nice_yaml");
            if loops {
                let read = |place: &&String| {
                    names.read.iter().any(|reference| {
                        place.split_once(": ").is_some_and(|(_, path)| path.split('.').nth(2) == Some(reference.root()))
                    })
                };
                if let Some(place) = self.unsorted.iter().find(read).cloned() {
                    let text = format!("{place} is not in alphabetical order, and a cluster keeps settings sorted");
                    self.report.add(Changed, &template.place, text, "check whether the order shows; a list keeps it");
                }
            }
        }
        self.templates = templates;
    }

    fn check_reference(&mut self, template: &Use, reference: &Reference) {
        let Use { place, kind, .. } = template;
        let step = |index: usize| reference.path.get(index).map(String::as_str);
        let shown = reference.path.join(".");
        match reference.root() {
            "appPipelinesConfig" => {
                let text = format!("it reads {shown}; the raw copy of the app file is gone");
                self.report.add(NotCarried, place, text, "read what is meant from the settings");
            }
            "jinja2Macros" => {
                let text = format!("it reads {shown}; jinja2Macros holds the partials in the order of their names now");
                self.report.add(NotCarried, place, text, "call the macro instead of printing its text");
            }
            "secretData" => {
                let text = match kind {
                    Kind::Header => "it is more than one secret with text around it, and no template sees a secret now",
                    _ => "it reads secretData, which no template but a trigger header's ever saw",
                };
                let advice = "make the value one secret: a header with valueFrom.secretKeyRef, prefix and suffix";
                self.report.add(NotCarried, place, text, advice);
            }
            "configData" => self.check_config(template, reference),
            "pipelines" if matches!(step(2), None | Some("event-handlers" | "generators")) => {
                let text = format!("it reads {shown}; handlers and generators are no data any more");
                self.report.add(
                    NotCarried,
                    place,
                    text,
                    "move what is read to the settings of the pipeline or context",
                );
            }
            "pipelines" => self.reads_pipelines = true,
            "variables" => {
                if let (Kind::Variable(name), Some(read)) = (kind, step(1)) {
                    let position = |wanted: &str| self.variables.iter().position(|found| found == wanted);
                    if position(read) > position(name) && position(name).is_some() {
                        let text =
                            format!("it reads variables.{read}, which stood later and was missing; it is there now");
                        self.report.add(Changed, place, text, "check that this is meant");
                    }
                }
                if step(1)
                    .is_some_and(|name| METHODS.contains(&name) && self.variables.iter().any(|found| found == name))
                {
                    self.report.add(
                        Hint,
                        place,
                        format!("{shown} is a method of maps"),
                        "give the variable another name",
                    );
                }
            }
            "state" => {
                if let Kind::Variable(_) = kind {
                    self.check_late(place, reference);
                }
                if let Some(key @ ("cicdContextDataId" | "cicdContextName")) = step(1) {
                    let text = format!("state.{key} was there in every run; a CicdContext has it only if it is set");
                    let advice = format!("say --set state.{key}=... to cicdctl init, or read cicd.context.name");
                    self.report.add(Hint, "templates", text, advice);
                }
            }
            "generator" if *kind == Kind::Generator => {
                let text = format!("it reads {shown}; a generator's own block is no data any more");
                self.report.add(NotCarried, place, text, "write the value itself");
            }
            root @ ("notify" | "respond" | "manualChoice" | "triggerPipeline") => {
                self.check_own(template, root, &shown, step(1));
            }
            "body" if matches!(kind, Kind::Capture) => {}
            root if self.settings_roots.contains(root)
                || GLOBALS.contains(&root)
                || self.iterators.iter().any(|name| name == root) =>
            {
                if self.iterators.iter().any(|name| name == root)
                    && !matches!(kind, Kind::Choice)
                    && !self.settings_roots.contains(root)
                {
                    let text = format!(
                        "it reads {root}, the last item of a choice generator, which is seen in its template alone now"
                    );
                    self.report.add(NotCarried, place, text, "make it part of the generator's template");
                }
            }
            root => {
                let text = format!("it reads {root}, which no file defines: it came with --tmpl-ctx-var");
                let advice = format!(
                    "say --var {root}...=TEXT or --var-from {root}...=state.PATH to cicdctl event and generate"
                );
                self.report.add(Hint, place, text, advice);
            }
        }
    }

    /// Own names outside of bodies: the raw block was there before anything of it was rendered.
    fn check_own(&mut self, template: &Use, root: &str, shown: &str, key: Option<&str>) {
        let own = match root {
            "manualChoice" => "manual-choice",
            "triggerPipeline" => "trigger-pipeline",
            other => other,
        };
        let is_own = matches!(template.kind, Kind::Handler(kind) if kind == own)
            || (template.kind == Kind::Choice && own == "manual-choice");
        let is_condition = template.place.rsplit('.').next() == Some("if");
        if !is_own || (own == "trigger-pipeline" && key == Some("name") && !is_condition) {
            return;
        }
        let text =
            format!("it reads {shown}; a handler's own block is seen by bodies, not by the templates of that block");
        self.report.add(NotCarried, &template.place, text, "write the value itself, or a variable");
    }

    fn check_config(&mut self, template: &Use, reference: &Reference) {
        let Use { place, kind, .. } = template;
        if let Kind::Variable(_) = kind {
            let text = "variables did not see configData, and stored the text of an error; they see it now";
            self.report.add(Changed, place, text, "check that this is meant");
        }
        match reference.path.get(1) {
            Some(key) if key == "datasources" => {
                let text = "it reads configData.datasources; there are no data sources any more";
                self.report.add(NotCarried, place, text, "write the value into the config under another key");
            }
            Some(key) if !self.config_keys.contains(key) => {
                let text = format!(
                    "it reads configData.{key}, which the config has not: --tmpl-ctx-var reached below configData, vars cannot"
                );
                self.report.add(
                    NotCarried,
                    place,
                    text,
                    "choose another root name for it, in the template and in --var",
                );
            }
            Some(key) => {
                self.config_read.insert(key.clone());
            }
            None => self.config_read.extend(self.config_keys.iter().cloned()),
        }
    }

    /// Variables were rendered once, at init.
    fn check_late(&mut self, place: &str, reference: &Reference) {
        let read = reference.path.join(".");
        let meets = |written: &&String| {
            let below = |long: &str, short: &str| long == short || long.starts_with(&format!("{short}."));
            below(&read, written) || below(written, &read)
        };
        if let Some(written) = self.writes.iter().find(meets) {
            let text = format!(
                "it reads {read}, and {written} is written later: variables were rendered once at init, they are rendered at use now"
            );
            self.report.add(
                Changed,
                place,
                text,
                "begin runs with cicdctl init --freeze-variables if the first value is meant",
            );
        }
    }
}
