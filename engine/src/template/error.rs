//! What can be wrong with a template: one enum, every variant with the template's name and the place in it.
//!
//! Knows no engine. The texts are shown to users as they are (status of a CicdEvent, `cicdctl explain`), so each names
//! the value that was found and what would be right.

use std::fmt;
use std::sync::Arc;

use super::bounds::{Bound, Bounds};

/// Where in which template something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the template, as its [`Source`](super::Source) gives it.
    pub template: Arc<str>,
    /// Line, the first is 1.
    pub line: u32,
    /// Column in characters, the first is 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` at line {}, column {}", self.template, self.line, self.column)
    }
}

/// Why a template could not be compiled or rendered.
///
/// All of them are final for this template and these inputs: the same call gives the same error again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The text is not a template of its engine.
    #[error("compile {place}: {problem}")]
    Syntax {
        /// The tag that is wrong.
        place: Place,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A feature of the template language that is refused here, because it could not be bounded.
    #[error("compile {place}: {problem}")]
    NotAllowed {
        /// The tag that uses it.
        place: Place,
        /// What is refused and what to write instead.
        problem: String,
    },
    /// A helper that does not exist is called.
    #[error("compile {place}: there is no helper `{helper}`; {hint}")]
    UnknownHelper {
        /// The call.
        place: Place,
        /// The name that was called.
        helper: String,
        /// A similar name, or the whole list.
        hint: String,
    },
    /// A partial that does not exist is called.
    #[error("compile {place}: there is no partial `{partial}` for this template engine; {hint}")]
    UnknownPartial {
        /// The call.
        place: Place,
        /// The name that was called.
        partial: String,
        /// A similar name, or the whole list.
        hint: String,
    },
    /// A partial that the template calls is itself in error.
    #[error("compile {place}: partial `{partial}` cannot be used: {cause}")]
    BrokenPartial {
        /// The call.
        place: Place,
        /// The partial's name.
        partial: String,
        /// The partial's own error.
        cause: Box<TemplateError>,
    },
    /// Partials that call each other.
    #[error("compile {place}: the partials call each other without end: {}", chain.join(" -> "))]
    PartialCycle {
        /// The call that closes the cycle.
        place: Place,
        /// The names in order, the first again at the end.
        chain: Vec<String>,
    },
    /// A variable that the template reads cannot be rendered.
    #[error("render {place}: `variables.{variable}` cannot be rendered: {cause}")]
    BrokenVariable {
        /// The use of the variable.
        place: Place,
        /// The variable's name.
        variable: String,
        /// The variable's own error.
        cause: Box<TemplateError>,
    },
    /// Variables that read each other.
    #[error("render {place}: the variables read each other without end: {}", chain.join(" -> "))]
    VariableCycle {
        /// The use that closes the cycle.
        place: Place,
        /// The paths in order, the first again at the end.
        chain: Vec<String>,
    },
    /// A helper was given something it cannot work with.
    #[error("render {place}: {problem}")]
    Argument {
        /// The call.
        place: Place,
        /// The helper's name.
        helper: String,
        /// The helper, the argument, what was found and what would be right.
        problem: String,
    },
    /// An expression cannot be evaluated: what it does is not defined for the values that it found.
    #[error("render {place}: {problem}")]
    Evaluation {
        /// The expression.
        place: Place,
        /// What was found and what would be right.
        problem: String,
    },
    /// One of the [`Bounds`] was exceeded.
    #[error(
        "{} {place}: {} over the limit: {}allowed are {allowed} {}",
        if *rendering { "render" } else { "compile" }, bound, actual_text(*actual), bound.unit()
    )]
    TooMuch {
        /// Where it was noticed.
        place: Place,
        /// Which of the bounds.
        bound: Bound,
        /// The size found, where it is known.
        actual: Option<u64>,
        /// The limit.
        allowed: u64,
        /// Whether it was noticed while rendering rather than compiling.
        rendering: bool,
    },
}

fn actual_text(actual: Option<u64>) -> String {
    actual.map(|actual| format!("{actual}, ")).unwrap_or_default()
}

impl TemplateError {
    /// A short name from a closed set, for metrics and Kubernetes Events.
    pub fn label(&self) -> &'static str {
        match self {
            TemplateError::Syntax { .. } => "Syntax",
            TemplateError::NotAllowed { .. } => "NotAllowed",
            TemplateError::UnknownHelper { .. } => "UnknownHelper",
            TemplateError::UnknownPartial { .. } => "UnknownPartial",
            TemplateError::BrokenPartial { .. } => "BrokenPartial",
            TemplateError::PartialCycle { .. } => "PartialCycle",
            TemplateError::BrokenVariable { .. } => "BrokenVariable",
            TemplateError::VariableCycle { .. } => "VariableCycle",
            TemplateError::Argument { .. } => "Argument",
            TemplateError::Evaluation { .. } => "Evaluation",
            TemplateError::TooMuch { .. } => "TooMuch",
        }
    }

    /// Where the error is, in the template that was compiled or rendered.
    pub fn place(&self) -> &Place {
        match self {
            TemplateError::Syntax { place, .. }
            | TemplateError::NotAllowed { place, .. }
            | TemplateError::UnknownHelper { place, .. }
            | TemplateError::UnknownPartial { place, .. }
            | TemplateError::BrokenPartial { place, .. }
            | TemplateError::PartialCycle { place, .. }
            | TemplateError::BrokenVariable { place, .. }
            | TemplateError::VariableCycle { place, .. }
            | TemplateError::Argument { place, .. }
            | TemplateError::Evaluation { place, .. }
            | TemplateError::TooMuch { place, .. } => place,
        }
    }

    /// Which bound was exceeded, here or in a partial or variable below, if that is what happened.
    pub fn bound(&self) -> Option<Bound> {
        match self {
            TemplateError::TooMuch { bound, .. } => Some(*bound),
            TemplateError::BrokenPartial { cause, .. } | TemplateError::BrokenVariable { cause, .. } => cause.bound(),
            _ => None,
        }
    }
}

/// What went wrong below a node, before the place is known.
#[derive(Debug)]
pub(super) enum Fault {
    /// A helper's arguments do not fit; the text says how.
    Argument { helper: &'static str, problem: String },
    /// An expression does not fit the values it found; the text says how.
    Problem(String),
    /// A bound was exceeded.
    TooMuch { bound: Bound, actual: Option<u64>, allowed: u64 },
    /// A variable reads itself.
    VariableCycle(Vec<String>),
    /// A variable is in error.
    BrokenVariable { variable: String, cause: Box<TemplateError> },
    /// The place is known already.
    Placed(Box<TemplateError>),
}

impl Fault {
    pub(super) fn problem(problem: impl Into<String>) -> Fault {
        Fault::Problem(problem.into())
    }

    pub(super) fn too_much(bound: Bound, actual: Option<u64>, bounds: &Bounds) -> Fault {
        Fault::TooMuch { bound, actual, allowed: bound.allowed(bounds) }
    }

    /// The fault as the error of the rendering at `place`.
    pub(super) fn at(self, place: impl FnOnce() -> Place) -> TemplateError {
        match self {
            Fault::Argument { helper, problem } => {
                TemplateError::Argument { place: place(), helper: helper.to_owned(), problem }
            }
            Fault::Problem(problem) => TemplateError::Evaluation { place: place(), problem },
            Fault::TooMuch { bound, actual, allowed } => {
                TemplateError::TooMuch { place: place(), bound, actual, allowed, rendering: true }
            }
            Fault::VariableCycle(chain) => TemplateError::VariableCycle { place: place(), chain },
            Fault::BrokenVariable { variable, cause } => {
                TemplateError::BrokenVariable { place: place(), variable, cause }
            }
            Fault::Placed(error) => *error,
        }
    }
}
