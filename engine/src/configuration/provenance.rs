//! Who wrote which value of a resolved configuration.
//!
//! The values themselves are elsewhere; this is the tree of writers alone.

use super::{
    Origin,
    path::{ConfigurationPath, push_item, push_key},
    tree::{Content, Node},
};

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

    /// Each scalar, or list that is replaced as a whole, below the path, by its path from there, and its writer.
    pub(super) fn origins_below(&self, path: &ConfigurationPath) -> Vec<(String, &Origin)> {
        let node = path.keys.iter().try_fold(&self.root, |node, key| node.child(key));
        let mut found = Vec::new();
        if let Some(node) = node {
            self.collect(node, String::new(), &mut found);
        }
        found
    }

    fn collect<'p>(&'p self, node: &Node, path: String, found: &mut Vec<(String, &'p Origin)>) {
        let below = |push: fn(&mut String, &str), name: &str| {
            let mut path = path.clone();
            push(&mut path, name);
            path
        };
        match &node.content {
            Content::Map(map) => map.iter().for_each(|(key, node)| self.collect(node, below(push_key, key), found)),
            Content::List(list) => {
                list.ordered().into_iter().for_each(|(name, node)| self.collect(node, below(push_item, name), found));
            }
            Content::Leaf(_) => found.extend(self.origins.get(node.writer).map(|origin| (path, origin))),
        }
    }
}
