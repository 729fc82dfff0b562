//! Whether the control plane that the other tests rely on is what they believe it is.

use std::collections::BTreeSet;

use cicdcontext_tests::cluster::{Access, Cluster, Environment, Options, Report, Role};
use k8s_openapi::api::{authentication::v1::SelfSubjectReview, core::v1::ConfigMap};
use kube::{Api, Client, api::PostParams};
use tokio::task::spawn_blocking;

fn access() -> Access {
    Access::from_environment(&Environment::of_this_process()).unwrap()
}

#[tokio::test]
async fn the_api_server_answers_its_version() {
    let version = access().client(Role::Admin).await.unwrap().apiserver_version().await.unwrap();
    assert_eq!(version.major, "1");
    assert!(version.git_version.starts_with("v1."), "kubectl refuses an unstamped version: {version:?}");
}

#[tokio::test]
async fn the_token_of_each_role_authenticates_as_its_user() {
    let access = access();
    for role in Role::ALL {
        let reviews: Api<SelfSubjectReview> = Api::all(access.client(role).await.unwrap());
        let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await.unwrap();
        let user = review.status.unwrap().user_info.unwrap();
        let groups: BTreeSet<String> = user.groups.unwrap().into_iter().collect();
        if role == Role::Admin && user.username.as_deref() != Some(role.user()) {
            // The administrator of a cluster that somebody else provides has a name of its own.
            continue;
        }
        assert_eq!(user.username.as_deref(), Some(role.user()));
        let expected: BTreeSet<String> =
            role.groups().iter().chain(&["system:authenticated"]).map(ToString::to_string).collect();
        assert_eq!(groups, expected, "groups of {role}");
    }
}

async fn config_maps(cluster: &Cluster) -> Api<ConfigMap> {
    let client: Client = cluster.access().client(Role::Admin).await.unwrap();
    Api::default_namespaced(client)
}

/// Starts a cluster of its own, since it kills the API server.
#[tokio::test]
async fn a_killed_api_server_comes_back_on_its_port_with_its_data() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { report: Report::silent(), ..Options::in_directory(directory.path()) };
    let mut cluster = spawn_blocking(|| Cluster::start(options)).await.unwrap().unwrap();
    let server = cluster.server().to_owned();
    let mut object = ConfigMap::default();
    object.metadata.name = Some("survivor".to_owned());
    config_maps(&cluster).await.create(&PostParams::default(), &object).await.unwrap();

    cluster.kill_apiserver().unwrap();
    let refused = config_maps(&cluster).await.get("survivor").await.unwrap_err();
    assert!(matches!(refused, kube::Error::HyperError(_) | kube::Error::Service(_)), "{refused:?}");
    let twice = cluster.kill_apiserver().unwrap_err();
    assert_eq!(twice.to_string(), "kill the API server: it is not running");

    let mut cluster = spawn_blocking(move || cluster.restart_apiserver().map(|()| cluster)).await.unwrap().unwrap();
    assert_eq!(cluster.server(), server);
    config_maps(&cluster).await.get("survivor").await.unwrap();
    assert_eq!(cluster.restart_apiserver().unwrap_err().to_string(), "restart the API server: it is running");

    cluster.stop().unwrap();
    let left: Vec<_> = directory.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().ends_with(".log")), "only logs are left: {left:?}");
}
