//! The program where it is put: a copy in a shared folder, a plugin of kubectl, and what it says of itself.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use cicdcontext_tests::cluster::Role;
use serde_json::json;
use tokio::process::Command;

use super::{Pipeline, expect, program, ran};

#[tokio::test]
async fn a_copy_is_a_program_of_its_own_and_a_plugin_of_kubectl() {
    let pipeline = Pipeline::with_state(&json!({"app": "shop"})).await;
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_string_lossy().into_owned();
    let copied = pipeline.run(&["copy-to", &directory]).await;
    assert_eq!((copied.code, copied.data.as_str(), copied.errors.as_str()), (0, "", ""), "{copied:?}");
    let copy = fs::metadata(folder.path().join("cicdctl")).unwrap();
    assert_eq!(copy.permissions().mode() & 0o777, 0o755);
    assert_eq!(copy.len(), fs::metadata(program()).unwrap().size());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);

    let kubectl = |arguments: &[&str]| {
        let mut command = Command::from(pipeline.0.access.kubectl_as(Role::Pipeline));
        command.args(arguments).env("PATH", &directory);
        ran(command)
    };
    let got = kubectl(&["cicd", "get", "shop", "state.app", "-n", &pipeline.0.namespace]).await;
    assert_eq!((got.code, got.data.as_str()), (0, "shop\n"), "{got:?}");
    let completed = kubectl(&["__complete", "cicd", "redel"]).await;
    assert_eq!(completed.data, "redeliver\n:4\n", "{completed:?}");
    let completed = kubectl(&["__complete", "cicd", "event", "shop", "--wait"]).await;
    assert_eq!(completed.data, "--wait\n--wait-for\n:4\n", "{completed:?}");

    let missing = format!("{directory}/none");
    expect(&pipeline.run(&["copy-to", &missing]).await, 1, "none: there is no such folder; create it first");
}

#[tokio::test]
async fn the_version_of_the_server_is_asked_for_only_where_it_is_wanted() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let ours = format!("cicdctl {}\n", env!("CARGO_PKG_VERSION"));
    let mut alone = Command::new(program());
    alone.arg("version").env_clear();
    assert_eq!(ran(alone).await.data, ours);
    let both = pipeline.ok(&["version", "--server"]).await;
    assert!(both.starts_with(&format!("{ours}API server v1.")), "{both}");
    let mut nowhere = Command::new(program());
    nowhere.args(["version", "--server"]).env_clear();
    let nowhere = ran(nowhere).await;
    assert_eq!((nowhere.code, nowhere.data.as_str()), (1, ours.as_str()), "{nowhere:?}");
    assert!(nowhere.errors.starts_with("error: find the cluster: ") && nowhere.errors.lines().count() == 1);
}
