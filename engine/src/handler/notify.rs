//! notify: the endpoint's notify body, which reads the message as `handler.message`.

use serde_json::json;

use super::{
    body,
    endpoint::{self, Endpoints},
    error::HandlerError,
    request::Request,
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
    let template = endpoint.bodies.notify.as_ref();
    body::request(scope, &notify.endpoint, &endpoint, template, "notify", webhook_id).map(Box::new)
}
