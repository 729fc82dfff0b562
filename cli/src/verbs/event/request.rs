//! From arguments to a CicdEvent. Knows no source; time and chance are passed in.

use std::{collections::BTreeMap, time::Duration};

use cicdcontext_crds::{
    CicdEvent, CicdEventSpec, ContextReference, Time, ValueChange,
    vocabulary::{GROUP, VERSION, annotation},
};
use cicdcontext_engine::{
    event::{EventFacts, annotation::Front, name::event_name},
    state::Path,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::{Map, Value};

use crate::{
    arguments::{ContentArguments, EventArguments, EventFormat, Object, UsageError},
    assignment::{Assignment, AssignmentError, key_value, path_value, read_json},
    failure::Failure,
    setting::Occasion,
    source::Context,
};

/// Characters of a pipeline's, an event's or an id's name.
const NAME: usize = 63;

/// An event to fire.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    context: String,
    spec: CicdEventSpec,
    id: Option<String>,
    wait: Option<Duration>,
    format: EventFormat,
}

impl Request {
    /// Understands the arguments; `object` holds `PIPELINE=EVENT`.
    pub fn read(arguments: &EventArguments, object: Object) -> Result<Self, UsageError> {
        let mut rest = object.rest.into_iter();
        let happened = rest.next().ok_or_else(|| UsageError::NotAnEvent { found: "no event is named".to_owned() })?;
        if let Some(found) = rest.next() {
            return Err(UsageError::TooMany { verb: "event", found });
        }
        let (pipeline, event) = happened
            .split_once('=')
            .filter(|(pipeline, event)| is_event_name(pipeline) && is_event_name(event))
            .ok_or_else(|| UsageError::NotAnEvent { found: format!("'{happened}' is not one") })?;
        if let Some(id) = arguments.firing.id.as_deref().filter(|id| !is_id(id)) {
            return Err(UsageError::NotAnId { id: id.to_owned() });
        }
        let vars = texts("--var", "PATH=TEXT", &arguments.content.var)?;
        let vars_from = texts("--var-from", "PATH=STATEPATH", &arguments.content.var_from)?;
        let spec = CicdEventSpec {
            context_ref: ContextReference { name: object.name.clone(), uid: None },
            pipeline: Some(pipeline.to_owned()),
            event: Some(event.to_owned()),
            data: data(&arguments.content)?.map(Value::Object),
            vars: vars.map(|vars| Value::Object(vars.into_iter().map(|(path, text)| (path, text.into())).collect())),
            vars_from,
            set: changes(&arguments.content.set)?,
            ..CicdEventSpec::default()
        };
        // The operator reads it in the same way; what it would refuse is refused before anything is created.
        EventFacts::read(spec.clone(), "", "", "", Timestamp::UNIX_EPOCH)?;
        let wait = arguments.wait.then_some(arguments.firing.timeout);
        Ok(Self { context: object.name, spec, id: arguments.firing.id.clone(), wait, format: arguments.firing.output })
    }

    /// The name of the context.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// How long to wait for the outcome, if at all.
    pub fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// How to print.
    pub fn format(&self) -> EventFormat {
        self.format
    }

    /// The object to create. An event of an id has the name that an annotation with this id would get, so that both are
    /// one event.
    pub fn event(&self, context: &Context, occasion: &Occasion) -> Result<CicdEvent, Failure> {
        let id = self.id.clone().unwrap_or_else(|| occasion.random_id());
        let mut spec = self.spec.clone();
        spec.context_ref.uid = Some(context.uid.clone());
        spec.created_at = Some(Time(occasion.now));
        // Neither controller nor blockOwnerDeletion: the latter needs rights on the owner that a pipeline lacks.
        let owner = OwnerReference {
            api_version: format!("{GROUP}/{VERSION}"),
            kind: "CicdContext".to_owned(),
            name: context.name.clone(),
            uid: context.uid.clone(),
            ..OwnerReference::default()
        };
        let metadata = ObjectMeta {
            name: Some(event_name(&context.name, &context.uid, Front::Event, &id)),
            owner_references: Some(vec![owner]),
            annotations: Some(BTreeMap::from([(annotation::SOURCE_ID.to_owned(), id)])),
            ..ObjectMeta::default()
        };
        Ok(CicdEvent { metadata, spec, status: None })
    }
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
fn is_id(text: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    (1..=NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && ends(text.bytes().next())
        && ends(text.bytes().next_back())
}
