//! What a gate does to a request instead of passing it on: the answers of an API server that is overloaded, ill, or too
//! far away.
//!
//! It must not know who asks, nor what for.

use std::time::Instant;

use axum::{
    body::Body,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A request as it came to a gate.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When it came.
    pub at: Instant,
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its query; blank if it has none.
    pub query: String,
    /// The text of its body.
    pub body: String,
}

impl Asked {
    /// Whether it changes something.
    pub fn is_write(&self) -> bool {
        !self.method.is_safe()
    }

    /// Whether it is a watch.
    pub fn is_watch(&self) -> bool {
        self.query.split('&').any(|parameter| parameter == "watch=true")
    }

    /// Whether it is a list, or a page of one, of these objects (`cicdevents`).
    pub fn is_list_of(&self, plural: &str) -> bool {
        self.method == Method::GET && !self.is_watch() && self.path.rsplit('/').next() == Some(plural)
    }

    /// Whether it watches these objects.
    pub fn is_watch_of(&self, plural: &str) -> bool {
        self.is_watch() && self.path.rsplit('/').next() == Some(plural)
    }

    /// Whether it has this method, and a path that ends so.
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.ends_with(path)
    }
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The API server never sees it.
    Refused(Reply),
    /// The API server carries it out, and its answer is lost: this one comes in its place.
    Lost(Reply),
    /// The API server never sees it, and nobody ever answers.
    Silent,
    /// The API server carries it out, and its answer comes only after [`Gate::release`](super::Gate::release).
    Late,
}

/// An answer that is not the API server's.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
}

impl Reply {
    /// A Status, as the API server writes it.
    ///
    /// ```
    /// use cicdcontext_tests::gate::fault::Reply;
    ///
    /// let reply = Reply::status(503, "ServiceUnavailable", "etcdserver: leader changed");
    /// # let _ = reply;
    /// ```
    pub fn status(code: u16, reason: &str, message: &str) -> Self {
        Self::json(code, &status(code, reason, message))
    }

    /// Too many requests, as priority and fairness say it: in plain text.
    pub fn too_many_requests() -> Self {
        Self {
            status: 429,
            headers: vec![
                ("content-type", "text/plain; charset=utf-8"),
                ("retry-after", "1"),
                ("x-kubernetes-pf-flowschema-uid", "5b3b7a2c-6f0d-4e57-9c0f-1a2b3c4d5e6f"),
                ("x-kubernetes-pf-prioritylevel-uid", "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"),
            ],
            body: "Too many requests, please try again later.\n".to_owned(),
        }
    }

    /// The same as a Status, as servers say it that are asked to bear less.
    pub fn too_many_requests_as_status() -> Self {
        let mut status = status(429, "TooManyRequests", "the server has received too many requests");
        status["details"] = json!({"retryAfterSeconds": 1});
        let mut reply = Self::json(429, &status);
        reply.headers.push(("retry-after", "1"));
        reply
    }

    /// A watch that ends before it says anything.
    pub fn ended_watch() -> Self {
        Self { status: 200, headers: vec![("content-type", "application/json")], body: String::new() }
    }

    fn json(code: u16, body: &Value) -> Self {
        Self { status: code, headers: vec![("content-type", "application/json")], body: body.to_string() }
    }
}

/// A Status of a failure.
pub(super) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder().status(status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(self.body)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    fn asked(method: Method, path: &str, query: &str) -> Asked {
        Asked { at: Instant::now(), method, path: path.to_owned(), query: query.to_owned(), body: String::new() }
    }

    #[test]
    fn lists_watches_and_objects_are_told_apart() {
        let path = "/apis/cicdcontext.io/v1alpha1/namespaces/shop/cicdevents";
        let list = asked(Method::GET, path, "limit=500");
        assert!(list.is_list_of("cicdevents") && !list.is_watch() && !list.is_write());
        let watch = asked(Method::GET, path, "watch=true&timeoutSeconds=290");
        assert!(watch.is_watch_of("cicdevents") && !watch.is_list_of("cicdevents") && !watch.is_watch_of("cicdbases"));
        let object = asked(Method::GET, &format!("{path}/e1"), "");
        assert!(!object.is_list_of("cicdevents") && object.is("GET", "/cicdevents/e1"));
        assert!(asked(Method::POST, path, "").is_write());
    }

    #[tokio::test]
    async fn a_refusal_is_what_priority_and_fairness_answers() {
        let response = Reply::too_many_requests().into_response();
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"1".parse().unwrap()));
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        assert_eq!(body, "Too many requests, please try again later.\n");
    }
}
