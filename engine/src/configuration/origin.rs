//! Who wrote a value: the object, and whether it stood in the entry of `contexts` that was selected.
//!
//! Only names; nothing here knows what was written.

use std::fmt;

use cicdcontext_crds::{BaseKind, BaseReference};

/// The kinds of objects that carry a configuration block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OriginKind {
    /// A CicdContext with its inline configuration.
    CicdContext,
    /// A base of one namespace.
    CicdBase,
    /// A base for all namespaces.
    ClusterCicdBase,
}

impl OriginKind {
    /// The kind as it stands in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CicdContext => "CicdContext",
            Self::CicdBase => "CicdBase",
            Self::ClusterCicdBase => "ClusterCicdBase",
        }
    }

    /// Whether it is a base, which may leave handlers incomplete for others to complete.
    pub fn is_base(self) -> bool {
        self != Self::CicdContext
    }
}

/// The source of a value: `ClusterCicdBase/platform`, or `contexts.stage of CicdBase/shop`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// Kind of the object.
    pub kind: OriginKind,
    /// Name of the object.
    pub name: String,
    /// The entry of the object's `contexts` in which the value stands; none for the common parts.
    pub context: Option<String>,
}

impl Origin {
    /// The common parts of a CicdContext.
    pub fn context(name: impl Into<String>) -> Self {
        Self { kind: OriginKind::CicdContext, name: name.into(), context: None }
    }

    /// The common parts of a base.
    pub fn base(reference: &BaseReference) -> Self {
        let kind = match reference.kind {
            BaseKind::CicdBase => OriginKind::CicdBase,
            BaseKind::ClusterCicdBase => OriginKind::ClusterCicdBase,
        };
        Self { kind, name: reference.name.clone(), context: None }
    }

    /// The same object's entry of `contexts`.
    pub(super) fn selecting(&self, context: &str) -> Self {
        Self { context: Some(context.to_owned()), ..self.clone() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.context {
            write!(formatter, "contexts.{context} of ")?;
        }
        write!(formatter, "{}/{}", self.kind.as_str(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_reads_as_kind_and_name_and_says_which_context_it_stands_in() {
        let base = Origin::base(&BaseReference { kind: BaseKind::ClusterCicdBase, name: "platform".to_owned() });
        assert_eq!(base.to_string(), "ClusterCicdBase/platform");
        assert_eq!(base.selecting("stage").to_string(), "contexts.stage of ClusterCicdBase/platform");
        assert_eq!(Origin::context("shop-1").to_string(), "CicdContext/shop-1");
    }
}
