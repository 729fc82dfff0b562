use cicdcontext_crds::CicdEndpoint;
use serde_json::json;

use super::*;
use crate::{
    exit::Exit,
    manifests::fixture::{shop, shop_with},
    source::SourceError,
};

/// May read all but ClusterCicdBases.
struct Pipeline;

impl Configuration for Pipeline {
    async fn whole_context(&self, name: &str) -> Result<CicdContext, SourceError> {
        shop().seen().whole_context(name).await
    }

    async fn base(&self, reference: &BaseReference) -> Result<Option<Base>, SourceError> {
        if reference.kind == BaseKind::CicdBase {
            return shop().seen().base(reference).await;
        }
        let request = format!("get ClusterCicdBase {}", reference.name);
        Err(SourceError { request, problem: Problem::Forbidden("User \"ada\" cannot get it".to_owned()) })
    }

    async fn endpoint(&self, namespace: &str, name: &str) -> Result<Option<CicdEndpoint>, SourceError> {
        shop().seen().endpoint(namespace, name).await
    }
}

async fn failure<C: Configuration>(source: &C) -> ConfigurationFailure {
    let context = source.whole_context("shop").await.unwrap();
    program(source, &context).await.unwrap_err()
}

#[tokio::test]
async fn bases_of_bases_are_found_and_merged() {
    let context = shop().seen().whole_context("shop").await.unwrap();
    let program = program(&shop().seen(), &context).await.unwrap();
    assert_eq!(program.resolved.settings["channel"], "#stage");
    assert_eq!(program.resolved.bases.len(), 2);
    assert!(program.errors.is_empty(), "{:?}", program.errors);
}

#[tokio::test]
async fn a_forbidden_base_for_all_namespaces_asks_for_a_cluster_role_binding() {
    let failure = failure(&Pipeline).await;
    assert_eq!(
        failure.to_string(),
        "get ClusterCicdBase platform: User \"ada\" cannot get it; ClusterCicdBases belong to no namespace: bind the \
         ClusterRole cicd-pipeline with a ClusterRoleBinding, not only with a RoleBinding"
    );
    assert_eq!(failure.exit(), Exit::Failed);
}

#[tokio::test]
async fn a_missing_or_broken_base_is_named_with_who_asks_for_it() {
    let missing = shop_with("CicdBase/base", |base| base["spec"]["bases"][0]["name"] = json!("nothing"));
    assert_eq!(
        failure(&missing.seen()).await.to_string(),
        "resolve the configuration: find ClusterCicdBase/nothing, which the bases of CicdBase/base name: it does not \
         exist; create it, or correct spec.bases"
    );
    let broken = shop_with("CicdBase/base", |base| base["spec"]["settings"] = json!([]));
    let text = failure(&broken.seen()).await.to_string();
    let start = "resolve the configuration: read CicdBase/base, which the bases of CicdContext/shop name: ";
    assert!(text.starts_with(start), "{text}");
}
