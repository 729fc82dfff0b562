//! From a request that the engine rendered, a CicdEndpoint and its Secrets to one attempt, judged.
//!
//! | module | question it answers |
//! |---|---|
//! | [`secret`] | what do the Secrets and ConfigMaps that an endpoint names say? Whoever uses this brings a [`Vault`] |
//! | [`mod@destination`] | what destination do an endpoint and its Secrets make? |
//! | [`proxy`] | which proxies may an endpoint name? |
//! | [`attempt`] | what is sent for a request, and what did the attempt come to, in the engine's words? |
//! | [`terms`] | on which terms is an endpoint sent to: limits, schedule, guarantee, timeout? |
//! | [`verdict`] | what follows on an attempt that failed? |
//! | [`mod@shown`] | how does a request look to people, without its secrets? |
//! | [`mod@rehearsed`] | what does the outcome of a rehearsal tell? |
//!
//! The crate knows no Kubernetes client, no cache and no queue. It reads no clock but to measure how long an attempt took;
//! what time it is, it is told.
//!
//! A run says `Step::Send`, and `Step::Undelivered` if that failed in a way that time may mend:
//!
//! ```
//! use cicdcontext_delivery::{History, Sender};
//! use cicdcontext_dispatch::{Attempt, Grounds, Specs, Vault, after, prepare, terms};
//! use cicdcontext_engine::{event::{Failure, Run}, handler::Request};
//! use jiff::Timestamp;
//!
//! async fn send<V: Vault>(
//!     run: &mut Run,
//!     request: &Request,
//!     endpoints: &impl Specs,
//!     vault: impl FnOnce(&str) -> V,
//!     (sender, grounds): (&Sender, Grounds<'_>),
//! ) -> Option<std::time::Duration> {
//!     let spec = request.target.endpoint().and_then(|endpoint| endpoints.spec(endpoint)).map(|(_, spec)| spec);
//!     let attempt: Attempt = match prepare(request, endpoints, vault, grounds, Timestamp::now).await {
//!         Ok(prepared) => prepared.send(sender).await.judge(terms::at_most_once(spec), Timestamp::now()),
//!         Err(failure) => failure.into(),
//!     };
//!     run.answered(attempt.delivered);
//!     attempt.retry_after
//! }
//!
//! /// `history` counts the attempt that failed.
//! fn undelivered(
//!     run: &mut Run,
//!     failure: Failure,
//!     (request, endpoints): (&Request, &impl Specs),
//!     history: &History,
//!     retry_after: Option<std::time::Duration>,
//! ) {
//!     let spec = request.target.endpoint().and_then(|endpoint| endpoints.spec(endpoint)).map(|(_, spec)| spec);
//!     after(&terms::schedule(spec), history, retry_after, Timestamp::now()).tell(run, failure);
//! }
//! ```

pub mod attempt;
mod certificate;
pub mod destination;
pub mod proxy;
pub mod rehearsed;
pub mod secret;
pub mod shown;
pub mod terms;
#[cfg(test)]
mod testing;
pub mod verdict;

pub use attempt::{Attempt, Grounds, Prepared, Sent, Specs, assumed_type, outgoing, prepare};
pub use destination::{DestinationError, destination};
pub use proxy::{Proxies, ProxiesError, UnknownProxy};
pub use rehearsed::{Told, rehearsed};
pub use secret::{SecretError, Secrets, Unavailable, Vault};
pub use shown::{secret_headers, shown};
pub use verdict::{CONTEXT_DELETED, Verdict, WAIT_FOR_ENDPOINT, after, full_second, without_endpoint};
