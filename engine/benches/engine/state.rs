//! One change of a state of 1 kB, 100 kB and 500 kB, with the patch that makes it.

use std::hint::black_box;

use cicdcontext_crds::ChangeOperation;
use cicdcontext_engine::state::{
    Limits, Path, PlainChange, apply,
    limits::{Measure, size},
    patch,
};
use criterion::Criterion;
use serde_json::{Map, Value, json};

pub(crate) fn measure(criterion: &mut Criterion) {
    let change = |path: &str, op, value: Value| {
        [PlainChange { path: Path::parse(path).unwrap(), op, value: Some(value), split: None }]
    };
    let changes = [
        ("set a value", change("state.release.status", ChangeOperation::Set, json!("verified"))),
        ("append to a list", change("state.tags", ChangeOperation::Append, json!("1.4.18"))),
    ];
    for bytes in [1_000, 100_000, 500_000] {
        let state = state(bytes);
        let mut group = criterion.benchmark_group(format!("one change in a state of {} kB", bytes / 1000));
        for (name, changes) in &changes {
            let make = || {
                let outcome = apply(Some(black_box(&state)), black_box(changes), &Limits::default()).unwrap();
                patch::body(&outcome.patch).unwrap()
            };
            assert!(make().len() < 1000, "the patch holds the change, not the state");
            group.bench_function(*name, |bencher| bencher.iter(make));
        }
        group.bench_function("measure it", |bencher| bencher.iter(|| Measure::of_state(Some(black_box(&state)))));
        group.finish();
    }
}

/// A state of so many bytes as JSON, to within a hundred: maps of steps with a few values each, as pipelines leave them.
pub(crate) fn state(bytes: usize) -> Map<String, Value> {
    let mut state = json!({
        "app": {"name": "shop", "version": "1.4.17"}, "git": {"branch": "main", "commit": "0123456789abcdef"},
        "tags": ["1.4.17", "latest"], "steps": {},
    });
    let mut left = bytes.saturating_sub(size(&state));
    for number in 0.. {
        let step = json!({"started": "2026-01-02T03:04:05Z", "result": "success", "seconds": number % 97, "log": "https://ci.example/log"});
        let needed = size(&step) + format!("\"step-{number}\":,").len();
        if needed > left {
            break;
        }
        left -= needed;
        state["steps"][format!("step-{number}")] = step;
    }
    assert!(size(&state).abs_diff(bytes) < 150, "{} bytes", size(&state));
    serde_json::from_value(state).unwrap()
}
