//! What the operator asked the API server for, by the server's own audit log, against what its role allows: a right that
//! nobody uses is one too many, and a request that was forbidden is one too few.
//!
//! It must not know which tests ran: it makes sense of a log of all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use cicdcontext_packaging::rights::definition::{OPERATOR, Rule};
use serde::Deserialize;

use crate::cluster::Role;

/// Group, resource (with subresource) and verb.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    group: String,
    resource: String,
    verb: String,
}

impl fmt::Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = if self.group.is_empty() { "the core" } else { &self.group };
        write!(formatter, "{} {} of {group}", self.verb, self.resource)
    }
}

/// What Kubernetes lets every user create: `kubectl auth whoami` and `can-i`.
const FOR_EVERYBODY: [&str; 3] = ["selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"];

/// The log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The folder or a file in it.
    #[error("read {}: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line that is none of an audit log.
    #[error("read line {line} of {}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Nothing was audited.
    #[error("find requests of {user} in {}: there is none; run the suite under `cluster with --audit operator --dir`", path.display())]
    Nothing {
        /// Whose requests.
        user: &'static str,
        /// The folder.
        path: PathBuf,
    },
}

/// One request, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    verb: String,
    user: User,
    object_ref: Option<Reference>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    api_group: String,
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    namespace: String,
}

/// The requests of the operator's user, each kind counted once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Requests {
    allowed: BTreeSet<Right>,
    /// With a namespace in which it was.
    forbidden: BTreeMap<Right, String>,
}

impl Requests {
    /// Reads every `audit*.log` of a folder: the API server begins another one when one is large.
    pub fn read(folder: &Path) -> Result<Self, AuditError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| AuditError::Unreadable { path, source }
        };
        let mut requests = Self::default();
        for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            let begins = path.file_stem().is_some_and(|name| name.to_string_lossy().starts_with("audit"));
            if !begins || path.extension().is_none_or(|extension| extension != "log") {
                continue;
            }
            let file = fs::File::open(&path).map_err(unreadable(&path))?;
            for (index, line) in BufReader::new(file).lines().enumerate() {
                let line = line.map_err(unreadable(&path))?;
                requests.take(&line).map_err(|error| AuditError::Malformed {
                    path: path.clone(),
                    line: index + 1,
                    problem: error.to_string(),
                })?;
            }
        }
        if requests.allowed.is_empty() {
            return Err(AuditError::Nothing { user: Role::Operator.user(), path: folder.to_owned() });
        }
        Ok(requests)
    }

    fn take(&mut self, line: &str) -> Result<(), serde_json::Error> {
        let entry: Entry = serde_json::from_str(line)?;
        // What has no resource, such as /version, is for everybody, and so is what one asks about oneself.
        let Some(object) = entry.object_ref.filter(|_| entry.user.username == Role::Operator.user()) else {
            return Ok(());
        };
        if FOR_EVERYBODY.contains(&object.resource.as_str()) {
            return Ok(());
        }
        let mut resource = object.resource;
        if !object.subresource.is_empty() {
            resource = format!("{resource}/{}", object.subresource);
        }
        let right = Right { group: object.api_group, resource, verb: entry.verb };
        // A request that admission refuses has the same code, and is none of the role's.
        if entry.annotations.get("authorization.k8s.io/decision").is_some_and(|decision| decision == "forbid") {
            self.forbidden.insert(right, object.namespace);
        } else {
            self.allowed.insert(right);
        }
        Ok(())
    }

    /// How many different rights were used.
    pub fn used(&self) -> usize {
        self.allowed.len()
    }

    /// What is wrong: rights that were never used, requests that no rule allows, requests that were forbidden.
    pub fn problems(&self) -> Vec<String> {
        let granted: BTreeSet<Right> = OPERATOR
            .all()
            .flat_map(Rule::rights)
            .map(|(group, resource, verb)| Right {
                group: group.to_owned(),
                resource: resource.to_owned(),
                verb: verb.to_owned(),
            })
            .collect();
        let unused = granted.difference(&self.allowed).map(|right| {
            format!("{right}: the operator may, and never did; remove it from packaging/src/rights, or add the test that needs it")
        });
        let foreign = self.allowed.difference(&granted).map(|right| {
            format!(
                "{right}: the operator did, and no rule of packaging/src/rights says so; add it there, or do without"
            )
        });
        let forbidden = self.forbidden.iter().map(|(right, namespace)| {
            format!("{right}: the operator tried in namespace {namespace:?}, and was forbidden")
        });
        unused.chain(foreign).chain(forbidden).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(user: &str, right: (&str, &str, &str), decision: &str) -> String {
        let (resource, subresource) = right.1.split_once('/').unwrap_or((right.1, ""));
        json!({
            "verb": right.2, "user": {"username": user, "groups": []},
            "objectRef": {"apiGroup": right.0, "resource": resource, "subresource": subresource, "namespace": "shop"},
            "responseStatus": {"code": 403}, "annotations": {"authorization.k8s.io/decision": decision},
        })
        .to_string()
    }

    /// A run that used each right once.
    fn all_used() -> Requests {
        let mut requests = Requests::default();
        for right in OPERATOR.all().flat_map(Rule::rights) {
            requests.take(&line(Role::Operator.user(), right, "allow")).unwrap();
        }
        requests
    }

    #[test]
    fn a_run_that_used_each_right_and_no_other_has_no_problem() {
        let requests = all_used();
        assert_eq!(requests.problems(), Vec::<String>::new());
        assert_eq!(requests.used(), OPERATOR.all().flat_map(Rule::rights).count());
    }

    #[test]
    fn a_right_that_nobody_used_one_that_nobody_has_and_a_refusal_are_told() {
        let mut requests = all_used();
        requests.allowed.pop_first();
        let user = Role::Operator.user();
        requests.take(&line(user, ("", "secrets", "list"), "allow")).unwrap();
        requests.take(&line(user, ("cicdcontext.io", "cicdevents/status", "update"), "forbid")).unwrap();
        requests.take(&line("cicd-admin", ("", "pods", "delete"), "allow")).unwrap();
        requests.take(&line(user, ("authentication.k8s.io", "selfsubjectreviews", "create"), "allow")).unwrap();
        requests
            .take(&json!({"verb": "get", "user": {"username": user}, "requestURI": "/version"}).to_string())
            .unwrap();
        assert_eq!(
            requests.problems(),
            [
                "get configmaps of the core: the operator may, and never did; remove it from packaging/src/rights, or add \
                 the test that needs it",
                "list secrets of the core: the operator did, and no rule of packaging/src/rights says so; add it there, or \
                 do without",
                "update cicdevents/status of cicdcontext.io: the operator tried in namespace \"shop\", and was forbidden",
            ]
        );
    }

    #[test]
    fn a_folder_without_an_audit_log_is_no_proof() {
        let folder = tempfile::tempdir().unwrap();
        let error = Requests::read(folder.path()).unwrap_err().to_string();
        assert!(
            error.starts_with("find requests of system:serviceaccount:cicdcontext-system:cicd-operator in"),
            "{error}"
        );
        fs::write(folder.path().join("audit.log"), "none\n").unwrap();
        let error = Requests::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("read line 1 of"), "{error}");
    }
}
