//! What a cluster needs before the first scene: kinds and roles, once in each cluster; and what each scene leaves.

use std::{collections::BTreeSet, path::PathBuf, process::Output, time::Instant};

use cicdcontext_tests::cluster::{Access, Role, workspace};
use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::json;
use tokio::{process::Command, sync::Mutex, time::sleep};

use super::{DEADLINE, POLL};
use crate::object::Kind;

/// Clusters that are ready, by the administrator's kubeconfig.
static INSTALLED: Mutex<BTreeSet<PathBuf>> = Mutex::const_new(BTreeSet::new());

/// Creates the kinds and the roles of `deploy/`, unless this was done before.
pub(super) async fn kinds_and_roles(access: &Access) {
    let mut installed = INSTALLED.lock().await;
    let cluster = access.kubeconfig(Role::Admin);
    if installed.contains(&cluster) {
        return;
    }
    let deploy = workspace().join("deploy");
    // Applied by the server: several processes may do this to one cluster at once.
    let apply = ["apply", "--server-side", "--force-conflicts"];
    for (how, what) in [("-k", "crds"), ("-f", "namespace.yaml"), ("-k", "rbac")] {
        let mut command = Command::from(access.kubectl_as(Role::Admin));
        let output = command.args(apply).arg(how).arg(deploy.join(what)).output().await.unwrap();
        succeeded(&output, what);
    }
    let definitions: Api<CustomResourceDefinition> = Api::all(access.client(Role::Admin).await.unwrap());
    let begun = Instant::now();
    while served(&definitions).await < 6 {
        assert!(begun.elapsed() < DEADLINE, "the kinds are not served after {} s", DEADLINE.as_secs());
        sleep(POLL).await;
    }
    installed.insert(cluster);
}

#[track_caller]
fn succeeded(output: &Output, what: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl apply of deploy/{what} ended with {}: {errors}", output.status);
}

async fn served(definitions: &Api<CustomResourceDefinition>) -> usize {
    let all = definitions.list(&ListParams::default()).await.unwrap();
    let ours = all.items.into_iter().filter(|definition| definition.spec.group == "cicdcontext.io");
    let conditions = ours.map(|definition| definition.status.and_then(|status| status.conditions).unwrap_or_default());
    conditions.filter(|all| all.iter().any(|one| one.type_ == "Established" && one.status == "True")).count()
}

/// Creates a namespace.
pub(super) async fn namespace(client: &Client, name: &str) {
    let object = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
}

/// Deletes what a scene leaves, as far as that works: the API server may be gone with the test.
pub(super) fn remove(access: &Access, namespace: &str, cluster_bases: &[String]) {
    let (access, namespace, bases) = (access.clone(), namespace.to_owned(), cluster_bases.to_vec());
    // A scene is dropped inside a runtime, which cannot wait for anything there.
    let removal = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async move {
            let client = access.client(Role::Admin).await.ok()?;
            let parameters = DeleteParams::background();
            for base in bases {
                let all = Api::<kube::core::DynamicObject>::all_with(client.clone(), &Kind::ClusterBase.resource());
                all.delete(&base, &parameters).await.ok();
            }
            super::replica::leases(&client).delete(&namespace, &parameters).await.ok();
            Api::<Namespace>::all(client).delete(&namespace, &parameters).await.ok()
        })
    });
    removal.join().ok();
}
