//! Values of nodes: aliases expanded, maps merged, and what JSON does not have made text.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Number, Value};

use super::{
    Finding, FindingKind, Read, YamlError, python,
    scalar::{self, Scalar},
    tag::Tag,
    tree::{Content, DEPTH, NODES, Node, Reference, Tree},
};

/// A document holds so many bytes of text at most, copies through aliases included.
const TEXT: usize = 16 * 1024 * 1024;

/// The value of a document.
pub(super) fn build(tree: &Tree) -> Result<Read, YamlError> {
    let Some(root) = &tree.root else { return Ok(Read { value: Value::Null, findings: Vec::new() }) };
    let mut builder =
        Builder { nodes: &tree.nodes, findings: Vec::new(), path: Vec::new(), depth: 0, copied: 0, built: 0, text: 0 };
    let value = builder.value(root)?;
    Ok(Read { value, findings: builder.findings })
}

enum Segment {
    Key(String),
    Item(usize),
}

/// A key of a map.
struct Key {
    /// What it becomes.
    text: String,
    /// Keys of one identity are the same key to Python, such as `1` and `true`. None for texts.
    identity: Option<String>,
}

/// A pair of a map after merging.
struct Pair<'n> {
    key: &'n Reference,
    value: &'n Reference,
    /// It stands at another place of the file.
    copied: bool,
}

struct Builder<'n> {
    nodes: &'n [Node],
    findings: Vec<Finding>,
    path: Vec<Segment>,
    /// Nodes around the one that is built.
    depth: usize,
    /// Aliases around the one that is built: what is found below them is found at their anchor.
    copied: usize,
    built: usize,
    text: usize,
}

impl<'n> Builder<'n> {
    fn node(&self, reference: &Reference) -> &'n Node {
        &self.nodes[reference.node]
    }

    fn place(&self) -> String {
        let mut place = String::new();
        for segment in &self.path {
            match segment {
                Segment::Key(key) => {
                    if !place.is_empty() {
                        place.push('.');
                    }
                    place.push_str(key);
                }
                Segment::Item(index) => place.extend(["[", &index.to_string(), "]"]),
            }
        }
        place
    }

    fn find(&mut self, line: usize, kind: FindingKind) {
        if self.copied == 0 {
            self.findings.push(Finding { path: self.place(), line, kind });
        }
    }

    /// Runs `inner` one segment further.
    fn within<T>(
        &mut self,
        segment: Segment,
        inner: impl FnOnce(&mut Self) -> Result<T, YamlError>,
    ) -> Result<T, YamlError> {
        self.path.push(segment);
        let result = inner(self);
        self.path.pop();
        result
    }

    /// Counts a node, and refuses what aliases let grow without end.
    fn count(&mut self, node: &Node, text: usize) -> Result<(), YamlError> {
        self.built += 1;
        self.text += text;
        if self.built > NODES {
            return Err(node
                .error(format!("with all aliases expanded there are more than {NODES} values; write fewer aliases")));
        }
        if self.text > TEXT {
            return Err(
                node.error(format!("with all aliases expanded there are more than {TEXT} bytes; write fewer aliases"))
            );
        }
        Ok(())
    }

    fn value(&mut self, reference: &'n Reference) -> Result<Value, YamlError> {
        let node = self.node(reference);
        if self.depth >= DEPTH {
            return Err(
                node.error(format!("with all aliases expanded it is nested deeper than {DEPTH} levels; flatten it"))
            );
        }
        if let Some(alias) = &reference.alias {
            if !matches!(node.content, Content::Scalar(_)) {
                self.find(alias.line, FindingKind::Alias(alias.name.clone()));
            }
            self.copied += 1;
        }
        self.depth += 1;
        let value = self.tagged(node)?;
        self.depth -= 1;
        self.copied -= usize::from(reference.alias.is_some());
        Ok(value)
    }

    fn tagged(&mut self, node: &'n Node) -> Result<Value, YamlError> {
        match &node.tag {
            Tag::List => Ok(Value::Array(self.items(node)?)),
            Tag::Tuple => {
                let items = self.items(node)?;
                self.find(node.line, FindingKind::Other(python::tuple(&items)));
                Ok(Value::Array(items))
            }
            Tag::Map => self.map(node),
            Tag::Set => self.set(node),
            Tag::Pairs => self.pairs(node),
            _ => {
                let scalar = self.scalar(node)?;
                self.count(node, 0)?;
                Ok(self.scalar_value(node, scalar))
            }
        }
    }

    fn scalar(&mut self, node: &'n Node) -> Result<Scalar, YamlError> {
        let known = match &node.tag {
            Tag::Merge => Err("<< merges a map into this one and is no value; put it in quotes".to_owned()),
            Tag::Value => Err("a bare = is no value; put it in quotes".to_owned()),
            Tag::Unknown(written) => Err(format!("the tag {written} is unknown; leave it out")),
            _ => Ok(()),
        };
        known.map_err(|problem| node.error(problem))?;
        let text = self.scalar_text(node)?;
        self.count(node, text.len())?;
        scalar::read(&node.tag, text).map_err(|problem| node.error(problem))
    }

    /// The text of a scalar, or of the key `=` of a map.
    fn scalar_text(&self, mut node: &'n Node) -> Result<&'n str, YamlError> {
        // An alias leads to what was complete before it: this ends.
        loop {
            node = match &node.content {
                Content::Scalar(text) => return Ok(text),
                Content::Map(pairs) => match pairs.iter().find(|(key, _)| self.node(key).tag == Tag::Value) {
                    Some((_, value)) => self.node(value),
                    None => return Err(expected(node, "a single value")),
                },
                Content::List(_) => return Err(expected(node, "a single value")),
            };
        }
    }

    fn scalar_value(&mut self, node: &'n Node, scalar: Scalar) -> Value {
        let as_text = python::text(&scalar);
        let kind = match scalar {
            Scalar::Null => return Value::Null,
            Scalar::Bool(bool) => return Value::Bool(bool),
            Scalar::Text(text) => return Value::String(text),
            Scalar::Integer(integer) => {
                if let Ok(number) = i64::try_from(&integer) {
                    return Value::from(number);
                }
                if let Ok(number) = u64::try_from(&integer) {
                    return Value::from(number);
                }
                FindingKind::Other(as_text.clone())
            }
            Scalar::Float(float) => match Number::from_f64(float) {
                Some(number) => return Value::Number(number),
                None => FindingKind::Other(as_text.clone()),
            },
            Scalar::Date(_) => FindingKind::Date(as_text.clone()),
            Scalar::Bytes(_) => FindingKind::Other(as_text.clone()),
        };
        self.find(node.line, kind);
        Value::String(as_text)
    }

    fn items(&mut self, node: &'n Node) -> Result<Vec<Value>, YamlError> {
        let Content::List(items) = &node.content else { return Err(expected(node, "a list")) };
        self.count(node, 0)?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| self.within(Segment::Item(index), |builder| builder.value(item)))
            .collect()
    }

    fn map(&mut self, node: &'n Node) -> Result<Value, YamlError> {
        let mut texts: HashMap<String, String> = HashMap::new();
        let mut map = Map::new();
        for pair in self.merged(node)? {
            self.copied += usize::from(pair.copied);
            let Key { text, identity } = self.key(pair.key)?;
            // The first key of an identity stays.
            let text = identity.map_or(text.clone(), |identity| texts.entry(identity).or_insert(text).clone());
            let value = self.within(Segment::Key(text.clone()), |builder| builder.value(pair.value))?;
            self.copied -= usize::from(pair.copied);
            map.insert(text, value);
        }
        Ok(Value::Object(map))
    }

    /// The items of a set, as a list.
    fn set(&mut self, node: &'n Node) -> Result<Value, YamlError> {
        let mut known = HashSet::new();
        let mut items = Vec::new();
        for pair in self.merged(node)? {
            let key_node = self.node(pair.key);
            let scalar = self.key_scalar(pair.key)?;
            let Key { text, identity } = key(&scalar);
            if known.insert((identity.is_none(), identity.unwrap_or(text))) {
                self.copied += 1;
                items.push(self.scalar_value(key_node, scalar));
                self.copied -= 1;
            }
        }
        self.find(node.line, FindingKind::Other(python::set(&items)));
        Ok(Value::Array(items))
    }

    /// The pairs of `!!omap`, each as a list of two.
    fn pairs(&mut self, node: &'n Node) -> Result<Value, YamlError> {
        let Content::List(items) = &node.content else { return Err(expected(node, "a list of maps of one key")) };
        self.count(node, 0)?;
        let mut pairs = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let item_node = self.node(item);
            let pair = match &item_node.content {
                Content::Map(entries) => entries.as_slice(),
                _ => &[],
            };
            let [(key, value)] = pair else { return Err(expected(item_node, "a map of one key")) };
            let pair = self.within(Segment::Item(index), |builder| {
                Ok(Value::Array(vec![builder.value(key)?, builder.value(value)?]))
            })?;
            pairs.push(pair);
        }
        self.find(node.line, FindingKind::Other(python::pairs(&pairs)));
        Ok(Value::Array(pairs))
    }

    /// The pairs of a map: those of merged maps first, the later ones win.
    fn merged(&mut self, node: &'n Node) -> Result<Vec<Pair<'n>>, YamlError> {
        self.merged_at(node, false, 0)
    }

    fn merged_at(&mut self, node: &'n Node, copied: bool, depth: usize) -> Result<Vec<Pair<'n>>, YamlError> {
        let Content::Map(pairs) = &node.content else { return Err(expected(node, "a map")) };
        self.count(node, 0)?;
        if depth > DEPTH {
            return Err(node.error(format!("maps merge each other over more than {DEPTH} levels; flatten them")));
        }
        let mut merged = Vec::new();
        let mut own = Vec::new();
        for (key, value) in pairs {
            if self.node(key).tag != Tag::Merge {
                own.push(Pair { key, value, copied });
                continue;
            }
            self.find_merge(value, copied, None);
            let copied = copied || value.alias.is_some();
            let before = merged.len();
            match &self.node(value).content {
                Content::Map(_) => merged.extend(self.merged_at(self.node(value), copied, depth + 1)?),
                // Of several maps the first wins.
                Content::List(items) => {
                    for (index, item) in items.iter().enumerate().rev() {
                        self.find_merge(item, copied, Some(index));
                        let copied = copied || item.alias.is_some();
                        let item = self.node(item);
                        if !matches!(item.content, Content::Map(_)) {
                            return Err(item.error(format!("<< merges maps, and this is {}", item.kind())));
                        }
                        merged.extend(self.merged_at(item, copied, depth + 1)?);
                    }
                }
                Content::Scalar(_) => {
                    let problem = "<< merges a map or a list of maps, and this is a single value";
                    return Err(self.node(value).error(problem));
                }
            }
            for _ in before..merged.len() {
                self.count(node, 0)?;
            }
        }
        merged.append(&mut own);
        Ok(merged)
    }

    /// Tells of a merged alias if what it names holds maps or lists, which are copies then.
    fn find_merge(&mut self, reference: &'n Reference, copied: bool, index: Option<usize>) {
        let (Some(alias), Content::Map(pairs)) = (&reference.alias, &self.node(reference).content) else { return };
        let deep = pairs.iter().any(|(_, value)| !matches!(self.node(value).content, Content::Scalar(_)));
        if !deep || copied {
            return;
        }
        self.path.push(Segment::Key("<<".to_owned()));
        self.path.extend(index.map(Segment::Item));
        self.find(alias.line, FindingKind::Alias(alias.name.clone()));
        self.path.truncate(self.path.len() - 1 - usize::from(index.is_some()));
    }

    fn key_scalar(&mut self, reference: &'n Reference) -> Result<Scalar, YamlError> {
        let node = self.node(reference);
        match &node.tag {
            Tag::Value => {
                let text = self.scalar_text(node)?;
                self.count(node, text.len())?;
                Ok(Scalar::Text(text.to_owned()))
            }
            Tag::List | Tag::Tuple | Tag::Map | Tag::Set | Tag::Pairs => {
                Err(node.error(format!("{} cannot be a key; put it in quotes", node.kind())))
            }
            _ => self.scalar(node),
        }
    }

    fn key(&mut self, reference: &'n Reference) -> Result<Key, YamlError> {
        let scalar = self.key_scalar(reference)?;
        let key = key(&scalar);
        if !matches!(scalar, Scalar::Text(_)) {
            let node = self.node(reference);
            let written = match &node.content {
                Content::Scalar(text) => text.clone(),
                _ => key.text.clone(),
            };
            let kind = FindingKind::Key { written, read: key.text.clone() };
            let line = reference.alias.as_ref().map_or(node.line, |alias| alias.line);
            self.path.push(Segment::Key(key.text.clone()));
            self.find(line, kind);
            self.path.pop();
        }
        Ok(key)
    }
}

fn expected(node: &Node, expected: &str) -> YamlError {
    node.error(format!("{expected} belongs here, and this is {}", node.kind()))
}

/// What a scalar is as a key.
fn key(scalar: &Scalar) -> Key {
    let text = python::text(scalar);
    let identity = match scalar {
        Scalar::Text(_) => None,
        Scalar::Bool(bool) => Some(u8::from(*bool).to_string()),
        // `1.0` is the key `1`.
        Scalar::Float(float) if float.fract() == 0.0 => Some(format!("{}", if *float == 0.0 { 0.0 } else { *float })),
        // Other values than numbers never have the text of one.
        Scalar::Null | Scalar::Integer(_) | Scalar::Float(_) | Scalar::Date(_) | Scalar::Bytes(_) => Some(text.clone()),
    };
    Key { text, identity }
}
