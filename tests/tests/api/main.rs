//! The integration suite on a real API server. `make integration` runs it; by hand, after `cargo build -p
//! cicdcontext-operator`: `cluster with -- cargo test -p cicdcontext-tests --features cluster`. Every test makes a
//! namespace of its own, with a receiver and an operator for it alone, so that all run in parallel.

// A test that cannot go on should stop loudly, here as in unit tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod at_most_once;
mod backup;
mod bad_annotations;
mod bad_configuration;
mod bad_deliveries;
mod base_edit;
mod canary;
mod captures;
mod cli;
mod clock;
mod concurrent;
mod control_plane;
mod cookbook;
mod crashes;
mod definitions;
mod edits;
mod ending_namespace;
mod endpoint_edit;
mod endpoint_status;
mod endpoints;
mod examples;
mod flow_control;
mod freshness;
mod generate;
mod handlers;
mod history;
mod hostile;
mod identity;
mod in_pod;
mod late;
mod ledger;
mod lifecycle;
mod limits;
mod lost_answers;
mod malformed;
mod manual_choice;
mod many_waiting;
mod monitoring;
mod object;
mod observability;
mod overload;
mod owners;
mod page;
mod quota;
mod readme;
mod receivers;
mod redelivery;
mod reference;
mod rehearsal;
mod release;
mod replicas;
mod respond;
mod restart;
mod retries;
mod retries_end;
mod retry_after;
mod scene;
mod secrecy;
mod selection;
mod small_proxy;
mod stale;
mod state_schema;
mod state_writes;
mod success_when;
mod suspension;
mod tekton;
mod tls_endpoints;
mod trigger_pipeline;
mod unreachable;
mod watches;
mod workload;
