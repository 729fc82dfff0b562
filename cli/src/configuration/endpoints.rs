//! The endpoints that handlers name, found and compiled before anything is rehearsed. No Secret is read.

use std::{collections::BTreeMap, sync::Arc};

use cicdcontext_crds::{CicdEndpointSpec, endpoint::AllowedNamespaces, handler::EndpointReference};
use cicdcontext_engine::handler::{Endpoint, EndpointLookup, Endpoints};
use kube::core::{Selector, SelectorExt};

use crate::source::{Configuration, Problem, SourceError};

/// The label that every Namespace has: its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// What was found under each reference.
#[derive(Debug, Default)]
pub struct GatheredEndpoints(BTreeMap<EndpointReference, Known>);

/// What is known of one endpoint.
#[derive(Debug)]
struct Known {
    lookup: EndpointLookup,
    home: String,
    spec: Option<CicdEndpointSpec>,
    doubt: Option<String>,
}

impl Known {
    fn without(lookup: EndpointLookup, home: &str) -> Self {
        Self { lookup, home: home.to_owned(), spec: None, doubt: None }
    }
}

/// Whether an endpoint lists a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    Yes,
    No,
    /// Its selector looks at labels of the Namespace, which are not read.
    Unknown,
}

impl GatheredEndpoints {
    /// Finds the endpoints that `references` name for a context of `namespace`, as the operator would.
    pub async fn gather<C: Configuration>(
        source: &C,
        namespace: &str,
        references: impl IntoIterator<Item = EndpointReference>,
    ) -> Result<Self, SourceError> {
        let mut gathered = BTreeMap::new();
        for reference in references {
            let home = reference.namespace.clone().unwrap_or_else(|| namespace.to_owned());
            let known = find(source, &home, &reference.name, namespace).await?;
            gathered.insert(reference, known);
        }
        Ok(Self(gathered))
    }

    /// Namespace and spec of an endpoint that was found.
    pub fn spec(&self, reference: &EndpointReference) -> Option<(&str, &CicdEndpointSpec)> {
        let known = self.0.get(reference)?;
        Some((&known.home, known.spec.as_ref()?))
    }

    /// What could not be found out about an endpoint.
    pub fn doubt(&self, reference: &EndpointReference) -> Option<&str> {
        self.0.get(reference)?.doubt.as_deref()
    }

    /// What cannot be used, and why.
    pub fn problems(&self) -> impl Iterator<Item = (&EndpointReference, String)> {
        self.0.iter().filter_map(|(reference, known)| {
            let problem = match &known.lookup {
                EndpointLookup::Found(_) => return None,
                EndpointLookup::NotFound => {
                    format!("there is no CicdEndpoint {} in namespace {}", reference.name, known.home)
                }
                EndpointLookup::NotAllowed => format!(
                    "there is no CicdEndpoint {} in namespace {} that lists this namespace in spec.allowedNamespaces",
                    reference.name, known.home
                ),
                EndpointLookup::Broken(problem) => format!("CicdEndpoint {}: {problem}", reference.name),
            };
            Some((reference, problem))
        })
    }
}

impl Endpoints for GatheredEndpoints {
    fn find(&self, reference: &EndpointReference) -> EndpointLookup {
        self.0.get(reference).map_or(EndpointLookup::NotFound, |known| known.lookup.clone())
    }
}

async fn find<C: Configuration>(source: &C, home: &str, name: &str, namespace: &str) -> Result<Known, SourceError> {
    let foreign = home != namespace;
    let found = match source.endpoint(home, name).await {
        Ok(found) => found,
        Err(SourceError { problem: Problem::Forbidden(message), .. }) if foreign => {
            let problem = format!("{message}; whether the operator may use it cannot be told");
            return Ok(Known::without(EndpointLookup::Broken(problem), home));
        }
        // What is wrong with it is its own namespace's business.
        Err(SourceError { problem: Problem::Unreadable(_) | Problem::Files(_), .. }) if foreign => {
            return Ok(Known::without(EndpointLookup::NotAllowed, home));
        }
        Err(SourceError { problem: Problem::Unreadable(problem) | Problem::Files(problem), .. }) => {
            return Ok(Known::without(EndpointLookup::Broken(problem), home));
        }
        Err(error) => return Err(error),
    };
    let Some(endpoint) = found else {
        // Whether there is one in another namespace is nobody else's business.
        let lookup = if foreign { EndpointLookup::NotAllowed } else { EndpointLookup::NotFound };
        return Ok(Known::without(lookup, home));
    };
    let allowed = if foreign { allowed(endpoint.spec.allowed_namespaces.as_ref(), namespace) } else { Allowed::Yes };
    if allowed == Allowed::No {
        return Ok(Known::without(EndpointLookup::NotAllowed, home));
    }
    let doubt = (allowed == Allowed::Unknown).then(|| {
        format!(
            "whether spec.allowedNamespaces.selector of CicdEndpoint {name} in namespace {home} selects namespace \
             {namespace} is not known here, since labels of Namespaces are not read"
        )
    });
    let lookup = match Endpoint::new(&endpoint.spec) {
        Ok(compiled) => EndpointLookup::Found(Arc::new(compiled)),
        Err(error) => EndpointLookup::Broken(error.to_string()),
    };
    Ok(Known { lookup, home: home.to_owned(), spec: Some(endpoint.spec), doubt })
}

fn allowed(allowed: Option<&AllowedNamespaces>, namespace: &str) -> Allowed {
    let Some(allowed) = allowed else { return Allowed::No };
    if allowed.names.iter().flatten().any(|name| name == namespace) {
        return Allowed::Yes;
    }
    let Some(selector) = &allowed.selector else { return Allowed::No };
    let labels = selector.match_labels.iter().flatten().map(|(key, _)| key);
    let expressions = selector.match_expressions.iter().flatten().map(|expression| &expression.key);
    if labels.chain(expressions).any(|key| key != NAME_LABEL) {
        return Allowed::Unknown;
    }
    // A selector that cannot be read selects nothing; an empty one selects all.
    let Ok(selector) = Selector::try_from(selector.clone()) else { return Allowed::No };
    let known = BTreeMap::from([(NAME_LABEL.to_owned(), namespace.to_owned())]);
    if selector.matches(&known) { Allowed::Yes } else { Allowed::No }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn allows(spec: Value) -> Allowed {
        allowed(Some(&serde_json::from_value(spec).unwrap()), "team")
    }

    #[test]
    fn what_a_selector_says_is_known_only_where_it_looks_at_the_name() {
        assert_eq!(allowed(None, "team"), Allowed::No);
        assert_eq!(allows(json!({"names": ["other"]})), Allowed::No);
        assert_eq!(allows(json!({"names": ["other", "team"]})), Allowed::Yes);
        assert_eq!(allows(json!({"selector": {}})), Allowed::Yes);
        assert_eq!(allows(json!({"selector": {"matchLabels": {NAME_LABEL: "team"}}})), Allowed::Yes);
        assert_eq!(allows(json!({"selector": {"matchLabels": {NAME_LABEL: "other"}}})), Allowed::No);
        assert_eq!(allows(json!({"selector": {"matchLabels": {"env": "test"}}})), Allowed::Unknown);
        assert_eq!(allows(json!({"names": ["team"], "selector": {"matchLabels": {"env": "test"}}})), Allowed::Yes);
    }
}
