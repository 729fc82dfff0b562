//! The nodes of a document, with aliases as references: what stands there, before it is a value.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use granit_parser::{
    ErrorKind, Event, Marker, Options, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle,
    Tag as WrittenTag,
};

use super::{YamlError, scalar::implicit, tag::Tag};

/// Maps and lists stand in each other so deep at most.
pub(super) const DEPTH: usize = 100;

/// A document has so many nodes at most, copies through aliases included.
pub(super) const NODES: usize = 500_000;

/// So many places of a text may need white space.
const FORGIVEN: usize = 1000;

/// More than the indentation of anything.
const INDENT: usize = 500;

/// A node.
pub(super) struct Node {
    pub(super) tag: Tag,
    pub(super) content: Content,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What is in a node.
pub(super) enum Content {
    Scalar(String),
    List(Vec<Reference>),
    Map(Vec<(Reference, Reference)>),
}

/// A node at a place, itself or through an alias.
#[derive(Clone)]
pub(super) struct Reference {
    pub(super) node: usize,
    pub(super) alias: Option<Alias>,
}

/// An alias: `*name`.
#[derive(Clone)]
pub(super) struct Alias {
    pub(super) name: String,
    pub(super) line: usize,
}

impl Node {
    /// An error at this node.
    pub(super) fn error(&self, problem: impl Into<String>) -> YamlError {
        YamlError { line: self.line, column: self.column, problem: problem.into() }
    }

    /// What it is, in a user's words.
    pub(super) fn kind(&self) -> &'static str {
        match self.content {
            Content::Scalar(_) => "a single value",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }
}

/// A document.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// None if there is no document in the text.
    pub(super) root: Option<Reference>,
}

impl Tree {
    /// Reads the one document of a text.
    pub(super) fn read(text: &str) -> Result<Self, YamlError> {
        let mut text = Cow::Borrowed(text);
        for _ in 0..FORGIVEN {
            let mut composer = Composer::new(&text);
            let problem = match composer.document() {
                Ok(root) => return Ok(Self { nodes: composer.nodes, root }),
                Err(problem) => problem,
            };
            let forgiven = composer.refused.as_ref().and_then(|error| forgive(&text, error));
            match forgiven {
                Some(forgiven) => text = Cow::Owned(forgiven),
                None => return Err(problem),
            }
        }
        let mut composer = Composer::new(&text);
        let root = composer.document()?;
        Ok(Self { nodes: composer.nodes, root })
    }
}

/// The text with white space that changes no value where the predecessor needs none and the parser does: continued lines of
/// a quoted text at the margin, `'x'#comment`, `{a:[b]}`, `*alias: value`.
fn forgive(text: &str, error: &ScanError) -> Option<String> {
    let place = error.marker().byte_offset()?;
    let (at, spaces) = match error.kind() {
        ErrorKind::InvalidQuotedScalarIndent => (text.get(..place)?.rfind(['\n', '\r'])? + 1, INDENT),
        ErrorKind::CommentNotSeparated if text.get(place..)?.starts_with('#') => (place, 1),
        ErrorKind::FlowMappingValueAdjacentCollection if text.get(place..)?.starts_with(':') => (place + 1, 1),
        ErrorKind::SimpleKeyExpected => (place + alias_before_colon(text.get(place..)?)?, 1),
        _ => return None,
    };
    Some(format!("{}{}{}", text.get(..at)?, " ".repeat(spaces), text.get(at..)?))
}

/// The length of an alias that a colon follows.
fn alias_before_colon(text: &str) -> Option<usize> {
    let (alias, _) = text.split_once(':')?;
    let name = alias.strip_prefix('*')?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_name.then_some(alias.len())
}

struct Composer<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    nodes: Vec<Node>,
    /// Nodes of the anchors that are complete.
    anchors: HashMap<usize, usize>,
    names: HashSet<String>,
    /// Brackets and braces around.
    flow: usize,
    /// What the parser does not read.
    refused: Option<ScanError>,
}

fn at(marker: &Marker, problem: impl Into<String>) -> YamlError {
    YamlError { line: marker.line(), column: marker.col() + 1, problem: problem.into() }
}

impl<'t> Composer<'t> {
    fn new(text: &'t str) -> Self {
        let mut options = Options::default();
        options.set_emit_comments(false);
        options.emit_anchor_events = true;
        Self {
            text,
            parser: Parser::new_from_str_with_options(text, options),
            nodes: Vec::new(),
            anchors: HashMap::new(),
            names: HashSet::new(),
            flow: 0,
            refused: None,
        }
    }

    fn document(&mut self) -> Result<Option<Reference>, YamlError> {
        let mut root = None;
        let mut documents = 0;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(at(&span.start, "a second document begins here; write one document per file"));
                    }
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span, 1)?),
            }
        }
        Ok(root)
    }

    /// The next event. Anchors are looked at on the way.
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, YamlError> {
        loop {
            let Some(next) = self.parser.next_event() else { return Ok(None) };
            let (event, span) = match next {
                Ok(next) => next,
                Err(error) => {
                    let problem = at(error.marker(), error.info());
                    self.refused = Some(error);
                    return Err(problem);
                }
            };
            let Event::Anchor(_, name) = event else { return Ok(Some((event, span))) };
            if !self.names.insert(name.to_string()) {
                return Err(at(&span.start, format!("the anchor &{name} is there already; give it another name")));
            }
        }
    }

    /// The next event inside of a list or map that began at `begin`.
    fn inside(&mut self, begin: &Marker) -> Result<(Event<'t>, Span), YamlError> {
        self.next()?.ok_or_else(|| at(begin, "what begins here does not end"))
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Reference, YamlError> {
        let begin = span.start;
        if depth > DEPTH {
            return Err(at(&begin, format!("maps and lists are nested deeper than {DEPTH} levels; flatten them")));
        }
        if self.nodes.len() >= NODES {
            return Err(at(&begin, format!("more than {NODES} values; split the file")));
        }
        let (anchor, tag, content) = match event {
            Event::Alias(id) => return self.alias(id, span),
            Event::Scalar(text, style, anchor, tag) => {
                let mut text = text.into_owned();
                // The parser ends the last line of a block where the file does not.
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) && self.is_open_end(span, &text) {
                    text.pop();
                }
                if style == ScalarStyle::Plain && self.flow > 0 && text.starts_with('?') {
                    return Err(at(&begin, "within brackets ? begins a key; put the text in quotes"));
                }
                (anchor, scalar_tag(&text, style, tag.as_deref()), Content::Scalar(text))
            }
            Event::SequenceStart(style, anchor, tag) => {
                let mut items = Vec::new();
                self.flow += usize::from(style == StructureStyle::Flow);
                loop {
                    match self.inside(&begin)? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                self.flow -= usize::from(style == StructureStyle::Flow);
                (anchor, collection_tag(tag.as_deref(), Tag::List), Content::List(items))
            }
            Event::MappingStart(style, anchor, tag) => {
                let mut pairs = Vec::new();
                self.flow += usize::from(style == StructureStyle::Flow);
                loop {
                    let key = match self.inside(&begin)? {
                        (Event::MappingEnd, _) => break,
                        (event, span) => self.node(event, span, depth + 1)?,
                    };
                    let (event, span) = self.inside(&begin)?;
                    pairs.push((key, self.node(event, span, depth + 1)?));
                }
                self.flow -= usize::from(style == StructureStyle::Flow);
                (anchor, collection_tag(tag.as_deref(), Tag::Map), Content::Map(pairs))
            }
            _ => return Err(at(&begin, "a value is missing here")),
        };
        let node = self.nodes.len();
        self.nodes.push(Node { tag, content, line: begin.line(), column: begin.col() + 1 });
        if anchor > 0 {
            self.anchors.insert(anchor, node);
        }
        Ok(Reference { node, alias: None })
    }

    /// Whether a block that was read as `block` ends where the text ends, in the middle of a line.
    fn is_open_end(&self, span: Span, block: &str) -> bool {
        let Some(lines) = block.strip_suffix('\n') else { return false };
        let is_blank = |line: &str| line.bytes().all(|byte| byte == b' ');
        let last = |text: &'_ str| text.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let (last_written, last_read) = (&self.text[last(self.text)..], &lines[last(lines)..]);
        // A last line of spaces belongs to the block only if it is indented deeper.
        let belongs = !is_blank(last_written)
            || !last_read.is_empty() && is_blank(last_read) && last_written.len() > last_read.len();
        span.end.byte_offset() == Some(self.text.len()) && belongs
    }

    fn alias(&self, id: usize, span: Span) -> Result<Reference, YamlError> {
        let name = span.slice(self.text).unwrap_or_default().trim_start_matches('*').to_owned();
        match self.anchors.get(&id) {
            Some(node) => Ok(Reference { node: *node, alias: Some(Alias { name, line: span.start.line() }) }),
            None => Err(at(&span.start, format!("*{name} stands inside of what it names, which would never end"))),
        }
    }
}

/// The tag of a scalar. The tag `!` lets the text decide, even in quotes.
fn scalar_tag(text: &str, style: ScalarStyle, tag: Option<&WrittenTag>) -> Tag {
    match tag.map(name) {
        Some((name, _)) if name == "!" => implicit(text),
        Some((name, written)) => Tag::named(&name, &written),
        None if style == ScalarStyle::Plain => implicit(text),
        None => Tag::Text,
    }
}

fn collection_tag(tag: Option<&WrittenTag>, usual: Tag) -> Tag {
    match tag.map(name) {
        Some((name, written)) if name != "!" => Tag::named(&name, &written),
        _ => usual,
    }
}

/// A tag's resolved name, and how it is written.
fn name(tag: &WrittenTag) -> (String, String) {
    let (handle, suffix) = tag.parts();
    (format!("{handle}{suffix}"), tag.original())
}
