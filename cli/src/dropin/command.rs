//! The six commands, each in the order of its steps. Of those that the command line names the first one is done.

use std::path::{Component, Path};

use cicdcontext_compat::{document::Document, files::File, generator::generate, get::get, handler::Run};

use super::{
    arguments::Arguments,
    event::{self, Event},
    failure::Failure,
    session::{Session, path_of, text_of},
};
use crate::{console::Console, environment::Environment};

/// The cicd context that a run has if nobody names one.
const CONTEXT: &str = "stage";

/// Does what the command line asks for.
pub(super) async fn carry_out(
    arguments: &Arguments,
    environment: &Environment,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut session = Session::open(arguments, environment, console).await?;
    let session = &mut session;
    let given = |option: &Option<String>| option.clone().filter(|text| !text.is_empty());
    if let Some(id) = given(&arguments.init_new) {
        init(session, &id).await
    } else if arguments.load {
        load(session).await
    } else if let Some(path) = given(&arguments.get) {
        print(session, &path).await
    } else if let Some(path) = given(&arguments.generate) {
        run_generator(session, &path).await
    } else if let Some(event) = given(&arguments.handle_event) {
        handle(session, &Event::parse(&event)?).await
    } else if arguments.set.is_empty() {
        Ok(())
    } else {
        set(session).await
    }
}

/// The event that goes with `--init-new` and `--load`, if there is one.
fn further_event(arguments: &Arguments) -> Result<Option<Event>, Failure> {
    let event = arguments.handle_event.as_deref().filter(|text| !text.is_empty()).map(Event::parse).transpose()?;
    Ok(event.filter(Event::is_named))
}

async fn init(session: &mut Session<'_>, id: &str) -> Result<(), Failure> {
    let app = path_of(session.arguments.app.as_ref(), session.variables.app.as_ref());
    let missing = "name the app file with --init-app-config-file PATH or CICDSTATEMGR_INIT_APP_CONFIG_PATH";
    let app = app.ok_or(Failure::Missing { command: "init", missing })?;
    let event = further_event(session.arguments)?;
    let assignments = session.assignments()?;
    let app = File::layer(&app.display().to_string(), &text_of("app file", &app)?)?;
    session.tell_findings(&app);
    let bases = bases(session, &app)?;
    let context = session.arguments.context.as_deref().unwrap_or(CONTEXT);
    let mut begun = Document::begin(id, context, &bases, &app)?;
    assignments.write(&mut begun.document)?;
    let document = begun.render_variables(id, &session.settings)?;
    let run = event.as_ref().map(|event| Run::new(&document, &event.pipeline, &event.name)).transpose()?;
    session.store.create(id, &document).await?;
    let finished = finish(session, id, document, run.zip(event)).await;
    // The run is there, whatever became of the event.
    session.print(id)?;
    finished
}

/// Reads the bases that an app file lists.
fn bases(session: &mut Session<'_>, app: &File) -> Result<Vec<File>, Failure> {
    let names: Vec<String> = app.bases().into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let folder = path_of(session.arguments.bases.as_ref(), session.variables.bases.as_ref());
    let folder = folder.ok_or_else(|| Failure::NoBases { file: app.name.clone() })?;
    let mut bases = Vec::with_capacity(names.len());
    for name in names {
        if Path::new(&name).components().any(|part| part == Component::ParentDir) {
            return Err(Failure::BaseElsewhere { file: app.name.clone(), base: name });
        }
        let path = folder.join(name.trim_start_matches('/'));
        let base = File::layer(&path.display().to_string(), &text_of("base", &path)?)?;
        session.tell_findings(&base);
        bases.push(base);
    }
    Ok(bases)
}

async fn load(session: &mut Session<'_>) -> Result<(), Failure> {
    let id = session.id("load")?;
    let event = further_event(session.arguments)?;
    let document = assigned(session, &id).await?;
    let run = event.as_ref().map(|event| Run::new(&document, &event.pipeline, &event.name)).transpose();
    let run = match run {
        Ok(run) => run,
        Err(error) => {
            session.write_mirrors(&id, &document)?;
            return Err(error.into());
        }
    };
    finish(session, &id, document, run.zip(event)).await
}

/// The document with what `--set` says.
async fn assigned(session: &mut Session<'_>, id: &str) -> Result<Document, Failure> {
    let assignments = session.assignments()?;
    if assignments.list.is_empty() {
        return Ok(session.store.read(id).await?);
    }
    let (document, ()) = session.store.change(id, |document| Ok(assignments.write(document)?)).await?;
    Ok(document)
}

/// Runs the handlers of an event, if there is one, and writes the mirror files.
async fn finish(
    session: &mut Session<'_>,
    id: &str,
    document: Document,
    run: Option<(Run, Event)>,
) -> Result<(), Failure> {
    let Some((run, event)) = run else { return session.write_mirrors(id, &document) };
    let (document, handled) = event::handle(session, id, document, run, &event).await;
    // An event takes its time: the files get what the run is by now, not what it was for the last handler.
    let document = session.store.read(id).await.unwrap_or(document);
    let written = session.write_mirrors(id, &document);
    handled.and(written)
}

async fn print(session: &mut Session<'_>, path: &str) -> Result<(), Failure> {
    let id = session.id("get")?;
    let document = session.store.read(&id).await?;
    if session.mirrors.is_unfilled() {
        session.write_mirrors(&id, &document)?;
    }
    let got = get(&document, path, &session.settings)?;
    session.notices(&got.notices);
    if got.text.is_empty() { Ok(()) } else { session.print(&got.text) }
}

async fn run_generator(session: &mut Session<'_>, path: &str) -> Result<(), Failure> {
    let id = session.id("generate")?;
    let settings = session.settings.clone();
    let (document, generated) = session.store.change(&id, |document| Ok(generate(document, path, &settings)?)).await?;
    session.notices(&generated.notices);
    if generated.written.is_empty() { Ok(()) } else { session.write_mirrors(&id, &document) }
}

async fn handle(session: &mut Session<'_>, event: &Event) -> Result<(), Failure> {
    let id = session.id("handle event")?;
    let document = assigned(session, &id).await?;
    if !session.arguments.set.is_empty() {
        // What was set stays, whatever becomes of the event.
        session.write_mirrors(&id, &document)?;
    }
    let run = Run::new(&document, &event.pipeline, &event.name)?;
    finish(session, &id, document, Some((run, event.clone()))).await
}

async fn set(session: &mut Session<'_>) -> Result<(), Failure> {
    let id = session.id("set")?;
    let document = assigned(session, &id).await?;
    session.write_mirrors(&id, &document)
}
