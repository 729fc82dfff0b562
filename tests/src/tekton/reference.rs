//! `$(…)` in texts of Tekton's manifests.

/// Which part of a list is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Nothing is said: a text.
    None,
    /// `[*]`: all of it.
    All,
    /// `[3]`: one item.
    At(usize),
}

/// One variable that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// All of it, as in `$(params.changes[*])`.
    pub text: String,
    /// Its segments, as in `params`, `changes`.
    pub path: Vec<String>,
    /// Which part of a list.
    pub index: Index,
    /// Whether the text holds nothing else.
    pub alone: bool,
}

/// The variables that a text names, in their order.
///
/// ```
/// use cicdcontext_tests::tekton::{Index, references};
///
/// let found = references("--to=$(results.value.path)");
/// assert_eq!(found[0].path, ["results", "value", "path"]);
/// assert!(!found[0].alone);
/// assert_eq!(references("$(params.changes[*])")[0].index, Index::All);
/// ```
pub fn references(text: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find("$(") {
        let Some(length) = rest[begin..].find(')') else { break };
        let whole = &rest[begin..=begin + length];
        let inner = &whole[2..whole.len() - 1];
        let (path, index) = split(inner);
        found.push(Reference {
            text: whole.to_owned(),
            path: path.split('.').map(str::to_owned).collect(),
            index,
            alone: whole == text,
        });
        rest = &rest[begin + length + 1..];
    }
    found
}

fn split(inner: &str) -> (&str, Index) {
    let Some((path, index)) = inner.strip_suffix(']').and_then(|inner| inner.rsplit_once('[')) else {
        return (inner, Index::None);
    };
    match (index, index.parse()) {
        ("*", _) => (path, Index::All),
        (_, Ok(at)) => (path, Index::At(at)),
        // Another form, as in params['x']: nothing that is known here.
        _ => (inner, Index::None),
    }
}
