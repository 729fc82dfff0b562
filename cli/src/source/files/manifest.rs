//! One object of a manifest, and where it stands. What is in its spec is not looked at.

use std::{fmt, path::PathBuf};

use cicdcontext_crds::vocabulary::{GROUP, VERSION};
use serde_json::Value;

use crate::arguments::{is_namespace_name, is_object_name};

/// Where an object stands. Displays as `app/base.yaml, document 2 (line 14)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// Which document of the file, from 1.
    pub document: usize,
    /// The line where the document's content begins, from 1, if that is known.
    pub line: Option<u64>,
    /// Which item of the document's List, from 1, if it is one.
    pub item: Option<usize>,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, document {}", self.file.display(), self.document)?;
        if let Some(item) = self.item {
            write!(formatter, ", item {item}")?;
        }
        self.line.map_or(Ok(()), |line| write!(formatter, " (line {line})"))
    }
}

/// The kinds that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// CicdContext
    Context,
    /// CicdEvent
    Event,
    /// CicdStateWrite
    StateWrite,
    /// CicdBase
    Base,
    /// ClusterCicdBase
    ClusterBase,
    /// CicdEndpoint
    Endpoint,
    /// Secret
    Secret,
    /// ConfigMap
    ConfigMap,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Context,
        Self::Event,
        Self::StateWrite,
        Self::Base,
        Self::ClusterBase,
        Self::Endpoint,
        Self::Secret,
        Self::ConfigMap,
    ];

    /// The kind as it stands in a manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Context => "CicdContext",
            Self::Event => "CicdEvent",
            Self::StateWrite => "CicdStateWrite",
            Self::Base => "CicdBase",
            Self::ClusterBase => "ClusterCicdBase",
            Self::Endpoint => "CicdEndpoint",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// Whether objects of it are in no namespace.
    pub const fn is_cluster_wide(self) -> bool {
        matches!(self, Self::ClusterBase)
    }

    /// The apiVersion that objects of it have.
    fn version(self) -> String {
        if self.is_ours() { format!("{GROUP}/{VERSION}") } else { "v1".to_owned() }
    }

    const fn is_ours(self) -> bool {
        !matches!(self, Self::Secret | Self::ConfigMap)
    }
}

/// One object of a manifest.
#[derive(Clone)]
pub struct Manifest {
    /// Where it stands.
    pub origin: Origin,
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; blank if it is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// All of it, as it was written.
    pub object: Value,
}

impl fmt::Debug for Manifest {
    /// Without its content, which may be a Secret's.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, kind, namespace, name, .. } = self;
        write!(formatter, "{} {namespace}/{name} of {origin}", kind.as_str())
    }
}

impl Manifest {
    /// Understands an object. None if it is of a kind that is left alone. `namespace` is that of objects which name none.
    pub(super) fn understand(origin: Origin, object: Value, namespace: &str) -> Result<Option<Self>, String> {
        if object.is_null() {
            return Ok(None);
        }
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = kind(text("/apiVersion").unwrap_or_default(), text("/kind").unwrap_or_default())?;
        let Some(kind) = kind else { return Ok(None) };
        let Some(name) = text("/metadata/name") else {
            return Err(format!("the {} has no metadata.name; give it one", kind.as_str()));
        };
        if !is_object_name(name) {
            return Err(format!(
                "metadata.name {name:?} of the {} is no name: write lower-case letters, digits, '-' and '.', at most 253",
                kind.as_str()
            ));
        }
        let namespace = match object.pointer("/metadata/namespace") {
            _ if kind.is_cluster_wide() => "",
            None | Some(Value::Null) => namespace,
            Some(Value::String(namespace)) if is_namespace_name(namespace) => namespace,
            Some(other) => {
                return Err(format!(
                    "metadata.namespace {other} of {} {name} is no name: write lower-case letters, digits and '-', at most 63",
                    kind.as_str()
                ));
            }
        };
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Ok(Some(Self { origin, kind, namespace, name, object }))
    }
}

/// The kind of an object by what it says of itself. None if it is left alone.
fn kind(version: &str, kind: &str) -> Result<Option<Kind>, String> {
    let ours = || -> Vec<_> { Kind::ALL.into_iter().filter(|kind| kind.is_ours()).map(Kind::as_str).collect() };
    let known = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    match known {
        _ if version.is_empty() && kind.is_empty() => Err(format!(
            "it has neither apiVersion nor kind; write both (apiVersion: {GROUP}/{VERSION} and a kind of {}), or name other files",
            ours().join(", ")
        )),
        _ if kind.is_empty() => Err(format!("the object of apiVersion {version:?} has no kind; write one")),
        Some(known) if version.is_empty() => Err(format!("the {kind} has no apiVersion; write {}", known.version())),
        None if version.is_empty() => Err(format!("the {kind} has no apiVersion; write one")),
        Some(known) if version == known.version() => Ok(Some(known)),
        Some(known) if known.is_ours() && group == GROUP => {
            Err(format!("apiVersion {version:?} is not known; write {}", known.version()))
        }
        // A misspelt group would leave it out without a word.
        Some(known) if known.is_ours() => {
            Err(format!("apiVersion {version:?} is not that of a {kind}; write {}", known.version()))
        }
        _ if group == GROUP => Err(format!("kind {kind:?} is none of {GROUP}; write one of {}", ours().join(", "))),
        _ => Ok(None),
    }
}
