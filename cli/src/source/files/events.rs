//! Events of contexts that stand in files.

use std::collections::BTreeMap;

use cicdcontext_crds::{
    CicdEvent, EventPhase, Time,
    vocabulary::annotation::{ORDER, REDELIVER_PREFIX},
};
use cicdcontext_engine::event::redeliver;
use futures::{
    StreamExt,
    channel::mpsc,
    stream::{self, LocalBoxStream},
};
use jiff::Timestamp;

use super::{
    Files,
    carrier::Carrier,
    contexts::LOOK_AGAIN,
    folder::{self, ContextFolder, FolderError, fits},
    lock::{LockError, lock},
    uid::random_uid,
};
use crate::{
    arguments::is_object_name,
    source::{Events, Problem, SourceError},
};

impl Events for Files {
    fn carries_out_events(&self) -> bool {
        true
    }

    async fn create_event(&self, event: &CicdEvent) -> Result<CicdEvent, SourceError> {
        let name = event.metadata.name.as_deref().unwrap_or_default();
        self.create_named(name, event).await.map_err(self.of_event("create", name))
    }

    async fn event(&self, name: &str) -> Result<CicdEvent, SourceError> {
        let found = self.find_event(name).map_err(Problem::from).and_then(|found| {
            found.ok_or_else(|| {
                Problem::NotFound(format!("the state folder {} has no event {name:?}", self.state_folder.display()))
            })
        });
        found.map_err(self.of_event("read", name))
    }

    async fn events(&self, context: Option<&str>) -> Result<Vec<CicdEvent>, SourceError> {
        self.list(context).map_err(|error| self.of_event("list", "of all")(error.into()))
    }

    fn watch_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> {
        let (seen, changes) = mpsc::unbounded();
        let mut carrier = Carrier::new(self, name, seen);
        // The stream ends when the carrier does, which says what went wrong before that.
        let carrying = stream::once(async move { carrier.carry_out().await }).filter_map(|()| async { None });
        stream::select(changes, carrying).boxed_local()
    }

    fn observe_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> {
        self.look_at_event(name)
    }

    fn watch_events(&self, context: Option<&str>) -> LocalBoxStream<'_, Result<CicdEvent, SourceError>> {
        let context = context.map(str::to_owned);
        let known: BTreeMap<String, Option<String>> = BTreeMap::new();
        let listed = stream::unfold(Some((context, known, false)), move |state| async move {
            let (context, mut known, again) = state?;
            if again {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            let events = match self.events(context.as_deref()).await {
                Ok(events) => events,
                Err(error) => return Some((vec![Err(error)], None)),
            };
            let version = |event: &CicdEvent| event.metadata.resource_version.clone();
            let uid = |event: &CicdEvent| event.metadata.uid.clone().unwrap_or_default();
            let is_new = |event: &CicdEvent| known.get(&uid(event)) != Some(&version(event));
            let new: Vec<_> = events.iter().filter(|event| is_new(event)).cloned().map(Ok).collect();
            known = events.iter().map(|event| (uid(event), version(event))).collect();
            Some((new, Some((context, known, true))))
        });
        listed.flat_map(stream::iter).boxed_local()
    }

    async fn annotate_event(&self, name: &str, key: &str, value: &str) -> Result<(), SourceError> {
        let annotated = match key.strip_prefix(REDELIVER_PREFIX) {
            Some(id) => self.redeliver(name, id, value).await,
            None => self.annotate(name, key, value).await,
        };
        annotated.map_err(self.of_event("change", name))
    }
}

/// Where an event stands among those of its context.
pub(super) fn order(event: &CicdEvent) -> u64 {
    let annotation = event.metadata.annotations.as_ref().and_then(|annotations| annotations.get(ORDER));
    annotation.and_then(|order| order.parse().ok()).unwrap_or_default()
}

/// Whether nothing more will happen.
pub(super) fn is_finished(event: &CicdEvent) -> bool {
    event.status.as_ref().is_some_and(|status| status.phase.is_final())
}

impl Files {
    /// How an event stands and changes, none once it is gone. Unlike [`Events::watch_event`], this carries nothing out: it
    /// tells what others do, and does not end by itself but with an error or once the event is gone.
    fn look_at_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> {
        let name = name.to_owned();
        // None: not looked yet. And where the event was gone, or could not be read, nothing follows.
        let last: Option<CicdEvent> = None;
        stream::unfold(Some((name, last)), move |state| async move {
            let (name, last) = state?;
            loop {
                if last.is_some() {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                match self.find_event(&name) {
                    Ok(Some(event)) if last.as_ref() == Some(&event) => {}
                    Ok(Some(event)) => return Some((Ok(Some(event.clone())), Some((name, Some(event))))),
                    Ok(None) => return Some((Ok(None), None)),
                    Err(error) => return Some((Err(self.of_event("watch", &name)(error.into())), None)),
                }
            }
        })
        .boxed_local()
    }

    pub(super) fn of_event(&self, verb: &str, name: &str) -> impl FnOnce(Problem) -> SourceError {
        let request = format!("{verb} CicdEvent {name} in namespace {}", self.namespace);
        |problem| SourceError { request, problem }
    }

    /// An event of any context.
    pub(super) fn find_event(&self, name: &str) -> Result<Option<CicdEvent>, FolderError> {
        // A name that no object can have must not lead elsewhere.
        if !is_object_name(name) || !fits(name) {
            return Ok(None);
        }
        for context in folder::contexts(&self.state_folder, &self.namespace)? {
            let folder = self.folder_of(&context);
            if let Some(event) = folder::read(&folder.event(name))?
                && self.record(&context)?.is_some()
            {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The events of a context, or of all, in their order.
    pub(super) fn list(&self, context: Option<&str>) -> Result<Vec<CicdEvent>, FolderError> {
        let contexts = match context {
            Some(context) if !is_object_name(context) => Vec::new(),
            Some(context) => vec![context.to_owned()],
            None => folder::contexts(&self.state_folder, &self.namespace)?,
        };
        let mut events: Vec<CicdEvent> = Vec::new();
        for name in contexts {
            // What is left of a context that is gone is nobody's.
            if self.record(&name)?.is_none() {
                continue;
            }
            let folder = self.folder_of(&name);
            for name in folder.event_names()? {
                events.extend(folder::read::<CicdEvent>(&folder.event(&name))?);
            }
        }
        events.sort_by_cached_key(|event| {
            // The order is one of each context; clocks may go back.
            let created = event.metadata.creation_timestamp.as_ref().map(|time| time.0);
            (created.filter(|_| context.is_none()), order(event), event.metadata.name.clone())
        });
        Ok(events)
    }

    async fn create_named(&self, name: &str, event: &CicdEvent) -> Result<CicdEvent, Problem> {
        if !fits(name) {
            return Err(Problem::Refused("its name is longer than that of a file may be; choose a shorter one".into()));
        }
        let mut locked = self.locked(&event.spec.context_ref.name).await?;
        if self.find_event(name)?.is_some() {
            return Err(Problem::AlreadyExists);
        }
        // The number of this change is its place in the order: whatever comes later has a higher one.
        locked.write()?;
        let mut event = event.clone();
        let order = locked.record.resource_version.to_string();
        event.metadata.annotations.get_or_insert_default().insert(ORDER.to_owned(), order);
        event.metadata.namespace = Some(self.namespace.clone());
        event.metadata.uid = Some(random_uid()?);
        event.metadata.resource_version = Some("1".to_owned());
        event.metadata.generation = Some(1);
        event.metadata.creation_timestamp = Some(Time(Timestamp::now()));
        folder::write(&locked.folder.event(name), &event)?;
        Ok(event)
    }

    /// Writes an event on top of what stands there of the very same event, which `change` gets. None if it is gone.
    pub(super) async fn change_event(
        &self,
        event: &CicdEvent,
        change: impl FnOnce(&mut CicdEvent) -> Result<(), Problem>,
    ) -> Result<Option<CicdEvent>, Problem> {
        let name = event.metadata.name.as_deref().unwrap_or_default();
        let folder = self.folder_of(&event.spec.context_ref.name);
        let same = |folder: &ContextFolder| {
            let there: Option<CicdEvent> = folder::read(&folder.event(name))?;
            Ok::<_, Problem>(there.filter(|there| there.metadata.uid == event.metadata.uid))
        };
        // Where there is none, nothing is to be locked, which would make a folder.
        if same(&folder)?.is_none() {
            return Ok(None);
        }
        let _held = match lock(&folder.lock(), self.patience).await {
            // The context was deleted a moment ago.
            Err(LockError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            held => held?,
        };
        let Some(mut there) = same(&folder)? else { return Ok(None) };
        let before = there.clone();
        change(&mut there)?;
        if there != before {
            let version = there.metadata.resource_version.as_deref().and_then(|version| version.parse::<u64>().ok());
            there.metadata.resource_version = Some((version.unwrap_or_default() + 1).to_string());
            folder::write(&folder.event(name), &there)?;
        }
        Ok(Some(there))
    }

    async fn annotate(&self, name: &str, key: &str, value: &str) -> Result<(), Problem> {
        let event = self.find_event(name)?.ok_or_else(|| no_event(name))?;
        let put = |event: &mut CicdEvent| {
            event.metadata.annotations.get_or_insert_default().insert(key.to_owned(), value.to_owned());
            Ok(())
        };
        self.change_event(&event, put).await?.map(drop).ok_or_else(|| no_event(name))
    }

    /// Has a handler, or all, wait to be sent again; whoever watches the event sends it.
    async fn redeliver(&self, name: &str, id: &str, handler: &str) -> Result<(), Problem> {
        let event = self.find_event(name)?.ok_or_else(|| no_event(name))?;
        // Whoever carries it out would write over it.
        let _turn = lock(&self.folder_of(&event.spec.context_ref.name).turn(), self.patience).await?;
        let asked = |event: &mut CicdEvent| {
            let status = event.status.get_or_insert_default();
            if matches!(status.phase, EventPhase::Pending | EventPhase::Running) {
                return Err(Problem::Refused("it has not had its turn yet; wait for it first".to_owned()));
            }
            redeliver(status, id, handler, event.metadata.generation, Timestamp::now())
                .map(drop)
                .map_err(|error| Problem::Refused(error.to_string()))
        };
        self.change_event(&event, asked).await?.map(drop).ok_or_else(|| no_event(name))
    }
}

fn no_event(name: &str) -> Problem {
    Problem::NotFound(format!("there is no event {name:?} any more"))
}
