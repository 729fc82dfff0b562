//! respond: the endpoint's respond body, to a URL that came with an earlier request.

use serde_json::json;

use super::{
    body,
    endpoint::{self, Endpoint, Endpoints},
    error::HandlerError,
    request::{Request, Target},
    scope::{Scope, fields},
};
use crate::configuration::model::Respond;

/// What a respond handler comes to: a request, or why there is nothing to respond to.
pub(super) enum Response {
    Send(Box<Request>),
    Nothing(&'static str),
}

pub(super) fn prepare(
    respond: &Respond,
    scope: &mut Scope<'_>,
    endpoints: &dyn Endpoints,
    webhook_id: &str,
) -> Result<Response, HandlerError> {
    let endpoint = endpoint::find(endpoints, &respond.endpoint)?;
    let message = scope.text(&respond.message)?;
    if message.trim().is_empty() {
        return Ok(Response::Nothing("its message is blank"));
    }
    let fields = fields(scope, &respond.fields)?;
    scope.add_to_handler([("message", json!(message)), ("fields", json!(fields))]);
    scope.insert("endpoint", json!({"name": respond.endpoint.name}));
    let template = endpoint.bodies.respond.as_ref();
    let mut request = body::request(scope, &respond.endpoint, &endpoint, template, "respond", webhook_id)?;
    if let Some(url) = &respond.url {
        let url = scope.text(url)?.trim().to_owned();
        if url.is_empty() {
            return Ok(Response::Nothing("its url is blank"));
        }
        check(&url, &endpoint)
            .map_err(|problem| HandlerError::EndpointNotAllowed { endpoint: request.target.to_string(), problem })?;
        request.target = Target::Foreign { endpoint: respond.endpoint.clone(), url };
    }
    Ok(Response::Send(Box::new(request)))
}

/// The URL comes from a template, and often from what somebody else sent: it has to be https (or http, if the endpoint
/// allows that) and its host one of those that the endpoint lists. Nothing of the URL but its host is told.
fn check(url: &str, endpoint: &Endpoint) -> Result<(), String> {
    let wrong = "the rendered url is not an https URL without user name; write https://host/path";
    let parsed = url::Url::parse(url).map_err(|_| wrong)?;
    let (Some(host), "", None) = (parsed.host_str(), parsed.username(), parsed.password()) else {
        return Err(wrong.to_owned());
    };
    if parsed.scheme() != "https" && !(parsed.scheme() == "http" && endpoint.allow_http) {
        return Err(wrong.to_owned());
    }
    if endpoint.allowed_hosts.iter().any(|allowed| covers(allowed, host)) {
        return Ok(());
    }
    let listed = if endpoint.allowed_hosts.is_empty() { "none".to_owned() } else { endpoint.allowed_hosts.join(", ") };
    Err(format!("its spec.allowedHosts ({listed}) do not cover {host}"))
}

/// Whether `allowed`, a host or `*.suffix`, covers `host`.
fn covers(allowed: &str, host: &str) -> bool {
    let (allowed, host) = (allowed.to_ascii_lowercase(), host.trim_end_matches('.').to_ascii_lowercase());
    match allowed.strip_prefix("*.") {
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => allowed == host,
    }
}

#[cfg(test)]
mod tests {
    use cicdcontext_crds::CicdEndpointSpec;

    use super::*;

    #[test]
    fn a_suffix_covers_names_below_it_and_not_the_name_itself_or_lookalikes() {
        assert!(covers("*.chat.example", "hooks.chat.example"));
        assert!(covers("*.chat.example", "a.b.CHAT.example."));
        for host in ["chat.example", "evilchat.example", ".chat.example", "chat.example.evil.test"] {
            assert!(!covers("*.chat.example", host), "{host}");
        }
        assert!(covers("hooks.chat.example", "HOOKS.chat.example"));
    }

    #[test]
    fn only_https_urls_of_listed_hosts_are_answered_to() {
        let endpoint = Endpoint::new(&CicdEndpointSpec {
            allowed_hosts: Some(vec!["hooks.chat.example".to_owned()]),
            ..CicdEndpointSpec::default()
        })
        .unwrap();
        assert_eq!(check("https://hooks.chat.example/r/1", &endpoint), Ok(()));
        assert_eq!(
            check("https://elsewhere.example/r/1", &endpoint).unwrap_err(),
            "its spec.allowedHosts (hooks.chat.example) do not cover elsewhere.example"
        );
        for url in
            ["http://hooks.chat.example/", "https://a@hooks.chat.example/", "https://:b@hooks.chat.example/", "/x"]
        {
            let problem = check(url, &endpoint).unwrap_err();
            assert!(problem.starts_with("the rendered url is not an https URL"), "{url}: {problem}");
        }
    }

    #[test]
    fn plain_http_is_answered_to_where_the_endpoint_allows_it() {
        let endpoint = Endpoint::new(&CicdEndpointSpec {
            allowed_hosts: Some(vec!["chat.example".to_owned()]),
            allow_http: Some(true),
            ..CicdEndpointSpec::default()
        })
        .unwrap();
        assert_eq!(check("http://chat.example/r/1", &endpoint), Ok(()));
        assert!(check("http://elsewhere.example/r/1", &endpoint).is_err());
        assert!(check("ftp://chat.example/r/1", &endpoint).is_err());
    }
}
