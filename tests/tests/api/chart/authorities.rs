//! Certificate authorities of one's own, as the chart mounts them: trusted beside those of the image.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use cicdcontext_tests::receiver::{Receiver, tls::Authority};
use serde_json::{Value, json};

use super::helm::{Helm, by_identity, chart, objects};
use crate::{
    object::{Kind, event, expect_handler, handler, notify, on_success},
    scene::Scene,
};

/// The operator's Pod for these values.
async fn pod(values: &Value) -> Value {
    let helm = Helm::alone().await;
    let rendered = helm.template(&chart(), &[&helm.values("authorities", values)], &["--no-hooks"]).await.printed();
    let objects = by_identity(objects(&rendered));
    let (_, deployment) = objects.into_iter().find(|(name, _)| name.starts_with("Deployment/")).unwrap();
    deployment["spec"]["template"]["spec"].clone()
}

/// Lays out one file as a node lays out the keys of a ConfigMap: behind links, so that all change at once.
fn mount(folder: &Path, name: &str, text: &str) {
    let data = folder.join("..2026_01_01_00_00_00.1");
    fs::create_dir(&data).unwrap();
    fs::write(data.join(name), text).unwrap();
    symlink(data.file_name().unwrap(), folder.join("..data")).unwrap();
    symlink(PathBuf::from("..data").join(name), folder.join(name)).unwrap();
}

#[tokio::test]
async fn authorities_of_a_config_map_are_trusted_beside_those_of_the_image() {
    let pod = pod(&json!({"caBundle": {"configMap": {"name": "ours", "key": "root.pem"}}})).await;
    let container = &pod["containers"][0];
    let variable = |name: &str| {
        let all = container["env"].as_array().unwrap().iter();
        all.filter(|one| one["name"] == name).map(|one| one["value"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(variable("SSL_CERT_FILE"), [json!("/etc/ssl/certs/ca-certificates.crt")]);
    assert_eq!(variable("SSL_CERT_DIR"), [container["volumeMounts"][0]["mountPath"].clone()]);
    let source = &pod["volumes"][0]["configMap"];
    assert_eq!((&source["name"], &source["items"][0]["key"]), (&json!("ours"), &json!("root.pem")));

    let [image, bundle, nobody] = [(); 3].map(|()| Authority::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("ca-certificates.crt");
    fs::write(&own, image.pem()).unwrap();
    let mounted = folder.path().join("authorities");
    fs::create_dir(&mounted).unwrap();
    mount(&mounted, source["items"][0]["path"].as_str().unwrap(), &bundle.pem());

    let mut scene = Scene::without_operator().await;
    let variables = [("SSL_CERT_FILE", own.display().to_string()), ("SSL_CERT_DIR", mounted.display().to_string())];
    scene.start_operator_with(&variables, &[]).await;
    let mut receivers = Vec::new();
    for (name, authority) in [("image", &image), ("bundle", &bundle), ("nobody", &nobody)] {
        let receiver = Receiver::start_tls(&authority.identity(&["127.0.0.1"]).unwrap()).await.unwrap();
        let spec = json!({
            "url": receiver.url("/"), "allowedHosts": ["127.0.0.1"], "retry": {"maxAttempts": 1},
            "bodies": {"notify": r#"{"text": "{{handler.message}}"}"#},
        });
        scene.create(Kind::Endpoint, name, &spec).await;
        receivers.push(receiver);
    }
    let handlers = ["image", "bundle", "nobody"].map(|name| notify(name, name, "x"));
    scene.create(Kind::Context, "shop", &on_success(&json!(handlers))).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "image", "Succeeded", "Delivered", "");
    expect_handler(&done, "bundle", "Succeeded", "Delivered", "");
    assert_eq!(handler(&done, "nobody")["reason"], "TlsFailed");
    assert_eq!(receivers.iter().map(|one| one.requests().len()).collect::<Vec<_>>(), [1, 1, 0]);
}

#[tokio::test]
async fn without_a_bundle_nothing_is_said_about_authorities() {
    let pod = pod(&json!({})).await;
    let names: Vec<_> = pod["containers"][0]["env"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, [json!("POD_NAME"), json!("POD_NAMESPACE")]);
    assert_eq!((&pod["volumes"], &pod["containers"][0]["volumeMounts"]), (&Value::Null, &Value::Null));
}
