//! From arguments to a new CicdContext. Knows no source.

use std::collections::BTreeMap;

use cicdcontext_crds::{
    BaseKind, BaseReference, CicdContext, CicdContextSpec, configuration::MAX_BASES, vocabulary::annotation::RUN_UID,
};
use cicdcontext_engine::state::{Limits, PlainChange, apply};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    arguments::{IfExists, InitArguments, Object, UsageError, is_object_name},
    failure::Failure,
    verbs::set::changes,
};

/// Characters of the name of a cicd context.
const CICD_CONTEXT: usize = 63;

/// A context to create.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    name: String,
    context: CicdContext,
    run_uid: Option<String>,
    if_exists: IfExists,
    freezes: bool,
}

impl Request {
    /// Understands the arguments; `files` is what was read from files, `run_uid` the run that the environment names.
    pub fn read(
        arguments: &InitArguments,
        object: Object,
        files: Vec<PlainChange>,
        run_uid: Option<String>,
    ) -> Result<Self, Failure> {
        let Object { name, rest } = object;
        if let Some(found) = rest.into_iter().next() {
            return Err(UsageError::TooMany { verb: "init", found }.into());
        }
        if let Some(found) = arguments.cicd_context.as_ref().filter(|name| !is_cicd_context(name)) {
            return Err(UsageError::NotACicdContext { found: found.clone() }.into());
        }
        let mut all = changes::assigned("--set", &arguments.set).map_err(UsageError::from)?;
        all.extend(files);
        let state = apply(None, &all, &Limits::default()).map_err(|refusal| Failure::refused(&name, refusal))?.state;
        let bases = bases(&arguments.base)?;
        let spec = CicdContextSpec {
            context: arguments.cicd_context.clone(),
            bases: Some(bases).filter(|bases| !bases.is_empty()),
            state: Some(state),
            ttl_seconds_after_last_activity: arguments.ttl,
            ..CicdContextSpec::default()
        };
        let annotations = run_uid.as_ref().map(|uid| BTreeMap::from([(RUN_UID.to_owned(), uid.clone())]));
        let metadata = ObjectMeta { name: Some(name.clone()), annotations, ..ObjectMeta::default() };
        let context = CicdContext { metadata, spec, status: None };
        let InitArguments { if_exists, freeze_variables: freezes, .. } = *arguments;
        Ok(Self { name, context, run_uid, if_exists, freezes })
    }

    /// The name of the context.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The object to create, without the values of its variables.
    pub fn context(&self) -> &CicdContext {
        &self.context
    }

    /// The run that it is created for.
    pub fn run_uid(&self) -> Option<&String> {
        self.run_uid.as_ref()
    }

    /// What to do if there is one.
    pub fn if_exists(&self) -> IfExists {
        self.if_exists
    }

    /// Whether variables keep the values that they have now.
    pub fn freezes(&self) -> bool {
        self.freezes
    }
}

fn is_cicd_context(name: &str) -> bool {
    (1..=CICD_CONTEXT).contains(&name.chars().count())
}

/// The bases that are named, in their order.
fn bases(texts: &[String]) -> Result<Vec<BaseReference>, UsageError> {
    if texts.len() > MAX_BASES {
        return Err(UsageError::TooManyBases { actual: texts.len() });
    }
    let mut bases: Vec<BaseReference> = Vec::with_capacity(texts.len());
    for text in texts {
        let base = base(text).ok_or_else(|| UsageError::NotABase { found: text.clone() })?;
        if bases.contains(&base) {
            return Err(UsageError::Twice { flag: "--base", key: text.clone() });
        }
        bases.push(base);
    }
    Ok(bases)
}

fn base(text: &str) -> Option<BaseReference> {
    let (kind, name) = text.split_once('/')?;
    let kind = match kind {
        "CicdBase" => BaseKind::CicdBase,
        "ClusterCicdBase" => BaseKind::ClusterCicdBase,
        _ => return None,
    };
    is_object_name(name).then(|| BaseReference { kind, name: name.to_owned() })
}
