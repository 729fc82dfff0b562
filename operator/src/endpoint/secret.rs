//! Secrets and ConfigMaps, read by name when a request needs them and forgotten with it.

use std::collections::HashMap;

use cicdcontext_crds::{
    endpoint::{ConfigMapKeyReference, SecretKeyReference},
    vocabulary::reason,
};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use secrecy::SecretString;

use crate::client::{RequestError, bounded};

/// Types of Secrets that are credentials of the cluster itself; they are never sent anywhere.
const REFUSED_TYPES: [&str; 4] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
    "kubernetes.io/dockerconfigjson",
];

/// Why a Secret's value cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is none of this name.
    #[error("read Secret {0}: it does not exist in the endpoint's namespace")]
    NotFound(String),
    /// It has no such key.
    #[error("read Secret {name}: it has no key {key:?}")]
    NoKey {
        /// The Secret.
        name: String,
        /// The key that was looked for.
        key: String,
    },
    /// Its value is not text.
    #[error("read Secret {name}: the value of key {key:?} is not UTF-8 text")]
    NotText {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// It is a credential of the cluster.
    #[error("read Secret {name}: Secrets of type {kind} are never sent")]
    Refused {
        /// The Secret.
        name: String,
        /// Its type.
        kind: String,
    },
    /// A ConfigMap cannot be used.
    #[error("read ConfigMap {name}: {problem}")]
    ConfigMap {
        /// The ConfigMap.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The API server did not give it.
    #[error("read {what}: {source}")]
    Unavailable {
        /// Kind and name of the object.
        what: String,
        /// Why not.
        source: RequestError,
    },
}

impl SecretError {
    /// The reason for status, one of `vocabulary::reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused { .. } | Self::NotText { .. } => reason::SECRET_REFUSED,
            Self::ConfigMap { .. } => reason::ENDPOINT_NOT_READY,
            _ => reason::SECRET_NOT_FOUND,
        }
    }
}

/// Reads Secrets and ConfigMaps of one namespace, each Secret at most once.
pub struct Secrets {
    api: Api<Secret>,
    config_maps: Api<ConfigMap>,
    read: HashMap<String, Secret>,
}

impl Secrets {
    /// The Secrets of `namespace`.
    pub fn new(client: Client, namespace: &str) -> Self {
        let config_maps = Api::namespaced(client.clone(), namespace);
        Self { api: Api::namespaced(client, namespace), config_maps, read: HashMap::new() }
    }

    /// The value of a key.
    pub async fn value(&mut self, reference: &SecretKeyReference) -> Result<SecretString, SecretError> {
        let SecretKeyReference { name, key } = reference;
        if !self.read.contains_key(name) {
            let secret = self.get(name).await?;
            self.read.insert(name.clone(), secret);
        }
        let missing = || SecretError::NoKey { name: name.clone(), key: key.clone() };
        let data = self.read.get(name).and_then(|secret| secret.data.as_ref()).ok_or_else(missing)?;
        let value = data.get(key).ok_or_else(missing)?;
        match std::str::from_utf8(&value.0) {
            // Files that become Secrets end with a line break more often than secrets do.
            Ok(text) => Ok(SecretString::from(text.trim_end_matches(['\n', '\r']))),
            Err(_) => Err(SecretError::NotText { name: name.clone(), key: key.clone() }),
        }
    }

    /// The value of a key of a ConfigMap.
    pub async fn config_map_value(&self, reference: &ConfigMapKeyReference) -> Result<SecretString, SecretError> {
        let ConfigMapKeyReference { name, key } = reference;
        let wrong = |problem: String| SecretError::ConfigMap { name: name.clone(), problem };
        let found = match bounded(self.config_maps.get(name)).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => {
                return Err(wrong("it does not exist in the endpoint's namespace".to_owned()));
            }
            Err(source) => return Err(SecretError::Unavailable { what: format!("ConfigMap {name}"), source }),
        };
        let (mut texts, mut bytes) = (found.data.unwrap_or_default(), found.binary_data.unwrap_or_default());
        match (texts.remove(key), bytes.remove(key)) {
            (Some(text), _) => Ok(text.into()),
            (None, Some(bytes)) => match String::from_utf8(bytes.0) {
                Ok(text) => Ok(text.into()),
                Err(_) => Err(wrong(format!("the value of key {key:?} is not UTF-8 text"))),
            },
            (None, None) => Err(wrong(format!("it has no key {key:?}"))),
        }
    }

    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let secret = match bounded(self.api.get(name)).await {
            Ok(secret) => secret,
            Err(error) if error.is_not_found() => return Err(SecretError::NotFound(name.to_owned())),
            Err(source) => return Err(SecretError::Unavailable { what: format!("Secret {name}"), source }),
        };
        match &secret.type_ {
            Some(kind) if REFUSED_TYPES.contains(&kind.as_str()) => {
                Err(SecretError::Refused { name: name.to_owned(), kind: kind.clone() })
            }
            _ => Ok(secret),
        }
    }
}
