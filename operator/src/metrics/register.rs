//! The names of all metrics, their labels, and what each counts.

use std::sync::OnceLock;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Unit,
};

use super::{Metrics, catalogue::Catalogue};

/// What `target` of a write to the API server can be, in Markdown.
pub const TARGETS: &str = "`target`: context_state, context_status, context_delete, event_create, event_adopt, \
    event_status, event_claim, event_redelivery, event_delete, state_write_delete, state_write_status, base_status, \
    endpoint_status, kubernetes_event";

/// What `kind` of work can be, in Markdown.
pub(super) const WORK: &str =
    "`kind`: context, event, state_write, acknowledgement, base, endpoint, delivery, redelivery, history";
/// What `kind` of objects is watched, in Markdown.
pub(super) const WATCHED: &str =
    "`kind`: CicdContext, CicdEvent, CicdStateWrite, CicdBase, ClusterCicdBase, CicdEndpoint";
/// What becomes of an annotation, in Markdown.
pub(super) const ANNOTATIONS: &str = "`result`: created, known, refused, stale";
/// How a delivery ends badly, in Markdown.
pub(super) const GIVEN_UP: &str = "`phase`: Failed, Unknown";
/// Why an address is refused, in Markdown.
pub(super) const EGRESS: &str = "`reason`: NotAUrl, Scheme, UserInformation, PlainHttp, Denied, Forbidden, Loopback, LinkLocal, Metadata, Private, Reserved, Multicast, Broadcast, Unspecified, OtherHost";
/// How a write fails, in Markdown.
pub(super) const WRITE_ERRORS: &str =
    "`target`: as above; `error`: Conflict, NotFound, Overload, Refused, ServerError, Timeout, Unavailable";
const EVENT_OUTCOME: &str = "`phase`: Succeeded, Failed, Skipped; `reason`: as in the condition Succeeded";
const OUTCOME: &str = "`phase`: Succeeded, Failed, Skipped, Unknown; `reason`: as in the status";

/// How long an attempt or a piece of work takes, in seconds.
const DURATIONS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// How long an event waits, in seconds.
const DELAYS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 86_400.0];
/// Sizes of states in bytes: from 64 KiB on they are large, beyond 512 KiB nothing of ours may let them grow.
const SIZES: [f64; 9] = [256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 131_072.0, 262_144.0, 524_288.0, 1_048_576.0];
const CACHE: &str = "`cache`: configurations, bases, endpoints";

fn durations() -> Histogram {
    Histogram::new(DURATIONS)
}

impl Metrics {
    /// Registers everything with the prefix `cicdcontext`.
    pub fn new() -> Self {
        let metrics = Self::register();
        metrics.show_from_zero();
        metrics
    }

    #[allow(clippy::too_many_lines, reason = "it is a list")]
    fn register() -> Self {
        let mut all = Catalogue::new();
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        all.add_info("build", "The program, always 1", "`version`", version);
        Self {
            leader: all.add("leader", "1 if this process works, 0 if it stands by", "", Gauge::default()),
            start_time: all.add_in(
                Unit::Seconds,
                "start_time",
                "When the process began, in seconds since 1970",
                "",
                Gauge::default(),
            ),
            annotations: all.add(
                "annotations",
                "Event annotations that were looked at: created (an event was made of it), known (there was or had been one), refused (the API server took no event; it is tried again), stale (it came with a restored context)",
                ANNOTATIONS,
                Family::default(),
            ),
            events_started: all.add(
                "events_started",
                "Events whose handlers had their first turn",
                "",
                Counter::default(),
            ),
            events: all.add("events", "Events that were finished; one that is redelivered finishes again", EVENT_OUTCOME, Family::default()),
            first_attempt_delay: all.add_in(
                Unit::Seconds,
                "delivery_first_attempt_delay",
                "From the creation of an event, which is known to the second, to the first attempt of each of its deliveries",
                "",
                Histogram::new(DELAYS),
            ),
            attempts: all.add(
                "delivery_attempts",
                "Attempts, by what the endpoint makes of the answer; also those that failed before anything was sent",
                "`result`: Succeeded, Failed; `reason`: as in the status",
                Family::default(),
            ),
            attempt_duration: all.add_in(
                Unit::Seconds,
                "delivery_attempt_duration",
                "How long attempts that were sent took, by the answer's status alone",
                "`result`: Succeeded, Failed",
                Family::new_with_constructor(durations as fn() -> Histogram),
            ),
            attempts_under_way: all.add("delivery_attempts_under_way", "Attempts that are being made", "", Gauge::default()),
            deliveries: all.add("deliveries", "Deliveries that ended, after all their attempts", OUTCOME, Family::default()),
            given_up: all.add(
                "deliveries_given_up",
                "Those of them that ended badly; unlike them shown from 0 on, so that already the first is an increase",
                GIVEN_UP,
                Family::default(),
            ),
            deliveries_waiting: all.add(
                "deliveries_waiting",
                "Deliveries that wait: for a retry, a limit, a suspended or missing endpoint, or a suspended context",
                "",
                Gauge::default(),
            ),
            oldest_waiting: all.add_in(
                Unit::Seconds,
                "deliveries_oldest_waiting",
                "For how long the delivery has waited that has waited longest, on and off, as far as this process saw it; 0 if none waits",
                "",
                Gauge::default(),
            ),
            claims: all.add("delivery_claims", "Attempts of AtMostOnce endpoints that are claimed and whose outcome is not written down yet", "", Gauge::default()),
            redeliveries: all.add("redeliveries", "Deliveries that somebody asked for again", "", Counter::default()),
            template_errors: all.add("template_errors", "Handlers that failed for a template", "", Counter::default()),
            egress_refusals: all.add(
                "egress_refusals",
                "Attempts that were refused because of their address; nothing was sent",
                EGRESS,
                Family::default(),
            ),
            state_writes: all.add(
                "state_writes",
                "CicdStateWrites that were applied or refused",
                "`result`: Applied, Refused; `reason`: Applied, or as in the condition",
                Family::default(),
            ),
            state_size: all.add_in(
                Unit::Bytes,
                "state",
                "Size of a context's state, each time its status is written",
                "",
                Histogram::new(SIZES),
            ),
            writes: all.add("api_writes", "Requests to the API server that change something, each try", TARGETS, Family::default()),
            write_errors: all.add(
                "api_write_errors",
                "Those of them that failed",
                WRITE_ERRORS,
                Family::default(),
            ),
            watch_lists: all.add(
                "watch_lists",
                "Lists that watches began with; more than one for each watched namespace means that one could not go on where it was",
                WATCHED,
                Family::default(),
            ),
            watch_errors: all.add("watch_errors", "Watches that were interrupted by an error", WATCHED, Family::default()),
            dropped_reports: all.add(
                "kubernetes_events_dropped",
                "Kubernetes Events that were not written: too many waited, or the API server did not take them",
                "",
                Counter::default(),
            ),
            reconciles: all.add("reconciles", "Pieces of work", WORK, Family::default()),
            reconcile_errors: all.add("reconcile_errors", "Pieces of work that failed and are repeated", WORK, Family::default()),
            reconcile_duration: all.add_in(
                Unit::Seconds,
                "reconcile_duration",
                "How long pieces of work took",
                WORK,
                Family::new_with_constructor(durations as fn() -> Histogram),
            ),
            queue_length: all.add(
                "queue_length",
                "Keys that wait for a worker",
                "`queue`: contexts, events, state_writes, acknowledgements, bases, endpoints, deliveries, redeliveries, expiries, history",
                Family::default(),
            ),
            cached_objects: all.add(
                "cached_objects",
                "Objects that the operator knows",
                WATCHED,
                Family::default(),
            ),
            history_deleted: all.add(
                "history_deleted",
                "Objects that limits of history and of time deleted",
                "`kind`: event, context, state_write",
                Family::default(),
            ),
            cache_hits: all.add("cache_hits", "Uses of compiled things that were kept", CACHE, Family::default()),
            cache_misses: all.add("cache_misses", "Compiled things that had to be computed", CACHE, Family::default()),
            cache_evictions: all.add("cache_evictions", "Compiled things that made room", CACHE, Family::default()),
            cache_bytes: all.add_in(Unit::Bytes, "cache", "Size of the compiled things that are kept, estimated", CACHE, Family::default()),
            look: OnceLock::new(),
            catalogue: all,
        }
    }
}
