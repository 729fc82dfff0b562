use super::*;
use crate::egress::Scope;

fn endpoint(url: &str) -> Destination {
    let destination = Destination::new(url.parse().unwrap(), Scope::public("cluster.local"));
    let destination = destination.header("x-team", "shop").unwrap();
    destination.secret_header("X-Api-Key", "", &"canary-secret".into(), "").unwrap()
}

fn joined(base: &str, path: &str) -> Result<String, String> {
    let destination = endpoint(base);
    let builder = Outgoing::to(&destination, "POST").unwrap().path(path).map_err(|error| error.to_string())?;
    Ok(builder.build("id", 0).unwrap().url().to_string())
}

#[test]
fn a_path_is_appended_as_encoded_segments() {
    for (base, path, url) in [
        ("https://ci.example", "", "https://ci.example/"),
        ("https://ci.example", "/v1/x", "https://ci.example/v1/x"),
        ("https://ci.example/", "/", "https://ci.example/"),
        ("https://ci.example/api/", "/v1/", "https://ci.example/api/v1/"),
        ("https://ci.example/api?token=t#f", "/v1", "https://ci.example/api/v1?token=t"),
        ("https://ci.example/api", "/a b/ü/%C3%BC", "https://ci.example/api/a%20b/%C3%BC/%C3%BC"),
        ("https://ci.example/api", "/@scope/pkg:1;v=2", "https://ci.example/api/@scope/pkg:1;v=2"),
        ("https://ci.example/api", "/v1..2/.well-known/100%25", "https://ci.example/api/v1..2/.well-known/100%25"),
    ] {
        assert_eq!(joined(base, path).as_deref(), Ok(url), "{path}");
    }
}

#[test]
fn a_path_that_could_leave_the_endpoint_is_refused() {
    for (path, told) in [
        ("@evil.example/x", "does not start with \"/\""),
        ("evil", "does not start with \"/\""),
        ("https://evil.example/", "does not start with \"/\""),
        ("//evil.example/x", "segment 1 is empty"),
        ("/a//b", "segment 2 is empty"),
        ("/..", "segment 1 is \"..\""),
        ("/a/../../b", "segment 2 is \"..\""),
        ("/a/./b", "segment 2 is \".\""),
        ("/a/%2e%2E/b", "segment 2 has an encoded dot"),
        ("/a/.%2e/b", "segment 2 has an encoded dot"),
        ("/a%2Fb", "segment 1 has an encoded slash"),
        ("/a%5cb", "segment 1 has an encoded backslash"),
        ("/a%252Fb", "segment 1 has an encoded slash"),
        ("/a%25252e", "segment 1 has an encoded dot"),
        ("/a%0d%0ax", "segment 1 has an encoded control character"),
        ("/a\\..\\b", "segment 1 has '\\\\'"),
        ("/\\evil.example", "segment 1 has '\\\\'"),
        ("/.\t./x", "segment 1 has '\\t'"),
        ("/x?admin=1", "segment 1 has '?'"),
        ("/x#y", "segment 1 has '#'"),
        ("/100%", "segment 1 has a percent sign"),
        ("/%zz", "segment 1 has a percent sign"),
    ] {
        let error = joined("https://ci.example/api", path).expect_err(path);
        assert!(error.starts_with("join path to the endpoint's URL: ") && error.contains(told), "{path}: {error}");
    }
    assert!(joined("data:text/plain,x", "/a").unwrap_err().contains("another origin"));
}

#[test]
fn headers_that_are_not_a_handlers_own_are_refused() {
    let destination = endpoint("https://ci.example");
    let set = |name: &str, value: &str| Outgoing::to(&destination, "POST").unwrap().header(name, value).map(|_| ());
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "CONNECTION",
        "te",
        "Upgrade",
        "Authorization",
        "Cookie",
        "Proxy-Authorization",
        "proxy-connection",
        "X-Forwarded-For",
        "x-forwarded-host",
        "Idempotency-Key",
        "webhook-id",
        "Webhook-Signature",
        "webhook-timestamp",
        "Keep-Alive",
        "Trailer",
        "Expect",
        "Forwarded",
    ] {
        let error = set(name, "x").expect_err(name);
        assert!(matches!(error, RequestError::HeaderReserved(_)), "{name}: {error}");
    }
    for name in ["X-Team", "x-api-key"] {
        assert_eq!(set(name, "x"), Err(RequestError::HeaderOfEndpoint(name.to_lowercase())));
    }
    assert!(matches!(set("bad name", "x"), Err(RequestError::HeaderName(_))));
    assert_eq!(
        set("x-note", "secret\r\nx-evil: 1").unwrap_err().to_string(),
        "set header \"x-note\": its value has a control character at byte 6; remove line breaks and tabs"
    );
    for value in ["a\tb", "a\u{7f}", "a\0", "a\u{85}"] {
        assert!(matches!(set("x-note", value), Err(RequestError::HeaderValue { at: 1, .. })), "{value:?}");
    }
    assert!(matches!(
        set("x-note", &"x".repeat(MAX_HEADER_VALUE + 1)),
        Err(RequestError::HeaderTooLong { actual: 8193, .. })
    ));
    assert_eq!(set("x-note", "grüße"), Ok(()));
    let builder = Outgoing::to(&destination, "POST").unwrap().header("x-note", "1").unwrap();
    assert_eq!(builder.clone().header("X-Note", "2").err(), Some(RequestError::HeaderTwice("x-note".into())));
    let full = (1..MAX_HEADERS).fold(builder, |builder, n| builder.header(&format!("x-{n}"), "v").unwrap());
    assert_eq!(full.header("x-last", "v").err(), Some(RequestError::TooManyHeaders("x-last".into())));
}

#[test]
fn an_endpoint_sets_credentials_but_not_framing_or_delivery_headers() {
    let endpoint = || endpoint("https://ci.example");
    assert!(endpoint().header("authorization", "Token x").is_ok());
    for name in ["Host", "content-length", "idempotency-key", "webhook-signature"] {
        assert!(matches!(endpoint().header(name, "x"), Err(RequestError::HeaderReserved(_))), "{name}");
    }
    assert!(matches!(endpoint().header("X-API-Key", "x"), Err(RequestError::HeaderTwice(_))));
    let error = endpoint().secret_header("x-token", "", &"canary\n".into(), "").unwrap_err().to_string();
    assert_eq!(
        error,
        "set header \"x-token\" from its Secret: the value has a line break at its end; correct the Secret"
    );
}

#[test]
fn sizes_methods_ids_and_timeouts_have_limits() {
    let destination = endpoint("https://ci.example");
    let post = || Outgoing::to(&destination, "POST").unwrap();
    assert!(post().body(vec![0; MAX_BODY]).is_ok());
    let error = post().body(vec![0; MAX_BODY + 1]).err().unwrap().to_string();
    assert_eq!(error, "send a body of 262145 bytes: the limit is 262144; send a link to the data instead");
    for method in ["CONNECT", "TRACE", "post", "", "GET /"] {
        assert_eq!(Outgoing::to(&destination, method).err(), Some(RequestError::Method(method.into())));
    }
    for id in ["", "a b", "a\r\nx: y", "ü"] {
        assert_eq!(post().build(id, 0).err(), Some(RequestError::WebhookId(id.into())));
    }
    let long = post().path(&format!("/{}", "x".repeat(MAX_URL))).unwrap().build("id", 0).unwrap_err().to_string();
    assert_eq!(long, "send to a URL of 8211 bytes: the limit is 8192; put long values into the body");
    for seconds in [0, 61] {
        assert!(destination.clone().timeout(Duration::from_secs(seconds)).is_err());
    }
}

#[test]
fn debug_output_shows_neither_secrets_nor_urls() {
    let destination = endpoint("https://ci.example/T0/canary-path?k=canary-query").url_is_secret();
    let outgoing =
        Outgoing::to(&destination, "POST").unwrap().body(b"canary-body".to_vec()).unwrap().build("id", 0).unwrap();
    let shown = format!("{destination:?} {outgoing:?}");
    assert!(!shown.contains("canary") && !shown.contains("ci.example"), "{shown}");
    assert!(shown.contains("x-api-key"), "{shown}");
}
