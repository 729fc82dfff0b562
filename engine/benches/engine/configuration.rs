//! Configuration of a realistic size: a platform base of 10 kB, an application base of 20 kB, and a context's few lines.

use cicdcontext_crds::{BaseKind, BaseReference, ConfigurationBlock};
use cicdcontext_engine::configuration::{ConfigurationError, Input, Lookup, Origin, Resolved, resolve};
use serde_json::{Value, json};

/// The blocks of a context and its two bases.
pub(crate) struct World {
    platform: ConfigurationBlock,
    application: ConfigurationBlock,
    own: ConfigurationBlock,
    bases: Vec<BaseReference>,
}

impl World {
    pub(crate) fn new() -> Self {
        let base = |kind, name: &str| BaseReference { kind, name: name.to_owned() };
        let own = json!({"settings": {"chat": {"channel": "#shop-17"}}, "variables": {"owner": "{{settings.team}}"}});
        Self {
            platform: grown(10_000, platform),
            application: grown(20_000, application),
            own: serde_json::from_value(own).unwrap(),
            bases: vec![base(BaseKind::ClusterCicdBase, "platform"), base(BaseKind::CicdBase, "shop")],
        }
    }

    pub(crate) fn resolve(&self) -> Result<Resolved, ConfigurationError> {
        let input =
            Input { owner: Origin::context("shop-17"), selected: Some("stage"), bases: &self.bases, block: &self.own };
        resolve(&input, &|reference| match reference.name.as_str() {
            "platform" => Lookup::Found(&[], &self.platform),
            "shop" => Lookup::Found(&[], &self.application),
            _ => Lookup::NotFound,
        })
    }
}

/// The block of the first number of pipelines that makes it as large as wanted, in bytes of JSON.
fn grown(bytes: usize, block: fn(usize) -> Value) -> ConfigurationBlock {
    let block = (1..1000).map(block).find(|block| block.to_string().len() >= bytes).unwrap();
    serde_json::from_value(block).unwrap()
}

fn platform(pipelines: usize) -> Value {
    let tell = |pipeline: usize, event: &str| {
        json!([{
            "name": "tell",
            "notify": {
                "endpoint": {"name": "chat"},
                "message": format!(
                    ":hammer: Pipeline {pipeline} of *{{{{variables.release}}}}* in {{{{context.selected}}}}: {event}{{{{> run}}}}"
                ),
                "fields": [{"name": "Commit", "value": "{{state.git.commit}}"}, {"name": "By", "value": "{{event.data.by}}"}],
            },
        }])
    };
    let handlers = |number: usize| {
        let events = ["started", "success", "failure"];
        let all: Value = events.iter().map(|event| ((*event).to_owned(), tell(number, event))).collect();
        (format!("pipeline-{number}"), json!({"eventHandlers": all}))
    };
    json!({
        "settings": {"dashboard": "https://ci.example", "chat": {"channel": "#ci"}, "team": "platform"},
        "variables": {"release": "{{state.app.name}} {{state.app.version}}"},
        "partials": {"run": "{{#if event.data.run}} (<{{settings.dashboard}}/{{event.data.run}}|run {{event.data.run}}>){{/if}}"},
        "pipelines": (0..pipelines).map(handlers).collect::<Value>(),
    })
}

fn application(pipelines: usize) -> Value {
    let pipeline = |number: usize| {
        let success = json!([
            // Whole, since there are more pipelines here than the platform has.
            {"name": "tell", "notify": {
                "endpoint": {"name": "chat"}, "message": "*{{variables.image}}*{{> run}}",
                "fields": [{"name": "Tags", "value": "{{join state.build.tags ', '}}"}],
            }},
            {"name": "record", "setValues": [
                {"path": format!("state.images['{number}']"), "template": "{{variables.image}}"},
                {"path": "state.release.status", "value": "built"},
            ]},
            {"name": "deploy", "if": "{{eq settings.deploy 'automatic'}}", "webhook": {
                "endpoint": {"name": "ci"},
                "path": format!("/pipelines/{number}/runs"),
                "headers": [{"name": "X-Correlation-Id", "value": "{{context.name}}/{{event.id}}"}],
                "body": "{\"context\": \"{{context.name}}\", \"target\": \"{{context.selected}}\", \"image\": \"{{variables.image}}\"}",
                "capture": [{"path": "state.deploy.run", "fromPath": "$.body.run.id"}],
            }},
        ]);
        let generators = json!({"tags": [
            {"name": "empty", "set": [{"path": "state.build.tags", "op": "Clear"}]},
            {"name": "version", "set": [{"path": "state.build.tags", "op": "Add", "template": "{{state.app.version}}"}]},
            {"name": "branch", "if": "{{ne state.git.branch 'main'}}",
             "set": [{"path": "state.build.tags", "op": "Add", "template": "{{replace (lower state.git.branch) '/' '-'}}"}]},
        ]});
        (format!("pipeline-{number}"), json!({"generators": generators, "eventHandlers": {"success": success}}))
    };
    json!({
        "settings": {"registry": "registry.example/shop", "team": "shop"},
        "variables": {"image": "{{settings.registry}}/{{state.app.name}}@{{state.build.digest}}"},
        "pipelines": (0..pipelines).map(pipeline).collect::<Value>(),
        "contexts": {
            "stage": {"settings": {"deploy": "automatic", "chat": {"channel": "#shop-stage"}}},
            "prod": {"settings": {"deploy": "manual", "chat": {"channel": "#shop-releases"}}},
        },
    })
}
