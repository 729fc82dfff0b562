//! Bodies: JSON unless a Content-Type says otherwise.

use cicdcontext_crds::handler::EndpointReference;

use super::{
    endpoint::Endpoint,
    error::HandlerError,
    request::{Request, Target},
    scope::Scope,
};
use crate::template::{Escape, Library, Source};

/// Renders a body. If it declares JSON, what is inserted is escaped for JSON strings, and the text has to be JSON.
pub(super) fn render(
    scope: &Scope<'_>,
    library: &Library,
    body: &Source,
    headers: &[(String, String)],
    endpoint_headers: &[(String, String)],
) -> Result<String, HandlerError> {
    if is_json(headers, endpoint_headers) {
        scope.json_body(library, body)
    } else {
        scope.render(library, body, Escape::None)
    }
}

/// The request of a handler whose body is one of its endpoint's; `kind` names the field of `spec.bodies`.
pub(super) fn request(
    scope: &Scope<'_>,
    reference: &EndpointReference,
    endpoint: &Endpoint,
    body: Option<&Source>,
    kind: &str,
    webhook_id: &str,
) -> Result<Request, HandlerError> {
    let target = Target::Endpoint(reference.clone());
    let Some(body) = body else {
        return Err(HandlerError::EndpointNotReady {
            endpoint: target.to_string(),
            problem: format!("it has no body for {kind} handlers: set spec.bodies.{kind}"),
        });
    };
    let endpoint_headers = endpoint.rendered_headers(scope)?;
    let body = render(scope, &endpoint.library, body, &[], &endpoint_headers)?;
    Ok(Request {
        target,
        method: endpoint.method,
        path: None,
        headers: Vec::new(),
        endpoint_headers,
        body: Some(body),
        webhook_id: webhook_id.to_owned(),
    })
}

/// Whether the Content-Type says JSON; without one it does.
fn is_json(headers: &[(String, String)], endpoint_headers: &[(String, String)]) -> bool {
    let mut all = headers.iter().chain(endpoint_headers);
    let Some((_, value)) = all.find(|(name, _)| name.eq_ignore_ascii_case("content-type")) else { return true };
    let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || media.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_json_unless_a_content_type_says_otherwise() {
        let header = |value: &str| vec![("Content-Type".to_owned(), value.to_owned())];
        assert!(is_json(&[], &[]));
        assert!(is_json(&header("application/cloudevents+json; charset=utf-8"), &[]));
        assert!(!is_json(&[], &header("text/plain")));
    }
}
