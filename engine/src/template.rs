//! Templates: safe, bounded, pure.
//!
//! A [`Library`] holds the partials and variables of one resolved configuration. It compiles a [`Source`] to a
//! [`Template`], which renders over JSON data as often as needed, on any thread. Whoever may write templates or data can
//! make a rendering fail, with a [`TemplateError`] that names template, line and column, but not hurt the process:
//! every size, every depth and all work are bounded by [`Bounds`]. A stack of 2 MiB is enough.
//!
//! Nothing here reads a clock, a file or chance. What `now`, `random` and `uuid` give follows from the [`Seed`].
//!
//! Each engine is an implementation of `Compiled`, and both share the `Rendering` with its fuel, depth and variables: a
//! template of one engine can read a variable written for the other. The modules beside `jinja` are Handlebars' or
//! shared.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod behaviour;
mod bounds;
#[cfg(test)]
mod dialect;
mod error;
mod evaluate;
mod handlebars;
mod helper;
mod item;
mod jinja;
mod library;
mod pattern;
mod reads;
mod reference;
mod rendering;
mod scan;
mod scope;
#[cfg(test)]
mod testing;
mod tree;
mod variables;
mod weight;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

pub use self::bounds::{Bound, Bounds};
pub use self::error::{Place, TemplateError};
pub use self::helper::{Helper, TABLE};
pub use self::jinja::{float_text, quote};
pub use self::library::Library;
pub use self::reads::{Extent, Read, Reads};
pub use self::reference::reference;
use self::rendering::Rendering;
pub use self::variables::Wanted;

/// The language that a template is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Handlebars with the helpers of [`TABLE`].
    #[default]
    Handlebars,
    /// Jinja as the predecessor had it: Python's values and text forms, its filters, its names at the root. Partials are
    /// macros, which all templates of their library see.
    Jinja,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Engine::Handlebars => "Handlebars",
            Engine::Jinja => "Jinja",
        })
    }
}

/// A template as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What errors call it: its path in the configuration, such as `variables.image`. Random values depend on it too.
    pub name: String,
    /// The text, at most [`Bounds::source_bytes`].
    pub text: Arc<str>,
    /// The engine of the block that wrote it.
    pub engine: Engine,
}

impl Source {
    /// A template called `name`.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>, engine: Engine) -> Source {
        Source { name: name.into(), text: text.into(), engine }
    }
}

/// What happens to values on their way into the text. The template's own text is never changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Escape {
    /// Nothing; never HTML.
    #[default]
    None,
    /// `{{x}}` is escaped as the inside of a JSON string, so that a body stays valid JSON whatever the value holds;
    /// `{{{x}}}` and the helper `json` are not. In Jinja nothing is escaped.
    JsonString,
}

/// What time and chance are made from: the same seed gives the same text again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The identity of what is rendered for, such as an event's UID.
    pub text: String,
    /// What `now` gives.
    pub now: Timestamp,
}

impl Seed {
    /// A seed for the event identified by `text`, created at `now`.
    pub fn new(text: impl Into<String>, now: Timestamp) -> Seed {
        Seed { text: text.into(), now }
    }
}

/// A rendered text, with what a person may want to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Paths that were to be printed and had no value, so that they are blank in the text; at most 64, sorted. Those of
    /// variables and partials are among them.
    pub missing: Vec<String>,
}

/// A compiled template of any engine.
trait Compiled: fmt::Debug + Send + Sync {
    /// Renders under the name that the use of it gives.
    fn render<'a>(
        &'a self,
        rendering: &mut Rendering<'a>,
        name: &Arc<str>,
        escape: Escape,
    ) -> Result<String, TemplateError>;

    /// Whether it notes what it reads ([`Rendering::note_read`]). Of one that does not, everything counts as read.
    fn notes_reads(&self) -> bool {
        false
    }
}

/// A compiled template, cheap to clone. It holds the partials it calls.
#[derive(Debug, Clone)]
pub struct Template {
    name: Arc<str>,
    compiled: Arc<dyn Compiled>,
}

impl Template {
    fn new(name: Arc<str>, compiled: Arc<dyn Compiled>) -> Template {
        Template { name, compiled }
    }

    /// The name that its source had.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn render_within<'a>(&'a self, rendering: &mut Rendering<'a>, escape: Escape) -> Result<String, TemplateError> {
        if rendering.notes_reads() && !self.compiled.notes_reads() {
            rendering.note_read::<&str>(&[], Extent::Whole);
        }
        self.compiled.render(rendering, &self.name, escape)
    }

    /// Renders over `root`, with the variables of `variables` as `variables.NAME`.
    ///
    /// The partials are those of the library that compiled the template, the variables and the bounds those of the
    /// library given here: an endpoint's body sees the endpoint's partials and the context's variables. `root` should
    /// hold at most 512 KiB of JSON and nest at most 128 deep, as what `serde_json` parses does; a field `variables` in
    /// it is not seen.
    ///
    /// A value that is missing prints blank. Texts, numbers and bools print as they are, lists and objects as JSON.
    pub fn render(
        &self,
        variables: &Library,
        root: &Value,
        seed: &Seed,
        escape: Escape,
    ) -> Result<String, TemplateError> {
        self.render_explained(variables, root, seed, escape).map(|rendered| rendered.text)
    }

    /// The same, and notes in `reads` what of `root` was read, also when it fails.
    pub fn render_noting(
        &self,
        variables: &Library,
        root: &Value,
        seed: &Seed,
        escape: Escape,
        reads: &mut Reads,
    ) -> Result<String, TemplateError> {
        let mut rendering = Rendering::new(&self.name, root, seed, variables);
        rendering.note_reads();
        let text = self.render_within(&mut rendering, escape);
        reads.extend(rendering.into_reads());
        text
    }

    /// The same, and tells which values were missing.
    pub fn render_explained(
        &self,
        variables: &Library,
        root: &Value,
        seed: &Seed,
        escape: Escape,
    ) -> Result<Rendered, TemplateError> {
        let mut rendering = Rendering::new(&self.name, root, seed, variables);
        let text = self.render_within(&mut rendering, escape)?;
        Ok(Rendered { text, missing: rendering.into_missing() })
    }
}

/// Whether the rendered text of an `if` lets a handler run.
///
/// Blank, `false`, `0`, `null` and `none` in any case, with or without white space around, do not.
///
/// ```
/// use cicdcontext_engine::template::truthy;
/// assert!(truthy("yes") && !truthy(" False\n"));
/// ```
pub fn truthy(rendered: &str) -> bool {
    let text = rendered.trim();
    !(text.is_empty() || ["false", "0", "null", "none"].iter().any(|word| text.eq_ignore_ascii_case(word)))
}
