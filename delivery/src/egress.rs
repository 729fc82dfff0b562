//! The egress guard: which hosts and addresses may a delivery open a connection to?
//!
//! Pure decisions over parsed values. Names are looked up in [`crate::resolve`], which asks here about each address
//! and hands on only what was allowed. Must not know requests, credentials or sockets.
//!
//! | what a destination turns out to be | refused unless |
//! |---|---|
//! | plain `http` | the destination allows it |
//! | user information in the URL, another scheme, no host | always refused |
//! | named by `--egress-deny` (host, address, or an address it carries) | always refused |
//! | the API server's own addresses ([`Policy::forbid`]) | always refused |
//! | multicast, broadcast, unspecified (0.0.0.0/8, `::`) | always refused |
//! | loopback, link-local, cloud metadata | `--egress-allow` names a CIDR **inside** that range |
//! | private (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7, fec0::/10) | `--egress-allow` names its CIDR or host, or it is a Service of the endpoint's own namespace |
//! | documentation, benchmarking, reserved | `--egress-allow` names its CIDR or host |
//! | public | never refused |
//!
//! An IPv6 address that carries an IPv4 one (mapped, compatible, translated, NAT64, 6to4, Teredo) is judged by what it
//! carries. `--egress-allow 0.0.0.0/0` opens private and reserved ranges but not loopback, link-local and metadata:
//! a rule as wide as that was hardly written with the node's credentials in mind.

mod name;
mod range;
mod rule;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

use name::{Meaning, meaning_of};
use range::{Range, ends_of, range_of};
pub use rule::{Rule, RuleError};

/// Operator-wide egress rules. The default allows what is public and nothing else.
///
/// ```
/// use cicdcontext_delivery::egress::{Policy, RefusalReason, Scope, Target};
///
/// let policy = Policy::parse(&["10.20.0.0/16"], &["*.internal.example"])?;
/// let scope = Scope::namespace("shop", "cluster.local");
/// let (_, target) = Target::parse("https://hooks.chat.example/services/T1")?;
/// policy.check(&target, &scope, false)?;
/// policy.check_address("10.20.1.1".parse()?, &target, &scope)?;
/// let refusal = policy.check_address("10.30.1.1".parse()?, &target, &scope).unwrap_err();
/// assert_eq!(refusal.reason, RefusalReason::Private);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Policy {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
    forbidden: Vec<(IpAddr, Option<u16>)>,
}

/// Whose network a destination is seen from: private addresses are open to the Services of this namespace.
///
/// A Service can point anywhere (`ExternalName`, hand-made EndpointSlices), so whoever may write Services in the
/// namespace decides what its names mean. Network policies are the place to bound that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    namespace: Option<String>,
    cluster_domain: String,
}

/// Where a connection goes: scheme, host, port. Displays as scheme and host only, or as neither if the URL is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    https: bool,
    host: Host<String>,
    port: u16,
    place: String,
}

/// A destination that is not dialled, and why. The text names scheme and host only.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("refuse to send to {place}: {}", reason.text())]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// Scheme and host, or a word for them where they are secret or could not be read.
    pub place: String,
}

/// Why a destination is not dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The text is not a URL, or its host is not a host (a zone id, for instance).
    NotAUrl,
    /// The scheme is neither `https` nor `http`, or there is no host.
    Scheme,
    /// The URL carries a user name or password.
    UserInformation,
    /// The scheme is `http` and the destination does not allow that.
    PlainHttp,
    /// `--egress-deny` names the host or one of its addresses.
    Denied,
    /// One of the addresses that are never dialled: the API server's own.
    Forbidden,
    /// A loopback address.
    Loopback,
    /// A link-local address.
    LinkLocal,
    /// The metadata service of a cloud.
    Metadata,
    /// A private address outside the endpoint's namespace.
    Private,
    /// A documentation, benchmarking or otherwise reserved address.
    Reserved,
    /// A multicast address.
    Multicast,
    /// The broadcast address.
    Broadcast,
    /// The unspecified address, which reaches the operator's own host.
    Unspecified,
    /// The connection asked for another host than the one that was checked.
    OtherHost,
}

impl RefusalReason {
    /// The reason as a CamelCase word of a closed set, for a metric label or a condition.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAUrl => "NotAUrl",
            Self::Scheme => "Scheme",
            Self::UserInformation => "UserInformation",
            Self::PlainHttp => "PlainHttp",
            Self::Denied => "Denied",
            Self::Forbidden => "Forbidden",
            Self::Loopback => "Loopback",
            Self::LinkLocal => "LinkLocal",
            Self::Metadata => "Metadata",
            Self::Private => "Private",
            Self::Reserved => "Reserved",
            Self::Multicast => "Multicast",
            Self::Broadcast => "Broadcast",
            Self::Unspecified => "Unspecified",
            Self::OtherHost => "OtherHost",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::NotAUrl => "it is not a URL; write https://host/path, an IPv6 address in brackets and without a zone",
            Self::Scheme => "it has no host or another scheme than http and https; write https://host/path",
            Self::UserInformation => {
                "the URL carries a user name or password; put credentials into the endpoint's auth"
            }
            Self::PlainHttp => "the scheme is http; use https, or set allowHttp on the endpoint",
            Self::Denied => {
                "an --egress-deny rule of the operator names it; use a destination that the operator permits"
            }
            Self::Forbidden => "it is an address of the API server, which is never a destination",
            Self::Loopback => {
                "it is a loopback address; only an --egress-allow CIDR inside 127.0.0.0/8 or ::1 opens one"
            }
            Self::LinkLocal => {
                "it is a link-local address; only an --egress-allow CIDR inside 169.254.0.0/16 or fe80::/10 opens one"
            }
            Self::Metadata => {
                "it is the metadata service of a cloud; only an --egress-allow rule with that very address opens it"
            }
            Self::Private => {
                "it is a private address; use a Service of the endpoint's own namespace (<service>.<namespace>.svc), \
                 or let the operator name it with --egress-allow"
            }
            Self::Reserved => "it is a reserved address; let the operator name its CIDR with --egress-allow",
            Self::Multicast => "it is a multicast address; use the address of one receiver",
            Self::Broadcast => "it is the broadcast address; use the address of one receiver",
            Self::Unspecified => "it is the unspecified address; use the receiver's own address",
            Self::OtherHost => "the connection asked for another host than the one that was checked",
        }
    }
}

impl Target {
    /// Reads scheme, host and port of `url`; refuses other schemes than http and https, and user information.
    pub fn of(url: &Url) -> Result<Self, Refusal> {
        Self::read(url, false)
    }

    /// The same for a URL that comes from a Secret: nothing of it is ever displayed.
    pub fn of_secret(url: &Url) -> Result<Self, Refusal> {
        Self::read(url, true)
    }

    /// Parses a URL and reads its target. An IPv4 address in any spelling (decimal, octal, hexadecimal, short, full
    /// width) is one after this.
    pub fn parse(text: &str) -> Result<(Url, Self), Refusal> {
        let refused = |_| Refusal { reason: RefusalReason::NotAUrl, place: "the given URL".to_owned() };
        let url = Url::parse(text).map_err(refused)?;
        let target = Self::of(&url)?;
        Ok((url, target))
    }

    fn read(url: &Url, secret: bool) -> Result<Self, Refusal> {
        let web = matches!(url.scheme(), "http" | "https");
        let place = match url.host_str() {
            _ if secret => "a URL from a Secret".to_owned(),
            Some(host) if web => format!("{}://{host}", url.scheme()),
            _ => "a URL that is not https".to_owned(),
        };
        let refused = |reason| Refusal { reason, place: place.clone() };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(RefusalReason::UserInformation));
        }
        let host = match url.host() {
            // The dot at the end says "absolute", which every name here is.
            Some(Host::Domain(name)) => Host::Domain(name.trim_end_matches('.').to_ascii_lowercase()),
            Some(Host::Ipv4(address)) => Host::Ipv4(address),
            Some(Host::Ipv6(address)) => Host::Ipv6(address),
            None => return Err(refused(RefusalReason::Scheme)),
        };
        match url.port_or_known_default() {
            Some(port) if web && host != Host::Domain(String::new()) => {
                Ok(Self { https: url.scheme() == "https", host, port, place })
            }
            _ => Err(refused(RefusalReason::Scheme)),
        }
    }

    /// Whether the scheme is `https`.
    pub fn https(&self) -> bool {
        self.https
    }

    /// The host; a name is in lower case and without a dot at its end.
    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The port, explicit or the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A refusal of this target.
    pub(crate) fn refused(&self, reason: RefusalReason) -> Refusal {
        Refusal { reason, place: self.place.clone() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl Scope {
    /// The network as endpoints of `namespace` may use it. `cluster_domain` is usually `cluster.local`.
    pub fn namespace(namespace: impl Into<String>, cluster_domain: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), cluster_domain: clean_domain(&cluster_domain.into()) }
    }

    /// The network without any namespace's own Services, for a plain URL.
    pub fn public(cluster_domain: impl Into<String>) -> Self {
        Self { namespace: None, cluster_domain: clean_domain(&cluster_domain.into()) }
    }

    /// `<service>.<namespace>.svc`, given with or without the cluster domain, cut into service and namespace.
    fn service<'a>(&self, host: &'a str) -> Option<(&'a str, &'a str)> {
        let in_cluster = host.strip_suffix(self.cluster_domain.as_str()).and_then(|left| left.strip_suffix('.'));
        let (service, namespace) = in_cluster.unwrap_or(host).strip_suffix(".svc")?.split_once('.')?;
        (!service.is_empty() && !namespace.is_empty() && !namespace.contains('.')).then_some((service, namespace))
    }

    fn owns(&self, host: &str) -> bool {
        self.service(host).is_some_and(|(_, namespace)| Some(namespace) == self.namespace.as_deref())
    }

    /// The name to ask the resolver for: absolute, so that no search path completes it, and with the cluster domain
    /// behind `<service>.<namespace>.svc`.
    pub(crate) fn absolute(&self, host: &str) -> String {
        match self.service(host) {
            Some((service, namespace)) => format!("{service}.{namespace}.svc.{}.", self.cluster_domain),
            None => format!("{host}."),
        }
    }
}

fn clean_domain(domain: &str) -> String {
    domain.trim_matches('.').to_ascii_lowercase()
}

impl Policy {
    /// Parses the values of `--egress-allow` and `--egress-deny`.
    pub fn parse<S: AsRef<str>>(allow: &[S], deny: &[S]) -> Result<Self, RuleError> {
        let rules = |values: &[S]| values.iter().map(|value| value.as_ref().parse::<Rule>()).collect::<Result<_, _>>();
        Ok(Self::new(rules(allow)?, rules(deny)?))
    }

    /// A policy of parsed rules. A deny rule beats every allow rule.
    pub fn new(allow: Vec<Rule>, deny: Vec<Rule>) -> Self {
        Self { allow, deny, forbidden: Vec::new() }
    }

    /// Never dial `address` (on `port`, or on any): for the API server's own addresses. No rule opens it again.
    #[must_use]
    pub fn forbid(mut self, address: IpAddr, port: Option<u16>) -> Self {
        self.forbidden.extend(ends_of(address).into_iter().map(|end| (end, port)));
        self
    }

    /// Judges what a URL shows without a look-up: scheme, denied host names, and the host if it is an address.
    /// A name still needs [`Policy::check_address`] for each address that it resolves to.
    pub fn check(&self, target: &Target, scope: &Scope, allow_http: bool) -> Result<(), Refusal> {
        if !target.https && !allow_http {
            return Err(target.refused(RefusalReason::PlainHttp));
        }
        match &target.host {
            Host::Ipv4(address) => self.check_address(IpAddr::V4(*address), target, scope),
            Host::Ipv6(address) => self.check_address(IpAddr::V6(*address), target, scope),
            Host::Domain(name) => {
                let full = scope.absolute(name);
                let spelled = [name.as_str(), full.trim_end_matches('.')];
                let denied = self.deny.iter().any(|rule| spelled.iter().any(|host| rule.names(host, target.port)));
                if denied { Err(target.refused(RefusalReason::Denied)) } else { Ok(()) }
            }
        }
    }

    /// Judges a URL whose name a proxy resolves: as [`Policy::check`], and by what the name itself says. A name that is
    /// known to mean loopback, metadata or the API server is refused, one that means something internal is refused
    /// unless a host rule names it or it is a Service of the own namespace. What public names resolve to is the
    /// proxy's to guard.
    pub fn check_behind_proxy(&self, target: &Target, scope: &Scope, allow_http: bool) -> Result<(), Refusal> {
        self.check(target, scope, allow_http)?;
        let Host::Domain(name) = &target.host else { return Ok(()) };
        let reason = match meaning_of(name, scope) {
            Meaning::Public => return Ok(()),
            Meaning::Loopback => RefusalReason::Loopback,
            Meaning::Metadata => RefusalReason::Metadata,
            Meaning::ApiServer => RefusalReason::Forbidden,
            Meaning::Internal => {
                let full = scope.absolute(name);
                let spelled = [name.as_str(), full.trim_end_matches('.')];
                let named = self.allow.iter().any(|rule| spelled.iter().any(|host| rule.names(host, target.port)));
                if named || scope.owns(name) {
                    return Ok(());
                }
                RefusalReason::Private
            }
        };
        Err(target.refused(reason))
    }

    /// Judges one address that `target` stands for. An address that carries others must pass with each of them.
    pub fn check_address(&self, address: IpAddr, target: &Target, scope: &Scope) -> Result<(), Refusal> {
        let ends = ends_of(address);
        for end in ends.iter().chain([&address]) {
            if self.deny.iter().any(|rule| rule.range_with(*end, target.port).is_some()) {
                return Err(target.refused(RefusalReason::Denied));
            }
            if self.forbidden.iter().any(|(one, port)| one == end && port.is_none_or(|port| port == target.port)) {
                return Err(target.refused(RefusalReason::Forbidden));
            }
        }
        ends.into_iter().try_for_each(|end| self.judge(end, target, scope).map_err(|reason| target.refused(reason)))
    }

    fn judge(&self, address: IpAddr, target: &Target, scope: &Scope) -> Result<(), RefusalReason> {
        let (range, net) = range_of(address);
        let mut opened = self.allow.iter().filter_map(|rule| rule.range_with(address, target.port));
        let host = match &target.host {
            Host::Domain(name) => Some(name.as_str()),
            _ => None,
        };
        let named = || host.is_some_and(|host| self.allow.iter().any(|rule| rule.names(host, target.port)));
        let (allowed, reason) = match range {
            Range::Public => return Ok(()),
            Range::Multicast => (false, RefusalReason::Multicast),
            Range::Broadcast => (false, RefusalReason::Broadcast),
            Range::Unspecified => (false, RefusalReason::Unspecified),
            Range::Loopback => (opened.any(|rule| net.contains(&rule)), RefusalReason::Loopback),
            Range::LinkLocal => (opened.any(|rule| net.contains(&rule)), RefusalReason::LinkLocal),
            Range::Metadata => (opened.any(|rule| net.contains(&rule)), RefusalReason::Metadata),
            Range::Private => {
                let own = host.is_some_and(|host| scope.owns(host));
                (own || opened.next().is_some() || named(), RefusalReason::Private)
            }
            Range::Reserved => (opened.next().is_some() || named(), RefusalReason::Reserved),
        };
        if allowed { Ok(()) } else { Err(reason) }
    }
}
