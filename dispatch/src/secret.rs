//! Secrets and ConfigMaps, read by name when a request needs them and forgotten with it. Where they are kept is the
//! business of a [`Vault`].

use std::{collections::HashMap, error::Error};

use cicdcontext_crds::{
    endpoint::{ConfigMapKeyReference, SecretKeyReference},
    vocabulary::reason,
};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use secrecy::SecretString;

/// Types of Secrets that are credentials of the cluster itself; they are never sent anywhere.
const REFUSED_TYPES: [&str; 4] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
    "kubernetes.io/dockerconfigjson",
];

/// Where the Secrets and ConfigMaps of one namespace are kept.
pub trait Vault: Send + Sync {
    /// The Secret of this name, if there is one.
    fn secret(&self, name: &str) -> impl Future<Output = Result<Option<Secret>, Unavailable>> + Send;

    /// The ConfigMap of this name, if there is one.
    fn config_map(&self, name: &str) -> impl Future<Output = Result<Option<ConfigMap>, Unavailable>> + Send;
}

/// Why a vault did not say whether it has an object.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct Unavailable {
    /// Whether it refuses to be asked, which does not pass by itself.
    pub forbidden: bool,
    /// Why not.
    pub source: Box<dyn Error + Send + Sync>,
}

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
    /// The vault did not give it.
    #[error("read {what}: {source}")]
    Unavailable {
        /// Kind and name of the object.
        what: String,
        /// Why not.
        source: Unavailable,
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

/// Reads from a vault, each Secret at most once.
#[derive(Debug)]
pub struct Secrets<V> {
    vault: V,
    read: HashMap<String, Secret>,
}

impl<V: Vault> Secrets<V> {
    /// The Secrets of this vault; none is read yet.
    pub fn new(vault: V) -> Self {
        Self { vault, read: HashMap::new() }
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
        let found = match self.vault.config_map(name).await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(wrong("it does not exist in the endpoint's namespace".to_owned())),
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
        let secret = match self.vault.secret(name).await {
            Ok(Some(secret)) => secret,
            Ok(None) => return Err(SecretError::NotFound(name.to_owned())),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shelf, secret};

    fn key(name: &str, key: &str) -> SecretKeyReference {
        SecretKeyReference { name: name.to_owned(), key: key.to_owned() }
    }

    async fn told(secrets: &mut Secrets<&Shelf>, name: &str, of: &str) -> (&'static str, String) {
        let error = secrets.value(&key(name, of)).await.unwrap_err();
        (error.reason(), error.to_string())
    }

    #[tokio::test]
    async fn each_secret_is_read_once_and_loses_the_line_break_at_its_end() {
        use secrecy::ExposeSecret;

        let shelf = Shelf::default().with(secret("chat", &[("token", b"s3cret\r\n"), ("user", b" robot")]));
        let mut secrets = Secrets::new(&shelf);
        for (name, value) in [("token", "s3cret"), ("user", " robot"), ("token", "s3cret")] {
            assert_eq!(secrets.value(&key("chat", name)).await.unwrap().expose_secret(), value);
        }
        assert_eq!(shelf.asked(), ["chat"]);
    }

    #[tokio::test]
    async fn a_secret_that_cannot_be_used_is_told_with_its_reason_and_without_its_value() {
        let mut of_cluster = secret("builder", &[("token", b"s3cret")]);
        of_cluster.type_ = Some("kubernetes.io/service-account-token".to_owned());
        let shelf = Shelf::default().with(secret("chat", &[("raw", b"s3cret\xff")])).with(of_cluster).without("locked");
        let mut secrets = Secrets::new(&shelf);
        for (name, of, reason, message) in [
            ("gone", "a", "SecretNotFound", "read Secret gone: it does not exist in the endpoint's namespace"),
            ("chat", "a", "SecretNotFound", "read Secret chat: it has no key \"a\""),
            ("chat", "raw", "SecretRefused", "read Secret chat: the value of key \"raw\" is not UTF-8 text"),
            (
                "builder",
                "token",
                "SecretRefused",
                "read Secret builder: Secrets of type kubernetes.io/service-account-token are never sent",
            ),
            ("locked", "a", "SecretNotFound", "read Secret locked: nobody may read it"),
        ] {
            assert_eq!(told(&mut secrets, name, of).await, (reason, message.to_owned()));
        }
    }
}
