//! triggerPipeline: the endpoint's arguments and the handler's own as one JSON object, in their order.

use serde_json::{Value, json};

use super::{
    body,
    endpoint::{self, Endpoints},
    error::HandlerError,
    request::{Request, Target},
    scope::Scope,
};
use crate::{configuration::model::TriggerPipeline, template::Escape};

pub(super) fn prepare(
    trigger: &TriggerPipeline,
    scope: &mut Scope<'_>,
    endpoints: &dyn Endpoints,
    webhook_id: &str,
) -> Result<Box<Request>, HandlerError> {
    let endpoint = endpoint::find(endpoints, &trigger.endpoint)?;
    scope.add_to_handler([("pipeline", json!(trigger.name))]);
    scope.insert("endpoint", json!({"name": trigger.endpoint.name}));
    // A handler's argument stands in for the endpoint's of the same name, at that one's place.
    let mut args: Vec<(&str, String)> = Vec::new();
    for arg in &endpoint.args {
        args.push((&arg.name, scope.render(&endpoint.library, &arg.value, Escape::None)?));
    }
    for arg in &trigger.args {
        let text = scope.text(&arg.value)?;
        match args.iter_mut().find(|(name, _)| *name == arg.name) {
            Some((_, value)) => *value = text,
            None => args.push((&arg.name, text)),
        }
    }
    let object = object(&args);
    let list: Vec<Value> = args.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    scope.add_to_handler([("args", Value::Array(list))]);
    if let Some(template) = &endpoint.bodies.trigger_pipeline {
        let template = Some(template);
        return body::request(scope, &trigger.endpoint, &endpoint, template, "triggerPipeline", webhook_id)
            .map(Box::new);
    }
    Ok(Box::new(Request {
        target: Target::Endpoint(trigger.endpoint.clone()),
        method: endpoint.method,
        path: None,
        headers: Vec::new(),
        endpoint_headers: endpoint.rendered_headers(scope)?,
        body: Some(object),
        webhook_id: webhook_id.to_owned(),
    }))
}

/// A JSON object with its members in this order, which a map of ours would sort.
fn object(args: &[(&str, String)]) -> String {
    let members: Vec<String> = args.iter().map(|(name, value)| format!("{}: {}", json!(name), json!(value))).collect();
    format!("{{{}}}", members.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_keep_their_order_and_are_escaped() {
        let args = [("z", "a\"b".to_owned()), ("a", "1".to_owned())];
        assert_eq!(object(&args), r#"{"z": "a\"b", "a": "1"}"#);
        assert_eq!(object(&[]), "{}");
    }
}
