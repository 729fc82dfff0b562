//! Every page of docs/reference, played on the real API server.

use cicdcontext_tests::cluster::workspace;

use crate::{page, scene::Scene};

/// One test a page, and a test that no page is left out.
macro_rules! pages {
    ($($test:ident: $page:literal,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let scene = Scene::new().await;
                page::play(&scene, concat!("docs/reference/", $page)).await;
            }
        )*

        #[test]
        fn every_page_with_manifests_is_played() {
            let played = [$($page),*];
            for file in std::fs::read_dir(workspace().join("docs/reference")).unwrap() {
                let file = file.unwrap();
                let text = std::fs::read_to_string(file.path()).unwrap();
                let name = file.file_name().into_string().unwrap();
                // The page of the command has a test of its own.
                if name == "cicdctl.md" {
                    continue;
                }
                let example = text.contains("\n```console\n") || text.contains("\napiVersion:");
                assert_eq!(played.contains(&name.as_str()), example, "{name}");
            }
        }
    };
}

pages! {
    the_page_of_contexts: "cicdcontext.md",
    the_page_of_configuration: "configuration.md",
    the_page_of_events: "cicdevent.md",
    the_page_of_handlers: "handlers.md",
    the_page_of_state: "state.md",
    the_page_of_state_writes: "cicdstatewrite.md",
    the_page_of_endpoints: "cicdendpoint.md",
    the_page_of_deliveries: "deliveries.md",
    the_page_of_tests: "tests.md",
}
