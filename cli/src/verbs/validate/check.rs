//! What can be wrong with one object, each kind by its own rules: as the operator would find it, before it does.

use std::{collections::BTreeMap, fmt::Display};

use cicdcontext_crds::{
    BaseKind, BaseReference, CicdContext, CicdEndpointSpec, CicdEventSpec, CicdStateWriteSpec, ConfigurationBlock,
    handler::EndpointReference,
};
use cicdcontext_engine::{
    configuration::{Input, Origin, Resolved, model::Action},
    event::EventFacts,
    handler::{Endpoint, Program},
    state::{ChangeSet, Limits, Schema, Standing, limits},
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    configuration::{self, ConfigurationFailure, GatheredEndpoints, request::check_endpoint},
    manifests::structure::Finding,
    source::{Configuration, files::Kind},
};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
    /// What could not be found out.
    pub(super) doubts: Vec<String>,
}

impl Checked {
    /// Notes that something is wrong.
    pub(super) fn find(&mut self, object: &str, place: &str, problem: &dyn Display) {
        let finding = Finding { object: object.to_owned(), place: place.to_owned(), problem: problem.to_string() };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// A context: its configuration and what that refers to, its state and schema.
    pub(super) async fn context<C: Configuration>(
        &mut self,
        source: &C,
        namespace: &str,
        context: &CicdContext,
    ) -> Result<(), ConfigurationFailure> {
        let object = format!("CicdContext/{}", context.metadata.name.as_deref().unwrap_or_default());
        self.state(&object, context.spec.state.as_ref(), context.spec.state_schema.as_ref());
        match configuration::program(source, context).await {
            Err(ConfigurationFailure::Unresolved(error)) => self.find(&object, "spec", &error),
            Err(failure) => return Err(failure),
            Ok(program) => {
                self.templates(&object, &program);
                self.generators(&object, &program.resolved);
                self.endpoints_of(source, namespace, &object, &program.resolved).await?;
            }
        }
        Ok(())
    }

    /// A base as it stands alone: its common parts, and each context that can be selected.
    pub(super) async fn base<C: Configuration>(
        &mut self,
        source: &C,
        kind: Kind,
        name: &str,
        bases: Option<&[BaseReference]>,
        block: &ConfigurationBlock,
    ) -> Result<(), ConfigurationFailure> {
        let kind = if kind == Kind::ClusterBase { BaseKind::ClusterCicdBase } else { BaseKind::CicdBase };
        let owner = Origin::base(&BaseReference { kind, name: name.to_owned() });
        let object = owner.to_string();
        let bases = bases.unwrap_or_default();
        let mut selections: Vec<Option<String>> = vec![None];
        while let Some(selected) = selections.pop() {
            let input = Input { owner: owner.clone(), selected: selected.as_deref(), bases, block };
            match configuration::resolved(source, &input).await {
                Err(ConfigurationFailure::Unresolved(error)) => self.find(&object, "spec", &error),
                Err(failure) => return Err(failure),
                Ok(resolved) => {
                    if selected.is_none() {
                        selections.extend(resolved.selectable.iter().cloned().map(Some));
                    }
                    self.templates(&object, &Program::new(resolved, &BTreeMap::new()));
                }
            }
        }
        Ok(())
    }

    /// An endpoint: its templates, its URL, its headers.
    pub(super) fn endpoint(&mut self, namespace: &str, name: &str, spec: &CicdEndpointSpec) {
        let object = format!("CicdEndpoint/{name}");
        if let Err(error) = Endpoint::new(spec) {
            self.find(&object, "spec", &error);
        }
        if let Err(problem) = check_endpoint(spec, namespace) {
            self.find(&object, "spec", &problem);
        }
    }

    /// An event: whether it can be handled at all.
    pub(super) fn event(&mut self, name: &str, spec: CicdEventSpec) {
        if let Err(error) = EventFacts::read(spec, name, "", name, Timestamp::UNIX_EPOCH) {
            self.find(&format!("CicdEvent/{name}"), "spec", &error);
        }
    }

    /// A state write: whether its changes can be made at all.
    pub(super) fn state_write(&mut self, name: &str, spec: &CicdStateWriteSpec) {
        if let Err(refusal) = ChangeSet::from_state_write(spec) {
            self.find(&format!("CicdStateWrite/{name}"), "spec", &refusal);
        }
    }

    fn state(&mut self, object: &str, state: Option<&Map<String, Value>>, schema: Option<&Map<String, Value>>) {
        let state = state.cloned().unwrap_or_default();
        if let Err(error) = limits::check(&state, &Limits::default()) {
            return self.find(object, "spec.state", &error);
        }
        let Some(schema) = schema else { return };
        match Schema::compile(schema).map(|schema| schema.judge(&Value::Object(state))) {
            Err(error) => self.find(object, "spec.stateSchema", &error),
            Ok(Standing::Violated(violations)) => self.find(object, "spec.state", &violations),
            Ok(Standing::Unchecked(error)) => self.find(object, "spec.stateSchema", &error),
            Ok(Standing::Valid) => {}
        }
    }

    fn templates(&mut self, object: &str, program: &Program) {
        program.errors.iter().for_each(|error| self.find(object, &error.place().template, error));
    }

    /// Generators that handlers name.
    fn generators(&mut self, object: &str, resolved: &Resolved) {
        for handler in resolved.pipelines.values().flat_map(|pipeline| pipeline.events.values().flatten()) {
            let Action::Generate(generate) = &handler.action else { continue };
            let pipeline = resolved.pipelines.get(&generate.pipeline);
            if !pipeline.is_some_and(|pipeline| pipeline.generators.contains_key(&generate.generator)) {
                let problem = format!("pipeline {:?} has no generator {:?}", generate.pipeline, generate.generator);
                self.find(object, &handler.path, &problem);
            }
        }
    }

    /// Endpoints that handlers name.
    async fn endpoints_of<C: Configuration>(
        &mut self,
        source: &C,
        namespace: &str,
        object: &str,
        resolved: &Resolved,
    ) -> Result<(), ConfigurationFailure> {
        let mut users: BTreeMap<&EndpointReference, Vec<&str>> = BTreeMap::new();
        for handler in resolved.pipelines.values().flat_map(|pipeline| pipeline.events.values().flatten()) {
            if let Some(reference) = handler.action.endpoint() {
                users.entry(reference).or_default().push(&handler.path);
            }
        }
        let endpoints = GatheredEndpoints::gather(source, namespace, users.keys().map(|&one| one.clone())).await?;
        for (reference, problem) in endpoints.problems() {
            let paths = users.get(reference).map(Vec::as_slice).unwrap_or_default();
            let more = match paths.len().saturating_sub(1) {
                0 => String::new(),
                1 => " (and 1 more handler names it)".to_owned(),
                more => format!(" (and {more} more handlers name it)"),
            };
            self.find(object, paths.first().copied().unwrap_or_default(), &format!("{problem}{more}"));
        }
        self.doubts.extend(users.keys().filter_map(|reference| endpoints.doubt(reference)).map(str::to_owned));
        Ok(())
    }
}
