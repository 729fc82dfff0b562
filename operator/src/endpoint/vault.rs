//! The Secrets and ConfigMaps of one namespace, read from the API server.

use std::fmt;

use cicdcontext_dispatch::{Unavailable, Vault};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use serde::de::DeserializeOwned;

use crate::client::bounded;

/// A namespace.
pub struct NamespaceVault {
    secrets: Api<Secret>,
    config_maps: Api<ConfigMap>,
}

impl NamespaceVault {
    /// The namespace of this name.
    pub fn new(client: &Client, namespace: &str) -> Self {
        Self {
            secrets: Api::namespaced(client.clone(), namespace),
            config_maps: Api::namespaced(client.clone(), namespace),
        }
    }
}

impl Vault for NamespaceVault {
    async fn secret(&self, name: &str) -> Result<Option<Secret>, Unavailable> {
        get(&self.secrets, name).await
    }

    async fn config_map(&self, name: &str) -> Result<Option<ConfigMap>, Unavailable> {
        get(&self.config_maps, name).await
    }
}

async fn get<K>(api: &Api<K>, name: &str) -> Result<Option<K>, Unavailable>
where
    K: Clone + fmt::Debug + DeserializeOwned,
{
    match bounded(api.get(name)).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(Unavailable { forbidden: error.code() == Some(403), source: error.into() }),
    }
}
