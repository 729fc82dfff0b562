//! The documents of an OCI image: descriptors, index, manifest and configuration, as far as one is written.
//!
//! Maps are sorted and fields stand in a fixed order, so that the same image is the same text.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Digest;

/// Media types of OCI's documents.
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: &'static str,
    pub(super) digest: Digest,
    /// In bytes.
    pub(super) size: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<Platform>,
}

impl Descriptor {
    pub(super) fn of(media_type: &'static str, content: &[u8]) -> Self {
        let (digest, size) = (Digest::of(content), content.len());
        Self { media_type, digest, size, annotations: BTreeMap::new(), platform: None }
    }
}

#[derive(Serialize)]
pub(super) struct Platform {
    pub(super) architecture: &'static str,
    pub(super) os: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) schema_version: u8,
    pub(super) media_type: &'static str,
    pub(super) manifests: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest<'a> {
    pub(super) schema_version: u8,
    pub(super) media_type: &'static str,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
pub(super) struct Configuration<'a> {
    pub(super) created: &'a str,
    #[serde(flatten)]
    pub(super) platform: Platform,
    pub(super) config: &'a Execution,
    pub(super) rootfs: RootFilesystem,
    pub(super) history: Vec<History<'a>>,
}

/// What a container runs unless its Pod says otherwise.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Execution {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) user: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) env: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) entrypoint: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cmd: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) working_dir: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Serialize)]
pub(super) struct RootFilesystem {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) diff_ids: [Digest; 1],
}

#[derive(Serialize)]
pub(super) struct History<'a> {
    pub(super) created: &'a str,
    pub(super) created_by: &'static str,
}

/// An entry of `manifest.json`: what Docker without containerd's image store reads instead of the index.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ForDocker<'a> {
    pub(super) config: String,
    pub(super) repo_tags: [&'a str; 1],
    pub(super) layers: [String; 1],
}
