//! The operator's proxies, which flags name and endpoints choose from. Without an operator there is none. It knows no endpoint
//! and sends nothing.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use cicdcontext_delivery::{Proxy, proxy::ProxyError};

/// The proxies that endpoints may name.
#[derive(Clone, Debug, Default)]
pub struct Proxies(BTreeMap<String, Proxy>);

/// Why the flags give no proxies. Texts show nothing of URLs and files' contents.
#[derive(Debug, thiserror::Error)]
pub enum ProxiesError {
    /// Two proxies, or two files, of one name.
    #[error("read --{flag} {name}: it is given twice; give each proxy a name of its own")]
    Twice {
        /// The flag without its dashes.
        flag: &'static str,
        /// The proxy's name.
        name: String,
    },
    /// Not a proxy, or credentials that cannot be sent.
    #[error("read --{flag} {name}: {source}")]
    Proxy {
        /// The flag without its dashes.
        flag: &'static str,
        /// The proxy's name.
        name: String,
        /// What is wrong.
        source: ProxyError,
    },
    /// Credentials of a proxy that there is not.
    #[error("read --proxy-credentials {name}: there is no --proxy {name}=URL; there are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("read --proxy-credentials {name} from {}: {source}", path.display())]
    File {
        /// The proxy's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("read --proxy-credentials {name} from {}: it has no colon; write one line user:password", path.display())]
    NoColon {
        /// The proxy's name.
        name: String,
        /// The file.
        path: PathBuf,
    },
}

/// An endpoint names a proxy that is not known: an operator's flags name them, and without an operator there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use spec.proxy: there is no proxy {name:?}; known are {known}")]
pub struct UnknownProxy {
    name: String,
    known: String,
}

impl Proxies {
    /// Reads proxies by name, and the files with credentials of some of them.
    pub fn read(proxies: &[(String, String)], credentials: &[(String, String)]) -> Result<Self, ProxiesError> {
        let mut known = Self::default();
        for (name, url) in proxies {
            let proxy = Proxy::parse(url).map_err(of_flag("proxy", name))?;
            if known.0.insert(name.clone(), proxy).is_some() {
                return Err(ProxiesError::Twice { flag: "proxy", name: name.clone() });
            }
        }
        let mut seen = Vec::new();
        for (name, path) in credentials {
            if seen.contains(&name) {
                return Err(ProxiesError::Twice { flag: "proxy-credentials", name: name.clone() });
            }
            seen.push(name);
            let path = PathBuf::from(path);
            let Some(proxy) = known.0.get(name).cloned() else {
                return Err(ProxiesError::Unknown { name: name.clone(), known: known.names() });
            };
            let text = fs::read_to_string(&path);
            let text = text.map_err(|source| ProxiesError::File { name: name.clone(), path: path.clone(), source })?;
            let Some((username, password)) = text.trim_end_matches(['\n', '\r']).split_once(':') else {
                return Err(ProxiesError::NoColon { name: name.clone(), path });
            };
            let proxy = proxy.credentials(username.into(), password.into());
            known.0.insert(name.clone(), proxy.map_err(of_flag("proxy-credentials", name))?);
        }
        Ok(known)
    }

    /// The proxy of this name.
    pub fn get(&self, name: &str) -> Result<Proxy, UnknownProxy> {
        let unknown = || UnknownProxy { name: name.to_owned(), known: self.names() };
        self.0.get(name).cloned().ok_or_else(unknown)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

fn of_flag(flag: &'static str, name: &str) -> impl FnOnce(ProxyError) -> ProxiesError {
    move |source| ProxiesError::Proxy { flag, name: name.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn file(directory: &tempfile::TempDir, text: &str) -> String {
        let path = directory.path().join("credentials");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_proxy_has_the_credentials_of_its_file_and_shows_nothing_of_them() {
        let directory = tempfile::tempdir().unwrap();
        let proxies = [named("out", "http://proxy.example:3128"), named("bare", "http://other.example:3128")];
        let proxies = Proxies::read(&proxies, &[named("out", &file(&directory, "robot:s3cret:word\n"))]).unwrap();
        assert_eq!(format!("{:?}", proxies.get("out").unwrap()), "Proxy(http://proxy.example:3128 with credentials)");
        assert_eq!(format!("{:?}", proxies.get("bare").unwrap()), "Proxy(http://other.example:3128)");
        assert_eq!(
            proxies.get("in").unwrap_err().to_string(),
            "use spec.proxy: there is no proxy \"in\"; known are bare, out"
        );
        let none = Proxies::default().get("out").unwrap_err().to_string();
        assert_eq!(none, "use spec.proxy: there is no proxy \"out\"; known are none");
    }

    #[test]
    fn flags_that_give_no_proxy_are_refused_without_showing_a_password() {
        let directory = tempfile::tempdir().unwrap();
        let out = || named("out", "http://proxy.example:3128");
        let no_colon = file(&directory, "s3cret-word");
        for (proxies, credentials, told) in [
            (
                vec![named("out", "http://robot:s3cret@proxy.example:1")],
                vec![],
                "read --proxy out: read the proxy's URL: it",
            ),
            (vec![out(), out()], vec![], "read --proxy out: it is given twice"),
            (
                vec![out()],
                vec![named("in", "x")],
                "read --proxy-credentials in: there is no --proxy in=URL; there are: out",
            ),
            (
                vec![out()],
                vec![named("out", "/nowhere/at/all")],
                "read --proxy-credentials out from /nowhere/at/all: No such",
            ),
            (vec![out()], vec![named("out", &no_colon)], "read --proxy-credentials out from "),
        ] {
            let error = Proxies::read(&proxies, &credentials).unwrap_err().to_string();
            assert!(error.starts_with(told) && !error.contains("s3cret"), "{error}");
        }
    }
}
