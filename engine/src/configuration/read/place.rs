//! A place in the merged tree: its path and, if something stands there, the node.
//!
//! Below a value that is replaced as a whole there are no nodes; a place in there has that value's writer.

use serde_json::{Map, Value};

use crate::configuration::{
    path,
    tree::{Node, WriterIndex},
};

/// Where the reader is.
pub(super) struct Place<'t> {
    node: Option<&'t Node>,
    writer: WriterIndex,
    path: String,
}

impl<'t> Place<'t> {
    pub(super) fn root(node: &'t Node) -> Self {
        Self { node: Some(node), writer: node.writer, path: String::new() }
    }

    /// A field of a map.
    pub(super) fn field(&self, key: &str) -> Self {
        let mut path = self.path.clone();
        path::push_key(&mut path, key);
        self.below(key, path)
    }

    /// An item of a list, by its name.
    pub(super) fn item(&self, name: &str) -> Self {
        let mut path = self.path.clone();
        path::push_item(&mut path, name);
        self.below(name, path)
    }

    /// An item of a list whose items have no names; the first is 0.
    pub(super) fn index(&self, index: usize) -> Self {
        self.item(&index.to_string())
    }

    fn below(&self, key: &str, path: String) -> Self {
        let node = self.node.and_then(|node| node.child(key));
        Self { node, writer: node.map_or(self.writer, |node| node.writer), path }
    }

    pub(super) fn node(&self) -> Option<&'t Node> {
        self.node
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Who wrote what stands here, or what is around it.
    pub(super) fn writer(&self) -> WriterIndex {
        self.writer
    }

    /// The plain map; empty if there is none.
    pub(super) fn to_map(&self) -> Map<String, Value> {
        self.node.map(Node::to_map).unwrap_or_default()
    }
}
