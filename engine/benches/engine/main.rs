//! What the engine takes for the work that the operator does most: `make bench`, or
//! `cargo bench -p cicdcontext-engine --bench engine -- FILTER`. No figure is asserted, since machines differ; what is
//! measured is checked once before, so that no figure stands for an error.

// A measurement that cannot go on should stop loudly, as tests do.
#![allow(clippy::unwrap_used, clippy::panic)]

mod configuration;
mod event;
mod render;
mod resolve;
mod state;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    resolve::measure(&mut criterion);
    render::measure(&mut criterion);
    event::measure(&mut criterion);
    state::measure(&mut criterion);
    criterion.final_summary();
}
