//! Secrets, read by name when a request needs them and forgotten with it.

use std::collections::HashMap;

use cicdcontext_crds::{endpoint::SecretKeyReference, vocabulary::reason};
use k8s_openapi::api::core::v1::Secret;
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
    /// The API server did not give it.
    #[error("read Secret {name}: {source}")]
    Unavailable {
        /// The Secret.
        name: String,
        /// Why not.
        source: RequestError,
    },
}

impl SecretError {
    /// The reason for status, one of `vocabulary::reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused { .. } | Self::NotText { .. } => reason::SECRET_REFUSED,
            _ => reason::SECRET_NOT_FOUND,
        }
    }
}

/// Reads Secrets of one namespace, each at most once.
pub struct Secrets {
    api: Api<Secret>,
    read: HashMap<String, Secret>,
}

impl Secrets {
    /// The Secrets of `namespace`.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client, namespace), read: HashMap::new() }
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

    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let secret = match bounded(self.api.get(name)).await {
            Ok(secret) => secret,
            Err(error) if error.is_not_found() => return Err(SecretError::NotFound(name.to_owned())),
            Err(source) => return Err(SecretError::Unavailable { name: name.to_owned(), source }),
        };
        match &secret.type_ {
            Some(kind) if REFUSED_TYPES.contains(&kind.as_str()) => {
                Err(SecretError::Refused { name: name.to_owned(), kind: kind.clone() })
            }
            _ => Ok(secret),
        }
    }
}
