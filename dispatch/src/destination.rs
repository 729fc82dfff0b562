//! From a CicdEndpoint and its Secrets to a destination that requests can be sent to.

use std::time::Duration;

use cicdcontext_crds::{
    CicdEndpointSpec,
    endpoint::{BasicAuth, DEFAULT_TIMEOUT_SECONDS, SecretKeyReference},
    vocabulary::reason,
};
use cicdcontext_delivery::{Credentials, Destination, RequestError, Scope};
use secrecy::ExposeSecret;
use url::Url;

use crate::{
    certificate::{material, of_secret},
    proxy::{Proxies, UnknownProxy},
    secret::{SecretError, Secrets, Unavailable, Vault},
};

/// Why an endpoint is no destination.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// A Secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// spec.url is not a URL.
    #[error("read spec.url: {0}; write https://host/path")]
    Url(url::ParseError),
    /// The URL in a Secret is not one. What it says is not shown.
    #[error("read the URL in Secret {0}: it is not a URL; write https://host/path")]
    SecretUrl(String),
    /// A header or the timeout breaks a rule.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A signing key or a certificate cannot be used. What it says is not shown.
    #[error("use spec.{place} ({origin}): {problem}")]
    Material {
        /// The field, for example `tls.ca`.
        place: String,
        /// Key and object that it was read from.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The operator does not have the proxy.
    #[error(transparent)]
    Proxy(#[from] UnknownProxy),
}

impl DestinationError {
    pub(crate) fn material(place: impl Into<String>, origin: String, problem: &impl ToString) -> Self {
        Self::Material { place: place.into(), origin, problem: problem.to_string() }
    }

    /// Whether a Secret or ConfigMap only could not be read now.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Secret(SecretError::Unavailable { source: Unavailable { forbidden: false, .. }, .. }))
    }

    /// The reason for status, one of `vocabulary::reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Secret(error) => error.reason(),
            Self::Url(_) | Self::SecretUrl(_) | Self::Request(_) | Self::Material { .. } | Self::Proxy(_) => {
                reason::ENDPOINT_NOT_READY
            }
        }
    }
}

/// Makes the destination of an endpoint. `headers` are the texts of its headers that are templates.
pub async fn destination(
    spec: &CicdEndpointSpec,
    secrets: &mut Secrets<impl Vault>,
    proxies: &Proxies,
    scope: Scope,
    headers: &[(String, String)],
) -> Result<Destination, DestinationError> {
    let mut destination = match (&spec.url, &spec.url_from) {
        (_, Some(source)) => {
            let secret = secrets.value(&source.secret_key_ref).await?;
            let wrong = |_| DestinationError::SecretUrl(source.secret_key_ref.name.clone());
            Destination::new(Url::parse(secret.expose_secret()).map_err(wrong)?, scope).url_is_secret()
        }
        (url, None) => {
            let url = Url::parse(url.as_deref().unwrap_or_default()).map_err(DestinationError::Url)?;
            Destination::new(url, scope)
        }
    };
    let timeout = u64::try_from(spec.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS)).unwrap_or_default();
    destination = destination.allow_http(spec.allow_http.unwrap_or_default()).timeout(Duration::from_secs(timeout))?;
    for (name, value) in headers {
        destination = destination.header(name, value)?;
    }
    for header in spec.headers.iter().flatten() {
        let Some(source) = &header.value_from else { continue };
        let secret = secrets.value(&source.secret_key_ref).await?;
        let (prefix, suffix) = (source.prefix.as_deref().unwrap_or(""), source.suffix.as_deref().unwrap_or(""));
        destination = destination.secret_header(&header.name, prefix, &secret, suffix)?;
    }
    let keys = spec.signing.iter().flat_map(|signing| &signing.keys);
    for (index, source) in keys.enumerate() {
        let key = secrets.value(&source.secret_key_ref).await?;
        destination = destination.signing_key(&key).map_err(|error| {
            DestinationError::material(format!("signing.keys[{index}]"), of_secret(&source.secret_key_ref), &error)
        })?;
    }
    if let Some(tls) = &spec.tls {
        destination = destination.tls(material(tls, secrets).await?);
    }
    if let Some(name) = &spec.proxy {
        destination = destination.proxy(proxies.get(name)?);
    }
    Ok(destination.credentials(credentials(spec, secrets).await?))
}

async fn credentials(spec: &CicdEndpointSpec, secrets: &mut Secrets<impl Vault>) -> Result<Credentials, SecretError> {
    let Some(auth) = &spec.auth else { return Ok(Credentials::None) };
    if let Some(bearer) = &auth.bearer {
        return Ok(Credentials::Bearer(secrets.value(&bearer.secret_key_ref).await?));
    }
    let Some(BasicAuth { secret_name, username_key, password_key }) = &auth.basic else {
        return Ok(Credentials::None);
    };
    let key = |key: &Option<String>, default: &str| SecretKeyReference {
        name: secret_name.clone(),
        key: key.as_deref().unwrap_or(default).to_owned(),
    };
    let username = secrets.value(&key(username_key, "username")).await?;
    let password = secrets.value(&key(password_key, "password")).await?;
    Ok(Credentials::Basic { username, password })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Shelf, spec};

    #[tokio::test]
    async fn a_vault_that_does_not_answer_may_pass_and_one_that_refuses_does_not() {
        let bearer = json!({"secretKeyRef": {"name": "chat", "key": "token"}});
        let spec = spec(json!({"url": "https://chat.example", "auth": {"bearer": bearer}}));
        for (shelf, passes) in
            [(Shelf::down(), true), (Shelf::default().without("chat"), false), (Shelf::default(), false)]
        {
            let scope = Scope::namespace("shop", "cluster.local");
            let made = destination(&spec, &mut Secrets::new(&shelf), &Proxies::default(), scope, &[]).await;
            let error = made.unwrap_err();
            assert_eq!((error.may_pass(), error.reason()), (passes, reason::SECRET_NOT_FOUND), "{error}");
        }
    }
}
