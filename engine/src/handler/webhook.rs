//! webhook: any HTTP request that the endpoint allows, or one without credentials to a public https URL.

use cicdcontext_crds::handler::HttpMethod;
use serde_json::json;

use super::{
    body,
    endpoint::{self, Endpoint, Endpoints},
    error::HandlerError,
    request::{Request, Target},
    scope::Scope,
};
use crate::configuration::model::{Webhook, WebhookTarget};

pub(super) fn prepare(
    webhook: &Webhook,
    scope: &mut Scope<'_>,
    endpoints: &dyn Endpoints,
    webhook_id: &str,
) -> Result<Box<Request>, HandlerError> {
    let path = webhook.path.as_ref().map(|path| scope.text(path)).transpose()?;
    let path = path.map(|path| path.trim().to_owned());
    let mut headers = Vec::with_capacity(webhook.headers.len());
    for header in &webhook.headers {
        headers.push((header.name.clone(), scope.text(&header.value)?.trim().to_owned()));
    }
    let (target, method, endpoint_headers) = match &webhook.target {
        WebhookTarget::Endpoint(reference) => {
            let endpoint = endpoint::find(endpoints, reference)?;
            let target = Target::Endpoint(reference.clone());
            let refuse = |problem| HandlerError::EndpointNotAllowed { endpoint: target.to_string(), problem };
            let method = webhook.method.unwrap_or(endpoint.method);
            allowed(&endpoint, method, path.as_deref(), &headers).map_err(refuse)?;
            scope.insert("endpoint", json!({"name": reference.name}));
            let endpoint_headers = endpoint.rendered_headers(scope)?;
            (target, method, endpoint_headers)
        }
        WebhookTarget::Url(url) => {
            let url = scope.text(url)?.trim().to_owned();
            (Target::Url(url), webhook.method.unwrap_or_default(), Vec::new())
        }
    };
    let library = &scope.program.library;
    let body = webhook.body.as_ref().map(|body| body::render(scope, library, body, &headers, &endpoint_headers));
    Ok(Box::new(Request {
        target,
        method,
        path: path.filter(|path| !path.is_empty()),
        headers,
        endpoint_headers,
        body: body.transpose()?,
        webhook_id: webhook_id.to_owned(),
    }))
}

/// Checks what the handler chose against what the endpoint allows.
fn allowed(
    endpoint: &Endpoint,
    method: HttpMethod,
    path: Option<&str>,
    headers: &[(String, String)],
) -> Result<(), String> {
    let methods = endpoint.allow.methods.as_deref().unwrap_or_default();
    if method != endpoint.method && !methods.contains(&method) {
        return Err(format!(
            "its spec.allow.methods does not list {}, and its own method is {}",
            method.as_str(),
            endpoint.method.as_str()
        ));
    }
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        let prefixes = endpoint.allow.path_prefixes.as_deref().unwrap_or_default();
        if !prefixes.iter().any(|prefix| starts_with(path, prefix)) {
            let listed = if prefixes.is_empty() { "none".to_owned() } else { prefixes.join(", ") };
            return Err(format!("its spec.allow.pathPrefixes ({listed}) do not cover the path {path:?}"));
        }
    }
    let allowed = endpoint.allow.headers.as_deref().unwrap_or_default();
    let free = |name: &str| {
        name.eq_ignore_ascii_case("content-type") || allowed.iter().any(|header| header.eq_ignore_ascii_case(name))
    };
    match headers.iter().find(|(name, _)| !free(name)) {
        Some((name, _)) => Err(format!("its spec.allow.headers does not list {name}")),
        None => Ok(()),
    }
}

/// Whether `path` is `prefix` or below it, segment by segment.
fn starts_with(path: &str, prefix: &str) -> bool {
    let segments = |text: &str| -> Vec<String> {
        text.trim_matches('/').split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    segments(path).starts_with(&segments(prefix))
}

#[cfg(test)]
mod tests {
    use cicdcontext_crds::{CicdEndpointSpec, endpoint::Allow};

    use super::*;

    fn endpoint(allow: Allow) -> Endpoint {
        Endpoint::new(&CicdEndpointSpec { allow: Some(allow), ..CicdEndpointSpec::default() }).unwrap()
    }

    #[test]
    fn an_endpoint_allows_its_own_method_and_url_and_nothing_else_by_default() {
        let endpoint = endpoint(Allow::default());
        assert_eq!(allowed(&endpoint, HttpMethod::Post, None, &[]), Ok(()));
        assert_eq!(
            allowed(&endpoint, HttpMethod::Delete, None, &[]).unwrap_err(),
            "its spec.allow.methods does not list DELETE, and its own method is POST"
        );
        assert_eq!(
            allowed(&endpoint, HttpMethod::Post, Some("/x"), &[]).unwrap_err(),
            "its spec.allow.pathPrefixes (none) do not cover the path \"/x\""
        );
        assert_eq!(
            allowed(&endpoint, HttpMethod::Post, None, &[("X-A".into(), "1".into())]).unwrap_err(),
            "its spec.allow.headers does not list X-A"
        );
    }

    #[test]
    fn a_path_prefix_counts_by_segments() {
        assert!(starts_with("/api/x", "/api"));
        assert!(starts_with("api", "/api/"));
        assert!(!starts_with("/apis", "/api"));
        assert!(starts_with("/anything", "/"));
    }
}
