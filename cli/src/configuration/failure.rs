//! Why configuration cannot be tried, or what trying it showed.

use cicdcontext_engine::{configuration::ConfigurationError, template::TemplateError};
use thiserror::Error;

use crate::{exit::Exit, source::SourceError};

/// Why configuration cannot be tried, or what trying it showed.
#[derive(Debug, Error)]
pub enum ConfigurationFailure {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A base for all namespaces may not be read, which a RoleBinding cannot change.
    #[error(
        "get ClusterCicdBase {name}: {message}; ClusterCicdBases belong to no namespace: bind the ClusterRole \
         cicd-pipeline with a ClusterRoleBinding, not only with a RoleBinding"
    )]
    ForbiddenClusterBase {
        /// The base.
        name: String,
        /// The API server's words.
        message: String,
    },
    /// It cannot be resolved.
    #[error("resolve the configuration: {0}")]
    Unresolved(#[from] Box<ConfigurationError>),
    /// A template cannot be compiled or rendered.
    #[error(transparent)]
    Template(#[from] Box<TemplateError>),
    /// A pipeline that is not configured.
    #[error("use --pipeline {pipeline}: it is not configured; {known}")]
    UnknownPipeline {
        /// The pipeline.
        pipeline: String,
        /// Those that are, in a sentence.
        known: String,
    },
    /// A file cannot be used.
    #[error("read {path}: {problem}")]
    File {
        /// Its path as it was given.
        path: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Without manifests there is nothing to try.
    #[error("{verb}: name the manifests with -f PATH; {why}")]
    NoManifests {
        /// The verb.
        verb: &'static str,
        /// Why they are needed.
        why: &'static str,
    },
    /// A check found something.
    #[error("validate: {findings} in {objects}")]
    Findings {
        /// How many problems, with the word for them.
        findings: String,
        /// How many objects were looked at, with the word for them.
        objects: String,
    },
    /// Expectations were not met.
    #[error("test: {failed} of {all} tests failed")]
    TestsFailed {
        /// How many.
        failed: usize,
        /// How many ran.
        all: usize,
    },
    /// There is no test to run.
    #[error("test: {0}")]
    NoTest(String),
}

impl From<ConfigurationError> for ConfigurationFailure {
    fn from(error: ConfigurationError) -> Self {
        Self::Unresolved(Box::new(error))
    }
}

impl From<TemplateError> for ConfigurationFailure {
    fn from(error: TemplateError) -> Self {
        Self::Template(Box::new(error))
    }
}

impl ConfigurationFailure {
    /// The exit code that tells a script about it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Source(error) => error.exit(),
            Self::NoManifests { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
