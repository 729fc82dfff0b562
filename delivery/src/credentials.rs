//! Secrets on their way out, and out of what comes back.
//!
//! Secret values live in [`SecretString`], whose `Debug` shows nothing. Must not know where they were read from.

mod redact;

use data_encoding::BASE64;
use http::HeaderValue;
pub use redact::Redactor;
use secrecy::{ExposeSecret as _, SecretString};

use crate::request::{MAX_HEADER_VALUE, RequestError};

/// What proves to an endpoint who sends: one `Authorization` header.
///
/// ```
/// use cicdcontext_delivery::Credentials;
///
/// let credentials = Credentials::Bearer("s3cret-token".into());
/// assert!(!format!("{credentials:?}").contains("s3cret"));
/// ```
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// No `Authorization` header.
    #[default]
    None,
    /// `Authorization: Bearer <token>`.
    Bearer(SecretString),
    /// `Authorization: Basic <base64 of username:password>`.
    Basic {
        /// The user name, which holds no colon.
        username: SecretString,
        /// The password.
        password: SecretString,
    },
}

impl Credentials {
    /// The value of the `Authorization` header, marked as sensitive.
    pub(crate) fn authorization(&self) -> Result<Option<HeaderValue>, RequestError> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Self::Basic { username, .. } if username.expose_secret().contains(':') => {
                return Err(RequestError::SecretValue {
                    name: "authorization".to_owned(),
                    problem: "a colon in the user name",
                });
            }
            Self::Basic { username, password } => {
                let pair = format!("{}:{}", username.expose_secret(), password.expose_secret());
                format!("Basic {}", BASE64.encode(pair.as_bytes()))
            }
        };
        secret_value("authorization", &text).map(Some)
    }

    /// The secret values, for the [`Redactor`].
    pub(crate) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::None => Vec::new(),
            Self::Bearer(token) => vec![token.expose_secret()],
            Self::Basic { username, password } => vec![username.expose_secret(), password.expose_secret()],
        }
    }
}

/// A header value that holds a secret: marked as sensitive, and never named in an error.
pub(crate) fn secret_value(name: &str, text: &str) -> Result<HeaderValue, RequestError> {
    let wrong = |problem| RequestError::SecretValue { name: name.to_owned(), problem };
    if text.len() > MAX_HEADER_VALUE {
        return Err(wrong("more than 8192 bytes"));
    }
    if text.ends_with(['\n', '\r']) {
        return Err(wrong("a line break at its end"));
    }
    if text.contains(char::is_control) {
        return Err(wrong("a control character"));
    }
    let mut value =
        HeaderValue::from_bytes(text.as_bytes()).map_err(|_| wrong("a character that no header carries"))?;
    value.set_sensitive(true);
    Ok(value)
}
