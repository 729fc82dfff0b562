//! From flags and environment to a client: with a time limit for each request, and without hidden retries.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::{
    client::legacy::{
        self,
        connect::{Connection, HttpConnector, proxy::Tunnel},
    },
    rt::TokioExecutor,
};
use kube::{
    Client, Config,
    client::{Body, ConfigExt},
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use tower::{BoxError, Service, ServiceBuilder};

use super::{
    Cluster,
    origin::{Origin, origin},
};
use crate::{
    arguments::GlobalArguments,
    console::one_line,
    environment::Environment,
    source::{Problem, SourceError},
};

/// How long the API server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which cluster, as whom, and how patiently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterOptions {
    /// `--kubeconfig`
    pub kubeconfig: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--cluster`
    pub cluster: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--namespace`
    pub namespace: Option<String>,
    /// `--as`
    pub impersonate: Option<String>,
    /// `--as-group`
    pub impersonate_groups: Vec<String>,
    /// How long a single request may take.
    pub timeout: Duration,
    /// How much is told on standard error.
    pub verbosity: u8,
}

impl From<&GlobalArguments> for ClusterOptions {
    fn from(arguments: &GlobalArguments) -> Self {
        Self {
            kubeconfig: arguments.kubeconfig.clone(),
            context: arguments.context.clone(),
            cluster: arguments.cluster.clone(),
            user: arguments.user.clone(),
            namespace: arguments.namespace.clone(),
            impersonate: arguments.impersonate.clone(),
            impersonate_groups: arguments.impersonate_groups.clone(),
            timeout: arguments.request_timeout,
            verbosity: arguments.verbosity,
        }
    }
}

impl Cluster {
    /// Finds the cluster and makes a client for it. Nothing is sent yet.
    pub async fn connect(options: ClusterOptions, environment: &Environment) -> Result<Self, SourceError> {
        let failed =
            |text: String| SourceError { request: "find the cluster".to_owned(), problem: Problem::NoCluster(text) };
        let mut config = configure(&options, environment).await.map_err(failed)?;
        // kube repeats each refused request 15 times by default, and nobody would know why it takes so long.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT.min(options.timeout));
        let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']);
        if host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()) {
            // A proxy cannot reach this machine's own loopback.
            config.proxy_url = None;
        }
        if options.impersonate.is_some() {
            config.auth_info.impersonate = options.impersonate;
            config.auth_info.impersonate_groups = Some(options.impersonate_groups);
        }
        let namespace = options.namespace.unwrap_or_else(|| config.default_namespace.clone());
        let server = shown(&config.cluster_url);
        let client = client(config).map_err(|error| failed(format!("make a client: {error}")))?;
        Ok(Self { client, server, namespace, timeout: options.timeout, verbosity: options.verbosity })
    }
}

/// A client with connections of our own. kube's would be slow for a command that sends one request: the server has to
/// acknowledge the end of the TLS handshake before Nagle's algorithm lets the request go, and takes 40 ms for that.
fn client(config: Config) -> Result<Client, BoxError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    match config.proxy_url.clone() {
        None => over(connector, config),
        Some(proxy) if proxy.scheme_str() == Some("http") => {
            if proxy.authority().is_some_and(|authority| authority.as_str().contains('@')) {
                return Err("a proxy with a user and password in its URL cannot be used; name one without".into());
            }
            over(Tunnel::new(proxy, connector), config)
        }
        Some(proxy) => {
            let scheme = proxy.scheme_str().unwrap_or_default();
            Err(format!("a proxy of scheme {scheme:?} cannot be used; name one that begins with http://").into())
        }
    }
}

/// The layers that kube puts over its connections, but for retries and traces, which this program has its own way with.
fn over<C>(connector: C, config: Config) -> Result<Client, BoxError>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let https = config.rustls_https_connector_with_connector(connector)?;
    let transport: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new()).build(https);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(transport);
    Ok(Client::new(service, config.default_namespace))
}

async fn configure(options: &ClusterOptions, environment: &Environment) -> Result<Config, String> {
    let ClusterOptions { context, cluster, user, .. } = options.clone();
    let chosen_by_name = context.is_some() || cluster.is_some() || user.is_some();
    let found = origin(options.kubeconfig.as_deref(), chosen_by_name, environment, Path::exists)
        .map_err(|error| error.to_string())?;
    match found {
        Origin::ServiceAccount => Config::incluster().map_err(|error| format!("use the Pod's ServiceAccount: {error}")),
        Origin::Files(files) => {
            let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            let failed = |error: KubeconfigError| format!("kubeconfig {}: {}", names.join(", "), described(&error));
            let merged = files
                .iter()
                .try_fold(Kubeconfig::default(), |merged, file| merged.merge(Kubeconfig::read_from(file)?))
                .map_err(failed)?;
            if let Some(user) = missing_user(&merged, context.as_deref(), user.as_deref()) {
                return Err(format!("kubeconfig {}: it has no user {user:?}; check --user", names.join(", ")));
            }
            let chosen = KubeConfigOptions { context, cluster, user };
            Config::from_custom_kubeconfig(merged, &chosen).await.map_err(failed)
        }
    }
}

/// The words of the error, and what to do where that is not plain.
fn described(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::CurrentContextNotSet => "it has no current-context; choose one with --context NAME".to_owned(),
        KubeconfigError::LoadContext(name) => {
            format!("it has no context {name:?}; kubectl config get-contexts lists them")
        }
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name:?}; check --cluster"),
        // The parser shows the lines around a mistake, and one of them may be a token.
        KubeconfigError::Parse(error) => {
            let line = error.location().map(|location| format!(" at line {}", location.line())).unwrap_or_default();
            format!("it is no YAML of a kubeconfig{line}; correct it, or write it anew with kubectl config")
        }
        other => one_line(&other.to_string()),
    }
}

/// The server without what a URL may hold of credentials.
fn shown(server: &Uri) -> String {
    let host = server.host().unwrap_or_default();
    let port = server.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", server.scheme_str().unwrap_or("https"))
}

/// The user that is chosen, if the kubeconfig does not have it: kube would go on as nobody.
fn missing_user(kubeconfig: &Kubeconfig, context: Option<&str>, user: Option<&str>) -> Option<String> {
    let current = context.or(kubeconfig.current_context.as_deref());
    let of_context = || {
        let named = kubeconfig.contexts.iter().find(|named| Some(named.name.as_str()) == current)?;
        named.context.as_ref()?.user.clone()
    };
    let user = user.map(str::to_owned).or_else(of_context).filter(|user| !user.is_empty())?;
    let known = kubeconfig.auth_infos.iter().any(|info| info.name == user);
    (!known).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: dev\n\
        clusters: [{name: c, cluster: {server: 'https://u:hunter2@api.example:6443/x?t=hunter2'}}]\n\
        users: [{name: u, user: {token: hunter2}}]\n\
        contexts: [{name: dev, context: {cluster: c, user: u}}, {name: other, context: {cluster: c, user: gone}}]\n";

    #[test]
    fn a_user_that_is_not_there_is_named_instead_of_being_nobody() {
        let read = Kubeconfig::from_yaml(KUBECONFIG).unwrap();
        assert_eq!(missing_user(&read, None, None), None);
        assert_eq!(missing_user(&read, None, Some("nope")).as_deref(), Some("nope"));
        assert_eq!(missing_user(&read, Some("other"), None).as_deref(), Some("gone"));
        assert_eq!(missing_user(&read, Some("other"), Some("u")), None);
    }

    #[test]
    fn what_is_told_of_a_kubeconfig_holds_no_secret() {
        for broken in [
            KUBECONFIG.replace("token: hunter2", "token: hunter2\n bad: x"),
            KUBECONFIG.replace("token: hunter2", "token: [hunter2]"),
        ] {
            let text = described(&Kubeconfig::from_yaml(&broken).map(drop).unwrap_err());
            assert!(!text.contains("hunter2") && text.starts_with("it is no YAML of a kubeconfig"), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
        let server: Uri = "https://u:hunter2@api.example:6443/x?t=hunter2".parse().unwrap();
        assert_eq!(shown(&server), "https://api.example:6443");
    }
}
