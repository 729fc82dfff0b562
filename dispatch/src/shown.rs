//! A request as people see it in a rehearsal. It reads no Secret.

use std::fmt::Write as _;

use cicdcontext_crds::{CicdEndpointSpec, conditions::cut};
use cicdcontext_engine::handler::{Request, Target};

use crate::attempt::Specs;

/// Bytes of a request that are shown.
pub const MAX_SHOWN_BYTES: usize = 16 * 1024;

/// The request as text, cut at [`MAX_SHOWN_BYTES`]. Of credentials only the place is shown.
pub fn shown(request: &Request, endpoints: &impl Specs) -> String {
    let (url, spec) = match &request.target {
        Target::Url(url) | Target::Foreign { url, .. } => (url.clone(), None),
        Target::Endpoint(reference) => {
            let spec = endpoints.spec(reference).map(|(_, spec)| spec);
            let url = spec.and_then(|spec| spec.url.clone()).unwrap_or_else(|| format!("(url of {})", request.target));
            (url, spec)
        }
    };
    let path = request.path.as_deref().unwrap_or_default();
    let root = if path.is_empty() { url.as_str() } else { url.trim_end_matches('/') };
    let mut text = format!("{} {root}{path}\n", request.method.as_str());
    for (name, value) in request.endpoint_headers.iter().chain(&request.headers) {
        let _ = writeln!(text, "{name}: {value}");
    }
    for name in spec.into_iter().flat_map(secret_headers) {
        let _ = writeln!(text, "{name}: ***");
    }
    let _ = writeln!(text, "webhook-id: {}", request.webhook_id);
    if let Some(body) = &request.body {
        let _ = write!(text, "\n{body}");
    }
    cut(&text, MAX_SHOWN_BYTES).to_owned()
}

/// Names of the headers that an endpoint takes from Secrets.
pub fn secret_headers(spec: &CicdEndpointSpec) -> Vec<String> {
    let from_secrets = spec.headers.iter().flatten().filter(|header| header.value_from.is_some());
    let authorization = spec.auth.is_some().then(|| "authorization".to_owned());
    let signature = spec.signing.is_some().then(|| "webhook-signature".to_owned());
    from_secrets.map(|header| header.name.clone()).chain(authorization).chain(signature).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Written, request, spec};

    #[test]
    fn a_request_is_shown_as_it_would_be_sent_but_for_its_secrets() {
        let endpoints = Written::of(spec(serde_json::json!({
            "url": "https://chat.example/api/",
            "headers": [
                {"name": "X-Team", "value": "shop"},
                {"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "chat", "key": "key"}}},
            ],
            "auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}},
            "signing": {"keys": [{"secretKeyRef": {"name": "chat", "key": "signing"}}]},
        })));
        let mut request = request("chat");
        request.path = Some("/messages".to_owned());
        request.endpoint_headers = vec![("X-Team".to_owned(), "shop".to_owned())];
        let text = "POST https://chat.example/api/messages\nX-Team: shop\nX-Key: ***\nauthorization: ***\n\
                    webhook-signature: ***\nwebhook-id: msg_1\n\n{\"text\":\"built\"}";
        assert_eq!(shown(&request, &endpoints), text);
        request.body = Some("x".repeat(MAX_SHOWN_BYTES));
        assert_eq!(shown(&request, &endpoints).len(), MAX_SHOWN_BYTES);
    }
}
