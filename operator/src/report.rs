//! Kubernetes Events: what a person must see without reading a log.
//!
//! They are written by one task, from a bounded queue, each within the time limit of a request: an API server that is
//! slow to take them holds nobody up, and what is dropped is counted. kube's own recorder is not used, since the names
//! that it makes are too long for objects with long names, and since it keeps the first note of those that share a
//! reason, where each of ours names something else.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_crds::conditions::{MAX_MESSAGE_BYTES, cut};
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, Resource, api::PostParams};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    cache::Stored,
    client::bounded,
    clock::Clock,
    crash::{CrashPlan, Point},
    metrics::Metrics,
};

/// Most reports that wait to be written.
const QUEUE: usize = 1024;
/// The same report of the same object is written again only after this time.
const REPEAT_AFTER: Duration = Duration::from_mins(5);
/// Most different reports that are remembered.
const REMEMBERED: usize = 4096;
/// Pauses before a report is written once more that an API server with too much to do did not take.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Normal or Warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// For information.
    Normal,
    /// Somebody should look.
    Warning,
}

/// One thing to tell.
#[derive(Clone, Debug)]
pub struct Report {
    regarding: ObjectReference,
    severity: Severity,
    reason: &'static str,
    action: &'static str,
    note: String,
}

/// Takes reports.
#[derive(Clone, Debug)]
pub struct Reporter {
    sender: mpsc::Sender<Report>,
    metrics: Arc<Metrics>,
}

/// Writes reports.
pub struct Writer {
    receiver: mpsc::Receiver<Report>,
    client: Client,
    clock: Clock,
    controller: String,
    instance: String,
    metrics: Arc<Metrics>,
    crash: CrashPlan,
}

/// A reporter, and the writer that has to run for it. People compare the times with those of the API server, so the clock
/// is the API server's.
pub fn channel(
    (client, clock): (Client, Clock),
    instance: &str,
    process: &str,
    metrics: &Arc<Metrics>,
    crash: &CrashPlan,
) -> (Reporter, Writer) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let writer = Writer {
        receiver,
        client,
        clock,
        controller: format!("cicdcontext.io/{}", cut(instance, 48)),
        instance: cut(process, 128).to_owned(),
        metrics: Arc::clone(metrics),
        crash: crash.clone(),
    };
    (Reporter { sender, metrics: Arc::clone(metrics) }, writer)
}

impl Reporter {
    /// Tells `note` about `object`. `action` says what was being done (CamelCase).
    pub fn report<K: Resource<DynamicType = ()>>(
        &self,
        object: &Stored<K>,
        severity: Severity,
        reason: &'static str,
        action: &'static str,
        note: impl Into<String>,
    ) {
        let report = Report { regarding: object.object_ref(&()), severity, reason, action, note: note.into() };
        if self.sender.try_send(report).is_err() {
            self.metrics.dropped_reports.inc();
        }
    }
}

impl Writer {
    /// Writes until `stop`, and then what waits already.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut written: HashMap<(Option<String>, &'static str, String), Instant> = HashMap::new();
        loop {
            let report = tokio::select! {
                biased;
                report = self.receiver.recv() => report,
                () = stop.cancelled() => None,
            };
            let Some(report) = report else { return };
            let now = Instant::now();
            if written.len() >= REMEMBERED {
                written.retain(|_, when| now.duration_since(*when) < REPEAT_AFTER);
            }
            let key = (report.regarding.uid.clone(), report.reason, report.note.clone());
            if written.get(&key).is_some_and(|when| now.duration_since(*when) < REPEAT_AFTER) {
                continue;
            }
            // What could not be written is written when it is told again.
            if self.write(report, &stop).await && written.len() < REMEMBERED {
                written.insert(key, now);
            }
        }
    }

    /// Writes a report; tells whether it is there. An API server that has too much to do is asked again, a few times.
    async fn write(&self, report: Report, stop: &CancellationToken) -> bool {
        let namespace = report.regarding.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let name = cut(report.regarding.name.as_deref().unwrap_or("unknown"), 200).trim_end_matches(['.', '-']);
        let event = Event {
            metadata: ObjectMeta {
                // As the recorders of Kubernetes name theirs. The API server takes no generateName that ends with a dot.
                name: Some(format!("{name}.{:x}", jiff::Timestamp::now().as_nanosecond())),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(self.clock.now())),
            reporting_controller: Some(self.controller.clone()),
            reporting_instance: Some(self.instance.clone()),
            action: Some(report.action.to_owned()),
            reason: Some(report.reason.to_owned()),
            note: Some(cut(&report.note, MAX_MESSAGE_BYTES).to_owned()),
            type_: Some(match report.severity {
                Severity::Normal => "Normal".to_owned(),
                Severity::Warning => "Warning".to_owned(),
            }),
            regarding: Some(report.regarding),
            ..Event::default()
        };
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let parameters = PostParams::default();
        let mut pauses = PAUSES.iter();
        loop {
            let error = match self.metrics.write("kubernetes_event", bounded(api.create(&parameters, &event))).await {
                Ok(_) => {
                    self.crash.pass(Point::KubernetesEvent);
                    return true;
                }
                // Nobody else uses the name: it is ours, and its answer was lost.
                Err(error) if error.code() == Some(409) => return true,
                Err(error) => error,
            };
            if error.is_overload()
                && !stop.is_cancelled()
                && let Some(pause) = pauses.next()
            {
                tokio::select! {
                    () = tokio::time::sleep(*pause) => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
            self.metrics.dropped_reports.inc();
            tracing::warn!(%error, reason = report.reason, "write a Kubernetes Event");
            return false;
        }
    }
}
