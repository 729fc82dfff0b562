//! The README's release as a script that uses cicdctl alone: on a cluster, and on files. Both send the same.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use cicdcontext_tests::{
    cluster::{Role, workspace},
    receiver::{Answer, Receiver},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    cli::{bind_pipeline, program},
    scene::Scene,
};

const SAMPLE: &str = "deploy/samples/release";
/// What no two deliveries have in common.
const OWN_TO_EACH: [&str; 4] = ["webhook-id", "webhook-timestamp", "webhook-signature", "idempotency-key"];

/// One request as it arrived.
#[derive(Debug, PartialEq)]
struct Sent {
    line: String,
    headers: Vec<(String, String)>,
    body: Value,
}

/// Plays the chat and the CI system from their beginning.
fn play_services(receiver: &Receiver) {
    let mut message = 0;
    receiver.program("/api/chat.postMessage", move |_| {
        message += 1;
        Answer::json(200, &json!({"ok": true, "ts": format!("1700000000.{message:04}")}))
    });
    let runs = Arc::new(AtomicU32::new(18));
    for path in ["/api/pipelines/deploy/runs", "/api/pipelines/verify/runs"] {
        let runs = Arc::clone(&runs);
        receiver
            .program(path, move |_| Answer::json(201, &json!({"run": {"id": runs.fetch_add(1, Ordering::Relaxed)}})));
    }
}

/// What has arrived, from the request with this number on.
fn sent(receiver: &Receiver, first: usize) -> Vec<Sent> {
    let of = |name: &str| !OWN_TO_EACH.contains(&name);
    let requests = receiver.requests();
    let all = requests.iter().skip(first).map(|request| {
        let headers = request.headers.iter().filter(|(name, _)| of(name.as_str()));
        let mut headers: Vec<_> =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        headers.sort();
        Sent { line: format!("{} {}", request.method, request.path), headers, body: request.body.clone() }
    });
    all.collect()
}

/// The sample in a folder of its own, with the receiver in the place of its example hosts.
fn sample(scene: &Scene) -> PathBuf {
    let folder = workspace().join("target/integration").join(format!("{}-release", scene.namespace));
    std::fs::create_dir_all(&folder).unwrap();
    for file in std::fs::read_dir(workspace().join(SAMPLE)).unwrap() {
        let file = file.unwrap().path();
        if file.extension() != Some(OsStr::new("yaml")) {
            continue;
        }
        // Bases of a cluster have no namespace of their own.
        let text = std::fs::read_to_string(&file).unwrap();
        let mut text = text.replace("sample-platform", &format!("sample-platform-{}", scene.namespace));
        for (host, path) in [("https://chat.example", ""), ("https://ci.example/api\n", "/api\n")] {
            let url = format!("  url: {host}");
            text = text.replace(&url, &format!("  allowHttp: true\n  url: {}", scene.receiver.url(path)));
        }
        std::fs::write(folder.join(file.file_name().unwrap()), text).unwrap();
    }
    folder
}

/// Runs the script with these flags, and gives what it printed.
async fn play(scene: &Scene, kubeconfig: Option<&Path>, flags: &[&str]) -> String {
    let path = std::env::join_paths(
        [program().parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut command = Command::new("sh");
    command.arg(workspace().join(SAMPLE).join("release.sh")).args(flags).env_clear().env("PATH", path.unwrap());
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    let ran = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&ran.stdout), text(&ran.stderr));
    assert!(ran.status.success(), "release.sh {flags:?}\n{printed}\n{errors}\n{}", scene.log());
    printed
}

/// What the script prints at its end of both contexts.
fn last_states(printed: &str) -> Vec<Value> {
    let (_, end) = printed.split_once("==> what is known at the end\n").expect("the script prints the state");
    let (stage, prod) = end.split_once("shop-prod: ").unwrap();
    let stage = stage.strip_prefix("shop-stage: ").unwrap();
    [stage, prod].map(|text| serde_json::from_str(text).unwrap()).into()
}

#[tokio::test]
async fn a_script_of_cicdctl_plays_the_release_on_a_cluster_and_on_files_and_sends_the_same() {
    let scene = Scene::new().await;
    bind_pipeline(&scene).await;
    let folder = sample(&scene);
    let folder = folder.to_str().unwrap();
    scene.remove_later(&format!("sample-platform-{}", scene.namespace));
    let admin = scene.access.kubeconfig(Role::Admin);
    let apply = format!("kubectl -n {} apply -f {folder}", scene.namespace);
    let ran = crate::page::type_in(&scene, &admin, &apply, None).await;
    assert!(ran.success, "{}", ran.output);

    play_services(&scene.receiver);
    let printed = play(&scene, Some(&scene.access.kubeconfig(Role::Pipeline)), &["-n", &scene.namespace]).await;
    let on_cluster = (sent(&scene.receiver, 0), last_states(&printed));
    let count = on_cluster.0.len();
    assert_eq!(count, 12, "{:#?}", on_cluster.0);

    play_services(&scene.receiver);
    let flags = ["-f", folder, "-n", &scene.namespace];
    let printed = play(&scene, None, &flags).await;
    let on_files = (sent(&scene.receiver, count), last_states(&printed));
    assert_eq!(on_files, on_cluster);

    // Run again, it fires nothing a second time.
    play(&scene, None, &flags).await;
    assert_eq!(scene.receiver.requests().len(), 2 * count);
    std::fs::remove_dir_all(folder).unwrap();
}
