//! One operator process: from its arguments to running controllers, and back when it is told to stop.

use std::{
    error::Error,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cicdcontext_delivery::{Policy, Sender};
use cicdcontext_dispatch::Proxies;
use jiff::SignedDuration;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    args::RunArguments,
    client::{self, Connection},
    controller,
    controller::run::{Limits, Selection},
    crash::CrashPlan,
    history::finished::Rules,
    leader::{self, Election, Leadership, Timing},
    metrics::Metrics,
    report,
    server::{self, Readiness},
    shared::{Operator, Settings},
    telemetry,
};

/// Stack of each thread: templates are bounded such that 2 MiB are enough for them.
const STACK_BYTES: usize = 4 * 1024 * 1024;

/// Runs the operator until it is told to stop.
pub fn run(arguments: RunArguments) -> Result<(), Box<dyn Error>> {
    telemetry::start(arguments.log_format, &arguments.log_level)?;
    // Of two providers in one process rustls takes neither by itself.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build()?;
    let result = runtime.block_on(serve(arguments));
    // A template that is still being rendered holds up nobody's exit.
    runtime.shutdown_timeout(SHUTDOWN);
    result
}

/// How long threads that still compute may hold up the exit.
const SHUTDOWN: Duration = Duration::from_secs(1);

async fn serve(arguments: RunArguments) -> Result<(), Box<dyn Error>> {
    let crash = CrashPlan::new(arguments.crash_at)?;
    let policy = Policy::parse(&arguments.egress_allow, &arguments.egress_deny)?;
    let proxies = Proxies::read(&arguments.proxy, &arguments.proxy_credentials)?;
    let connection = client::connect(arguments.kubeconfig.as_deref(), arguments.watch_timeout).await?;
    let mut election = election(&arguments, &connection)?;
    let sender = Sender::new(forbid_server(policy, connection.server()).await)?;
    let metrics = Arc::new(Metrics::new());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    metrics.start_time.set(now.as_secs_f64());
    let stop = stop_on_signals()?;

    let listener = TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| format!("listen on {}: {error}; choose another address with --listen", arguments.listen))?;
    tracing::info!(address = %listener.local_addr()?, "serving /livez, /readyz and /metrics");
    let readiness = Readiness::default();
    // Probes and metrics go on until the last work is done.
    let serving_stop = CancellationToken::new();
    let server = tokio::spawn(server::serve(listener, Arc::clone(&metrics), readiness.clone(), serving_stop.clone()));

    let leadership = match &mut election {
        None => Some(Leadership::alone()),
        // A standby is as ready as it can be.
        Some(election) => election.acquire(&stop, || readiness.set()).await,
    };
    if let Some(leadership) = leadership {
        metrics.leader.set(1);
        let ended = work(
            &arguments,
            &connection,
            (sender, proxies, crash),
            &metrics,
            &readiness,
            (leadership, &mut election),
            stop,
        )
        .await;
        metrics.leader.set(0);
        // Whoever lost the Lease does nothing more, not even in good order.
        ended?;
    }
    serving_stop.cancel();
    server.await??;
    Ok(())
}

/// Works until `stop`, or until the right to do so is lost.
async fn work(
    arguments: &RunArguments,
    connection: &Connection,
    (sender, proxies, crash): (Sender, Proxies, CrashPlan),
    metrics: &Arc<Metrics>,
    readiness: &Readiness,
    (leadership, election): (Leadership, &mut Option<Election>),
    stop: CancellationToken,
) -> Result<(), Box<dyn Error>> {
    let process = format!("{}-{}", arguments.instance, std::process::id());
    let client = connection.fenced(&leadership)?;
    let reports_client = (connection.client()?, client.1.clone());
    let (reporter, writer) = report::channel(reports_client, &arguments.instance, &process, metrics, &crash);
    let reports_stop = CancellationToken::new();
    let reports = tokio::spawn(writer.run(reports_stop.clone()));
    let settings = Settings {
        unknown_context_grace: arguments.unknown_context_grace,
        watch_timeout: arguments.watch_timeout,
        selector: arguments.selector.clone(),
        cluster_bases: arguments.cluster_bases,
        cluster_domain: arguments.cluster_domain.clone(),
        proxies,
        configuration_cache_bytes: arguments.configuration_cache_bytes,
        identity: leader::identity(&pod(arguments)),
        crash,
        history: Rules {
            minimum_age: SignedDuration::try_from(arguments.event_minimum_age)?,
            orphaned_age: SignedDuration::try_from(arguments.orphaned_event_age)?,
        },
    };
    let metrics = Arc::clone(metrics);
    let operator =
        Arc::new(Operator::new(client, settings, sender, reporter, metrics, stop.clone(), leadership.clone()));
    let selection = Selection { namespaces: arguments.watch_namespace.clone(), selector: arguments.selector.clone() };
    let limits = Limits { events: arguments.concurrency.max(1), shutdown_grace: arguments.shutdown_grace };
    let working = controller::run::run(operator, &selection, &limits, readiness, stop);
    match election {
        None => working.await,
        Some(election) => {
            tokio::select! {
                () = working => {}
                lost = election.keep(&leadership) => {
                    return Err(format!("{lost}; this process ends at once, so that the one that leads is alone").into());
                }
            }
            election.release(&leadership).await;
        }
    }
    reports_stop.cancel();
    reports.await?;
    Ok(())
}

/// The election that the flags ask for.
fn election(arguments: &RunArguments, connection: &Connection) -> Result<Option<Election>, Box<dyn Error>> {
    if !arguments.leader_elect {
        return Ok(None);
    }
    let timing = Timing::new(
        arguments.leader_elect_lease_duration,
        arguments.leader_elect_renew_deadline,
        arguments.leader_elect_retry_period,
    )?;
    let namespace = arguments.leader_elect_resource_namespace.as_deref().unwrap_or(connection.namespace());
    let identity = leader::identity(&pod(arguments));
    let election = Election::new(connection.client()?, namespace, &arguments.instance, identity, timing);
    Ok(Some(election))
}

/// The name of the Pod, as far as it is known.
fn pod(arguments: &RunArguments) -> String {
    let host = || std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    arguments.pod_name.clone().or_else(host).unwrap_or_else(|| arguments.instance.clone())
}

/// The API server is not a receiver of deliveries, whatever a flag allows.
async fn forbid_server(policy: Policy, server: &http::Uri) -> Policy {
    let Some(host) = server.host() else { return policy };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = server.port_u16().or(Some(443));
    if let Ok(address) = host.parse::<IpAddr>() {
        return policy.forbid(address, port);
    }
    match tokio::net::lookup_host((host, port.unwrap_or(443))).await {
        Ok(addresses) => addresses.fold(policy, |policy, address| policy.forbid(address.ip(), port)),
        Err(error) => {
            tracing::warn!(%error, "look up the API server's addresses, to keep deliveries from them");
            policy
        }
    }
}

fn stop_on_signals() -> Result<CancellationToken, std::io::Error> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = stop.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping: no new work is begun");
        token.cancel();
    });
    Ok(stop)
}
