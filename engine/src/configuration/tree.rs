//! Configuration while it is merged: a tree in which every value remembers who wrote it.
//!
//! It knows shapes ([`Shape`]), not what the values mean.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{path, shape::Shape};

/// How deep maps and lists may be nested in a block, or in an entry of its `contexts`. `settings` is the first level.
pub(super) const MAX_NESTING: usize = 64;

/// Index into the table of writers.
pub(super) type WriterIndex = usize;

/// A value and who wrote it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// For a map or list: who began it.
    pub(super) writer: WriterIndex,
    pub(super) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Map(BTreeMap<String, Node>),
    List(NamedList),
    Leaf(Value),
}

/// Items with a name, in the order in which the names were first seen.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedList {
    items: BTreeMap<String, (usize, Node)>,
    next: usize,
}

/// Positions are only compared: a list from which something was removed is equal to one that never had it.
impl PartialEq for NamedList {
    fn eq(&self, other: &Self) -> bool {
        self.ordered() == other.ordered()
    }
}

impl NamedList {
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.items.get(name).map(|(_, node)| node)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.items.get_mut(name).map(|(_, node)| node)
    }

    /// Appends an item. False: there is one of this name, which stays as it is.
    pub(super) fn push(&mut self, name: String, node: Node) -> bool {
        if self.items.contains_key(&name) {
            return false;
        }
        self.items.insert(name, (self.next, node));
        self.next += 1;
        true
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.items.remove(name);
    }

    pub(super) fn ordered(&self) -> Vec<(&str, &Node)> {
        let mut items: Vec<_> = self.items.iter().collect();
        items.sort_unstable_by_key(|(_, (position, _))| *position);
        items.into_iter().map(|(name, (_, node))| (name.as_str(), node)).collect()
    }

    pub(super) fn into_ordered(self) -> Vec<(String, Node)> {
        let mut items: Vec<_> = self.items.into_iter().collect();
        items.sort_unstable_by_key(|(_, (position, _))| *position);
        items.into_iter().map(|(name, (_, node))| (name, node)).collect()
    }

    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.items.values_mut().map(|(_, node)| node)
    }
}

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Item(String),
}

/// A problem and where it is. The path grows on the way out, so that nobody pays for paths while all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located<P> {
    steps: Vec<Step>,
    pub(super) problem: P,
}

impl<P> Located<P> {
    pub(super) fn here(problem: P) -> Self {
        Self { steps: Vec::new(), problem }
    }

    pub(super) fn below_key(mut self, key: &str) -> Self {
        self.steps.push(Step::Key(key.to_owned()));
        self
    }

    pub(super) fn below_item(mut self, name: &str) -> Self {
        self.steps.push(Step::Item(name.to_owned()));
        self
    }

    pub(super) fn path(&self) -> String {
        let mut text = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Key(key) => path::push_key(&mut text, key),
                Step::Item(name) => path::push_item(&mut text, name),
            }
        }
        text
    }
}

/// Why a value cannot become part of the tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlantProblem {
    #[error("the list has two items with this name; give each item a name of its own")]
    TwoItemsOfOneName,
    #[error("the item has no name; write name, by which other blocks can change it")]
    NoName,
    #[error("it is nested deeper than {MAX_NESTING} maps and lists")]
    TooDeep,
}

/// Whether a value is nested at most so deep; a scalar is not nested.
fn fits(value: &Value, levels: usize) -> bool {
    let Some(inside) = levels.checked_sub(1) else {
        return !value.is_array() && !value.is_object();
    };
    match value {
        Value::Array(values) => values.iter().all(|value| fits(value, inside)),
        Value::Object(map) => map.values().all(|value| fits(value, inside)),
        _ => true,
    }
}

impl Node {
    /// An empty map.
    pub(super) fn empty(writer: WriterIndex) -> Self {
        Self { writer, content: Content::Map(BTreeMap::new()) }
    }

    /// Makes a tree of what one writer wrote. `depth` is how many maps and lists are around it.
    pub(super) fn plant(
        value: Value,
        shape: &Shape,
        writer: WriterIndex,
        depth: usize,
    ) -> Result<Self, Located<PlantProblem>> {
        if depth > MAX_NESTING && (value.is_object() || value.is_array()) {
            return Err(Located::here(PlantProblem::TooDeep));
        }
        let content = match (value, shape) {
            (value, Shape::Whole) => Self::leaf(value, depth)?,
            (Value::Object(map), _) => Content::Map(
                map.into_iter()
                    .map(|(key, value)| {
                        match Self::plant(value, shape.below(&key).unwrap_or(&Shape::Whole), writer, depth + 1) {
                            Ok(node) => Ok((key, node)),
                            Err(problem) => Err(problem.below_key(&key)),
                        }
                    })
                    .collect::<Result<_, _>>()?,
            ),
            (Value::Array(values), Shape::List(item)) => {
                let mut list = NamedList::default();
                for value in values {
                    let Some(name) = value.get("name").and_then(Value::as_str).map(str::to_owned) else {
                        return Err(Located::here(PlantProblem::NoName));
                    };
                    let node =
                        Self::plant(value, item, writer, depth + 1).map_err(|problem| problem.below_item(&name))?;
                    if !list.push(name.clone(), node) {
                        return Err(Located::here(PlantProblem::TwoItemsOfOneName).below_item(&name));
                    }
                }
                Content::List(list)
            }
            (value, _) => Self::leaf(value, depth)?,
        };
        Ok(Self { writer, content })
    }

    fn leaf(value: Value, depth: usize) -> Result<Content, Located<PlantProblem>> {
        if fits(&value, (MAX_NESTING + 1).saturating_sub(depth)) {
            Ok(Content::Leaf(value))
        } else {
            Err(Located::here(PlantProblem::TooDeep))
        }
    }

    /// The node under a key, or the item of that name.
    pub(super) fn child(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Map(map) => map.get(key),
            Content::List(list) => list.get(key),
            Content::Leaf(_) => None,
        }
    }

    /// Whether it is only ever replaced as a whole.
    pub(super) fn is_leaf(&self) -> bool {
        matches!(self.content, Content::Leaf(_))
    }

    /// Removes the value at the end of these keys, if there is one.
    pub(super) fn remove(&mut self, keys: &[String]) {
        match (&mut self.content, keys) {
            (Content::Map(map), [last]) => {
                map.remove(last);
            }
            (Content::List(items), [last]) => items.remove(last),
            (Content::Map(map), [first, rest @ ..]) => {
                if let Some(node) = map.get_mut(first) {
                    node.remove(rest);
                }
            }
            (Content::List(list), [first, rest @ ..]) => {
                if let Some(node) = list.get_mut(first) {
                    node.remove(rest);
                }
            }
            (Content::Leaf(_), _) | (_, []) => {}
        }
    }

    /// The keys of a map.
    pub(super) fn keys(&self) -> Vec<String> {
        match &self.content {
            Content::Map(map) => map.keys().cloned().collect(),
            Content::List(_) | Content::Leaf(_) => Vec::new(),
        }
    }

    /// Sets the value of a key of a map.
    pub(super) fn put(&mut self, key: &str, node: Self) {
        if let Content::Map(map) = &mut self.content {
            map.insert(key.to_owned(), node);
        }
    }

    /// Takes the value of a key out of a map.
    pub(super) fn take(&mut self, key: &str) -> Option<Self> {
        match &mut self.content {
            Content::Map(map) => map.remove(key),
            Content::List(_) | Content::Leaf(_) => None,
        }
    }

    /// The plain value.
    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Map(map) => Value::Object(map.iter().map(|(key, node)| (key.clone(), node.to_value())).collect()),
            Content::List(list) => Value::Array(list.ordered().into_iter().map(|(_, node)| node.to_value()).collect()),
            Content::Leaf(value) => value.clone(),
        }
    }

    /// The plain map; empty if this is no map.
    pub(super) fn to_map(&self) -> Map<String, Value> {
        match self.to_value() {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// Drops the values and keeps who wrote them.
    pub(super) fn forget_values(&mut self) {
        match &mut self.content {
            Content::Map(map) => map.values_mut().for_each(Self::forget_values),
            Content::List(list) => list.nodes_mut().for_each(Self::forget_values),
            Content::Leaf(value) => *value = Value::Null,
        }
    }
}
