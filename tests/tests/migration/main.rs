//! The predecessor and the drop-in side by side: the same files, the same commands, and all that they leave behind compared.
//! `make migration` installs the predecessor and runs this; without it a test says loudly that nothing was compared.
//!
//! Cases are data, in `cases/`. `MIGRATION_CASE=WORD` runs those whose name contains it; `MIGRATION_ALONE=1` checks
//! only what they say of the predecessor, for whoever writes one.

// A test that cannot go on should stop loudly, here as in unit tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod case;
#[cfg(feature = "cluster")]
mod cluster;
mod compare;
mod defects;
mod oracle;
mod page;
mod side;
mod store;

use std::{
    env,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use cicdcontext_tests::cluster::workspace;

use self::{
    case::Case,
    compare::Comparison,
    oracle::Oracle,
    side::{Program, Side, link},
    store::Stores,
};

/// Processes with the predecessor in it, each with a drop-in beside it.
const WORKERS: usize = 3;

fn cases() -> Vec<Case> {
    let all = case::all(&workspace().join("tests/tests/migration/cases"));
    let word = env::var("MIGRATION_CASE").unwrap_or_default();
    all.into_iter().filter(|case| case.name.contains(&word)).collect()
}

#[test]
fn there_are_enough_steps_and_each_difference_has_a_reason() {
    let cases = case::all(&workspace().join("tests/tests/migration/cases"));
    let steps: usize = cases.iter().map(|case| case.steps.len()).sum();
    assert!(steps >= 150, "{steps} steps");
    for difference in
        cases.iter().flat_map(|case| &case.steps).flat_map(|step| step.differs.iter().chain(&step.differs_in_cluster))
    {
        assert!(difference.why.contains("section") || difference.why.contains("defect"), "{difference:?}");
    }
}

/// Runs cases on both sides, several at a time, and fails with all that is wrong.
async fn compared(predecessor: &Path, stores: &Stores) {
    let in_cluster = stores.is_cluster();
    let folder = tempfile::tempdir().unwrap();
    let link = link(folder.path());
    let cases: Arc<Vec<Case>> =
        Arc::new(cases().into_iter().filter(|case| !in_cluster || case.only_local.is_none()).collect());
    let (next, problems) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (cases, next, problems) = (Arc::clone(&cases), Arc::clone(&next), Arc::clone(&problems));
            let (mut oracle, link, stores) = (Oracle::start(predecessor), link.clone(), stores.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(case) = cases.get(number) else { return };
                    let redis = oracle.begin().await;
                    let mut theirs = Side::prepare(case, Program::Predecessor, redis).await;
                    let mut ours =
                        Side::prepare(case, Program::DropIn(link.clone(), stores.open(number).await), redis).await;
                    let mut comparison = Comparison::default();
                    for (number, step) in case.steps.iter().enumerate() {
                        let theirs = theirs.run(case, step, &mut oracle).await;
                        if env::var_os("MIGRATION_ALONE").is_some() {
                            comparison.alone(case, number, &theirs);
                            continue;
                        }
                        let ours = ours.run(case, step, &mut oracle).await;
                        comparison.step(case, number, &theirs, &ours, in_cluster);
                    }
                    ours.remove().await;
                    problems.lock().unwrap().extend(comparison.problems);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let problems = problems.lock().unwrap();
    let steps: usize = cases.iter().map(|case| case.steps.len()).sum();
    assert!(problems.is_empty(), "{} of {steps} steps differ:\n\n{}", problems.len(), problems.join("\n\n"));
    println!("{steps} steps of {} cases compared with the predecessor", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drop_in_with_a_folder_does_what_the_predecessor_does() {
    let Some(predecessor) = oracle::installed("the drop-in over a folder") else { return };
    compared(&predecessor, &Stores::Folder).await;
}
