//! Who wrote which value of a resolved configuration.
//!
//! The values themselves are elsewhere; this is the tree of writers alone.

use super::{Origin, path::ConfigurationPath, tree::Node};

/// The tree of writers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Provenance {
    origins: Vec<Origin>,
    root: Node,
}

impl Provenance {
    pub(super) fn new(origins: Vec<Origin>, mut root: Node) -> Self {
        root.forget_values();
        Self { origins, root }
    }

    /// The writer of what stands at the path, or of the list or scalar that the path leads into.
    pub(super) fn origin_of(&self, path: &ConfigurationPath) -> Option<&Origin> {
        let mut node = &self.root;
        for key in &path.keys {
            if node.is_leaf() {
                break;
            }
            node = node.child(key)?;
        }
        self.origins.get(node.writer)
    }
}
