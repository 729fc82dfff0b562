//! notify: the endpoint's notify body, which reads the message as `handler.message`.

use serde_json::json;

use super::{
    endpoint::{self, Endpoints},
    error::HandlerError,
    request::{Request, Target},
    scope::{Scope, fields},
};
use crate::configuration::model::Notify;

pub(super) fn prepare(
    notify: &Notify,
    scope: &mut Scope<'_>,
    endpoints: &dyn Endpoints,
    webhook_id: &str,
) -> Result<Box<Request>, HandlerError> {
    let endpoint = endpoint::find(endpoints, &notify.endpoint)?;
    let message = scope.text(&notify.message)?;
    let fields = fields(scope, &notify.fields)?;
    scope.add_to_handler([("message", json!(message)), ("fields", json!(fields))]);
    scope.insert("endpoint", json!({"name": notify.endpoint.name}));
    let Some(body) = &endpoint.notify else {
        return Err(HandlerError::EndpointNotReady {
            endpoint: Target::Endpoint(notify.endpoint.clone()).to_string(),
            problem: "it has no body for notify handlers: set spec.bodies.notify".to_owned(),
        });
    };
    let body = scope.json_body(&endpoint.library, body)?;
    Ok(Box::new(Request {
        target: Target::Endpoint(notify.endpoint.clone()),
        method: endpoint.method,
        path: None,
        headers: Vec::new(),
        endpoint_headers: endpoint.rendered_headers(scope)?,
        body: Some(body),
        webhook_id: webhook_id.to_owned(),
    }))
}
