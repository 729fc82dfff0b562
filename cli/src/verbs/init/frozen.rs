//! What the variables of a new context are: rendered once, over its first state, and literal from then on.

use std::collections::BTreeMap;

use cicdcontext_crds::CicdContext;
use cicdcontext_engine::template::{Reads, Seed, Wanted};
use serde_json::{Value, json};

use crate::{
    configuration::program,
    failure::Failure,
    setting::Occasion,
    source::{Configuration, Contexts},
};

/// What templates see only while an event is handled. Jinja templates find ours below `cicd`.
const OF_EVENTS: [&str; 7] = ["event", "pipeline", "handler", "endpoint", "body", "status", "headers"];

/// The value of each variable of the configuration that the context selects. One that cannot be rendered is an error, and
/// so is one that reads what there is only once an event is handled: it would be frozen without it.
pub(super) async fn variables<S: Contexts + Configuration>(
    source: &S,
    context: &CicdContext,
    occasion: &Occasion,
) -> Result<BTreeMap<String, String>, Failure> {
    let name = context.metadata.name.clone().unwrap_or_default();
    let program = program(source, context).await?;
    let root = json!({
        "state": context.spec.state,
        "settings": program.resolved.settings,
        "context": {"name": name, "namespace": source.namespace(), "selected": program.resolved.selected},
    });
    let seed = Seed::new(occasion.random_id(), occasion.now);
    let mut values = BTreeMap::new();
    for variable in program.library.variable_names() {
        let failed = |problem| Failure::NotFrozen { context: name.clone(), name: variable.to_owned(), problem };
        let mut reads = Reads::default();
        let rendered =
            program.library.variables(Wanted::One(variable), "--freeze-variables", &root, &seed, Some(&mut reads));
        let rendered = rendered.map_err(|error| failed(error.to_string()))?;
        if let Some(path) = reads.iter().find_map(|read| of_events(&read.path)) {
            return Err(failed(format!("it reads {path}, which there is only while an event is handled")));
        }
        let text = match rendered.get(variable) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => continue,
        };
        values.insert(variable.to_owned(), text);
    }
    Ok(values)
}

/// A path as people write it, if it leads to what there is only while an event is handled.
fn of_events(path: &[String]) -> Option<String> {
    let ours = path.strip_prefix(&["cicd".to_owned()]).unwrap_or(path);
    let (root, below) = ours.split_first()?;
    let uid = root == "context" && below.first().is_some_and(|first| first == "uid");
    (uid || OF_EVENTS.contains(&root.as_str())).then(|| path.join("."))
}
