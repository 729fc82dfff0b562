//! What a request came to nothing for, in words that say what to do about it.

use std::time::Duration;

use kube::core::Status;
use thiserror::Error;

use crate::exit::Exit;

/// A request that failed.
#[derive(Debug, Error)]
#[error("{request}: {problem}")]
pub struct SourceError {
    /// What was asked for, as `get CicdContext shop in namespace default`.
    pub request: String,
    /// What went wrong.
    pub problem: Problem,
}

/// What went wrong with a request.
#[derive(Debug, Error)]
pub enum Problem {
    /// There is no cluster to ask.
    #[error("{0}")]
    NoCluster(String),
    /// The files do not give it, or do not take it.
    #[error("{0}")]
    Files(String),
    /// What is asked for contradicts the files, or what stands in the state folder.
    #[error("{0}")]
    Refused(String),
    /// Another process was at work there all the time.
    #[error("{0}; nothing was changed; try again, or raise --request-timeout")]
    Occupied(String),
    /// The object, or its namespace, does not exist.
    #[error("{0}; check the name and --namespace")]
    NotFound(String),
    /// The kind does not exist.
    #[error("the API server does not know this kind; install it: kubectl apply -k deploy/crds")]
    NotInstalled,
    /// There is an object of this name already.
    #[error("it exists already")]
    AlreadyExists,
    /// Somebody else was faster: a `test` of the patch did not hold.
    #[error("somebody else changed it in the meantime")]
    Conflict,
    /// The API server had too much to do each time, and did nothing.
    #[error("the API server has put it off until the time was over: {0}; try again later")]
    Busy(String),
    /// The API server does not want such an object.
    #[error("the API server refuses it: {0}")]
    Invalid(String),
    /// The user may not do this.
    #[error("{0}; the ClusterRole cicd-pipeline grants what cicdctl needs")]
    Forbidden(String),
    /// The user may not do this, and a step of a pipeline should not.
    #[error("{0}; the ClusterRole cicd-editor grants it, cicd-pipeline does not")]
    Privileged(String),
    /// The API server does not know the user.
    #[error(
        "the API server does not accept the credentials; log in again, or check --kubeconfig, --user and the token"
    )]
    Unauthorized,
    /// No answer came in time.
    #[error("no answer within {} s{}; check the API server, or raise --request-timeout", .after.as_secs_f32(),
        if *.changes { ", and whether it was done is not known" } else { "" })]
    Timeout {
        /// How long was waited.
        after: Duration,
        /// Whether the request would have changed something.
        changes: bool,
    },
    /// No connection, or one that broke.
    #[error("cannot talk to {server}: {cause}; check --kubeconfig, --context and the network")]
    Unreachable {
        /// The API server's URL.
        server: String,
        /// The innermost cause.
        cause: String,
    },
    /// The answer is not what it should be.
    #[error("cannot read the answer: {0}")]
    Unreadable(String),
    /// Any other answer.
    #[error("the API server answered {code}: {message}")]
    Other {
        /// The HTTP status code.
        code: u16,
        /// The API server's words.
        message: String,
    },
}

impl SourceError {
    /// The exit code that tells a script about it.
    pub fn exit(&self) -> Exit {
        match self.problem {
            Problem::NotFound(_) => Exit::NotFound,
            Problem::Conflict | Problem::AlreadyExists | Problem::Invalid(_) | Problem::Refused(_) => Exit::Refused,
            Problem::Timeout { .. } | Problem::Occupied(_) => Exit::TimedOut,
            _ => Exit::Failed,
        }
    }
}

impl Problem {
    /// Understands what the API server answered.
    pub fn of_status(status: &Status) -> Self {
        let message = status.message.clone();
        // A missing kind and a failed `test` are answered without saying which object they are about.
        let about_an_object = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
        match status.code {
            404 if about_an_object => Self::NotFound(message),
            404 => Self::NotInstalled,
            409 if status.reason == "AlreadyExists" => Self::AlreadyExists,
            422 if about_an_object => Self::Invalid(message),
            409 | 422 => Self::Conflict,
            401 => Self::Unauthorized,
            403 => Self::Forbidden(message),
            429 => Self::Busy(message),
            code => Self::Other { code, message },
        }
    }

    /// Understands what the client says.
    pub fn of_error(error: kube::Error, server: &str) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(&status),
            kube::Error::SerdeError(error) => Self::Unreadable(error.to_string()),
            error => Self::Unreachable { server: server.to_owned(), cause: innermost(&error) },
        }
    }

    /// Whether the request may have been carried out, although nobody says so.
    pub fn is_unclear(&self) -> bool {
        matches!(
            self,
            Self::Timeout { changes: true, .. }
                | Self::Unreachable { .. }
                | Self::Unreadable(_)
                | Self::Other { code: 500.., .. }
        )
    }

    /// Whether nothing was changed and the same may succeed once the object is read anew.
    pub fn is_worth_another_attempt(&self) -> bool {
        matches!(self, Self::Conflict)
    }
}

/// The text of the last cause: those before it say "error trying to connect" and the like.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(status: serde_json::Value) -> (String, Exit) {
        let status: Status = serde_json::from_value(status).unwrap();
        let error = SourceError { request: "get CicdContext shop".to_owned(), problem: Problem::of_status(&status) };
        (error.to_string(), error.exit())
    }

    #[test]
    fn a_missing_object_and_a_missing_kind_are_told_apart() {
        let missing = json!({"code": 404, "reason": "NotFound", "message": "cicdcontexts.cicdcontext.io \"shop\" not found",
            "details": {"name": "shop", "kind": "cicdcontexts"}});
        assert_eq!(
            problem(missing),
            (
                "get CicdContext shop: cicdcontexts.cicdcontext.io \"shop\" not found; check the name and --namespace"
                    .to_owned(),
                Exit::NotFound
            )
        );
        let kind = json!({"code": 404, "reason": "NotFound", "message": "404 page not found", "details": {}});
        assert_eq!(
            problem(kind),
            (
                "get CicdContext shop: the API server does not know this kind; install it: kubectl apply -k deploy/crds"
                    .to_owned(),
                Exit::Failed
            )
        );
    }

    #[test]
    fn a_failed_test_is_worth_another_attempt_and_an_invalid_object_is_not() {
        let failed = json!({"code": 422, "reason": "Invalid", "details": {},
            "message": "the server rejected our request due to an error in our request"});
        assert!(Problem::of_status(&serde_json::from_value(failed).unwrap()).is_worth_another_attempt());
        let invalid =
            json!({"code": 422, "reason": "Invalid", "details": {"name": "shop"}, "message": "spec.suspend: no"});
        assert!(!Problem::of_status(&serde_json::from_value(invalid.clone()).unwrap()).is_worth_another_attempt());
        assert_eq!(
            problem(invalid),
            ("get CicdContext shop: the API server refuses it: spec.suspend: no".to_owned(), Exit::Refused)
        );
    }

    #[test]
    fn a_forbidden_request_names_the_role_that_would_do() {
        let (text, exit) =
            problem(json!({"code": 403, "reason": "Forbidden", "message": "User \"ada\" cannot get it"}));
        assert_eq!(
            text,
            "get CicdContext shop: User \"ada\" cannot get it; the ClusterRole cicd-pipeline grants what cicdctl needs"
        );
        assert_eq!(exit, Exit::Failed);
    }

    #[test]
    fn a_change_without_an_answer_may_have_been_made() {
        let problem = Problem::Timeout { after: Duration::from_secs(30), changes: true };
        assert_eq!(
            problem.to_string(),
            "no answer within 30 s, and whether it was done is not known; check the API server, or raise --request-timeout"
        );
        let error = SourceError { request: "patch CicdContext shop".to_owned(), problem };
        assert_eq!(error.exit(), Exit::TimedOut);
    }
}
