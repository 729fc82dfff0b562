//! All manifests, by kind, namespace and name.

use std::{collections::BTreeMap, path::PathBuf};

use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use serde::de::DeserializeOwned;

use super::{
    Kind, Manifest, ReadError,
    read::{self, MAX_BYTES},
};

/// Manifests that were read.
#[derive(Clone, Debug, Default)]
pub struct Manifests(BTreeMap<(Kind, String, String), Manifest>);

impl Manifests {
    /// Reads those that `paths` name; `namespace` is that of objects which name none.
    pub fn read(paths: &[PathBuf], namespace: &str) -> Result<Self, ReadError> {
        let (mut manifests, mut left) = (Self::default(), MAX_BYTES);
        for file in read::files(paths)? {
            for (origin, object) in read::objects(&file, &mut left)? {
                let understood = Manifest::understand(origin.clone(), object, namespace);
                if let Some(manifest) = understood.map_err(|problem| ReadError::Object { origin, problem })? {
                    manifests.insert(manifest)?;
                }
            }
        }
        let paths = || paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let is_configuration = |manifest: &Manifest| !matches!(manifest.kind, Kind::Secret | Kind::ConfigMap);
        if !manifests.0.values().any(is_configuration) {
            return Err(ReadError::Nothing { paths: paths() });
        }
        Ok(manifests)
    }

    fn insert(&mut self, manifest: Manifest) -> Result<(), ReadError> {
        let problem = match manifest.kind {
            Kind::Secret => secret(&manifest).err(),
            Kind::ConfigMap => config_map(&manifest).err(),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(ReadError::Object { origin: manifest.origin, problem });
        }
        let key = (manifest.kind, manifest.namespace.clone(), manifest.name.clone());
        if let Some(first) = self.0.get(&key) {
            let name = if key.1.is_empty() { key.2 } else { format!("{}/{}", key.1, key.2) };
            return Err(ReadError::Twice {
                kind: key.0,
                name,
                first: first.origin.clone().into(),
                second: manifest.origin.into(),
            });
        }
        self.0.insert(key, manifest);
        Ok(())
    }

    /// All of them, by kind, namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = &Manifest> {
        self.0.values()
    }

    /// The manifest of an object. The namespace of what is in none is blank.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Manifest> {
        let namespace = if kind.is_cluster_wide() { "" } else { namespace };
        self.0.get(&(kind, namespace.to_owned(), name.to_owned()))
    }

    /// A Secret, `stringData` written over `data` as the API server does.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<Secret> {
        // Each was read once before it was taken in.
        self.get(Kind::Secret, namespace, name).and_then(|manifest| secret(manifest).ok())
    }

    /// A ConfigMap.
    pub fn config_map(&self, namespace: &str, name: &str) -> Option<ConfigMap> {
        self.get(Kind::ConfigMap, namespace, name).and_then(|manifest| config_map(manifest).ok())
    }
}

impl Manifest {
    /// The object as its type; or what is wrong with it, and where it stands.
    pub fn typed<K: DeserializeOwned>(&self) -> Result<K, String> {
        K::deserialize(&self.object).map_err(|error| format!("{error}; it stands in {}", self.origin))
    }
}

fn secret(manifest: &Manifest) -> Result<Secret, String> {
    // What the library says of a wrong value may show it.
    let mut secret = Secret::deserialize_quietly(manifest)?;
    for (key, text) in secret.string_data.take().unwrap_or_default() {
        secret.data.get_or_insert_default().insert(key, ByteString(text.into_bytes()));
    }
    Ok(secret)
}

fn config_map(manifest: &Manifest) -> Result<ConfigMap, String> {
    ConfigMap::deserialize_quietly(manifest)
}

/// Reads without telling what a wrong value is.
trait Quietly: DeserializeOwned {
    fn deserialize_quietly(manifest: &Manifest) -> Result<Self, String> {
        Self::deserialize(&manifest.object).map_err(|_| {
            format!(
                "{} {} cannot be read: data and stringData are maps of texts, those of data of a Secret and of binaryData in base64",
                manifest.kind.as_str(),
                manifest.name
            )
        })
    }
}

impl Quietly for Secret {}
impl Quietly for ConfigMap {}

#[cfg(test)]
mod tests;
