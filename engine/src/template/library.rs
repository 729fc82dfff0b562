//! The partials and variables of one resolved configuration, compiled once and shared by all its templates.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::bounds::Bounds;
use super::error::{Place, TemplateError};
use super::handlebars::{self, Partials};
use super::jinja::Prefix;
use super::pattern::Patterns;
use super::scan::{Kind, Tag, scan};
use super::tree::Partial;
use super::{Compiled, Engine, Source, Template};

/// Bytes of source text whose compiled templates a library keeps.
const CACHE_BYTES: usize = 128 * 1024;

/// What templates share: partials they may call and variables they may read.
///
/// A partial or variable with an error breaks only the templates that use it, and is told by [`Library::new`] as well.
/// Cheap to share between threads in an `Arc`; the compiled templates it keeps are bounded.
#[derive(Debug)]
pub struct Library {
    bounds: Bounds,
    /// Those that are written for Handlebars.
    partials: BTreeMap<String, Result<Partial, TemplateError>>,
    /// Those that are written for Jinja; or the first that is broken, which breaks all Jinja templates.
    prefix: Result<Arc<Prefix>, (String, TemplateError)>,
    variables: BTreeMap<String, Variable>,
    cache: Mutex<Cache>,
    patterns: Patterns,
    names_from_data: bool,
}

#[derive(Debug)]
pub(super) enum Variable {
    /// Literal text, never rendered.
    Text(Value),
    Template(Result<Template, TemplateError>),
}

#[derive(Debug, Default)]
struct Cache {
    bytes: usize,
    compiled: HashMap<(Engine, Arc<str>), Arc<dyn Compiled>>,
}

impl Default for Library {
    fn default() -> Self {
        Library::with_bounds(BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), Bounds::DEFAULT).0
    }
}

impl Library {
    /// Compiles `partials` and `variables`, each by its name, under [`Bounds::DEFAULT`].
    ///
    /// `variable_values` are literal texts: they win over variables of the same name and are never rendered. The errors
    /// are those of single partials and variables; templates that do not use these work.
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// use cicdcontext_engine::template::{Engine, Escape, Library, Seed, Source};
    ///
    /// let image = Source::new("variables.image", "{{state.app}}:{{state.tag}}", Engine::Handlebars);
    /// let variables = BTreeMap::from([("image".to_owned(), image)]);
    /// let (library, errors) = Library::new(BTreeMap::new(), variables, BTreeMap::new());
    /// assert!(errors.is_empty());
    ///
    /// let message = library.compile(&Source::new("message", "built {{variables.image}}", Engine::Handlebars))?;
    /// let root = serde_json::json!({"state": {"app": "shop", "tag": "v1"}});
    /// let seed = Seed::new("an event", "2026-01-02T03:04:05Z".parse()?);
    /// assert_eq!(message.render(&library, &root, &seed, Escape::None)?, "built shop:v1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        partials: BTreeMap<String, Source>,
        variables: BTreeMap<String, Source>,
        variable_values: BTreeMap<String, String>,
    ) -> (Library, Vec<TemplateError>) {
        Library::with_bounds(partials, variables, variable_values, Bounds::DEFAULT)
    }

    /// The same under other bounds.
    pub fn with_bounds(
        partials: BTreeMap<String, Source>,
        variables: BTreeMap<String, Source>,
        variable_values: BTreeMap<String, String>,
        bounds: Bounds,
    ) -> (Library, Vec<TemplateError>) {
        let (handlebars, jinja): (BTreeMap<_, _>, BTreeMap<_, _>) =
            partials.into_iter().partition(|(_, source)| source.engine == Engine::Handlebars);
        let partials = compile_partials(&handlebars, &bounds);
        let mut errors: Vec<_> = partials.values().filter_map(|partial| partial.as_ref().err().cloned()).collect();
        let prefix = Prefix::new(jinja.iter(), &bounds).map(Arc::new).map_err(|broken| {
            errors.extend(broken.iter().map(|(_, error)| error.clone()));
            broken.into_iter().next()
        });
        let prefix = match prefix {
            Ok(prefix) => Ok(prefix),
            Err(Some(broken)) => Err(broken),
            Err(None) => Ok(Arc::default()),
        };
        let mut library = Library {
            bounds,
            partials,
            prefix,
            variables: BTreeMap::new(),
            cache: Mutex::default(),
            patterns: Patterns::default(),
            names_from_data: false,
        };
        for (name, source) in variables {
            if variable_values.contains_key(&name) {
                continue;
            }
            let template = library.compile(&source);
            errors.extend(template.as_ref().err().cloned());
            library.variables.insert(name, Variable::Template(template));
        }
        for (name, text) in variable_values {
            library.variables.insert(name, Variable::Text(Value::String(text)));
        }
        (library, errors)
    }

    /// The same library, for data that holds all names of Jinja templates: they find its fields and the global functions,
    /// and nothing else. No name is the library's own then, not `cicd`, `variables` or `jinja2Macros`, nor are settings or
    /// a handler looked into. Handlebars' templates see what they saw.
    ///
    /// ```
    /// use cicdcontext_engine::template::{Engine, Escape, Library, Seed, Source};
    ///
    /// let library = Library::default().with_names_from_data();
    /// let template = library.compile(&Source::new("t", "{{ variables.n + 1 }} {{ cicd is defined }}", Engine::Jinja))?;
    /// let seed = Seed::new("a run", "2026-01-02T03:04:05Z".parse()?);
    /// let data = serde_json::json!({"variables": {"n": 1}});
    /// assert_eq!(template.render(&library, &data, &seed, Escape::None)?, "2 False");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_names_from_data(mut self) -> Library {
        self.names_from_data = true;
        self
    }

    pub(super) fn takes_names_from_data(&self) -> bool {
        self.names_from_data
    }

    /// Compiles a template that may call the partials of this library; a text compiled before is not compiled again.
    pub fn compile(&self, source: &Source) -> Result<Template, TemplateError> {
        let name: Arc<str> = source.name.as_str().into();
        let key = (source.engine, Arc::clone(&source.text));
        if source.text.len() <= self.bounds.source_bytes
            && let Some(compiled) = self.lock_cache().compiled.get(&key)
        {
            return Ok(Template::new(name, Arc::clone(compiled)));
        }
        let compiled: Arc<dyn Compiled> = match source.engine {
            Engine::Handlebars => {
                let tags = scan(&source.name, &source.text, &self.bounds)?;
                Arc::new(handlebars::compile(&source.name, &source.text, &tags, self, &self.bounds)?)
            }
            Engine::Jinja => match &self.prefix {
                Ok(prefix) => Arc::new(prefix.compile(&source.name, &source.text, &self.bounds)?),
                Err((partial, cause)) => {
                    let place = Place { template: name, line: 1, column: 1 };
                    let (partial, cause) = (partial.clone(), Box::new(cause.clone()));
                    return Err(TemplateError::BrokenPartial { place, partial, cause });
                }
            },
        };
        let mut cache = self.lock_cache();
        cache.bytes += source.text.len();
        if cache.bytes > CACHE_BYTES {
            *cache = Cache { bytes: source.text.len(), compiled: HashMap::new() };
        }
        cache.compiled.insert(key, Arc::clone(&compiled));
        Ok(Template::new(name, compiled))
    }

    /// The bounds that templates of this library are held to.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The names of all variables, literal ones included.
    pub fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    pub(super) fn variable(&self, name: &str) -> Option<(&str, &Variable)> {
        self.variables.get_key_value(name).map(|(name, variable)| (name.as_str(), variable))
    }

    pub(super) fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    // A cache that a panic left half filled holds whole entries all the same.
    fn lock_cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Partials for Library {
    fn get(&self, name: &str) -> Option<Result<Partial, TemplateError>> {
        self.partials.get(name).cloned()
    }

    fn hint(&self, name: &str) -> String {
        similar(name, self.partials.keys().map(String::as_str), "the partials are")
    }
}

/// Partials while they are compiled: those that a partial calls come before it.
struct Compiling<'s> {
    sources: &'s BTreeMap<String, Source>,
    done: RefCell<BTreeMap<String, Result<Partial, TemplateError>>>,
}

impl Partials for Compiling<'_> {
    fn get(&self, name: &str) -> Option<Result<Partial, TemplateError>> {
        self.done.borrow().get(name).cloned()
    }

    fn hint(&self, name: &str) -> String {
        similar(name, self.sources.keys().map(String::as_str), "the partials are")
    }
}

/// One partial on the way down the calls.
struct Visit<'s> {
    name: &'s str,
    tags: Vec<Tag<'s>>,
    next: usize,
}

/// Compiles the partials, called ones first. The walk keeps its own stack: the chain of calls may be as long as there
/// are partials before it is found too deep.
fn compile_partials(
    sources: &BTreeMap<String, Source>,
    bounds: &Bounds,
) -> BTreeMap<String, Result<Partial, TemplateError>> {
    let compiling = Compiling { sources, done: RefCell::default() };
    for name in sources.keys() {
        let mut visits: Vec<Visit<'_>> = Vec::new();
        compiling.open_partial(name, &mut visits, bounds);
        while let Some(visit) = visits.last_mut() {
            let Some(tag) = visit.tags.get(visit.next).copied() else {
                compiling.close_partial(&mut visits, bounds);
                continue;
            };
            visit.next += 1;
            if !matches!(tag.kind, Kind::Partial | Kind::OpenPartial) {
                continue;
            }
            match visits.iter().position(|open| open.name == tag.name) {
                None => compiling.open_partial(tag.name, &mut visits, bounds),
                Some(first) => compiling.close_cycle(&mut visits, first, tag),
            }
        }
    }
    compiling.done.into_inner()
}

impl<'s> Compiling<'s> {
    fn open_partial(&self, name: &str, visits: &mut Vec<Visit<'s>>, bounds: &'s Bounds) {
        if self.done.borrow().contains_key(name) {
            return;
        }
        let Some((name, source)) = self.sources.get_key_value(name) else {
            return;
        };
        match scan(&source.name, &source.text, bounds) {
            Ok(tags) => visits.push(Visit { name, tags, next: 0 }),
            Err(error) => {
                self.done.borrow_mut().insert(name.clone(), Err(error));
            }
        }
    }

    fn close_partial(&self, visits: &mut Vec<Visit<'s>>, bounds: &Bounds) {
        if let Some(Visit { name, tags, .. }) = visits.pop()
            && let Some(source) = self.sources.get(name)
        {
            let compiled = handlebars::compile(&source.name, &source.text, &tags, self, bounds)
                .map(|tree| Partial { name: source.name.as_str().into(), tree: Arc::new(tree) });
            self.done.borrow_mut().insert(name.to_owned(), compiled);
        }
    }

    /// All partials of the cycle get the same error, told at the call that closes it.
    fn close_cycle(&self, visits: &mut Vec<Visit<'s>>, first: usize, tag: Tag<'s>) {
        let names = visits[first..].iter().map(|visit| visit.name);
        let chain = names.chain([tag.name]).map(str::to_owned).collect();
        let template = visits.last().and_then(|visit| self.sources.get(visit.name)).map(|source| source.name.as_str());
        let place = Place { template: template.unwrap_or_default().into(), line: tag.at.line, column: tag.at.column };
        let error = TemplateError::PartialCycle { place, chain };
        for visit in visits.drain(first..) {
            self.done.borrow_mut().insert(visit.name.to_owned(), Err(error.clone()));
        }
    }
}

/// What to say about an unknown `name`: a known one that it may be a slip of, or the list of all.
pub(super) fn similar<'n>(name: &str, known: impl Iterator<Item = &'n str>, all: &str) -> String {
    const LISTED: usize = 60;
    let known: Vec<_> = known.collect();
    let lower = name.to_lowercase();
    let close = |candidate: &&&str| {
        let candidate = candidate.to_lowercase();
        candidate == lower || distance(&candidate, &lower) <= 1 + lower.len().min(12) / 6
    };
    if name.len() <= LISTED
        && let Some(candidate) = known.iter().find(close)
    {
        return format!("did you mean `{candidate}`?");
    }
    match known.len() {
        0 => "there are none".to_owned(),
        count if count > LISTED => format!("{all} {} and {} more", known[..LISTED].join(", "), count - LISTED),
        _ => format!("{all} {}", known.join(", ")),
    }
}

/// How many characters must be changed, added or left out between two short names.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, character) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(character != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
