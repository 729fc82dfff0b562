//! What is remembered of each context's configuration: enough to tell whether it is still right, and for the status.
//! The compiled configuration itself is kept elsewhere, and may be gone.

use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use cicdcontext_crds::{BaseReference, CicdContext};
use serde::{
    Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{NotReady, bases::Version, programs::ProgramKey};
use crate::cache::Stored;

/// What resolving the configuration of one context gave.
#[derive(Debug)]
pub struct Facts {
    /// Of the context's own part, by [`fingerprint`].
    pub fingerprint: u64,
    /// All bases that were looked for, and what was there.
    pub(super) versions: Vec<(BaseReference, Version)>,
    /// The configuration, or why there is none.
    pub outcome: Result<Usable, NotReady>,
}

/// A configuration that events can run on.
#[derive(Debug)]
pub struct Usable {
    /// The entry of `contexts` that is selected.
    pub selected: Option<String>,
    /// Its hash, as the status shows it.
    pub hash: String,
    /// The bases that went into it, in the order of merging.
    pub bases: Vec<BaseReference>,
    /// The first template that does not compile: only handlers that use it fail.
    pub template_error: Option<String>,
    pub(super) program: ProgramKey,
}

/// Tells one configuration of a context from another. Its state does not count; that is skipped and not parsed.
///
/// It is over the text as the API server sent it: another order of keys counts as another configuration, which costs
/// one resolution and changes nothing.
pub(super) fn fingerprint(context: &Stored<CicdContext>) -> u64 {
    let mut hasher = DefaultHasher::new();
    context.uid().hash(&mut hasher);
    let mut reader = serde_json::Deserializer::from_str(context.raw_spec());
    if reader.deserialize_map(AllButState(&mut hasher)).is_err() {
        context.raw_spec().hash(&mut hasher);
    }
    hasher.finish()
}

struct AllButState<'h>(&'h mut DefaultHasher);

impl<'de> Visitor<'de> for AllButState<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the spec of a CicdContext")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<Cow<'_, str>>()? {
            if name == "state" {
                fields.next_value::<IgnoredAny>()?;
            } else {
                (name, fields.next_value::<&RawValue>()?.get()).hash(self.0);
            }
        }
        Ok(())
    }
}
