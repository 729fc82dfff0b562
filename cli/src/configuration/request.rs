//! A rendered request as people may see it, and what is known of where it would go. Secrets are never read: where one
//! would stand is `***`. Nothing is resolved and nothing is sent.

use std::net::Ipv4Addr;

use cicdcontext_crds::{CicdEndpointSpec, endpoint::SecretSource, vocabulary::reason};
use cicdcontext_delivery::{Destination, Outgoing, Policy, RefusalReason, Scope, egress};
use cicdcontext_dispatch::{assumed_type, outgoing, secret_headers};
use cicdcontext_engine::{
    event::{Delivered, Failure, Prospect},
    handler::{Request, Target},
};
use jiff::Timestamp;
use serde::Serialize;
use url::{Host, Url};

use super::GatheredEndpoints;

/// What stands in the place of a secret.
pub const REDACTED: &str = "***";
/// How the operator completes names of Services unless its `--cluster-domain` says otherwise.
const CLUSTER_DOMAIN: &str = "cluster.local";
/// Stands for a URL that is a secret while the path is joined to it.
const PLACEHOLDER: &str = "https://secret.invalid";

/// A request as it would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownRequest {
    /// Its method.
    pub method: String,
    /// Its URL; `***` and the path if the URL is a secret.
    pub url: String,
    /// Its headers, with `***` for what comes from a Secret. Names as they were written.
    pub headers: Vec<ShownHeader>,
    /// Its body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownHeader {
    /// Its name.
    pub name: String,
    /// Its value, or `***`.
    pub value: String,
}

/// Whether a request would be let out, as far as that shows without looking a name up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Egress {
    /// In a word.
    pub verdict: Verdict,
    /// In a sentence.
    pub message: String,
    /// The reason of the handler's failure, if it is refused whatever the operator's flags say.
    #[serde(skip)]
    reason: Option<&'static str>,
}

impl Egress {
    fn new(verdict: Verdict, message: String) -> Self {
        Self { verdict, message, reason: None }
    }
}

/// Whether a request would be let out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// It goes to a public address.
    Allowed,
    /// It goes to a name, whose addresses are checked when it is sent.
    CheckedWhenSent,
    /// The name means something internal, so that its address will hardly be allowed.
    Doubtful,
    /// It is not let out.
    Refused,
}

/// The request as it would be sent, and whether it would be let out under `policy`.
pub fn show(request: &Request, endpoints: &GatheredEndpoints, policy: &Policy) -> (ShownRequest, Egress) {
    let found = request.target.endpoint().and_then(|reference| endpoints.spec(reference));
    let spec = found.map(|(_, spec)| spec);
    let own = matches!(request.target, Target::Endpoint(_));
    let secret = spec.filter(|_| own).and_then(|spec| spec.url_from.as_ref());
    let scope = found.map_or_else(|| Scope::public(CLUSTER_DOMAIN), |(home, _)| Scope::namespace(home, CLUSTER_DOMAIN));
    let (headers, built) = match Url::parse(&written_url(request, spec)) {
        Err(error) => (headers(request, spec, own), Err(format!("read the URL: {error}; write https://host/path"))),
        Ok(url) => {
            let built = build(request, spec, Destination::new(url, scope.clone()));
            (headers(request, spec, own), built.map_err(|error| format!("build the request: {error}")))
        }
    };
    let url = match (&built, secret) {
        (Ok(outgoing), None) => outgoing.url().to_string(),
        (Ok(outgoing), Some(_)) => {
            format!("{REDACTED}{}", outgoing.url().as_str().trim_start_matches(PLACEHOLDER).trim_end_matches('/'))
        }
        (Err(_), _) => {
            written_url(request, spec).replace(PLACEHOLDER, REDACTED) + request.path.as_deref().unwrap_or_default()
        }
    };
    let egress = match (built, secret) {
        (Err(message), _) => Egress { reason: Some(reason::INVALID_REQUEST), ..Egress::new(Verdict::Refused, message) },
        (Ok(_), Some(source)) => in_secret(source),
        (Ok(outgoing), None) => judge(outgoing.url(), spec, &scope, policy),
    };
    let method = request.method.as_str().to_owned();
    (ShownRequest { method, url, headers, body: request.body.clone() }, egress)
}

/// How a request fails that is never let out; none if it may be sent. Without the policy of whoever sends, that is what is
/// refused whatever an operator's flags and the addresses are.
pub fn refusal(request: &Request, endpoints: &GatheredEndpoints, policy: Option<&Policy>) -> Option<Delivered> {
    let spec = request.target.endpoint().and_then(|reference| endpoints.spec(reference)).map(|(_, spec)| spec);
    if let (Some(proxy), Some(_)) = (spec.and_then(|spec| spec.proxy.as_deref()), policy) {
        let message = format!("use spec.proxy: {proxy:?} is a proxy of an operator, and none runs here");
        let failure = Failure::new(Prospect::Final, reason::ENDPOINT_NOT_READY, message);
        return Some(Delivered { failure: Some(failure), ..Delivered::default() });
    }
    let (_, egress) = show(request, endpoints, policy.unwrap_or(&Policy::default()));
    let refused = policy.is_some() && egress.verdict == Verdict::Refused;
    let why = egress.reason.or_else(|| refused.then_some(reason::EGRESS_REFUSED))?;
    let failure = Failure::new(Prospect::Final, why, egress.message);
    Some(Delivered { failure: Some(failure), ..Delivered::default() })
}

/// What can be said of an endpoint without its Secrets: whether its URL, headers and timeout can be used.
pub fn check_endpoint(spec: &CicdEndpointSpec, namespace: &str) -> Result<(), String> {
    let url = spec.url.as_deref().unwrap_or(PLACEHOLDER);
    let url = Url::parse(url).map_err(|error| format!("read spec.url: {error}; write https://host/path"))?;
    let scope = Scope::namespace(namespace, CLUSTER_DOMAIN);
    let target = egress::Target::of(&url).map_err(|refusal| refusal.to_string())?;
    if !target.https() && spec.allow_http != Some(true) {
        let refusal = Policy::default().check(&target, &scope, false);
        refusal.map_err(|refusal| refusal.to_string())?;
    }
    let templates = spec.headers.iter().flatten().filter(|header| header.value.is_some());
    let headers: Vec<_> = templates.map(|header| (header.name.clone(), "x".to_owned())).collect();
    destination(Some(spec), Destination::new(url, scope), &headers).map(drop).map_err(|error| error.to_string())
}

/// The URL that the path is joined to.
fn written_url(request: &Request, spec: Option<&CicdEndpointSpec>) -> String {
    match &request.target {
        Target::Url(url) | Target::Foreign { url, .. } => url.clone(),
        Target::Endpoint(_) => spec.and_then(|spec| spec.url.clone()).unwrap_or_else(|| PLACEHOLDER.to_owned()),
    }
}

/// The endpoint as a destination, with a placeholder for each secret.
fn destination(
    spec: Option<&CicdEndpointSpec>,
    mut destination: Destination,
    headers: &[(String, String)],
) -> Result<Destination, cicdcontext_delivery::RequestError> {
    for (name, value) in headers {
        destination = destination.header(name, value)?;
    }
    let Some(spec) = spec else { return Ok(destination) };
    for header in spec.headers.iter().flatten() {
        let Some(source) = &header.value_from else { continue };
        let (prefix, suffix) = (source.prefix.as_deref().unwrap_or(""), source.suffix.as_deref().unwrap_or(""));
        destination = destination.secret_header(&header.name, prefix, &"x".into(), suffix)?;
    }
    Ok(destination.allow_http(spec.allow_http.unwrap_or_default()))
}

/// The request as the operator would build it.
fn build(
    request: &Request,
    spec: Option<&CicdEndpointSpec>,
    at: Destination,
) -> Result<Outgoing, cicdcontext_delivery::RequestError> {
    outgoing(&destination(spec, at, &request.endpoint_headers)?, request, Timestamp::UNIX_EPOCH)
}

fn headers(request: &Request, spec: Option<&CicdEndpointSpec>, own: bool) -> Vec<ShownHeader> {
    let header = |name: &str, value: &str| ShownHeader { name: name.to_owned(), value: value.to_owned() };
    let rendered = || request.endpoint_headers.iter().chain(&request.headers);
    let mut shown: Vec<_> = rendered().map(|(name, value)| header(name, value)).collect();
    shown.extend(assumed_type(request).map(|(name, value)| header(name, value)));
    let secret = spec.filter(|_| own).map(secret_headers).unwrap_or_default();
    shown.extend(secret.iter().map(|name| header(name, REDACTED)));
    shown.push(header("webhook-id", &request.webhook_id));
    shown
}

fn in_secret(source: &SecretSource) -> Egress {
    let name = &source.secret_key_ref.name;
    let message = format!("the URL is in Secret {name}, which is not read here; it is checked when it is sent");
    Egress::new(Verdict::CheckedWhenSent, message)
}

fn judge(url: &Url, spec: Option<&CicdEndpointSpec>, scope: &Scope, policy: &Policy) -> Egress {
    let allow_http = spec.and_then(|spec| spec.allow_http).unwrap_or_default();
    let proxy = spec.and_then(|spec| spec.proxy.as_deref());
    let refused = |refusal: egress::Refusal| Egress {
        reason: is_final(refusal.reason).then_some(reason::EGRESS_REFUSED),
        ..Egress::new(Verdict::Refused, refusal.to_string())
    };
    let target = match egress::Target::of(url) {
        Ok(target) => target,
        Err(refusal) => return refused(refusal),
    };
    if let Err(refusal) = policy.check(&target, scope, allow_http) {
        return refused(refusal);
    }
    match (policy.check_behind_proxy(&target, scope, allow_http), proxy) {
        (Err(refusal), None) if refusal.reason == RefusalReason::Private => {
            let message = format!("{refusal}; its address is checked when it is sent");
            Egress::new(Verdict::Doubtful, message)
        }
        // A name of this machine means its loopback addresses, which a rule may have opened.
        (Err(refusal), None)
            if refusal.reason == RefusalReason::Loopback
                && policy.check_address(Ipv4Addr::LOCALHOST.into(), &target, scope).is_ok() =>
        {
            Egress::new(Verdict::Allowed, format!("{target} may be sent to"))
        }
        (Err(refusal), _) => refused(refusal),
        (Ok(()), None) if !matches!(target.host(), Host::Domain(_)) => {
            Egress::new(Verdict::Allowed, format!("{target} may be sent to"))
        }
        (Ok(()), None) => {
            Egress::new(Verdict::CheckedWhenSent, format!("the address of {target} is checked when it is sent"))
        }
        (Ok(()), Some(proxy)) => Egress::new(
            Verdict::CheckedWhenSent,
            format!("{target} is reached through proxy {proxy}, if the operator has it, which finds the address"),
        ),
    }
}

/// Whether no flag of the operator lets it out.
fn is_final(reason: RefusalReason) -> bool {
    use RefusalReason::{Broadcast, Multicast, NotAUrl, PlainHttp, Scheme, Unspecified, UserInformation};
    matches!(reason, NotAUrl | Scheme | UserInformation | PlainHttp | Multicast | Broadcast | Unspecified)
}

#[cfg(test)]
mod tests {
    use cicdcontext_crds::handler::{EndpointReference, HttpMethod};
    use serde_json::{Value, json};

    use super::*;
    use crate::manifests::fixture::Shop;

    fn endpoint() -> EndpointReference {
        EndpointReference { name: "ci".to_owned(), namespace: None }
    }

    async fn shown(spec: Value, request: Request) -> (ShownRequest, Egress) {
        let object = json!({"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdEndpoint", "metadata": {"name": "ci"}, "spec": spec});
        let manifests = Shop::of(&[object]);
        let endpoints = GatheredEndpoints::gather(&manifests.seen(), "team", [endpoint()]).await.unwrap();
        show(&request, &endpoints, &Policy::default())
    }

    fn request(target: Target) -> Request {
        Request {
            target,
            method: HttpMethod::Post,
            path: None,
            headers: Vec::new(),
            endpoint_headers: Vec::new(),
            body: Some("{}".to_owned()),
            webhook_id: "msg_1".to_owned(),
        }
    }

    fn header<'s>(shown: &'s ShownRequest, name: &str) -> Option<&'s str> {
        let header = shown.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| header.value.as_str())
    }

    #[tokio::test]
    async fn what_comes_from_a_secret_is_three_stars() {
        let spec = json!({
            "urlFrom": {"secretKeyRef": {"name": "hook", "key": "url"}},
            "auth": {"bearer": {"secretKeyRef": {"name": "t", "key": "token"}}},
            "signing": {"keys": [{"secretKeyRef": {"name": "s", "key": "key"}}]},
            "headers": [{"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "t", "key": "key"}}}],
        });
        let (shown, egress) =
            shown(spec, Request { path: Some("/runs".to_owned()), ..request(Target::Endpoint(endpoint())) }).await;
        assert_eq!(shown.url, "***/runs");
        for name in ["authorization", "webhook-signature", "x-key"] {
            assert_eq!(header(&shown, name), Some("***"), "{name}");
        }
        assert_eq!(header(&shown, "content-type"), Some("application/json"));
        assert_eq!(egress.message, "the URL is in Secret hook, which is not read here; it is checked when it is sent");
    }

    #[tokio::test]
    async fn another_url_carries_no_credentials() {
        let spec = json!({"url": "https://ci.example", "allowedHosts": ["x.example"],
            "auth": {"bearer": {"secretKeyRef": {"name": "t", "key": "token"}}}});
        let foreign = Target::Foreign { endpoint: endpoint(), url: "https://x.example/r?id=1".to_owned() };
        let (shown, egress) = shown(spec, request(foreign)).await;
        assert_eq!((shown.url.as_str(), header(&shown, "authorization")), ("https://x.example/r?id=1", None));
        assert_eq!(egress.verdict, Verdict::CheckedWhenSent);
    }

    #[tokio::test]
    async fn the_path_is_joined_as_the_operator_joins_it() {
        let spec = json!({"url": "https://ci.example/api/?team=a"});
        let to = |path: &str| Request { path: Some(path.to_owned()), ..request(Target::Endpoint(endpoint())) };
        let (shown_request, _) = shown(spec.clone(), to("/runs/a b")).await;
        assert_eq!(shown_request.url, "https://ci.example/api/runs/a%20b?team=a");
        let (_, egress) = shown(spec, to("/../admin")).await;
        assert_eq!(egress.verdict, Verdict::Refused);
        assert!(egress.message.starts_with("build the request: join path to the endpoint's URL: "), "{egress:?}");
    }

    #[tokio::test]
    async fn the_verdict_follows_from_what_the_url_shows() {
        for (url, verdict, part) in [
            ("https://hooks.example/a", Verdict::CheckedWhenSent, "the address of https://hooks.example is checked"),
            ("https://93.184.216.34/", Verdict::Allowed, "may be sent to"),
            ("https://10.0.0.1/", Verdict::Refused, "it is a private address"),
            ("https://169.254.169.254/", Verdict::Refused, "metadata"),
            ("https://localhost/", Verdict::Refused, "loopback"),
            ("https://chat.team.svc/", Verdict::CheckedWhenSent, "checked when it is sent"),
            ("https://chat.other.svc/", Verdict::Doubtful, "it is a private address"),
        ] {
            let (_, egress) = shown(json!({"url": url}), request(Target::Endpoint(endpoint()))).await;
            assert_eq!(egress.verdict, verdict, "{url}: {egress:?}");
            assert!(egress.message.contains(part), "{url}: {egress:?}");
        }
        let opened = Policy::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new());
        let (scope, url) = (Scope::namespace("team", CLUSTER_DOMAIN), Url::parse("https://localhost/").unwrap());
        assert_eq!(judge(&url, None, &scope, &opened).verdict, Verdict::Allowed);
        let (_, egress) =
            shown(json!({"url": "https://a.example"}), request(Target::Url("http://b.example/x".into()))).await;
        assert_eq!(egress.verdict, Verdict::Refused);
        assert!(egress.message.contains("the scheme is http"), "{egress:?}");
    }

    #[test]
    fn an_endpoint_is_checked_without_its_secrets() {
        let check = |spec: Value| check_endpoint(&serde_json::from_value(spec).unwrap(), "default");
        assert_eq!(check(json!({"url": "https://a.example"})), Ok(()));
        assert_eq!(check(json!({"url": "http://a.example", "allowHttp": true})), Ok(()));
        assert!(check(json!({"url": "http://a.example"})).unwrap_err().contains("allowHttp"));
        assert!(check(json!({"url": "a.example"})).unwrap_err().starts_with("read spec.url: "));
        let headers = json!([{"name": "webhook-id", "value": "x"}]);
        assert!(check(json!({"url": "https://a.example", "headers": headers})).unwrap_err().contains("webhook-id"));
    }
}
