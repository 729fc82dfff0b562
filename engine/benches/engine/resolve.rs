//! Resolving two bases of 10 kB and 20 kB, with all their templates compiled.

use std::{collections::BTreeMap, hint::black_box};

use cicdcontext_engine::{handler::Program, template::Source};
use criterion::Criterion;

use crate::configuration::World;

pub(crate) fn measure(criterion: &mut Criterion) {
    let world = World::new();
    let program = Program::new(world.resolve().unwrap(), &BTreeMap::new());
    assert!(program.errors.is_empty(), "{:?}", program.errors);
    let templates: Vec<Source> = program.resolved.templates().cloned().collect();

    let mut group = criterion.benchmark_group("resolve 10 kB + 20 kB");
    group.bench_function("cold: merge and compile", |bencher| {
        bencher.iter(|| Program::new(black_box(&world).resolve().unwrap(), &BTreeMap::new()));
    });
    // What a context costs whose content another one has: the hash that leads to the shared program.
    group.bench_function("merge and hash alone", |bencher| bencher.iter(|| black_box(&world).resolve().unwrap()));
    // What a handler does at each use.
    group.bench_function(&*format!("look up all {} compiled templates", templates.len()), |bencher| {
        bencher.iter(|| {
            for source in black_box(&templates) {
                black_box(program.library.compile(source).unwrap());
            }
        });
    });
    group.finish();
}
