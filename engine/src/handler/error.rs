//! Why a handler cannot be carried out.

use cicdcontext_crds::vocabulary::reason;

use crate::{
    configuration::json_path::JsonPathError,
    state::{PathError, Refusal},
    template::TemplateError,
};

/// Why a handler cannot be carried out. Nothing was sent or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HandlerError {
    /// A template cannot be compiled or rendered.
    #[error(transparent)]
    Template(#[from] Box<TemplateError>),
    /// A rendered path is not one.
    #[error("{place}: {source}")]
    Path {
        /// Where its template stands in the configuration.
        place: String,
        /// What is wrong with it.
        source: PathError,
    },
    /// A JSONPath cannot be followed over what is there.
    #[error("{place}: {source}")]
    JsonPath {
        /// Where it stands in the configuration.
        place: String,
        /// What is wrong.
        source: JsonPathError,
    },
    /// A value of the event's vars cannot be put where templates would see it.
    #[error("read spec.vars: {0}")]
    Vars(#[from] Refusal),
    /// A body declares JSON and is not.
    #[error(
        "render {place}: the text is not JSON ({problem}); values inserted with {{{{x}}}} are escaped for JSON strings, {{{{json x}}}} gives any value"
    )]
    Body {
        /// Where the template stands.
        place: String,
        /// What the parser found.
        problem: String,
    },
    /// The endpoint does not exist.
    #[error("find CicdEndpoint {0}: there is none of this name")]
    EndpointNotFound(String),
    /// The endpoint does not allow it.
    #[error("use CicdEndpoint {endpoint}: {problem}")]
    EndpointNotAllowed {
        /// Name, or namespace/name.
        endpoint: String,
        /// What is not allowed, and what would be.
        problem: String,
    },
    /// The endpoint cannot be used as it stands.
    #[error("use CicdEndpoint {endpoint}: {problem}")]
    EndpointNotReady {
        /// Name, or namespace/name.
        endpoint: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The generator does not exist.
    #[error("run generator {pipeline}.{generator}: {problem}")]
    UnknownGenerator {
        /// The pipeline it was looked for in.
        pipeline: String,
        /// Its name.
        generator: String,
        /// What there is.
        problem: String,
    },
    /// Choices cannot be made.
    #[error("make choices of {place}: {problem}")]
    Choices {
        /// Where their template stands in the configuration.
        place: String,
        /// What is wrong with them.
        problem: String,
    },
}

impl HandlerError {
    /// The reason for status, one of `vocabulary::reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Template(_) => reason::TEMPLATE_ERROR,
            Self::Path { .. } | Self::JsonPath { .. } => reason::CHANGE_REFUSED,
            Self::Vars(_) => reason::INVALID_EVENT,
            Self::Body { .. } => reason::INVALID_BODY,
            Self::EndpointNotFound(_) => reason::ENDPOINT_NOT_FOUND,
            Self::EndpointNotAllowed { .. } => reason::ENDPOINT_NOT_ALLOWED,
            Self::EndpointNotReady { .. } => reason::ENDPOINT_NOT_READY,
            Self::UnknownGenerator { .. } => reason::UNKNOWN_GENERATOR,
            Self::Choices { .. } => reason::INVALID_CHOICES,
        }
    }
}

impl From<TemplateError> for HandlerError {
    fn from(error: TemplateError) -> Self {
        Self::Template(Box::new(error))
    }
}
