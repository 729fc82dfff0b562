//! The integration suite on a real API server. `make integration` runs it; by hand: `cluster with -- cargo test -p
//! cicdcontext-tests --features cluster`. Every test makes a namespace of its own, so that all run in parallel.

// A test that cannot go on should stop loudly, here as in unit tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod control_plane;
