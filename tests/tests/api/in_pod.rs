//! cicdctl as it runs in a Pod: the ServiceAccount of the namespace and nothing else, any user, no home directory, and a root
//! that cannot be written. The Pod is a mount namespace of its own, in which nobody is root.

use std::{net::IpAddr, process::Stdio};

use cicdcontext_tests::cluster::Role;
use data_encoding::BASE64;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Config,
    api::{ObjectMeta, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use tokio::process::Command;

use crate::{cli::program, object::Kind, page::type_in, scene::Scene};

/// Makes the places of a Pod, gives up every right, and runs cicdctl.
const POD: &str = r#"
set -eu
umask 022
folder=/var/run/secrets/kubernetes.io/serviceaccount
mount -t tmpfs none /var/run
mkdir -p "$folder"
printf %s "$TOKEN" >"$folder/token"
printf %s "$NAMESPACE" >"$folder/namespace"
printf %s "$AUTHORITY" >"$folder/ca.crt"
mount -o remount,bind,ro /var/run
mount -o remount,bind,ro /
unset TOKEN NAMESPACE AUTHORITY
exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
"#;

/// A Pod with the ServiceAccount `steps`.
struct Pod {
    token: String,
    namespace: String,
    authority: String,
    host: String,
    port: u16,
}

impl Pod {
    async fn of(scene: &Scene) -> Self {
        let accounts: Api<ServiceAccount> = Api::namespaced(scene.client.clone(), &scene.namespace);
        let metadata = ObjectMeta { name: Some("steps".to_owned()), ..ObjectMeta::default() };
        let account = ServiceAccount { metadata, ..ServiceAccount::default() };
        accounts.create(&PostParams::default(), &account).await.unwrap();
        let spec = TokenRequestSpec { expiration_seconds: Some(600), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let answer = accounts.create_token_request("steps", &PostParams::default(), &request).await.unwrap();

        let kubeconfig = Kubeconfig::read_from(scene.access.kubeconfig(Role::Admin)).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let pem = |certificate: &Vec<u8>| {
            let text = BASE64.encode(certificate);
            let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
        };
        let host = config.cluster_url.host().unwrap().to_owned();
        assert!(host.parse::<IpAddr>().is_ok(), "the kubelet gives Pods an address: {host}");
        Self {
            token: answer.status.and_then(|status| status.token).expect("a token"),
            namespace: scene.namespace.clone(),
            authority: config.root_cert.unwrap().iter().map(pem).collect(),
            host,
            port: config.cluster_url.port_u16().unwrap_or(443),
        }
    }

    /// Exit code and all that was printed.
    async fn run(&self, arguments: &[&str]) -> (i32, String) {
        let user = ["--user", "--map-user=65532", "--map-group=65532", "--keep-caps", "--mount"];
        let ran = Command::new("unshare")
            .args(user)
            .args(["sh", "-c", POD, "pod"])
            .arg(program())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs([("TOKEN", &self.token), ("NAMESPACE", &self.namespace), ("AUTHORITY", &self.authority)])
            .env("KUBERNETES_SERVICE_HOST", &self.host)
            .env("KUBERNETES_SERVICE_PORT", self.port.to_string())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("unshare of util-linux is there");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.code().unwrap_or(-1), text(&ran.stdout) + &text(&ran.stderr))
    }

    async fn ok(&self, arguments: &[&str]) -> String {
        let (code, printed) = self.run(arguments).await;
        assert_eq!(code, 0, "cicdctl {arguments:?}: {printed}");
        printed
    }
}

#[tokio::test]
async fn a_step_of_a_pipeline_needs_its_service_account_and_nothing_else() {
    let scene = Scene::new().await;
    let pod = Pod::of(&scene).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let tell = json!([{"name": "tell", "notify": {"endpoint": {"name": "chat"}, "message": "{{state.tag}}"}}]);
    let platform = format!("platform-{}", scene.namespace);
    let pipelines = json!({"pipelines": {"build": {"eventHandlers": {"success": tell}}}});
    scene.create(Kind::ClusterBase, &platform, &pipelines).await;

    // Without a role, each line says what is missing.
    let (code, printed) = pod.run(&["get", "shop"]).await;
    assert_eq!((code, printed.lines().count()), (1, 1), "{printed}");
    assert!(printed.contains("the ClusterRole cicd-pipeline grants what cicdctl needs"), "{printed}");

    let admin = scene.access.kubeconfig(Role::Admin);
    let subject = format!("--serviceaccount={}:steps", scene.namespace);
    let bind = format!("kubectl -n {} create rolebinding steps --clusterrole=cicd-pipeline {subject}", scene.namespace);
    assert!(type_in(&scene, &admin, &bind, None).await.success);
    let allowed = async || match pod.run(&["get", "shop"]).await {
        (6, _) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    scene.until("the ServiceAccount may read contexts", allowed).await;

    let base = format!("ClusterCicdBase/{platform}");
    assert_eq!(pod.ok(&["init", "shop", "--base", &base, "--set", "state.tag=1"]).await, "shop\n");
    pod.ok(&["set", "shop", "state.tag=2", "state.n:=5"]).await;
    pod.ok(&["set", "shop", "state.list[]=a"]).await;
    assert_eq!(pod.ok(&["get", "shop", "state"]).await, "{\"list\":[\"a\"],\"n\":5,\"tag\":\"2\"}\n");
    pod.ok(&["event", "shop", "build=success", "--wait"]).await;
    assert_eq!(scene.arrived("/chat", 1).await[0].body, json!({"text": "2"}));
    pod.ok(&["events", "shop"]).await;
    pod.ok(&["wait", "shop", "--for", "condition=Ready", "--for", "state.n:=5"]).await;

    // Bases of the cluster have no namespace, so a RoleBinding does not reach them.
    let (code, printed) = pod.run(&["explain", "shop", "build=success"]).await;
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("ClusterRoleBinding"), "{printed}");
    let name = format!("steps-{}", scene.namespace);
    let bind = format!("kubectl create clusterrolebinding {name} --clusterrole=cicd-pipeline {subject}");
    assert!(type_in(&scene, &admin, &bind, None).await.success);
    let explained = async || match pod.run(&["explain", "shop", "build=success"]).await {
        (0, printed) if printed.contains("tell") => Ok(()),
        other => Err(format!("{other:?}")),
    };
    scene.until("the ServiceAccount may read bases of the cluster", explained).await;
    assert!(type_in(&scene, &admin, &format!("kubectl delete clusterrolebinding {name}"), None).await.success);

    // A root that cannot be written, and a file that therefore cannot be either.
    let (code, printed) = pod.run(&["get", "shop", "state.tag", "--to", "/result"]).await;
    assert_eq!((code, printed.lines().count()), (1, 1), "{printed}");
    assert!(printed.contains("/result"), "{printed}");
}
