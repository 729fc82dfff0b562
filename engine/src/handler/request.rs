//! A rendered request, before credentials, address and limits of its endpoint are added by whoever sends it.

use std::fmt;

use cicdcontext_crds::handler::{EndpointReference, HttpMethod};
use serde::Serialize;

use crate::state::fingerprint::fingerprint;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// To an endpoint, with its credentials.
    Endpoint(EndpointReference),
    /// To a public https URL, without credentials.
    Url(String),
    /// To another https URL than the endpoint's own, on a host that the endpoint allows: with its headers and limits,
    /// without its credentials.
    Foreign {
        /// The endpoint.
        endpoint: EndpointReference,
        /// The URL.
        url: String,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(endpoint) | Self::Foreign { endpoint, .. } => match &endpoint.namespace {
                None => formatter.write_str(&endpoint.name),
                Some(namespace) => write!(formatter, "{namespace}/{}", endpoint.name),
            },
            Self::Url(_) => formatter.write_str("(url)"),
        }
    }
}

/// The id that all attempts of one handler's request share: the same for the same context, event and handler.
pub fn webhook_id(context_uid: &str, event_name: &str, handler: &str) -> String {
    format!("msg_{}", fingerprint(&[context_uid.as_bytes(), event_name.as_bytes(), handler.as_bytes()], 26))
}

/// A request as a handler rendered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Where to.
    pub target: Target,
    /// Method.
    pub method: HttpMethod,
    /// Path below the endpoint's URL; none is that URL itself.
    pub path: Option<String>,
    /// Headers that the handler chose.
    pub headers: Vec<(String, String)>,
    /// Headers that the endpoint's templates gave.
    pub endpoint_headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<String>,
    /// The id that all attempts share.
    pub webhook_id: String,
}
