//! From arguments to a CicdEvent. Knows no source; time and chance are passed in.

use std::{collections::BTreeMap, time::Duration};

use cicdcontext_crds::{CicdEvent, CicdEventSpec, ContextReference, Time, ValueChange, vocabulary::annotation};
use cicdcontext_engine::{
    event::{EventFacts, annotation::Front, name::event_name},
    state::{Path, fingerprint},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};

use crate::{
    arguments::{
        ContentArguments, EventArguments, EventFormat, FiringArguments, GenerateArguments, Object, UsageError, WaitFor,
    },
    assignment::{Assignment, AssignmentError, key_value, path_value, read_json},
    failure::Failure,
    setting::Occasion,
    source::Context,
};

/// Characters of a pipeline's, an event's or an id's name.
const NAME: usize = 63;

/// Characters of an id that is made from what the event is: 100 bits.
const MADE_ID: usize = 20;

/// An event to fire, or a generator to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    context: String,
    front: Front,
    spec: CicdEventSpec,
    id: Option<String>,
    run_uid: Option<String>,
    waits: bool,
    wait_for: WaitFor,
    timeout: Duration,
    format: EventFormat,
}

impl Request {
    /// Understands the arguments of `event`; `object` holds `PIPELINE=EVENT`.
    pub fn read(arguments: &EventArguments, object: Object) -> Result<Self, UsageError> {
        let wrong = |found| UsageError::NotAnEvent { found };
        let [pipeline, event] = happened("event", '=', object.rest, "no event is named", wrong)?;
        let dry_run = arguments.dry_run.then_some(true);
        let spec = CicdEventSpec { pipeline: Some(pipeline), event: Some(event), dry_run, ..CicdEventSpec::default() };
        let request = Self::fire(object.name, Front::Event, spec, &arguments.content, &arguments.firing)?;
        Ok(Self {
            waits: arguments.wait || arguments.wait_for.is_some() || arguments.dry_run,
            wait_for: arguments.wait_for.unwrap_or_default(),
            ..request
        })
    }

    /// Understands the arguments of `generate`, which always waits; `object` holds `PIPELINE.GENERATOR`.
    pub fn generator(arguments: &GenerateArguments, object: Object) -> Result<Self, UsageError> {
        let wrong = |found| UsageError::NotAGenerator { found };
        let [pipeline, generator] = happened("generate", '.', object.rest, "no generator is named", wrong)?;
        let spec = CicdEventSpec { pipeline: Some(pipeline), generate: Some(generator), ..CicdEventSpec::default() };
        let request = Self::fire(object.name, Front::Generate, spec, &arguments.content, &arguments.firing)?;
        Ok(Self { waits: true, ..request })
    }

    fn fire(
        object: String,
        front: Front,
        what: CicdEventSpec,
        content: &ContentArguments,
        firing: &FiringArguments,
    ) -> Result<Self, UsageError> {
        if let Some(id) = firing.id.as_deref().filter(|id| !is_id(id)) {
            return Err(UsageError::NotAnId { id: id.to_owned() });
        }
        let vars = texts("--var", "PATH=TEXT", &content.var)?;
        let spec = CicdEventSpec {
            context_ref: ContextReference { name: object.clone(), uid: None },
            data: data(content)?.map(Value::Object),
            vars: vars.map(|vars| Value::Object(vars.into_iter().map(|(path, text)| (path, text.into())).collect())),
            vars_from: texts("--var-from", "PATH=STATEPATH", &content.var_from)?,
            set: changes(&content.set)?,
            ..what
        };
        // The operator reads it in the same way; what it would refuse is refused before anything is created.
        EventFacts::read(spec.clone(), "", "", "", Timestamp::UNIX_EPOCH)?;
        Ok(Self {
            context: object,
            front,
            spec,
            id: firing.id.clone(),
            run_uid: None,
            waits: false,
            wait_for: WaitFor::Finished,
            timeout: firing.timeout,
            format: firing.output,
        })
    }

    /// The same in a run of a pipeline: a step that runs again fires the same event, not another one.
    #[must_use]
    pub fn of_run(self, run_uid: Option<&str>) -> Self {
        Self { run_uid: run_uid.map(str::to_owned), ..self }
    }

    /// The name of the context.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Whether the outcome is asked for.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// How far to wait.
    pub fn wait_for(&self) -> WaitFor {
        self.wait_for
    }

    /// How long to wait.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How to print.
    pub fn format(&self) -> EventFormat {
        self.format
    }

    /// The id without one that was given: in a run it is made from the run and from all that the event says.
    fn made_id(&self, occasion: &Occasion) -> Result<String, Failure> {
        let Some(run_uid) = &self.run_uid else { return Ok(occasion.random_id()) };
        // The order in which a step writes what it says does not make another event of it.
        let mut spec = self.spec.clone();
        let set = spec.set.iter_mut().flatten().filter_map(|change| change.value.as_mut());
        spec.data.iter_mut().chain(&mut spec.vars).chain(set).for_each(Value::sort_all_objects);
        let content =
            serde_json::to_string(&spec).map_err(|error| Failure::Form { form: "json", problem: error.to_string() })?;
        Ok(fingerprint(&[run_uid.as_bytes(), content.as_bytes()], MADE_ID))
    }

    /// The object to create. An event of an id has the name that an annotation with this id would get, so that both are
    /// one event.
    pub fn event(&self, context: &Context, occasion: &Occasion) -> Result<CicdEvent, Failure> {
        let is_dry_run = self.spec.dry_run == Some(true);
        let id = match &self.id {
            Some(id) => id.clone(),
            None if is_dry_run => occasion.random_id(),
            None => self.made_id(occasion)?,
        };
        // Templates of a dry run see the id that was asked for; its name must not stand for that id, or the event itself
        // could not be fired any more.
        let named_by = if is_dry_run { occasion.random_id() } else { id.clone() };
        let mut spec = self.spec.clone();
        spec.context_ref.uid = Some(context.uid.clone());
        spec.created_at = Some(Time(occasion.now));
        let metadata = ObjectMeta {
            name: Some(event_name(&context.name, &context.uid, self.front, &named_by)),
            owner_references: Some(vec![context.owner()]),
            annotations: Some(BTreeMap::from([(annotation::SOURCE_ID.to_owned(), id)])),
            ..ObjectMeta::default()
        };
        Ok(CicdEvent { metadata, spec, status: None })
    }
}

/// Takes the only argument after the context's name apart.
fn happened(
    verb: &'static str,
    separator: char,
    arguments: Vec<String>,
    none: &str,
    wrong: impl Fn(String) -> UsageError,
) -> Result<[String; 2], UsageError> {
    let mut arguments = arguments.into_iter();
    let happened = arguments.next().ok_or_else(|| wrong(none.to_owned()))?;
    if let Some(found) = arguments.next() {
        return Err(UsageError::TooMany { verb, found });
    }
    let (pipeline, name) = happened
        .split_once(separator)
        .filter(|(pipeline, name)| is_event_name(pipeline) && is_event_name(name))
        .ok_or_else(|| wrong(format!("'{happened}' is not one")))?;
    Ok([pipeline.to_owned(), name.to_owned()])
}

/// `--data` and `--data-json` together.
fn data(arguments: &ContentArguments) -> Result<Option<Map<String, Value>>, UsageError> {
    let mut data = Map::new();
    let mut put = |flag, key: &str, value| match data.insert(key.to_owned(), value) {
        Some(_) => Err(UsageError::Twice { flag, key: key.to_owned() }),
        None => Ok(()),
    };
    for text in &arguments.data {
        let (key, value) = key_value("--data", "KEY=TEXT", text)?;
        put("--data", key, Value::from(value))?;
    }
    for text in &arguments.data_json {
        let (key, value) = key_value("--data-json", "KEY=JSON", text)?;
        put("--data-json", key, read_json("--data-json", key, value)?)?;
    }
    Ok(Some(data).filter(|data| !data.is_empty()))
}

/// Texts by path; none is nothing.
fn texts(
    flag: &'static str,
    form: &'static str,
    arguments: &[String],
) -> Result<Option<BTreeMap<String, String>>, UsageError> {
    let mut texts = BTreeMap::new();
    for argument in arguments {
        let (path, text) = path_value(flag, form, argument)?;
        let path = Path::parse_any_root(path)?.to_string();
        if texts.insert(path.clone(), text.to_owned()).is_some() {
            return Err(UsageError::Twice { flag, key: path });
        }
    }
    Ok(Some(texts).filter(|texts| !texts.is_empty()))
}

/// The changes of `--set`; none is nothing.
fn changes(arguments: &[String]) -> Result<Option<Vec<ValueChange>>, AssignmentError> {
    let changes = arguments.iter().map(|text| Assignment::parse("--set", text).map(Assignment::into_change));
    let changes: Vec<ValueChange> = changes.collect::<Result<_, _>>()?;
    Ok(Some(changes).filter(|changes| !changes.is_empty()))
}

fn is_event_name(text: &str) -> bool {
    (1..=NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Whether an annotation could have this id, which is the end of a label-like key.
pub(in crate::verbs) fn is_id(text: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    (1..=NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && ends(text.bytes().next())
        && ends(text.bytes().next_back())
}
