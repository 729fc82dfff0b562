//! What a handler of each type makes out of configuration and state: a request to send, or changes to write.
//!
//! One file a type, each with one function: from the checked configuration and a [`Scope`] to what is to be done.
//! Nothing is sent or written here.

mod body;
pub mod endpoint;
pub mod error;
pub(crate) mod generate;
mod manual_choice;
mod notify;
mod preset;
pub mod program;
pub mod request;
mod respond;
pub mod scope;
mod set_values;
mod trigger_pipeline;
mod webhook;

pub use endpoint::{Endpoint, EndpointLookup, Endpoints};
pub use error::HandlerError;
pub use program::Program;
pub use request::{Request, Target};
use respond::Response;
pub use scope::Scope;

use crate::{
    configuration::model::{Action, Handler},
    state::change::PlainChange,
};

/// What a handler comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Prepared {
    /// A request to send.
    Send(Box<Request>),
    /// Changes to write; there may be none.
    Write(Vec<PlainChange>),
    /// Nothing, and why.
    Nothing(&'static str),
}

/// The text of a handler's `if`, without the white space around it; [`crate::template::truthy`] tells whether it lets the
/// handler run. None if there is no `if`.
pub fn condition(handler: &Handler, scope: &Scope<'_>) -> Result<Option<String>, HandlerError> {
    let text = handler.condition.as_ref().map(|condition| scope.text(condition)).transpose()?;
    Ok(text.map(|text| text.trim().to_owned()))
}

/// Prepares a handler. `scope` is the handler's own.
pub fn prepare(
    handler: &Handler,
    scope: &mut Scope<'_>,
    endpoints: &dyn Endpoints,
    webhook_id: &str,
) -> Result<Prepared, HandlerError> {
    match &handler.action {
        Action::Notify(notify) => notify::prepare(notify, scope, endpoints, webhook_id).map(Prepared::Send),
        Action::Webhook(webhook) => webhook::prepare(webhook, scope, endpoints, webhook_id).map(Prepared::Send),
        Action::SetValues(changes) => set_values::prepare(changes, scope).map(Prepared::Write),
        Action::Generate(generate) => generate::prepare(generate, scope).map(Prepared::Write),
        Action::ManualChoice(manual) => {
            manual_choice::prepare(manual, scope, endpoints, webhook_id).map(Prepared::Send)
        }
        Action::TriggerPipeline(trigger) => {
            trigger_pipeline::prepare(trigger, scope, endpoints, webhook_id).map(Prepared::Send)
        }
        Action::Respond(respond) => Ok(match respond::prepare(respond, scope, endpoints, webhook_id)? {
            Response::Send(request) => Prepared::Send(request),
            Response::Nothing(why) => Prepared::Nothing(why),
        }),
    }
}
