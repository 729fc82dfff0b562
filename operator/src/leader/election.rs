//! The Lease on the API server: read, taken, renewed, released. What to do is decided by the candidate.

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, api::PostParams};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Held, Leadership, Timing,
    candidate::{Action, Candidate, Lost, Record},
};
use crate::client::RequestError;

/// How long a release may hold up the exit. Whoever waits for it takes the Lease later, when it has expired.
const RELEASE: Duration = Duration::from_secs(3);

/// Takes part in the election by one Lease.
#[derive(Debug)]
pub struct Election {
    api: Api<Lease>,
    namespace: String,
    name: String,
    candidate: Candidate,
    /// The Lease as this process wrote it last.
    ours: Option<Lease>,
}

impl Election {
    /// By the Lease `name` in `namespace`. The client must not be one that asks for leadership before it writes.
    pub fn new(client: Client, namespace: &str, name: &str, identity: String, timing: Timing) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            candidate: Candidate::new(identity, timing),
            ours: None,
        }
    }

    /// Waits until the Lease is ours. `None`: `stop` came first. `standby` is called each time that another one is seen
    /// to hold it.
    pub async fn acquire(&mut self, stop: &CancellationToken, standby: impl Fn()) -> Option<Leadership> {
        let mut told = None;
        loop {
            let looked = tokio::select! {
                looked = self.look() => looked,
                () = stop.cancelled() => return None,
            };
            let wait = match looked {
                Ok(Action::Wait(wait)) => {
                    standby();
                    wait
                }
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(lease = self.name, namespace = self.namespace, %error, "take part in the election");
                    self.candidate.timing().retry()
                }
            };
            if let (Some(deadline), Some(lease)) = (self.candidate.deadline(), &self.ours) {
                let record = record(lease);
                let identity = self.candidate.identity().to_owned();
                let held = Held { api: self.api.clone(), name: self.name.clone(), identity };
                tracing::info!(
                    lease = self.name,
                    namespace = self.namespace,
                    identity = held.identity,
                    epoch = record.transitions,
                    "leading: the Lease is ours"
                );
                return Some(Leadership::until(deadline, record.transitions, held));
            }
            let holder = self.candidate.holder();
            if told != holder {
                tracing::info!(lease = self.name, namespace = self.namespace, holder, "standing by");
                told = holder;
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => return None,
            }
        }
    }

    /// Renews the Lease for as long as that works; then nothing may be done any more.
    pub async fn keep(&mut self, leadership: &Leadership) -> Lost {
        let lost = loop {
            let deadline = self.candidate.deadline().unwrap_or_else(Instant::now);
            let renewed = tokio::select! {
                biased;
                () = leadership.0.revoked.cancelled() => break Lost::Revoked,
                () = sleep(deadline.saturating_duration_since(Instant::now())) => self.candidate.failed(Instant::now()),
                renewed = self.renew() => renewed.unwrap_or_else(|error| {
                    tracing::warn!(lease = self.name, namespace = self.namespace, %error, "renew the Lease");
                    self.candidate.failed(Instant::now())
                }),
            };
            if let Some(deadline) = self.candidate.deadline() {
                leadership.extend(deadline);
            }
            let pause = match renewed {
                Action::Stop(lost) => break lost,
                Action::Wait(pause) => pause,
                Action::Create { .. } | Action::Take { .. } | Action::Renew { .. } => self.candidate.timing().retry(),
            };
            tokio::select! {
                () = leadership.0.revoked.cancelled() => break Lost::Revoked,
                () = sleep(pause) => {}
            }
        };
        leadership.end();
        lost
    }

    /// Gives the Lease away, so that nobody has to wait until it expires. Nothing may be done any more.
    pub async fn release(&mut self, leadership: &Leadership) {
        leadership.end();
        match timeout(RELEASE, self.empty()).await {
            Ok(Ok(true)) => tracing::info!(lease = self.name, namespace = self.namespace, "the Lease is released"),
            Ok(Ok(false)) => tracing::info!(lease = self.name, "the Lease was not ours any more"),
            Ok(Err(error)) => tracing::warn!(lease = self.name, %error, "release the Lease; it expires by itself"),
            Err(_) => tracing::warn!(lease = self.name, "no answer to the release of the Lease; it expires by itself"),
        }
    }

    async fn empty(&self) -> Result<bool, RequestError> {
        // Read anew: a renewal may have been under way when the work ended.
        loop {
            let Some(mut lease) = self.bounded(self.api.get_opt(&self.name)).await? else { return Ok(false) };
            if record(&lease).holder != self.candidate.identity() {
                return Ok(false);
            }
            let spec = lease.spec.get_or_insert_default();
            spec.holder_identity = None;
            spec.lease_duration_seconds = Some(1);
            spec.renew_time = Some(MicroTime(jiff::Timestamp::now()));
            match self.bounded(self.api.replace(&self.name, &PostParams::default(), &lease)).await {
                Err(error) if error.code() == Some(409) => {}
                written => return written.map(|_| true),
            }
        }
    }

    /// Renews what this process wrote last, with one request; if somebody else has written meanwhile, looks.
    async fn renew(&mut self) -> Result<Action, RequestError> {
        if let Some(lease) = self.ours.clone() {
            let epoch = record(&lease).transitions;
            match self.write(Some(lease), epoch).await {
                Ok(()) => return Ok(Action::Renew { epoch }),
                Err(error) if matches!(error.code(), Some(404 | 409)) => self.ours = None,
                Err(error) => return Err(error),
            }
        }
        self.look().await
    }

    /// Reads the Lease and does what the candidate says.
    async fn look(&mut self) -> Result<Action, RequestError> {
        let lease = self.bounded(self.api.get_opt(&self.name)).await?;
        let seen = lease.as_ref().map(record);
        let action = self.candidate.observe(seen.as_ref(), Instant::now());
        let (Action::Create { epoch } | Action::Take { epoch } | Action::Renew { epoch }) = action else {
            return Ok(action);
        };
        match self.write(lease, epoch).await {
            Ok(()) => Ok(action),
            // Somebody else was quicker. Who, is seen at the next look.
            Err(error) if error.code() == Some(409) => Ok(Action::Wait(Duration::ZERO)),
            Err(error) => Err(error),
        }
    }

    /// Writes ourselves as the holder, on top of exactly this version.
    async fn write(&mut self, before: Option<Lease>, epoch: u64) -> Result<(), RequestError> {
        let is_new = before.is_none();
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        let mut lease = before.unwrap_or(Lease { metadata, spec: None });
        let now = MicroTime(jiff::Timestamp::now());
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        if spec.holder_identity.as_deref() != Some(self.candidate.identity()) {
            spec.holder_identity = Some(self.candidate.identity().to_owned());
            spec.acquire_time = Some(now.clone());
        }
        spec.lease_transitions = Some(i32::try_from(epoch).unwrap_or(i32::MAX));
        spec.lease_duration_seconds = Some(self.candidate.timing().lease_seconds());
        spec.renew_time = Some(now);
        let begun = Instant::now();
        let parameters = PostParams::default();
        let written = if is_new {
            self.bounded(self.api.create(&parameters, &lease)).await?
        } else {
            self.bounded(self.api.replace(&self.name, &parameters, &lease)).await?
        };
        self.candidate.wrote(record(&written), epoch, begun);
        self.ours = Some(written);
        Ok(())
    }

    async fn bounded<T>(&self, request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, RequestError> {
        match timeout(self.candidate.timing().attempt(), request).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(RequestError::Late(self.candidate.timing().attempt())),
        }
    }
}

fn record(lease: &Lease) -> Record {
    let Some(spec) = &lease.spec else { return Record::default() };
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Record {
        holder: spec.holder_identity.clone().unwrap_or_default(),
        duration: seconds.map(Duration::from_secs),
        transitions: spec.lease_transitions.and_then(|count| u64::try_from(count).ok()).unwrap_or_default(),
        renewed: spec.renew_time.as_ref().map(|time| time.0),
    }
}
