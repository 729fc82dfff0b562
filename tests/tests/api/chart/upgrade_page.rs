//! docs/upgrade.md on a cluster of its own, with an older release of the chart: each command is typed, and what the page
//! shows is compared with what it prints. Nothing runs there, so nothing is waited for.

use super::{
    helm::{Helm, NAMESPACE},
    install::Reader,
    rendered::{cluster, kubectl, stop},
    upgrade::{chart_before, create_objects_of_a_user, until_the_field_is_known},
};
use crate::page::commands;

const PAGE: &str = "docs/upgrade.md";

#[tokio::test]
async fn what_the_page_about_upgrading_shows_is_what_happens() {
    let cluster = cluster("upgrade-page").await;
    let access = cluster.access();
    let helm = Helm::on(&access).await;
    let before = chart_before();
    let folder = before.path().to_string_lossy();
    helm.run(&["install", "cicdcontext", &folder, "--namespace", NAMESPACE, "--create-namespace"]).await.printed();
    create_objects_of_a_user(&access).await;
    let context = ["-n", "default", "get", "cicdcontext", "shop", "-o", "jsonpath={.metadata.uid} {.spec.state}"];
    let made = kubectl(&access, &context).await.printed();

    let reader = Reader::new(access.clone()).await;
    let deploy = "kubectl apply -k deploy";
    let mut typed = 0;
    for (command, shown) in commands(PAGE) {
        if command.starts_with("kubectl explain ") {
            until_the_field_is_known(&access, true).await;
        }
        if command.contains("--take-ownership") && !command.contains("fullnameOverride") {
            // As if Helm had never been there.
            reader.type_in("kubectl annotate crd --all meta.helm.sh/release-name-", &[]).await;
        }
        if command.contains(" delete deployment ") {
            reader.type_in(&format!("helm uninstall cicdcontext --namespace {NAMESPACE}"), &[]).await;
            reader.type_in(deploy, &[]).await;
        }
        reader.type_in(&command.replace(" --wait", ""), &shown).await;
        typed += 1;
    }
    assert!(typed >= 11, "{typed} commands typed");
    assert_eq!(kubectl(&access, &context).await.printed(), made, "nobody has touched what users made");
    stop(cluster).await;
}
