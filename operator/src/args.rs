//! The operator's command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{configuration::DEFAULT_BUDGET_BYTES, crash::CrashAt};

/// The operator of CicdContexts.
#[derive(Clone, Debug, Parser)]
#[command(name = "operator", version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the operator until it is told to stop.
    Run(Box<RunArguments>),
    /// Print the CustomResourceDefinitions as YAML, for kubectl apply -f -.
    Crd,
}

/// How the operator runs.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// The cluster to connect to: one file. Default: $KUBECONFIG; if that is not set, the Pod's ServiceAccount.
    #[arg(long, env = "KUBECONFIG", value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Name of this installation; its Kubernetes Events carry it, and the Lease of its replicas has it.
    #[arg(long, default_value = "cicdcontext", value_name = "NAME")]
    pub instance: String,

    /// Work in this namespace only. May be repeated. Default: all namespaces.
    #[arg(long, value_name = "NAMESPACE")]
    pub watch_namespace: Vec<String>,

    /// Work for the CicdContexts with these labels only, as in kubectl get --selector. Others are left alone.
    #[arg(long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Read ClusterCicdBases, which needs a ClusterRole. With false, whatever builds on one is not ready, and says so.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub cluster_bases: bool,

    /// Work only while this process holds the Lease that has the name of --instance; the other replicas stand by. With
    /// false, nobody else may work for the same objects.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub leader_elect: bool,

    /// How long the other replicas wait for one that does not renew its Lease any more.
    #[arg(long, default_value = "15s", value_parser = parse_duration, value_name = "DURATION")]
    pub leader_elect_lease_duration: Duration,

    /// How long the working replica tries to renew its Lease before it gives up and ends. Less than the lease duration.
    #[arg(long, default_value = "10s", value_parser = parse_duration, value_name = "DURATION")]
    pub leader_elect_renew_deadline: Duration,

    /// Pause between two renewals, and between two looks at the Lease of another one. Less than the renew deadline.
    #[arg(long, default_value = "2s", value_parser = parse_duration, value_name = "DURATION")]
    pub leader_elect_retry_period: Duration,

    /// Where the Lease is. Default: the Pod's namespace; outside a Pod, that of the kubeconfig's context.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub leader_elect_resource_namespace: Option<String>,

    /// Name under which this replica holds the Lease, beside a random suffix. Default: the name of the host, which in a
    /// Pod is the Pod's.
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub pod_name: Option<String>,

    /// Addresses that requests may go to although they are private: a CIDR, an address, or a host (*.suffix), each with
    /// an optional port. Loopback, link-local and metadata addresses can be opened as CIDR only. May be repeated.
    #[arg(long, value_name = "RULE")]
    pub egress_allow: Vec<String>,

    /// Addresses that requests may never go to; wins over --egress-allow. May be repeated.
    #[arg(long, value_name = "RULE")]
    pub egress_deny: Vec<String>,

    /// A proxy that endpoints may name in spec.proxy: NAME=http://host:port or NAME=https://host:port. May be repeated.
    #[arg(long, value_name = "NAME=URL", value_parser = parse_named)]
    pub proxy: Vec<(String, String)>,

    /// A file with the user:password of the proxy NAME; it is read once, at the start. May be repeated.
    #[arg(long, value_name = "NAME=FILE", value_parser = parse_named)]
    pub proxy_credentials: Vec<(String, String)>,

    /// How long a watch of the API server may last before it begins anew, 1s to 290s. A watch on which nothing comes for a
    /// little longer is given up: what something between here and there drops silently is noticed by then.
    #[arg(long, default_value = "2m", value_parser = parse_watch_timeout, value_name = "DURATION")]
    pub watch_timeout: Duration,

    /// DNS domain of the cluster.
    #[arg(long, default_value = "cluster.local", value_name = "DOMAIN")]
    pub cluster_domain: String,

    /// How long an event may wait for a CicdContext that does not exist before it fails, for example 10m or 30s.
    #[arg(long, default_value = "10m", value_parser = parse_duration, value_name = "DURATION")]
    pub unknown_context_grace: Duration,

    /// How long a finished event is kept, whatever history limits and its own time limit say. For tests.
    #[arg(long, default_value = "60s", value_parser = parse_duration, value_name = "DURATION", hide = true)]
    pub event_minimum_age: Duration,

    /// How long the finished events of a context that is gone are kept. For tests.
    #[arg(long, default_value = "1h", value_parser = parse_duration, value_name = "DURATION", hide = true)]
    pub orphaned_event_age: Duration,

    /// Be killed with SIGKILL the Nth time that a point between two effects is passed. For tests; a release build refuses
    /// it.
    #[arg(long, value_name = "POINT[:N]", hide = true)]
    pub crash_at: Option<CrashAt>,

    /// How many contexts may have an event handled at once.
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub concurrency: usize,

    /// How many bytes of compiled configurations are kept, estimated, beside those in use. What is missing is compiled
    /// again when an event needs it.
    #[arg(long, default_value_t = DEFAULT_BUDGET_BYTES, value_name = "BYTES")]
    pub configuration_cache_bytes: usize,

    /// Where /livez, /readyz and /metrics are served; port 0 takes a free one and logs it.
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// How long AtMostOnce attempts that are under way may take to end after SIGTERM. Everything else ends within a
    /// second: what was not finished is by the next process.
    #[arg(long, default_value = "70s", value_parser = parse_duration, value_name = "DURATION")]
    pub shutdown_grace: Duration,

    /// Form of the log.
    #[arg(long, value_enum, default_value_t = LogFormat::Json, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// What is logged: a level, or directives such as info,cicdcontext_operator=debug.
    #[arg(long, env = "RUST_LOG", default_value = "info,kube_client=off,kube_runtime=off", value_name = "FILTER")]
    pub log_level: String,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Lines for people.
    Text,
}

/// Reads `name=value`. What stands behind the name is not repeated: it may hold what should not be there.
fn parse_named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if (1..=63).contains(&name.len()) && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE, with a name of 1 to 63 characters".to_owned()),
    }
}

/// Reads `90s`, `10m`, `2h`, `500ms`, or parts together such as `1m30s`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("invalid duration {text:?}: write it as 30s, 10m, 1h30m or 500ms");
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).map_err(|_| wrong())
}

/// Reads a duration that the API server and its client take as the time limit of a watch.
fn parse_watch_timeout(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    let whole = Duration::from_secs(duration.as_secs());
    if duration == whole && (1..=290).contains(&duration.as_secs()) {
        Ok(duration)
    } else {
        Err(format!("invalid duration {text:?}: write whole seconds, from 1s to 290s"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_name_ends_at_the_first_equals_sign() {
        assert_eq!(parse_named("out=http://a.example:1/?x=y"), Ok(("out".into(), "http://a.example:1/?x=y".into())));
        for wrong in ["out", "=x", "out=", &format!("{}=x", "n".repeat(64))] {
            assert_eq!(
                parse_named(wrong).unwrap_err(),
                "write NAME=VALUE, with a name of 1 to 63 characters",
                "{wrong}"
            );
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_duration("10m"), Ok(Duration::from_mins(10)));
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        let error = parse_duration("soon").unwrap_err();
        assert_eq!(error, "invalid duration \"soon\": write it as 30s, 10m, 1h30m or 500ms");
        assert!(parse_duration("-1s").is_err());
    }

    #[test]
    fn a_watch_lasts_as_long_as_client_and_server_can_agree_on() {
        assert_eq!(parse_watch_timeout("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(parse_watch_timeout("290s"), Ok(Duration::from_secs(290)));
        for wrong in ["0s", "291s", "1500ms"] {
            let error = parse_watch_timeout(wrong).unwrap_err();
            assert_eq!(error, format!("invalid duration {wrong:?}: write whole seconds, from 1s to 290s"));
        }
    }
}
