//! The pages about who may what, played.

use crate::{page, scene::Scene};

#[tokio::test]
async fn the_page_of_security() {
    page::play(&Scene::new().await, "docs/security.md").await;
}

#[tokio::test]
async fn the_page_of_many_teams() {
    page::play(&Scene::new().await, "docs/multi-tenancy.md").await;
}
