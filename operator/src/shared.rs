//! What all controllers share. Nothing here knows what any of them does with it.

pub mod acknowledged;
pub mod computing;
pub mod deletion;
pub mod gauges;
pub mod memory;
pub mod status;
pub mod trickle;
pub mod wake;

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use cicdcontext_crds::{
    CicdBase, CicdContext, CicdContextSpec, CicdEndpoint, CicdEndpointSpec, CicdEvent, CicdStateWrite, ClusterCicdBase,
};
use cicdcontext_delivery::Sender;
use cicdcontext_dispatch::Proxies;
use kube::{Api, Client, api::ListParams};
use tokio_util::sync::CancellationToken;

use self::{
    acknowledged::Looks,
    computing::Computing,
    memory::{Begun, Busy, Interrupted, Leaving, Refusals, Unrecorded, Unreportable},
    trickle::Trickle,
};
use crate::{
    cache::{ObjectKey, Store, Stored, slim, watch},
    client::{RequestError, bounded},
    clock::Clock,
    configuration::{Bases, Configurations, Configured, facts::Facts},
    crash::CrashPlan,
    endpoint::{
        activity::Activities,
        compiled::{Compilation, Compiled},
        reach::Reach,
    },
    event::{order::is_to_run, retry::Due},
    history::{finished::Rules, memory::History},
    leader::Leadership,
    metrics::Metrics,
    queue::Queue,
    report::Reporter,
    state::{Fence, Schemas, Writers},
    state_write::{acknowledge::Applied, gather::Gathering},
    waiting::Waiting,
};

/// What flags decide.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long an event may wait for a context that does not exist.
    pub unknown_context_grace: Duration,
    /// How long a watch may last.
    pub watch_timeout: Duration,
    /// The contexts that are ours; `None`: all.
    pub selector: Option<String>,
    /// Whether ClusterCicdBases are read.
    pub cluster_bases: bool,
    /// DNS domain of the cluster.
    pub cluster_domain: String,
    /// The proxies that endpoints may name.
    pub proxies: Proxies,
    /// Bytes of compiled configurations that are kept.
    pub configuration_cache_bytes: usize,
    /// The name under which this process claims attempts: no other has it.
    pub identity: String,
    /// Where tests want this process to be killed.
    pub crash: CrashPlan,
    /// How long finished events are kept whatever a context says.
    pub history: Rules,
}

/// The caches of all kinds.
#[derive(Clone)]
pub struct Caches {
    /// CicdContexts.
    pub contexts: watch::Shared<CicdContext>,
    /// CicdEvents, also found by their context, without the contents of their stored requests.
    pub events: watch::Shared<CicdEvent>,
    /// CicdStateWrites, also found by their context.
    pub state_writes: watch::Shared<CicdStateWrite>,
    /// CicdBases.
    pub bases: watch::Shared<CicdBase>,
    /// ClusterCicdBases.
    pub cluster_bases: watch::Shared<ClusterCicdBase>,
    /// CicdEndpoints.
    pub endpoints: watch::Shared<CicdEndpoint>,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            contexts: Arc::new(RwLock::new(Store::new(&[]))),
            events: Arc::new(RwLock::new(
                Store::new(&[context_of_event, context_of_unfinished_event, context_of_event_to_run])
                    .keeping(slim::without_contents),
            )),
            state_writes: Arc::new(RwLock::new(Store::new(&[context_of_state_write]))),
            bases: Arc::new(RwLock::new(Store::new(&[]))),
            cluster_bases: Arc::new(RwLock::new(Store::new(&[]))),
            endpoints: Arc::new(RwLock::new(Store::new(&[]))),
        }
    }
}

/// The context that an event names. One whose spec cannot be read is filed under a blank name, where it is found and
/// reported without holding up any context.
pub fn context_of_event(event: &Stored<CicdEvent>) -> Option<ObjectKey> {
    let name = event.spec().map_or_else(|_| String::new(), |spec| spec.context_ref.name);
    Some(ObjectKey::new(event.namespace(), name))
}

/// The same for events that are not finished: finding those must not cost more the more events a context has had.
pub fn context_of_unfinished_event(event: &Stored<CicdEvent>) -> Option<ObjectKey> {
    if event.phase().is_final() { None } else { context_of_event(event) }
}

/// The same for events whose handlers have not all had their turn: however many deliveries wait.
pub fn context_of_event_to_run(event: &Stored<CicdEvent>) -> Option<ObjectKey> {
    if is_to_run(event) { context_of_event(event) } else { None }
}

/// Numbers of the indexes of [`Caches::events`].
const ALL_EVENTS: usize = 0;
const UNFINISHED_EVENTS: usize = 1;
const EVENTS_TO_RUN: usize = 2;

/// The context that a state write names; one whose spec cannot be read is filed under a blank name.
pub fn context_of_state_write(write: &Stored<CicdStateWrite>) -> Option<ObjectKey> {
    let name = write.spec().map_or_else(|_| String::new(), |spec| spec.context_ref.name);
    Some(ObjectKey::new(write.namespace(), name))
}

/// What waits for work, by kind. Events are worked on by context.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    /// Contexts to reconcile.
    pub contexts: Queue,
    /// Contexts whose events are to be run.
    pub events: Queue,
    /// Contexts whose state writes are to be applied.
    pub state_writes: Queue,
    /// State writes that are in the state and are to be deleted; see [`Operator::applied`].
    pub acknowledgements: Queue,
    /// Bases whose status is to be checked; a blank namespace is a ClusterCicdBase.
    pub bases: Queue,
    /// Endpoints whose status is to be checked.
    pub endpoints: Queue,
    /// Deliveries that waited and are to be tried; see [`Operator::due`].
    pub deliveries: Queue,
    /// Events whose redelivery is asked for.
    pub redeliveries: Queue,
    /// Events of which a delivery may have waited for too long.
    pub expiries: Queue,
    /// Contexts whose finished events, or which themselves, may have to go.
    pub history: Queue,
}

/// What all controllers share.
pub struct Operator {
    /// The API server.
    pub client: Client,
    /// Flags.
    pub settings: Settings,
    /// What is known.
    pub caches: Caches,
    /// What is to be done.
    pub queues: Queues,
    /// Configuration in force.
    pub configurations: Configurations,
    /// Endpoints with their templates compiled.
    pub endpoints_compiled: Compiled,
    /// Schemas of contexts' states, compiled.
    pub schemas: Arc<Schemas>,
    /// Writers of contexts.
    pub writers: Writers,
    /// Finished events, and when something last happened in each context.
    pub history: History,
    /// When the status of each context may be written.
    pub trickle: Trickle,
    /// When deliveries to endpoints last succeeded and failed.
    pub activities: Activities,
    /// Endpoints that are out of reach.
    pub reach: Reach,
    /// State writes that are in the state and are to be deleted.
    pub applied: Applied,
    /// How many write into each context at once.
    pub gathering: Gathering,
    /// Event annotations that are being taken away.
    pub leaving: Leaving,
    /// Contexts of which the API server refuses to make events.
    pub refusals: Refusals,
    /// Events whose status the API server refuses.
    pub unreportable: Unreportable,
    /// Deliveries that wait.
    pub waiting: Waiting,
    /// Those whose turn has come.
    pub due: Due,
    /// Events that somebody works on.
    pub busy: Busy,
    /// When ledgers were looked through for what is over.
    pub looks: Looks,
    /// Attempts that were begun under a claim.
    pub begun: Begun,
    /// Runs that were interrupted.
    pub interrupted: Interrupted,
    /// Outcomes that the API server has not taken yet.
    pub unrecorded: Unrecorded,
    /// Statuses that were offered last to the API server, where it is not known whether it has taken them.
    pub offered: Unrecorded,
    /// Whether this process is to be killed at some point.
    pub crash: CrashPlan,
    /// Sends requests.
    pub sender: Sender,
    /// Writes Kubernetes Events.
    pub reporter: Reporter,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Cancelled when no new work is to be begun.
    pub stop: CancellationToken,
    /// The right to act. The client asks it before each write; whoever does something else has to ask himself.
    pub leadership: Leadership,
    /// Who computes what tenants write.
    computing: Arc<Computing>,
    clock: Clock,
}

impl Operator {
    /// Puts the parts together. The client, with its clock, must be one that `leadership` fences.
    pub fn new(
        (client, clock): (Client, Clock),
        settings: Settings,
        sender: Sender,
        reporter: Reporter,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
        leadership: Leadership,
    ) -> Self {
        let (schemas, computing) = (Arc::<Schemas>::default(), Arc::<Computing>::default());
        let caches = Caches::default();
        let cluster = settings.cluster_bases.then(|| Arc::clone(&caches.cluster_bases));
        let bases = Bases { namespaced: Arc::clone(&caches.bases), cluster };
        Self {
            configurations: Configurations::new(bases, settings.configuration_cache_bytes, &metrics),
            writers: Writers::new(
                client.clone(),
                Arc::clone(&caches.contexts),
                Arc::clone(&metrics),
                Arc::clone(&schemas),
                Arc::clone(&computing),
                Fence::new(leadership.clone(), reporter.clone()),
                settings.crash.clone(),
            ),
            schemas,
            history: History::new(settings.history),
            crash: settings.crash.clone(),
            client,
            settings,
            caches,
            queues: Queues::default(),
            endpoints_compiled: Compiled::new(metrics.cache("endpoints")),
            trickle: Trickle::default(),
            activities: Activities::default(),
            reach: Reach::default(),
            applied: Applied::default(),
            gathering: Gathering::default(),
            leaving: Leaving::default(),
            refusals: Refusals::default(),
            unreportable: Unreportable::default(),
            waiting: Waiting::default(),
            due: Due::default(),
            busy: Busy::default(),
            looks: Looks::default(),
            begun: Begun::default(),
            interrupted: Interrupted::default(),
            unrecorded: Unrecorded::default(),
            offered: Unrecorded::default(),
            sender,
            reporter,
            metrics,
            stop,
            leadership,
            computing,
            clock,
        }
    }

    /// The events of a context that are known, finished or not.
    pub fn events_of(&self, context: &ObjectKey) -> Vec<Arc<Stored<CicdEvent>>> {
        watch::read(&self.caches.events, |store| store.find(ALL_EVENTS, context))
    }

    /// The events of a context that are not finished.
    pub fn unfinished_events_of(&self, context: &ObjectKey) -> Vec<Arc<Stored<CicdEvent>>> {
        watch::read(&self.caches.events, |store| store.find(UNFINISHED_EVENTS, context))
    }

    /// The events of a context whose handlers have not all had their turn.
    pub fn events_to_run_of(&self, context: &ObjectKey) -> Vec<Arc<Stored<CicdEvent>>> {
        watch::read(&self.caches.events, |store| store.find(EVENTS_TO_RUN, context))
    }

    /// Whether there is a context of this name, as far as the cache knows.
    pub fn knows_context(&self, context: &ObjectKey) -> bool {
        watch::read(&self.caches.contexts, |store| store.get(context).is_some())
    }

    /// The state writes that name a context.
    pub fn state_writes_of(&self, context: &ObjectKey) -> Vec<Arc<Stored<CicdStateWrite>>> {
        watch::read(&self.caches.state_writes, |store| store.find(0, context))
    }

    /// Computes something that tenants decide the length of: in turn, namespace by namespace, and off the workers of the
    /// runtime, so that everything else goes on meanwhile. `namespace` is the one that it is done for.
    pub async fn compute<T>(&self, namespace: &str, work: impl FnOnce() -> T) -> T {
        self.computing.run(namespace, work).await
    }

    /// The configuration in force for a context. If it has to be resolved or compiled anew, that is computed in turn.
    pub async fn configured(&self, context: &Stored<CicdContext>, spec: &CicdContextSpec) -> Configured {
        if let Some(known) = self.configurations.known(context) {
            return known;
        }
        let configured = self.compute(context.namespace(), || self.configurations.of(context, spec)).await;
        self.look_again(context);
        configured
    }

    /// What the status of a context needs to know of its configuration: that alone has nothing compiled.
    pub async fn facts(&self, context: &Stored<CicdContext>, spec: &CicdContextSpec) -> Arc<Facts> {
        if let Some(known) = self.configurations.facts(context) {
            return known;
        }
        let facts = self.compute(context.namespace(), || self.configurations.facts_of(context, spec)).await;
        self.look_again(context);
        facts
    }

    /// A base may have come between looking for it and noting that it was looked for.
    fn look_again(&self, context: &Stored<CicdContext>) {
        if self.configurations.facts(context).is_none() {
            self.queues.contexts.add(ObjectKey::new(context.namespace(), context.name()));
        }
    }

    /// An endpoint with its templates compiled, or why they cannot be. Compiling is computed in turn.
    pub async fn compiled(&self, stored: &Stored<CicdEndpoint>, spec: &CicdEndpointSpec) -> Compilation {
        if let Some(known) = self.endpoints_compiled.known(stored) {
            return known;
        }
        self.compute(stored.namespace(), || self.endpoints_compiled.of(stored, spec)).await
    }

    /// A context as the API server has it now. The cache does not learn of it: what changed in it has to come through
    /// the watch, which wakes whoever has work with it.
    pub async fn live_context(&self, key: &ObjectKey) -> Result<Option<Stored<CicdContext>>, RequestError> {
        let api: Api<Stored<CicdContext>> = Api::namespaced(self.client.clone(), &key.namespace);
        bounded(api.get_opt(&key.name)).await
    }

    /// Whether the context is one of those that `--selector` selects. The API server is asked, since the cache may lag
    /// behind, and since it alone knows how selectors are read.
    pub async fn is_selected(&self, key: &ObjectKey) -> Result<bool, RequestError> {
        let Some(selector) = &self.settings.selector else { return Ok(true) };
        let api: Api<Stored<CicdContext>> = Api::namespaced(self.client.clone(), &key.namespace);
        let parameters = ListParams::default().labels(selector).fields(&format!("metadata.name={}", key.name));
        Ok(!bounded(api.list_metadata(&parameters)).await?.items.is_empty())
    }

    /// The time by the API server's clock.
    pub fn precise_now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// The same in whole seconds, as its timestamps are.
    pub fn now(&self) -> jiff::Timestamp {
        let now = self.clock.now();
        jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}
