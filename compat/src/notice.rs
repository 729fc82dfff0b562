//! What is different from the predecessor on purpose, said once, with the place where it is explained.

use std::fmt;

/// Where all of it is explained; an anchor of [`Notice::anchor`] is added.
pub const DOCUMENTATION: &str = "docs/migration.md";

/// The headings of [`DOCUMENTATION`] that explain a difference, as anchors.
pub const ANCHORS: [&str; 21] = [
    "if",
    "template-error",
    "path-through-scalar",
    "file-values",
    "delivery-failed",
    "enabled",
    "handlers",
    "redis",
    "context-vars",
    "token",
    "egress",
    "choices-rendered-once",
    "rendered-text",
    "json-body",
    "redirect",
    "yaml",
    "store",
    "shell-file",
    "get",
    "init",
    "macros",
];

/// One difference that somebody has met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where in the configuration, or which argument.
    pub place: String,
    /// What happens now, and what would have happened.
    pub text: String,
    /// The heading in [`DOCUMENTATION`], one of [`ANCHORS`].
    pub anchor: &'static str,
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} ({DOCUMENTATION}#{})", self.place, self.text, self.anchor)
    }
}
