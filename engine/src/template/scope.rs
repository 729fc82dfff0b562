//! The contexts that are open during a rendering, and what a path means in them.
//!
//! The rules are Handlebars': a path is looked up in the current context only; `../` goes one context up (`if` opens
//! none), `@root` to the data, and names given with `as |name|` hold in all that is inside their block.

use std::rc::Rc;

use serde_json::Value;

use super::error::Fault;
use super::item::{Item, weigh};
use super::rendering::Rendering;
use super::tree::{Path, Start};

/// The name below which the root shows the variables of the library.
const VARIABLES: &str = "variables";

/// Where in the data a value stands: names and positions from the root.
pub(super) type Origin = Vec<Box<str>>;

/// One context.
#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    pub(super) this: Item<'a>,
    /// Values given to a partial by name, in front of those of its context.
    pub(super) overlay: Vec<(&'a str, Item<'a>)>,
    /// Names given with `as |name|`.
    pub(super) names: Vec<(&'a str, Item<'a>)>,
    pub(super) locals: Locals,
    /// Where in the data `this` stands, if what is read of it is to be noted and was not noted as a whole.
    pub(super) origin: Option<Origin>,
}

/// `@index`, `@key`, `@first` and `@last`.
#[derive(Debug, Default, Clone)]
pub(super) struct Locals {
    position: Option<(usize, usize)>,
    key: Option<Rc<str>>,
}

impl Locals {
    pub(super) fn item(index: usize, count: usize) -> Locals {
        Locals { position: Some((index, count)), key: None }
    }

    pub(super) fn field(name: &str, index: usize, count: usize) -> Locals {
        Locals { position: Some((index, count)), key: Some(name.into()) }
    }

    /// The key of an object's field, the index of a list's item.
    pub(super) fn key<'a>(&self) -> Item<'a> {
        match (&self.key, self.position) {
            (Some(key), _) => Item::text(&**key),
            (None, Some((index, _))) => Item::made(index),
            (None, None) => Item::Missing,
        }
    }

    fn get<'a>(&self, name: &str) -> Item<'a> {
        let Some((index, count)) = self.position else {
            return Item::Missing;
        };
        match name {
            "index" => Item::made(index),
            "first" => Item::made(index == 0),
            "last" => Item::made(index + 1 == count),
            "key" => self.key.as_deref().map_or(Item::Missing, Item::text),
            _ => Item::Missing,
        }
    }
}

/// The contexts that are open, the innermost last. There is always one.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    frames: Vec<Frame<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Scope { frames: vec![Frame { this: Item::Data(root), origin: Some(Vec::new()), ..Frame::default() }] }
    }

    pub(super) fn push(&mut self, frame: Frame<'a>) {
        self.frames.push(frame);
    }

    pub(super) fn pop(&mut self) {
        self.frames.pop();
    }

    /// Puts `frame` in the place of the innermost.
    pub(super) fn replace(&mut self, frame: Frame<'a>) {
        self.frames.pop();
        self.frames.push(frame);
    }

    /// The innermost context with the values given to it by name.
    pub(super) fn current(&self) -> (Item<'a>, Vec<(&'a str, Item<'a>)>) {
        self.frames.last().map(|frame| (frame.this.clone(), frame.overlay.clone())).unwrap_or_default()
    }

    /// Where the innermost context stands.
    pub(super) fn current_origin(&self) -> Option<Origin> {
        self.frames.last().and_then(|frame| frame.origin.clone())
    }

    /// Where in the data the value at `path` stands; None if it does not, or if it is part of what was noted before.
    pub(super) fn origin(&self, path: &Path) -> Option<Origin> {
        let segments = &path.segments;
        let first = segments.first().map(|name| &**name);
        let frame = match path.start {
            Start::Local(0) if segments.len() == 1 && first == Some("root") => return Some(Vec::new()),
            Start::Local(_) => return None,
            Start::Root => return Some(segments.clone()),
            Start::Here
                if self.frames.iter().any(|frame| first.is_some_and(|name| named(&frame.names, name).is_some())) =>
            {
                return None;
            }
            Start::Here | Start::This => self.up(0)?,
            Start::Up(levels) => self.up(levels)?,
        };
        if first.is_some_and(|name| named(&frame.overlay, name).is_some()) {
            return None;
        }
        let mut origin = frame.origin.clone()?;
        origin.extend(segments.iter().cloned());
        Some(origin)
    }

    pub(super) fn locals(&self) -> Locals {
        self.frames.last().map(|frame| frame.locals.clone()).unwrap_or_default()
    }

    fn up(&self, levels: usize) -> Option<&Frame<'a>> {
        self.frames.iter().rev().nth(levels)
    }

    /// The value at `path`; borrowed from the data unless it lies inside of a value that a helper made.
    pub(super) fn resolve(&self, path: &Path, rendering: &mut Rendering<'a>) -> Result<Item<'a>, Fault> {
        rendering.burn(path.segments.len() as u64 / 4)?;
        let segments = &path.segments;
        match path.start {
            Start::Local(levels) => match segments.as_slice() {
                [name] if &**name == "root" && levels == 0 => Ok(Item::Data(rendering.root)),
                [name] => Ok(self.up(levels).map_or(Item::Missing, |frame| frame.locals.get(name))),
                _ => Ok(Item::Missing),
            },
            Start::Root => below(Item::Data(rendering.root), segments, rendering),
            Start::Here => {
                if let Some(name) = segments.first()
                    && let Some(item) = self.frames.iter().rev().find_map(|frame| named(&frame.names, name))
                {
                    return below(item, &segments[1..], rendering);
                }
                self.in_frame(0, segments, rendering)
            }
            Start::This => self.in_frame(0, segments, rendering),
            Start::Up(levels) => self.in_frame(levels, segments, rendering),
        }
    }

    fn in_frame(&self, levels: usize, segments: &[Box<str>], rendering: &mut Rendering<'a>) -> Result<Item<'a>, Fault> {
        let Some(frame) = self.up(levels) else {
            return Ok(Item::Missing);
        };
        if let Some(name) = segments.first()
            && !frame.overlay.is_empty()
        {
            rendering.burn(frame.overlay.len() as u64 / 8)?;
            if let Some(item) = named(&frame.overlay, name) {
                return below(item, &segments[1..], rendering);
            }
        }
        below(frame.this.clone(), segments, rendering)
    }
}

/// The value of `item` as one's own, copied and paid for only if others hold it too.
pub(super) fn take<'a>(item: Item<'a>, rendering: &mut Rendering<'a>) -> Result<Value, Fault> {
    match item {
        Item::Made(value) => Rc::try_unwrap(value).or_else(|shared| copy(&shared, rendering)),
        other => copy(other.value(), rendering),
    }
}

fn named<'a>(items: &[(&'a str, Item<'a>)], name: &str) -> Option<Item<'a>> {
    items.iter().rev().find(|(known, _)| *known == name).map(|(_, item)| item.clone())
}

fn copy(value: &Value, rendering: &mut Rendering<'_>) -> Result<Value, Fault> {
    rendering.afford(weigh(value).bytes)?;
    Ok(value.clone())
}

fn below<'a>(item: Item<'a>, segments: &[Box<str>], rendering: &mut Rendering<'a>) -> Result<Item<'a>, Fault> {
    if let (Item::Data(value), Some(first)) = (&item, segments.first())
        && std::ptr::eq(*value, rendering.root)
        && &**first == VARIABLES
    {
        return match segments.get(1) {
            None => rendering.all_variables(),
            Some(name) => {
                let variable = rendering.variable(name)?;
                descend(variable, &segments[2..], rendering)
            }
        };
    }
    descend(item, segments, rendering)
}

fn descend<'a>(item: Item<'a>, segments: &[Box<str>], rendering: &mut Rendering<'a>) -> Result<Item<'a>, Fault> {
    if segments.is_empty() {
        return Ok(item);
    }
    match item {
        Item::Missing => Ok(Item::Missing),
        Item::Data(value) => Ok(walk(value, segments).map_or(Item::Missing, Item::Data)),
        Item::Made(value) => match walk(&value, segments) {
            Some(found) => Ok(Item::made(copy(found, rendering)?)),
            None => Ok(Item::Missing),
        },
    }
}

fn walk<'v>(value: &'v Value, segments: &[Box<str>]) -> Option<&'v Value> {
    segments.iter().try_fold(value, |value, segment| child(value, segment))
}

/// The field or item of `value` that `key` names.
pub(super) fn child<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Object(fields) => fields.get(key),
        Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
        _ => None,
    }
}
