//! What tests send: endpoints and Secrets that are written down, and a request.

// The exemption in clippy.toml covers test functions, not what they share.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use cicdcontext_crds::{
    CicdEndpointSpec,
    handler::{EndpointReference, HttpMethod},
};
use cicdcontext_engine::handler::{Endpoint, EndpointLookup, Endpoints, Request, Target};
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use serde_json::Value;

use crate::{
    attempt::Specs,
    secret::{Unavailable, Vault},
};

/// Secrets by name, one of them locked; it remembers what it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    secrets: BTreeMap<String, Secret>,
    locked: Option<&'static str>,
    down: bool,
    asked: Mutex<Vec<String>>,
}

impl Shelf {
    pub(crate) fn with(mut self, secret: Secret) -> Self {
        self.secrets.insert(secret.metadata.name.clone().unwrap(), secret);
        self
    }

    pub(crate) fn without(self, locked: &'static str) -> Self {
        Self { locked: Some(locked), ..self }
    }

    pub(crate) fn down() -> Self {
        Self { down: true, ..Self::default() }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Vault for &Shelf {
    async fn secret(&self, name: &str) -> Result<Option<Secret>, Unavailable> {
        self.asked.lock().unwrap().push(name.to_owned());
        if self.down {
            return Err(Unavailable { forbidden: false, source: "it does not answer".into() });
        }
        if self.locked == Some(name) {
            return Err(Unavailable { forbidden: true, source: "nobody may read it".into() });
        }
        Ok(self.secrets.get(name).cloned())
    }

    async fn config_map(&self, _: &str) -> Result<Option<ConfigMap>, Unavailable> {
        Ok(None)
    }
}

pub(crate) fn secret(name: &str, values: &[(&str, &[u8])]) -> Secret {
    let mut secret = Secret::default();
    secret.metadata.name = Some(name.to_owned());
    let data = values.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.to_vec())));
    secret.data = Some(data.collect());
    secret
}

/// One endpoint, `chat`, in namespace `shop`.
pub(crate) struct Written(CicdEndpointSpec);

impl Written {
    pub(crate) fn of(spec: CicdEndpointSpec) -> Self {
        Self(spec)
    }
}

impl Endpoints for Written {
    fn find(&self, reference: &EndpointReference) -> EndpointLookup {
        match self.spec(reference) {
            Some((_, spec)) => EndpointLookup::Found(Arc::new(Endpoint::new(spec).unwrap())),
            None if reference.namespace.is_some() => EndpointLookup::NotAllowed,
            None => EndpointLookup::NotFound,
        }
    }
}

impl Specs for Written {
    fn spec(&self, reference: &EndpointReference) -> Option<(&str, &CicdEndpointSpec)> {
        (reference.name == "chat" && reference.namespace.is_none()).then_some(("shop", &self.0))
    }
}

pub(crate) fn spec(json: Value) -> CicdEndpointSpec {
    serde_json::from_value(json).unwrap()
}

/// A request to the endpoint of this name.
pub(crate) fn request(endpoint: &str) -> Request {
    Request {
        target: Target::Endpoint(EndpointReference { name: endpoint.to_owned(), namespace: None }),
        method: HttpMethod::Post,
        path: None,
        headers: Vec::new(),
        endpoint_headers: Vec::new(),
        body: Some(r#"{"text":"built"}"#.to_owned()),
        webhook_id: "msg_1".to_owned(),
    }
}
