//! The events of a cluster.

use cicdcontext_crds::{CicdEvent, vocabulary::manager};
use futures::{StreamExt, stream::LocalBoxStream};
use kube::{
    Api, ResourceExt,
    api::{GetParams, ListParams, ObjectList, Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;

use super::{Cluster, final_problem, watch_one};
use crate::source::{Events, SourceError};

/// What picks the events of a context.
fn selector(context: Option<&str>) -> Option<String> {
    context.map(|context| format!("spec.contextRef.name={context}"))
}

/// The place of an event among those of the same second: where the operator has put it, else when it last changed.
fn order(event: &CicdEvent) -> Option<u64> {
    let placed = event.status.as_ref().and_then(|status| status.order).and_then(|order| u64::try_from(order).ok());
    placed.or_else(|| event.resource_version()?.parse().ok())
}

impl Events for Cluster {
    fn carries_out_events(&self) -> bool {
        false
    }

    async fn create_event(&self, event: &CicdEvent) -> Result<CicdEvent, SourceError> {
        let name = event.metadata.name.as_deref().unwrap_or_default();
        let body = self.read::<CicdEvent, _>("create", name, serde_json::to_vec(event))?;
        let parameters = PostParams { field_manager: Some(manager::CLI.to_owned()), ..PostParams::default() };
        let text = self.send::<CicdEvent>("create", name, |request| request.create(&parameters, body)).await?;
        self.read::<CicdEvent, _>("create", name, serde_json::from_str(&text))
    }

    async fn event(&self, name: &str) -> Result<CicdEvent, SourceError> {
        let text = self.send::<CicdEvent>("get", name, |request| request.get(name, &GetParams::default())).await?;
        self.read::<CicdEvent, _>("get", name, serde_json::from_str(&text))
    }

    async fn events(&self, context: Option<&str>) -> Result<Vec<CicdEvent>, SourceError> {
        let parameters = ListParams { field_selector: selector(context), ..ListParams::default() };
        let name = context.map(|context| format!("of {context}")).unwrap_or_default();
        let text = self.send::<CicdEvent>("list", &name, |request| request.list(&parameters)).await?;
        let list: ObjectList<CicdEvent> = self.read::<CicdEvent, _>("list", &name, serde_json::from_str(&text))?;
        let mut events = list.items;
        events.sort_by_cached_key(|event| (event.creation_timestamp(), order(event), event.name_any()));
        Ok(events)
    }

    fn watch_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> {
        let api: Api<CicdEvent> = Api::namespaced(self.client.clone(), &self.namespace);
        let request = self.described::<CicdEvent>("watch", name);
        watch_one(api, name, request, Ok)
    }

    fn watch_events(&self, context: Option<&str>) -> LocalBoxStream<'_, Result<CicdEvent, SourceError>> {
        let api: Api<CicdEvent> = Api::namespaced(self.client.clone(), &self.namespace);
        let request =
            self.described::<CicdEvent>("watch", &context.map(|name| format!("of {name}")).unwrap_or_default());
        let configuration = watcher::Config { field_selector: selector(context), ..watcher::Config::default() };
        watcher(api, configuration)
            .default_backoff()
            .filter_map(move |seen| {
                let request = request.clone();
                async move {
                    match seen {
                        Ok(watcher::Event::InitApply(event) | watcher::Event::Apply(event)) => Some(Ok(event)),
                        Ok(_) => None,
                        Err(error) => final_problem(error).map(|problem| Err(SourceError { request, problem })),
                    }
                }
            })
            .boxed_local()
    }

    async fn annotate_event(&self, name: &str, key: &str, value: &str) -> Result<(), SourceError> {
        let parameters = PatchParams { field_manager: Some(manager::CLI.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(json!({"metadata": {"annotations": {key: value}}}));
        self.send::<CicdEvent>("patch", name, |request| request.patch(name, &parameters, &patch)).await.map(drop)
    }
}
