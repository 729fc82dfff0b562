//! The last check: what was written is resolved and compiled as the operator does it.

use cicdcontext_crds::{BaseReference, CicdEndpointSpec, ConfigurationBlock};
use cicdcontext_engine::{
    configuration::{Input, Lookup, Origin, resolve},
    handler::endpoint::Endpoint,
    template::Library,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    objects::Manifest,
    report::{Report, Severity::NotCarried},
};

/// A base, or the part of a context that configures.
#[derive(Deserialize)]
struct Spec {
    context: Option<String>,
    bases: Option<Vec<BaseReference>>,
    #[serde(flatten)]
    block: ConfigurationBlock,
}

const ADVICE: &str = "mend it in the manifest";

/// Adds a remark for everything that the operator would refuse.
pub(super) fn check(manifests: &[Manifest], context: &str, report: &mut Report) {
    let mut specs = Vec::new();
    for manifest in manifests {
        let text = |pointer: &str| manifest.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let spec = manifest.value.get("spec").cloned().unwrap_or_default();
        if text("/kind") == "CicdEndpoint" {
            let checked = serde_json::from_value::<CicdEndpointSpec>(spec)
                .map_err(|error| error.to_string())
                .and_then(|spec| Endpoint::new(&spec).map_err(|error| error.to_string()));
            if let Err(error) = checked {
                report.add(NotCarried, &manifest.file, format!("the endpoint cannot be used: {error}"), ADVICE);
            }
            continue;
        }
        match serde_json::from_value::<Spec>(spec) {
            Ok(spec) => specs.push((text("/kind").to_owned(), text("/metadata/name").to_owned(), spec, &manifest.file)),
            Err(error) => report.add(NotCarried, &manifest.file, format!("it cannot be read: {error}"), ADVICE),
        }
    }
    let lookup = |reference: &BaseReference| {
        let found =
            specs.iter().find(|(kind, name, ..)| *kind == format!("{:?}", reference.kind) && *name == reference.name);
        found.map_or(Lookup::NotFound, |(_, _, spec, _)| {
            Lookup::Found(spec.bases.as_deref().unwrap_or_default(), &spec.block)
        })
    };
    let Some((_, _, spec, file)) = specs.iter().find(|(kind, name, ..)| kind == "CicdContext" && name == context)
    else {
        return;
    };
    let mut selectable = vec![spec.context.clone()];
    let contexts = specs.iter().flat_map(|(_, _, spec, _)| spec.block.contexts.iter().flatten());
    for (name, _) in contexts {
        if !selectable.contains(&Some(name.clone())) {
            selectable.push(Some(name.clone()));
        }
    }
    for selected in &selectable {
        let input = Input {
            owner: Origin::context(context),
            selected: selected.as_deref(),
            bases: spec.bases.as_deref().unwrap_or_default(),
            block: &spec.block,
        };
        let place = format!("{file} with context {}", selected.as_deref().unwrap_or("none"));
        let resolved = match resolve(&input, &lookup) {
            Ok(resolved) => resolved,
            Err(error) => {
                report.add(NotCarried, &place, format!("the configuration cannot be used: {error}"), ADVICE);
                continue;
            }
        };
        let (library, errors) =
            Library::new(resolved.partials.clone(), resolved.variables.clone(), std::collections::BTreeMap::new());
        let mut problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
        for source in resolved.templates() {
            problems.extend(library.compile(source).err().map(|error| error.to_string()));
        }
        for problem in problems {
            report.add(NotCarried, file, format!("a template cannot be used: {problem}"), ADVICE);
        }
    }
}
