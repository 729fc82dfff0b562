//! Tags that the predecessor's loader knows.

/// Where YAML's own tags stand.
const YAML: &str = "tag:yaml.org,2002:";

/// What a node says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    Bool,
    Integer,
    Float,
    Text,
    Date,
    Bytes,
    List,
    Tuple,
    Map,
    Set,
    /// `!!omap` and `!!pairs`, which are the same to the predecessor.
    Pairs,
    /// The key `<<`.
    Merge,
    /// The key `=`.
    Value,
    /// As it is written.
    Unknown(String),
}

impl Tag {
    /// The tag of this resolved name; `written` is how the file writes it.
    pub(super) fn named(name: &str, written: &str) -> Self {
        match name.strip_prefix(YAML) {
            Some("null" | "python/none") => Self::Null,
            Some("bool" | "python/bool") => Self::Bool,
            Some("int" | "python/int" | "python/long") => Self::Integer,
            Some("float" | "python/float") => Self::Float,
            Some("str" | "python/str" | "python/unicode") => Self::Text,
            Some("timestamp") => Self::Date,
            Some("binary" | "python/bytes") => Self::Bytes,
            Some("seq" | "python/list") => Self::List,
            Some("python/tuple") => Self::Tuple,
            Some("map" | "python/dict") => Self::Map,
            Some("set") => Self::Set,
            Some("omap" | "pairs") => Self::Pairs,
            Some("merge") => Self::Merge,
            Some("value") => Self::Value,
            _ => Self::Unknown(written.to_owned()),
        }
    }
}
