//! Every check of a conversion, one by one.

mod carried;
mod reported;

use serde_json::{Value, json};

use super::*;

const CORE: &str = "
cicdstatemgr:
  boardUrl: https://board.test
  slack: {url: 'https://slack.com/api/chat.postMessage'}
  trigger: {url: 'https://start.example/go', headers: []}
  templates: {notify: 'n', respond: 'r', manual-choice: 'm'}
";
const SECRETS: &str = "cicdstatemgr: {slack: {token: chat-tok}, trigger: {token: start-tok}}";

/// Files of the predecessor, most of them as they often are.
#[derive(Clone, Debug)]
struct World {
    core: String,
    secrets: String,
    bases: Vec<String>,
    app: String,
    document: Option<String>,
    is_cluster_wide: bool,
}

impl World {
    fn app(app: &str) -> Self {
        Self {
            core: CORE.to_owned(),
            secrets: SECRETS.to_owned(),
            bases: Vec::new(),
            app: app.to_owned(),
            document: None,
            is_cluster_wide: false,
        }
    }

    /// An app whose context has these handlers of the event `e` of the pipeline `p`.
    fn event(handlers: &str) -> Self {
        Self::app(&in_event(handlers))
    }

    /// An app with a notify handler of this message.
    fn message(message: &str) -> Self {
        Self::event(&format!("{{notify: {{message: {}}}}}", json!(message)))
    }

    fn base(mut self, base: &str) -> Self {
        self.bases.push(base.to_owned());
        self
    }

    fn core(mut self, core: &str) -> Self {
        self.core = core.to_owned();
        self
    }

    fn tried(&self) -> Result<Converted, ConvertError> {
        let core = Core::read("config.yaml", &self.core).unwrap();
        let secrets = Secrets::read("secrets.yaml", &self.secrets).unwrap();
        let names = ["one.yaml", "two.yaml", "three.yaml"];
        let layer = |(name, text): (&str, &String)| File::layer(name, text).unwrap();
        let bases: Vec<File> = names.into_iter().zip(&self.bases).map(layer).collect();
        let app = layer(("app.yaml", &self.app));
        let document = self.document.as_ref().map(|text| layer(("stored.yaml", text)));
        convert(&Input {
            core: &core,
            secrets: &secrets,
            secrets_file: "secrets.yaml",
            bases: &bases,
            app: &app,
            context: None,
            document: document.as_ref(),
            is_cluster_wide: self.is_cluster_wide,
        })
    }

    fn converted(&self) -> Converted {
        self.tried().unwrap()
    }

    /// The report has a remark of this severity, at a place that ends so, whose text contains this; and only if it says
    /// that something is missing, the conversion is not complete.
    #[track_caller]
    fn says(&self, severity: Severity, place: &str, text: &str) {
        let report = self.converted().report;
        let found = report
            .of(severity)
            .any(|remark| remark.place.ends_with(place) && remark.text.contains(text) && !remark.advice.is_empty());
        assert!(found, "no {severity:?} {place:?} {text:?} in\n{}", report.lines());
        if severity == Severity::NotCarried {
            assert!(!report.is_complete());
        }
    }

    /// Nothing is missing, and nothing means something else.
    #[track_caller]
    fn is_quiet(&self) -> Converted {
        let converted = self.converted();
        let lines = converted.report.lines();
        let loud = converted.report.of(Severity::NotCarried).chain(converted.report.of(Changed)).count();
        assert_eq!(loud, 0, "{lines}");
        converted
    }
}

fn in_event(handlers: &str) -> String {
    format!("cicd-contexts: {{stage: {{pipelines: {{p: {{event-handlers: {{e: {handlers}}}}}}}}}}}")
}

impl Converted {
    fn manifest(&self, file: &str) -> &Value {
        let found = self.manifests.iter().chain(&self.secrets).find(|manifest| manifest.file == file);
        &found.unwrap_or_else(|| panic!("no {file}: {:#?}", self.manifests)).value
    }

    /// The app's context.
    fn stage(&self) -> &Value {
        &self.manifest("base-app.yaml")["spec"]["contexts"]["stage"]
    }

    /// The handlers of the event that [`World::event`] writes.
    fn handlers(&self) -> &Value {
        &self.stage()["pipelines"]["p"]["eventHandlers"]["e"]
    }

    fn spec<'c>(&'c self, file: &str, key: &str) -> &'c Value {
        &self.manifest(file)["spec"][key]
    }
}
