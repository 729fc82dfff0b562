//! A rendered request, before credentials, address and limits of its endpoint are added by whoever sends it.

use std::fmt;

use cicdcontext_crds::handler::{EndpointReference, HttpMethod};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::state::fingerprint::fingerprint;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
            // Whatever stands behind the host may be a secret of whoever wrote it there.
            Self::Url(url) => match Url::parse(url) {
                Ok(url) => formatter.write_str(&url.origin().ascii_serialization()),
                Err(_) => formatter.write_str("(url)"),
            },
        }
    }
}

impl Target {
    /// The endpoint whose limits hold for it.
    pub fn endpoint(&self) -> Option<&EndpointReference> {
        match self {
            Self::Endpoint(endpoint) | Self::Foreign { endpoint, .. } => Some(endpoint),
            Self::Url(_) => None,
        }
    }
}

/// The endpoint that a target's text names, if it is one; see [`Target`]'s Display.
pub fn endpoint_of(text: &str) -> Option<EndpointReference> {
    if text.contains(':') || text.starts_with('(') {
        return None;
    }
    Some(match text.split_once('/') {
        Some((namespace, name)) => EndpointReference { name: name.to_owned(), namespace: Some(namespace.to_owned()) },
        None => EndpointReference { name: text.to_owned(), namespace: None },
    })
}

/// The id that all attempts of one handler's request share: the same for the same context, event and handler.
pub fn webhook_id(context_uid: &str, event_name: &str, handler: &str) -> String {
    format!("msg_{}", fingerprint(&[context_uid.as_bytes(), event_name.as_bytes(), handler.as_bytes()], 26))
}

/// A request as a handler rendered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
