//! Values as the predecessor's templates know them: Python's kinds, texts that may be marked safe, maps that keep
//! their order, integers of any size.
//!
//! Data of the root is borrowed, never copied; what a template makes is shared and may be changed by it, as in Python.
//! A change of borrowed data, such as `state.items.append(1)`, makes a copy that the [`Machine`] remembers for the rest
//! of the rendering: that is why reading a list or a map goes through the machine.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use num_bigint::BigInt;
use serde_json::Value as Json;

use super::super::error::Fault;
use super::arguments::Arguments;
pub(super) use super::container::{Dictionary, Items, Tuple};
use super::machine::Machine;

/// Tuples within each other in a key of a map.
const KEY_NESTING: usize = 16;

/// One value.
#[derive(Clone)]
pub(super) enum Value<'a> {
    /// Nothing is known under the name or key that it holds.
    Undefined(Rc<str>),
    None,
    Bool(bool),
    Integer(Integer),
    Float(f64),
    Text(Text<'a>),
    List(List<'a>),
    Tuple(Rc<Tuple<'a>>),
    Map(Map<'a>),
    /// Everything else: ranges, generators, macros, methods, `loop`, `namespace()`, views of maps ...
    Object(Rc<dyn Object<'a> + 'a>),
}

/// An integer; `Big` holds only what `Small` cannot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Integer {
    Small(i64),
    Big(Rc<BigInt>),
}

impl From<BigInt> for Integer {
    fn from(integer: BigInt) -> Self {
        i64::try_from(&integer).map_or_else(|_| Integer::Big(Rc::new(integer)), Integer::Small)
    }
}

impl Integer {
    pub(super) fn to_big(&self) -> BigInt {
        match self {
            Integer::Small(integer) => BigInt::from(*integer),
            Integer::Big(integer) => BigInt::clone(integer),
        }
    }
}

/// A text; `markup` is set on what `safe` and `escape` gave (Python's `Markup`).
#[derive(Clone)]
pub(super) struct Text<'a> {
    pub(super) text: Str<'a>,
    pub(super) markup: bool,
}

/// The characters of a text.
#[derive(Clone)]
pub(super) enum Str<'a> {
    Borrowed(&'a str),
    Shared(Rc<str>),
}

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.text {
            Str::Borrowed(text) => text,
            Str::Shared(text) => text,
        }
    }
}

/// A list: of the data, or made by the template.
#[derive(Clone)]
pub(super) enum List<'a> {
    Data(&'a Vec<Json>),
    Own(Rc<RefCell<Items<'a>>>),
}

/// A map: of the data, or made by the template.
#[derive(Clone)]
pub(super) enum Map<'a> {
    Data(&'a serde_json::Map<String, Json>),
    Own(Rc<RefCell<Dictionary<'a>>>),
}

/// A key by what Python's `==` and `hash` make of it: `1`, `1.0` and `True` are one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Undefined,
    None,
    Integer(Integer),
    /// The bits of a float that is no integer.
    Float(u64),
    Text(Rc<str>),
    Tuple(Vec<Key>),
    /// The address of an object, which its map keeps alive: objects are the same key as themselves only.
    Object(usize),
}

/// What is neither data nor text.
///
/// All have defaults that fail as Python does, so that an object implements only what it can do.
pub(super) trait Object<'a> {
    /// What Python calls its type, for errors: `method`, `range`, `Macro`.
    fn type_name(&self) -> &'static str;

    /// What `{{ x }}` and `x|string` print.
    fn text(&self, machine: &mut Machine<'a, '_>) -> Result<String, Fault>;

    fn is_true(&self, _machine: &Machine<'a, '_>) -> bool {
        true
    }

    /// The attribute `name`; None if there is none.
    fn attribute(&self, _machine: &mut Machine<'a, '_>, _name: &str) -> Result<Option<Value<'a>>, Fault> {
        Ok(None)
    }

    /// The item under `key`; None if there is none.
    fn item(&self, _machine: &mut Machine<'a, '_>, _key: &Value<'a>) -> Result<Option<Value<'a>>, Fault> {
        Ok(None)
    }

    /// `namespace()` alone can do this.
    fn set_attribute(&self, _name: &str, _value: Value<'a>) -> Result<(), Fault> {
        Err(Fault::problem(format!(
            "cannot assign to an attribute of a {}; only `namespace()` has such",
            self.type_name()
        )))
    }

    fn call(&self, _machine: &mut Machine<'a, '_>, _arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        Err(Fault::problem(format!("a {} cannot be called", self.type_name())))
    }

    fn is_callable(&self) -> bool {
        false
    }

    /// All items, in order; a generator is empty afterwards. None: it cannot be iterated over.
    fn iterate(&self, _machine: &mut Machine<'a, '_>) -> Result<Option<Vec<Value<'a>>>, Fault> {
        Ok(None)
    }

    /// What `length` gives; None: it has none (a generator).
    fn length(&self, _machine: &Machine<'a, '_>) -> Option<usize> {
        None
    }

    /// What it is equal to, for objects that Python compares by value (ranges, views); others are equal to themselves.
    fn equals(&self, _machine: &mut Machine<'a, '_>, _other: &Value<'a>) -> Result<bool, Fault> {
        Ok(false)
    }

    /// Python's `item in self` where that does not mean to look at all items; None: look at them.
    fn contains(&self, _machine: &mut Machine<'a, '_>, _item: &Value<'a>) -> Result<Option<bool>, Fault> {
        Ok(None)
    }

    /// What `self[start:stop:step]` is, if it has an order; the numbers are checked already, the step is not 0.
    fn slice(&self, _bounds: [Option<i64>; 3]) -> Option<Value<'a>> {
        None
    }

    /// Whether it is its own iterator, which `next` moves on: a generator, what `reverse` gives.
    fn is_iterator(&self) -> bool {
        false
    }

    /// The next item of an iterator, without making those after it; None at its end.
    fn next(&self, _machine: &mut Machine<'a, '_>) -> Result<Option<Value<'a>>, Fault> {
        Ok(None)
    }

    /// How many iterators hold one another up to this one, so that a chain of them stays short enough for the stack.
    fn nesting(&self) -> usize {
        0
    }

    /// The tuple that Python takes it for wherever it takes one (the groups of `groupby`).
    fn as_tuple(&self) -> Option<Value<'a>> {
        None
    }

    /// Gives up all values that it holds, by moving them into `pending`: it is about to be dropped, or the rendering is
    /// over. Every object that holds a value that a template may have made must do this (hold it in a `RefCell`), or
    /// values that nest very deep or hold themselves would hurt the process.
    fn release(&self, _pending: &mut Vec<Value<'a>>) {}
}

impl<'a> Value<'a> {
    /// A value of the data.
    pub(super) fn from_json(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::None,
            Json::Bool(bool) => Value::Bool(*bool),
            Json::Number(number) => {
                if let Some(integer) = number.as_i64() {
                    Value::Integer(Integer::Small(integer))
                } else if let Some(integer) = number.as_u64() {
                    Value::Integer(BigInt::from(integer).into())
                } else {
                    Value::Float(number.as_f64().unwrap_or_default())
                }
            }
            Json::String(text) => Value::Text(Text { text: Str::Borrowed(text), markup: false }),
            Json::Array(items) => Value::List(List::Data(items)),
            Json::Object(fields) => Value::Map(Map::Data(fields)),
        }
    }

    pub(super) fn text(text: impl Into<Rc<str>>) -> Value<'a> {
        Value::Text(Text { text: Str::Shared(text.into()), markup: false })
    }

    /// A text of the data or of the template.
    pub(super) fn borrowed(text: &'a str) -> Value<'a> {
        Value::Text(Text { text: Str::Borrowed(text), markup: false })
    }

    /// A text that `escape` leaves alone.
    pub(super) fn markup(text: impl Into<Rc<str>>) -> Value<'a> {
        Value::Text(Text { text: Str::Shared(text.into()), markup: true })
    }

    pub(super) fn integer(integer: impl Into<BigInt>) -> Value<'a> {
        Value::Integer(integer.into().into())
    }

    pub(super) fn list(items: Vec<Value<'a>>) -> Value<'a> {
        Value::List(List::Own(Rc::new(RefCell::new(items.into()))))
    }

    pub(super) fn tuple(items: Vec<Value<'a>>) -> Value<'a> {
        Value::Tuple(Rc::new(items.into()))
    }

    /// A map in this order; a key that comes again keeps its place and gets the later value. Fails on keys that cannot
    /// be hashed (lists, maps).
    pub(super) fn map(entries: impl IntoIterator<Item = (Value<'a>, Value<'a>)>) -> Result<Value<'a>, Fault> {
        let mut map = Dictionary::new();
        for (key, value) in entries {
            map.set(key.key()?, key, value);
        }
        Ok(Value::Map(Map::Own(Rc::new(RefCell::new(map)))))
    }

    pub(super) fn object(object: impl Object<'a> + 'a) -> Value<'a> {
        Value::Object(Rc::new(object))
    }

    pub(super) fn undefined(name: &str) -> Value<'a> {
        Value::Undefined(name.into())
    }

    /// The tuple that an object is to Python, such as a group of `groupby`.
    pub(super) fn as_tuple(&self) -> Option<Value<'a>> {
        match self {
            Value::Object(object) => object.as_tuple(),
            _ => None,
        }
    }

    /// What Python calls its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Undefined(_) => "Undefined",
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Integer(_) => "int",
            Value::Float(_) => "float",
            Value::Text(text) if text.markup => "Markup",
            Value::Text(_) => "str",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Map(_) => "dict",
            Value::Object(object) => object.type_name(),
        }
    }

    /// The value as a key of a map.
    pub(super) fn key(&self) -> Result<Key, Fault> {
        self.key_within(KEY_NESTING)
    }

    fn key_within(&self, levels: usize) -> Result<Key, Fault> {
        match self {
            Value::None => Ok(Key::None),
            Value::Bool(bool) => Ok(Key::Integer(Integer::Small(i64::from(*bool)))),
            Value::Integer(integer) => Ok(Key::Integer(integer.clone())),
            Value::Float(float) => {
                Ok(super::number::integral(*float).map_or_else(|| Key::Float(float.to_bits()), Key::Integer))
            }
            Value::Text(text) => Ok(Key::Text(text.shared())),
            Value::Tuple(_) if levels == 0 => {
                Err(Fault::problem(format!("a tuple that nests more than {KEY_NESTING} deep cannot be a key of a map")))
            }
            Value::Tuple(items) => {
                Ok(Key::Tuple(items.iter().map(|item| item.key_within(levels - 1)).collect::<Result<_, _>>()?))
            }
            Value::Undefined(_) => Ok(Key::Undefined),
            Value::List(_) | Value::Map(_) | Value::Object(_) => {
                if let Some(tuple) = self.as_tuple() {
                    return tuple.key_within(levels);
                }
                if let Value::Object(object) = self
                    && !object.type_name().starts_with("dict_")
                {
                    return Ok(Key::Object(Rc::as_ptr(object).cast::<()>().addr()));
                }
                Err(Fault::problem(format!("unhashable type: a {} cannot be a key of a map", self.type_name())))
            }
        }
    }
}

impl Text<'_> {
    /// The text, shared where it is already.
    pub(super) fn shared(&self) -> Rc<str> {
        match &self.text {
            Str::Borrowed(text) => Rc::from(*text),
            Str::Shared(text) => Rc::clone(text),
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(bool) => write!(formatter, "{bool}"),
            Value::Integer(integer) => write!(formatter, "{}", integer.to_big()),
            Value::Float(float) => write!(formatter, "{float:?}"),
            Value::Text(text) => write!(formatter, "{:?}", &**text),
            other => formatter.write_str(other.type_name()),
        }
    }
}
