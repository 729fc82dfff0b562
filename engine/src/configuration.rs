//! Resolution of configuration: from a CicdContext (or a base alone) and its bases to the one configuration in force.
//!
//! It looks up bases through its caller and does no I/O; it compiles and renders no template, and never sees state.
//! The steps, each in its own module: find the bases and their order (`gather`), merge the blocks into a tree that
//! remembers who wrote what (`tree`, `merge`, by the table in `shape`), merge the selected entry of `contexts` over the
//! rest, and read the tree into types that can only be valid (`read`, [`model`]).
//!
//! ```
//! use cicdcontext_crds::ConfigurationBlock;
//! use cicdcontext_engine::configuration::{Input, Lookup, Origin, resolve};
//!
//! let block: ConfigurationBlock = serde_json::from_value(serde_json::json!({
//!     "settings": {"channel": "#ci"},
//!     "contexts": {"stage": {"settings": {"channel": "#stage"}}},
//! }))?;
//! let input = Input { owner: Origin::context("shop-1"), selected: Some("stage"), bases: &[], block: &block };
//! let resolved = resolve(&input, &|_| Lookup::NotFound)?;
//! assert_eq!(resolved.settings["channel"], "#stage");
//! assert_eq!(resolved.origin_of("settings.channel").unwrap().to_string(), "contexts.stage of CicdContext/shop-1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod gather;
mod hash;
pub mod json_path;
mod merge;
pub mod model;
mod origin;
mod path;
mod provenance;
mod read;
mod shape;
mod tree;
mod unset;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use cicdcontext_crds::{BaseReference, ConfigurationBlock, TemplateEngine};
use serde_json::{Value, json};

pub use error::{ConfigurationError, MAX_BASES_IN_ALL};
pub use model::Resolved;
pub use origin::{Origin, OriginKind};

use self::{
    provenance::Provenance,
    read::Reader,
    shape::{BLOCK, CONTEXT},
    tree::{Located, Node, WriterIndex},
};
use crate::template::Engine;

/// Bytes of all templates of one resolved configuration together: compiled, they take many times as much.
pub const MAX_TEMPLATE_BYTES: usize = 256 * 1024;

/// What to resolve.
///
/// A context must be complete; a base alone may have handlers that others complete.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The object whose configuration it is.
    pub owner: Origin,
    /// The entry of `contexts` to merge over the rest; none: the common parts alone.
    pub selected: Option<&'a str>,
    /// The bases that the object names.
    pub bases: &'a [BaseReference],
    /// The object's own block.
    pub block: &'a ConfigurationBlock,
}

/// What the caller knows of a base.
#[derive(Clone, Debug)]
pub enum Lookup<'a> {
    /// The bases that it builds on, and its content.
    Found(&'a [BaseReference], &'a ConfigurationBlock),
    /// There is no such object.
    NotFound,
    /// The object exists and cannot be read; the text says why.
    Broken(String),
}

/// One source of values: a block, or the selected entry of its `contexts`.
struct Writer {
    origin: Origin,
    engine: Engine,
}

/// Resolves configuration: bases in order, then the object's own block, then the selected entry of `contexts` of all
/// of them over the rest.
///
/// Each block's `unset` takes away what was inherited before the block's own content is merged. It does not reach into
/// entries of `contexts` unless its path begins with `contexts.`: what the selected entry says comes last. Of entries of
/// `contexts` only the selected one is looked at, so that a mistake in `prod` does not stop `stage`.
///
/// # Errors
/// The first problem, in the order of the steps above; see [`ConfigurationError`].
pub fn resolve<'a>(
    input: &Input<'a>,
    lookup: &dyn Fn(&BaseReference) -> Lookup<'a>,
) -> Result<Resolved, ConfigurationError> {
    let gathered = gather::gather(input, lookup)?;
    let blocks = gathered
        .iter()
        .map(|(reference, block)| (Origin::base(reference), *block))
        .chain(std::iter::once((input.owner.clone(), input.block)));

    let mut writers = Vec::with_capacity(2 * gathered.len() + 2);
    let mut root = Node::empty(0);
    for (origin, block) in blocks {
        let (common, selected) = (writers.len(), writers.len() + 1);
        let engine = engine(block.template_engine);
        let in_context = input.selected.map_or_else(|| origin.clone(), |name| origin.selecting(name));
        writers.push(Writer { origin, engine });
        writers.push(Writer { origin: in_context, engine });
        for path in block.unset.iter().flatten() {
            unset::apply(&mut root, path).map_err(|problem| invalid(&writers, common, "unset", problem))?;
        }
        let planted = plant(block, input.selected, common, selected)
            .map_err(|located| invalid(&writers, common, &located.path(), located.problem))?;
        merge_over(&mut root, planted, &BLOCK, &writers)?;
    }

    let selectable = select(&mut root, input, &writers)?;
    let mut reader = Reader::new(&writers, input.owner.kind.is_base());
    let parts = reader.read(&root)?;
    let bytes: usize = reader.templates.iter().map(|source| source.text.len()).sum();
    if bytes > MAX_TEMPLATE_BYTES {
        return Err(ConfigurationError::TooManyTemplates { owner: input.owner.clone(), bytes });
    }
    let hash = hash::hash(&root, input.selected, &writers);
    let templates = reader.templates;
    Ok(Resolved {
        hash,
        selected: input.selected.map(str::to_owned),
        selectable,
        bases: gathered.into_iter().map(|(reference, _)| reference).collect(),
        settings: parts.settings,
        variables: parts.variables,
        partials: parts.partials,
        pipelines: parts.pipelines,
        templates,
        provenance: Provenance::new(writers.into_iter().map(|writer| writer.origin).collect(), root),
    })
}

fn engine(configured: Option<TemplateEngine>) -> Engine {
    match configured.unwrap_or_default() {
        TemplateEngine::Handlebars => Engine::Handlebars,
        TemplateEngine::Jinja => Engine::Jinja,
    }
}

/// Merges the selected entry over the rest, and returns the names of all entries.
fn select(root: &mut Node, input: &Input<'_>, writers: &[Writer]) -> Result<Vec<String>, ConfigurationError> {
    let mut contexts = root.take("contexts");
    let known = contexts.as_ref().map(Node::keys).unwrap_or_default();
    if let Some(selected) = input.selected {
        let Some(entry) = contexts.as_mut().and_then(|contexts| contexts.take(selected)) else {
            let (owner, selected) = (input.owner.clone(), selected.to_owned());
            return Err(ConfigurationError::UnknownSelectedContext { owner, selected, known });
        };
        merge_over(root, entry, &CONTEXT, writers)?;
    }
    Ok(known)
}

fn merge_over(
    root: &mut Node,
    later: Node,
    shape: &shape::Shape,
    writers: &[Writer],
) -> Result<(), ConfigurationError> {
    merge::merge(root, later, shape).map_err(|located| {
        let path = located.path();
        let merge::Clash { first, first_type, second, second_type } = located.problem;
        let (first, second) = (Box::new(origin(writers, first)), Box::new(origin(writers, second)));
        ConfigurationError::TypeClash { path, first, first_type, second, second_type }
    })
}

fn origin(writers: &[Writer], index: WriterIndex) -> Origin {
    writers.get(index).map_or_else(|| Origin::context(""), |writer| writer.origin.clone())
}

fn invalid(writers: &[Writer], writer: WriterIndex, path: &str, problem: impl std::fmt::Display) -> ConfigurationError {
    ConfigurationError::Invalid { path: path.to_owned(), origin: origin(writers, writer), problem: problem.to_string() }
}

/// The tree of one block. Of entries of `contexts` that are not selected only the names are kept.
fn plant(
    block: &ConfigurationBlock,
    selected: Option<&str>,
    common_writer: WriterIndex,
    selected_writer: WriterIndex,
) -> Result<Node, Located<tree::PlantProblem>> {
    let ConfigurationBlock { template_engine: _, settings, variables, partials, pipelines, contexts, unset: _ } = block;
    let common = json!({"settings": settings, "variables": variables, "partials": partials, "pipelines": pipelines});
    let mut root = Node::plant(present(common), &BLOCK, common_writer, 0)?;
    if let Some(contexts) = contexts {
        let mut entries = Node::empty(common_writer);
        for (name, entry) in contexts {
            let planted = if selected == Some(name) {
                Node::plant(present(json!(entry)), &CONTEXT, selected_writer, 0)
                    .map_err(|located| located.below_key(name).below_key("contexts"))?
            } else {
                Node::empty(selected_writer)
            };
            entries.put(name, planted);
        }
        root.put("contexts", entries);
    }
    Ok(root)
}

/// Leaves out the parts that are not there.
fn present(mut parts: Value) -> Value {
    if let Value::Object(parts) = &mut parts {
        parts.retain(|_, part| !part.is_null());
    }
    parts
}
