//! Every page of docs/cookbook, played: manifests are applied, scripts of Tasks, Workflows and Jobs are run.

use cicdcontext_tests::cluster::workspace;

use crate::{page, scene::Scene};

/// One test a page, and a test that no page is left out.
macro_rules! pages {
    ($($test:ident: $page:literal,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let scene = Scene::new().await;
                page::play(&scene, concat!("docs/cookbook/", $page)).await;
            }
        )*

        #[test]
        fn every_page_of_the_cookbook_is_played() {
            let played = [$($page),*];
            for file in std::fs::read_dir(workspace().join("docs/cookbook")).unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                assert!(name == "README.md" || played.contains(&name.as_str()), "{name}");
            }
        }
    };
}

pages! {
    the_page_of_tekton: "tekton.md",
    the_page_of_argo: "argo.md",
    the_page_of_jobs: "job.md",
    the_page_of_kubectl_alone: "shell.md",
    the_page_of_files: "files.md",
}
