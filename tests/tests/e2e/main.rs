//! The operator as it is installed: a whole node, real Pods, the images, the chart, and a pipeline's steps as Tekton would
//! run them. `make e2e` starts the node and runs this in its namespaces.
//!
//! One story, told in phases: each needs what the ones before it left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod burst;
mod helm;
mod installed;
mod receiver;
mod stage;
mod steps;
mod story;

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_is_installed_used_upgraded_and_removed_on_a_whole_node() {
    let stage = Stage::from_environment().await;
    let played = AssertUnwindSafe(story::play(&stage)).catch_unwind().await;
    if let Err(panicked) = played {
        stage.explain().await;
        resume_unwind(panicked);
    }
    stage.tell_times();
}
