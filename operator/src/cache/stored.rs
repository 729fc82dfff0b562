//! An object whose metadata is parsed and whose spec and status are still JSON.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use cicdcontext_crds::{CicdEvent, EventPhase, vocabulary::reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::{
    Resource,
    core::{object::HasSpec, object::HasStatus},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// The annotation in which client-side apply keeps a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object of kind `K` as the API server sent it, less what nobody here reads.
///
/// Deserialising it never fails for what stands in spec or status, however deep or malformed it is: an object stored
/// before a schema change, or nested 200 levels deep, must not stall the watch that delivers all others.
pub struct Stored<K> {
    /// The object's metadata, without managedFields.
    pub metadata: ObjectMeta,
    spec: Option<Box<RawValue>>,
    status: Option<Box<RawValue>>,
    kind: PhantomData<fn() -> K>,
}

/// Why an object cannot be read as its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is nested deeper than the parser goes.
    #[error("read {part}: it is nested deeper than {} levels", MAX_PARSED_DEPTH)]
    TooDeep {
        /// spec or status
        part: &'static str,
    },
    /// It does not have the shape of its kind.
    #[error("read {part}: {message}")]
    Shape {
        /// spec or status
        part: &'static str,
        /// What the parser found.
        message: String,
    },
}

/// Levels of nesting that the JSON parser follows.
const MAX_PARSED_DEPTH: usize = 127;

impl Malformed {
    /// The reason for conditions.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooDeep { .. } => reason::TOO_DEEP,
            Self::Shape { .. } => reason::MALFORMED,
        }
    }

    fn of(part: &'static str, error: &serde_json::Error) -> Self {
        let message = error.to_string();
        if message.contains("recursion limit exceeded") {
            Self::TooDeep { part }
        } else {
            Self::Shape { part, message }
        }
    }
}

impl Stored<CicdEvent> {
    /// Where the event stands: of its status only that is read.
    pub fn phase(&self) -> EventPhase {
        #[derive(Default, Deserialize)]
        struct Phase {
            #[serde(default)]
            phase: EventPhase,
        }
        let status = self.status.as_deref().map_or("null", RawValue::get);
        serde_json::from_str::<Option<Phase>>(status).ok().flatten().unwrap_or_default().phase
    }
}

// Whatever K is: it is only a name for the kind.
impl<K> fmt::Debug for Stored<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metadata, spec, status, kind: _ } = self;
        let mut shown = formatter.debug_struct("Stored");
        shown.field("metadata", metadata).field("spec", spec).field("status", status).finish()
    }
}

impl<K> Clone for Stored<K> {
    fn clone(&self) -> Self {
        Self {
            metadata: self.metadata.clone(),
            spec: self.spec.clone(),
            status: self.status.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> Stored<K> {
    /// The spec as JSON text, `null` if there is none.
    pub fn raw_spec(&self) -> &str {
        self.spec.as_deref().map_or("null", RawValue::get)
    }

    /// The status as JSON text, if there is one.
    pub(super) fn raw_status(&self) -> Option<&str> {
        self.status.as_deref().map(RawValue::get)
    }

    pub(super) fn replace_status(&mut self, status: Box<RawValue>) {
        self.status = Some(status);
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The object's namespace, blank for cluster-wide kinds.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The object's UID.
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The object's resourceVersion as the unsigned number that it is.
    pub fn resource_version(&self) -> u64 {
        self.metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// Parses the spec.
    pub fn spec(&self) -> Result<K::Spec, Malformed>
    where
        K: HasSpec<Spec: DeserializeOwned>,
    {
        serde_json::from_str(self.raw_spec()).map_err(|error| Malformed::of("spec", &error))
    }

    /// Parses the status; an absent one is the default.
    pub fn status(&self) -> Result<K::Status, Malformed>
    where
        K: HasStatus<Status: DeserializeOwned + Default>,
    {
        match &self.status {
            None => Ok(K::Status::default()),
            Some(raw) if raw.get() == "null" => Ok(K::Status::default()),
            Some(raw) => serde_json::from_str(raw.get()).map_err(|error| Malformed::of("status", &error)),
        }
    }

    /// Parses the status; one that cannot be read counts as absent, since the operator writes it anew.
    pub fn status_or_default(&self) -> K::Status
    where
        K: HasStatus<Status: DeserializeOwned + Default>,
    {
        self.status().unwrap_or_default()
    }
}

/// What is read of an object's metadata. `managedFields` are left out here and not afterwards: they mirror the nesting of
/// spec, so that parsing them would fail where the spec itself is too deep.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: Option<String>,
    generate_name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    deletion_grace_period_seconds: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
    finalizers: Option<Vec<String>>,
}

impl From<Metadata> for ObjectMeta {
    fn from(read: Metadata) -> Self {
        Self {
            name: read.name,
            generate_name: read.generate_name,
            namespace: read.namespace,
            uid: read.uid,
            resource_version: read.resource_version,
            generation: read.generation,
            creation_timestamp: read.creation_timestamp,
            deletion_timestamp: read.deletion_timestamp,
            deletion_grace_period_seconds: read.deletion_grace_period_seconds,
            labels: read.labels,
            annotations: read.annotations,
            owner_references: read.owner_references,
            finalizers: read.finalizers,
            ..Self::default()
        }
    }
}

impl<'de, K> Deserialize<'de> for Stored<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            metadata: Metadata,
            #[serde(default)]
            spec: Option<Box<RawValue>>,
            #[serde(default)]
            status: Option<Box<RawValue>>,
        }
        let Parts { metadata, spec, status } = Parts::deserialize(deserializer)?;
        let mut metadata = ObjectMeta::from(metadata);
        if let Some(annotations) = &mut metadata.annotations {
            annotations.remove(LAST_APPLIED);
        }
        Ok(Self { metadata, spec, status, kind: PhantomData })
    }
}

impl<K: Resource> Resource for Stored<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dynamic)
    }

    fn group(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dynamic)
    }

    fn version(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dynamic)
    }

    fn plural(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use cicdcontext_crds::{CicdContext, CicdEvent};
    use kube::core::WatchEvent;

    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
    }

    #[test]
    fn an_object_nested_200_deep_is_kept_and_says_so_when_it_is_read() {
        let text = format!(r#"{{"metadata":{{"name":"x"}},"spec":{{"state":{}}}}}"#, nested(200));
        let stored: Stored<CicdContext> = serde_json::from_str(&text).unwrap();
        let error = stored.spec().unwrap_err();
        assert_eq!(error.reason(), "TooDeep");
        assert_eq!(error.to_string(), "read spec: it is nested deeper than 127 levels");
    }

    #[test]
    fn field_managers_of_a_deep_object_are_as_deep_and_are_not_read() {
        let text = format!(
            r#"{{"type":"ADDED","object":{{"metadata":{{"name":"x","managedFields":[{{"fieldsV1":{}}}]}},"spec":{{}}}}}}"#,
            nested(200)
        );
        let WatchEvent::Added(stored) = serde_json::from_str::<WatchEvent<Stored<CicdContext>>>(&text).unwrap() else {
            panic!("not an ADDED event");
        };
        assert_eq!(stored.name(), "x");
    }

    #[test]
    fn the_phase_of_an_event_is_read_by_itself() {
        let phase = |status: &str| {
            serde_json::from_str::<Stored<CicdEvent>>(&format!(r#"{{"metadata":{{}},"spec":{{}}{status}}}"#))
                .unwrap()
                .phase()
        };
        assert_eq!(phase(""), EventPhase::Pending);
        assert_eq!(phase(r#","status":null"#), EventPhase::Pending);
        assert_eq!(phase(r#","status":{"handlers":[{"name":"a"}],"phase":"Retrying"}"#), EventPhase::Retrying);
        assert_eq!(phase(r#","status":{"phase":"Lost"}"#), EventPhase::Pending, "as a status that cannot be read");
    }

    #[test]
    fn an_object_of_another_shape_is_kept_and_names_what_is_wrong() {
        let text = r#"{"metadata":{"name":"x"},"spec":{"contextRef":"shop"}}"#;
        let stored: Stored<CicdEvent> = serde_json::from_str(text).unwrap();
        let error = stored.spec().unwrap_err();
        assert_eq!(error.reason(), "Malformed");
        assert!(error.to_string().starts_with("read spec: invalid type: string \"shop\""), "{error}");
    }

    #[test]
    fn a_watch_event_holds_a_stored_object() {
        let text = r#"{"type":"ADDED","object":{"metadata":{"name":"x","managedFields":[]},"spec":{"state":{"a":1}}}}"#;
        let WatchEvent::Added(stored) = serde_json::from_str::<WatchEvent<Stored<CicdContext>>>(text).unwrap() else {
            panic!("not an ADDED event");
        };
        assert_eq!(stored.raw_spec(), r#"{"state":{"a":1}}"#);
        assert_eq!(stored.metadata.managed_fields, None);
    }

    #[test]
    fn a_list_holds_stored_objects() {
        let text = r#"{"apiVersion":"v1","kind":"List","metadata":{},"items":[{"metadata":{"name":"x"},"spec":{"state":{}}}]}"#;
        let list: kube::core::ObjectList<Stored<CicdContext>> = serde_json::from_str(text).unwrap();
        assert_eq!(list.items[0].name(), "x");
    }
}
