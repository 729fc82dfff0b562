//! Appends a handler's path to an endpoint's URL so that it cannot leave it, whatever reads the URL on the way.

use thiserror::Error;
use url::Url;

/// Why a path is not appended. Segments are counted from 1; texts show none of the path but the offending part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathProblem {
    /// The path could change the host.
    #[error("it does not start with \"/\"; write it with one")]
    NotAbsolute,
    /// An empty segment: `//`.
    #[error("segment {0} is empty, which some servers read as another host; write single slashes")]
    Empty(usize),
    /// `.` or `..`.
    #[error("segment {0} is {1:?}, which leaves it; write the path without dot segments")]
    Dots(usize, &'static str),
    /// Characters that mean a separator to somebody.
    #[error(
        "segment {0} has {1:?}, which is not part of a path; encode values with the segment helper or leave it out"
    )]
    Character(usize, char),
    /// An encoded slash, backslash, dot or control character, also when encoded twice.
    #[error("segment {0} has an encoded {1}, which servers decode differently; leave it out")]
    Encoded(usize, &'static str),
    /// A percent sign that encodes nothing.
    #[error("segment {0} has a percent sign without two hexadecimal digits; write %25")]
    Percent(usize),
    /// After joining, the URL had another origin or path than before.
    #[error("the URL has another origin or path afterwards; write plain segments")]
    Moved,
}

pub(super) fn append(url: &mut Url, path: &str) -> Result<(), PathProblem> {
    if path.is_empty() {
        return Ok(());
    }
    let segments = path.strip_prefix('/').ok_or(PathProblem::NotAbsolute)?;
    let last = segments.split('/').count();
    for (index, segment) in segments.split('/').enumerate() {
        check(index + 1, segment, index + 1 == last)?;
    }
    let origin = url.origin();
    let base = url.path().trim_end_matches('/').to_owned();
    let mut joined = url.clone();
    joined.set_path(&format!("{base}/{segments}"));
    let kept = joined.path().strip_prefix(base.as_str()).is_some_and(|left| left.matches('/').count() == last);
    if !origin.is_tuple() || joined.origin() != origin || !kept {
        return Err(PathProblem::Moved);
    }
    *url = joined;
    Ok(())
}

fn check(number: usize, segment: &str, last: bool) -> Result<(), PathProblem> {
    if segment.is_empty() && !last {
        return Err(PathProblem::Empty(number));
    }
    for dots in [".", ".."] {
        if segment == dots {
            return Err(PathProblem::Dots(number, dots));
        }
    }
    // A query or fragment is no segment; a backslash is a slash to browsers; tabs and line breaks vanish in URLs.
    if let Some(found) = segment.chars().find(|c| c.is_control() || matches!(c, '\\' | '?' | '#')) {
        return Err(PathProblem::Character(number, found));
    }
    let triplets = segment.split('%').skip(1);
    if triplets.clone().any(|after| !after.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)))
    {
        return Err(PathProblem::Percent(number));
    }
    // `%252f` is a slash to whoever decodes twice.
    let mut lower = segment.to_ascii_lowercase();
    while lower.contains("%25") {
        lower = lower.replace("%25", "%");
    }
    let encoded = [
        ("%2f", "slash"),
        ("%5c", "backslash"),
        ("%2e", "dot"),
        ("%0", "control character"),
        ("%1", "control character"),
        ("%7f", "control character"),
    ];
    match encoded.iter().find(|(triplet, _)| lower.contains(triplet)) {
        Some((_, what)) => Err(PathProblem::Encoded(number, what)),
        None => Ok(()),
    }
}
