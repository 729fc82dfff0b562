//! Sends requests as the manifests say: their Secrets, and the hosts that they name.

use std::sync::Arc;

use cicdcontext_crds::vocabulary::reason;
use cicdcontext_crds::{CicdEndpointSpec, handler::EndpointReference};
use cicdcontext_delivery::{Sender, tls::Authorities};
use cicdcontext_dispatch::{Grounds, Prepared, Proxies, Specs, Unavailable, Vault, prepare};
use cicdcontext_engine::{
    event::{Failure, Prospect},
    handler::Request,
};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::{
    Manifests,
    egress::{LocalResolver, named, policy},
};
use crate::configuration::GatheredEndpoints;

/// The domain of clusters that are set up without another one: `<service>.<namespace>.svc` is completed with it.
const CLUSTER_DOMAIN: &str = "cluster.local";

/// A sender that is made when it is first needed, and again when manifests name other hosts.
#[derive(Default)]
pub(super) struct Courier {
    sender: Option<(Vec<String>, Sender)>,
    proxies: Proxies,
}

/// Secrets and ConfigMaps of one namespace of the manifests.
struct Shelf {
    manifests: Arc<Manifests>,
    namespace: String,
}

impl Vault for Shelf {
    async fn secret(&self, name: &str) -> Result<Option<Secret>, Unavailable> {
        Ok(self.manifests.secret(&self.namespace, name))
    }

    async fn config_map(&self, name: &str) -> Result<Option<ConfigMap>, Unavailable> {
        Ok(self.manifests.config_map(&self.namespace, name))
    }
}

impl Specs for GatheredEndpoints {
    fn spec(&self, reference: &EndpointReference) -> Option<(&str, &CicdEndpointSpec)> {
        Self::spec(self, reference)
    }
}

impl Courier {
    /// A request with nothing left to do but to send it, and who sends it.
    pub(super) async fn prepare<'r>(
        &mut self,
        request: &'r Request,
        endpoints: &GatheredEndpoints,
        manifests: &Arc<Manifests>,
    ) -> Result<(Prepared<'r>, Sender), Failure> {
        let sender = self.sender(manifests)?;
        let grounds = Grounds { proxies: &self.proxies, cluster_domain: CLUSTER_DOMAIN };
        let vault = |namespace: &str| Shelf { manifests: Arc::clone(manifests), namespace: namespace.to_owned() };
        Ok((prepare(request, endpoints, vault, grounds, Timestamp::now).await?, sender))
    }

    fn sender(&mut self, manifests: &Manifests) -> Result<Sender, Failure> {
        let rules = named(manifests);
        if let Some((_, sender)) = self.sender.as_ref().filter(|(of, _)| *of == rules) {
            return Ok(sender.clone());
        }
        let sender = Sender::with(policy(&rules), Arc::new(LocalResolver), Authorities::system());
        let sender =
            sender.map_err(|error| Failure::new(Prospect::Final, reason::INVALID_REQUEST, error.to_string()))?;
        self.sender = Some((rules, sender.clone()));
        Ok(sender)
    }
}
