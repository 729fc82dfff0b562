//! One value of `--egress-allow` or `--egress-deny`: a CIDR or a host name pattern, each with an optional port.
//! Knows how to parse and to match, not what a match means.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;

/// One value of `--egress-allow` or `--egress-deny`.
///
/// * `10.0.0.0/8`, `10.1.2.3`, `fd00::/8`, `fd00::1`: addresses;
/// * `10.0.0.0/8:8443`, `[fd00::/8]:8443`: the same, on one port only;
/// * `hooks.chat.example`, `hooks.chat.example:8443`: one host name;
/// * `*.svc.example`: every name below `svc.example`, at any depth, but not `svc.example` itself.
///
/// ```
/// use cicdcontext_delivery::egress::Rule;
///
/// let rule: Rule = "10.0.0.0/8:8443".parse()?;
/// assert_eq!(rule.to_string(), "10.0.0.0/8:8443");
/// assert!("10.0.0.0/33".parse::<Rule>().is_err());
/// # Ok::<(), cicdcontext_delivery::egress::RuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(super) what: What,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Addresses(IpNet),
    Name(String),
    Below(String),
}

/// Why a value is not an egress rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// The address part looks like a network and is none.
    #[error(
        "parse egress rule {0:?}: not a CIDR; write the first address of the range and a prefix length, such as 10.0.0.0/8 or fd00::/8"
    )]
    Cidr(String),
    /// Bits are set behind the prefix, so the author may have meant another range.
    #[error(
        "parse egress rule {value:?}: the address has bits behind the prefix; write {meant} for the range or the address alone"
    )]
    HostBits {
        /// The rule as given.
        value: String,
        /// The range that the prefix length names.
        meant: IpNet,
    },
    /// The part behind the colon is not a port.
    #[error(
        "parse egress rule {0:?}: the port is not a number from 1 to 65535; an IPv6 range with a port is written [fd00::/8]:8443"
    )]
    Port(String),
    /// The host name pattern is none.
    #[error(
        "parse egress rule {0:?}: not a host name; write hooks.chat.example, *.svc.example (a star only as the first label), or a CIDR"
    )]
    Name(String),
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(value: &str) -> Result<Self, RuleError> {
        let text = value.trim();
        let (target, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inside, "")) => (inside, None),
            Some((inside, behind)) => (inside, Some(behind.strip_prefix(':').unwrap_or("none"))),
            // More than one colon without brackets is an IPv6 address, which takes no port.
            None if text.matches(':').count() == 1 => text.split_once(':').map_or((text, None), |(t, p)| (t, Some(p))),
            None => (text, None),
        };
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port)) if port > 0 => Some(port),
            Some(_) => return Err(RuleError::Port(value.to_owned())),
        };
        Ok(Self { what: parse_what(target, value)?, port })
    }
}

fn parse_what(target: &str, value: &str) -> Result<What, RuleError> {
    if let Ok(address) = target.parse::<IpAddr>() {
        return Ok(What::Addresses(address.into()));
    }
    if target.contains(['/', ':']) {
        let net: IpNet = target.parse().map_err(|_| RuleError::Cidr(value.to_owned()))?;
        if net.trunc() != net {
            return Err(RuleError::HostBits { value: value.to_owned(), meant: net.trunc() });
        }
        return Ok(What::Addresses(net));
    }
    let lower = target.trim_end_matches('.').to_ascii_lowercase();
    let (name, below) = lower.strip_prefix("*.").map_or((lower.as_str(), false), |suffix| (suffix, true));
    let legal = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    // A last label of digits would be an address in one of its short spellings, which no URL keeps as a name.
    let numeric = name.rsplit('.').next().is_none_or(|label| label.bytes().all(|b| b.is_ascii_digit()));
    if name.len() > 253 || numeric || !name.split('.').all(legal) {
        return Err(RuleError::Name(value.to_owned()));
    }
    Ok(if below { What::Below(name.to_owned()) } else { What::Name(name.to_owned()) })
}

impl Rule {
    /// Whether the rule names the address range that holds `address`, for this port.
    pub(super) fn range_with(&self, address: IpAddr, port: u16) -> Option<IpNet> {
        match &self.what {
            What::Addresses(net) if net.contains(&address) && self.on(port) => Some(*net),
            _ => None,
        }
    }

    /// Whether the rule names the host, for this port. `host` is in lower case, without the dot at its end.
    pub(super) fn names(&self, host: &str, port: u16) -> bool {
        self.on(port)
            && match &self.what {
                What::Addresses(_) => false,
                What::Name(name) => host == name,
                What::Below(suffix) => host.strip_suffix(suffix.as_str()).is_some_and(|left| left.ends_with('.')),
            }
    }

    fn on(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.what, self.port) {
            (What::Addresses(net @ IpNet::V6(_)), Some(_)) => write!(f, "[{net}]")?,
            (What::Addresses(net), _) => write!(f, "{net}")?,
            (What::Name(name), _) => write!(f, "{name}")?,
            (What::Below(suffix), _) => write!(f, "*.{suffix}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_read_and_printed_alike() {
        let forms = [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.3:80", "10.1.2.3/32:80"),
            ("10.0.0.0/8:8443", "10.0.0.0/8:8443"),
            ("fd00::/8", "fd00::/8"),
            ("fd00::1", "fd00::1/128"),
            ("[fd00::/8]:8443", "[fd00::/8]:8443"),
            ("[fd00::1]", "fd00::1/128"),
            ("Hooks.Chat.Example.", "hooks.chat.example"),
            ("*.svc.example:443", "*.svc.example:443"),
        ];
        for (given, printed) in forms {
            let rule = given.parse::<Rule>().unwrap();
            assert_eq!(rule.to_string(), printed);
            assert_eq!(printed.parse::<Rule>().unwrap(), rule);
        }
    }

    #[test]
    fn a_value_that_is_no_rule_is_refused_with_what_would_be_right() {
        let wrong = [
            ("10.0.0.0/33", "not a CIDR"),
            ("fd00::/200", "not a CIDR"),
            ("10.1.2.3/8", "write 10.0.0.0/8 for the range"),
            ("10.0.0.0/8:http", "from 1 to 65535"),
            ("hooks.example:0", "from 1 to 65535"),
            ("[fd00::1]8443", "written [fd00::/8]:8443"),
            ("hooks.*.example", "a star only as the first label"),
            ("*", "not a host name"),
            ("*.", "not a host name"),
            ("", "not a host name"),
            ("a b.example", "not a host name"),
            ("10.0.0", "not a host name"),
            ("https://hooks.example", "from 1 to 65535"),
        ];
        for (value, told) in wrong {
            let text = value.parse::<Rule>().expect_err(value).to_string();

            assert!(text.starts_with(&format!("parse egress rule {value:?}: ")) && text.contains(told), "{text}");
        }
    }

    #[test]
    fn a_pattern_names_what_lies_below_and_nothing_else() {
        let rule: Rule = "*.svc.example:443".parse().unwrap();
        assert!(rule.names("a.svc.example", 443) && rule.names("a.b.svc.example", 443));
        for (host, port) in
            [("svc.example", 443), ("xsvc.example", 443), ("a.svc.example", 80), ("a.svc.example.x", 443)]
        {
            assert!(!rule.names(host, port), "{host}:{port}");
        }
    }
}
