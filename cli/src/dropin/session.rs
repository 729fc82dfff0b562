//! What all commands begin with: core config, secrets and store; and what they tell people.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use cicdcontext_compat::{
    files::{Core, File, Secrets},
    notice::Notice,
    template::Settings,
    write::strip,
    yaml::{Finding, FindingKind},
};

use super::{
    arguments::Arguments,
    assignment::{self, Assignments, LARGEST_FILE},
    failure::Failure,
    mirror::Mirrors,
    send::Courier,
    store::Store,
    variables::Variables,
};
use crate::{console::Console, environment::Environment, input::text_of_file, setting::Occasion};

/// The levels that `--log-level` takes.
const LOG_LEVELS: [&str; 8] = ["DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "NOTSET"];

/// What pairs of one `--set` stand apart by.
const SEPARATOR: &str = "|";

/// One command with what it needs.
pub(super) struct Session<'s> {
    pub arguments: &'s Arguments,
    pub variables: &'s Variables,
    pub core: Core,
    pub secrets: Secrets,
    pub settings: Settings,
    pub store: Store,
    pub mirrors: Mirrors,
    pub courier: Courier,
    /// Whether a delivery that failed leaves the exit code alone.
    pub only_warns: bool,
    console: &'s mut Console,
    told: HashSet<String>,
}

/// An option, or the variable that it beats; an empty one counts as not there.
pub(super) fn path_of(option: Option<&String>, variable: Option<&PathBuf>) -> Option<PathBuf> {
    option.filter(|text| !text.is_empty()).map(PathBuf::from).or_else(|| variable.cloned())
}

/// Reads a file; `what` is what errors call it.
pub(super) fn text_of(what: &str, path: &Path) -> Result<String, Failure> {
    let failed = |problem| Failure::Read { what: what.to_owned(), path: path.display().to_string(), problem };
    text_of_file(path, LARGEST_FILE).map_err(failed)
}

impl<'s> Session<'s> {
    /// Reads what the command needs. Nothing is sent or written yet.
    pub(super) async fn open(
        arguments: &'s Arguments,
        environment: &'s Environment,
        console: &'s mut Console,
    ) -> Result<Self, Failure> {
        let variables = &environment.dropin;
        if let Some(found) = arguments.log_level.as_ref().filter(|level| !LOG_LEVELS.contains(&level.as_str())) {
            let expected = "write DEBUG, INFO, WARNING, ERROR or CRITICAL";
            return Err(Failure::Argument { what: "--log-level", found: found.clone(), expected });
        }
        let only_warns = match variables.on_delivery_failure.as_deref() {
            None | Some("fail") => false,
            Some("warn") => true,
            Some(found) => {
                let what = "CICDSTATEMGR_ON_DELIVERY_FAILURE";
                return Err(Failure::Argument { what, found: found.to_owned(), expected: "write fail or warn" });
            }
        };
        let missing = |missing| Failure::Missing { command: "begin", missing };
        let config = path_of(arguments.config.as_ref(), variables.config.as_ref())
            .ok_or_else(|| missing("name the core config with --config PATH or CICDSTATEMGR_CONFIG_PATH"))?;
        let secrets = path_of(arguments.secrets.as_ref(), variables.secrets.as_ref())
            .ok_or_else(|| missing("name the secrets with --secrets PATH or CICDSTATEMGR_SECRETS_PATH"))?;
        let core = Core::read(&config.display().to_string(), &text_of("core config", &config)?)?;
        let secrets = Secrets::read(&secrets.display().to_string(), &text_of("secrets", &secrets)?)?;
        let mirrors = Mirrors::read(&core, &secrets)?;
        let settings = settings(arguments, &core)?;
        let store = Store::open(variables, environment).await?;
        let courier = Courier::new(&core, &secrets);
        let told = HashSet::new();
        let mut session =
            Self { arguments, variables, core, secrets, settings, store, mirrors, courier, only_warns, console, told };
        session.tell_findings(&session.core.0.clone());
        if session.mirrors.names_redis {
            let text =
                format!("ignored: the context data is kept in {}; before, it was in Redis", session.store.place());
            session.notice(&Notice { place: "datasources.redis".to_owned(), text, anchor: "redis" });
        }
        for name in session.mirrors.unknown.clone() {
            session.warn(&format!("datasources.{name}: there is no such store, so it is ignored; check its name"));
        }
        Ok(session)
    }

    /// The run that the command is about.
    pub(super) fn id(&self, command: &'static str) -> Result<String, Failure> {
        let named = self.arguments.id.clone().filter(|id| !id.is_empty()).or_else(|| self.variables.id.clone());
        let missing = "name the run with --id ID or CICDSTATEMGR_CONTEXT_DATA_ID";
        named.ok_or(Failure::Missing { command, missing })
    }

    /// What `--set` asks for. Items that are none are told.
    pub(super) fn assignments(&mut self) -> Result<Assignments, Failure> {
        let separator = self.variables.set_separator.as_deref().unwrap_or(SEPARATOR);
        let assignments = Assignments::read(&self.arguments.set, separator)?;
        for warning in &assignments.warnings {
            self.warn(warning);
        }
        self.notices(&assignments.notices);
        Ok(assignments)
    }

    /// Tells a difference, once.
    pub(super) fn notice(&mut self, notice: &Notice) {
        if self.told.insert(notice.to_string()) {
            self.console.note(&format!("notice: {notice}"));
        }
    }

    /// Tells differences, each once.
    pub(super) fn notices(&mut self, notices: &[Notice]) {
        for notice in notices {
            self.notice(notice);
        }
    }

    /// Tells something that is likely to be a mistake, once.
    pub(super) fn warn(&mut self, text: &str) {
        if self.told.insert(text.to_owned()) {
            self.console.note(&format!("warning: {text}"));
        }
    }

    /// Tells what is not as it looks in a file.
    pub(super) fn tell_findings(&mut self, file: &File) {
        let mut has_alias = false;
        for Finding { path, line, kind } in &file.findings {
            let text = match kind {
                FindingKind::Date(text) => {
                    format!("a date, taken as the text {text}; before, it was a date: put it in quotes")
                }
                FindingKind::Key { written, read } => {
                    format!("the key {written} is {read} in YAML 1.1, as before: put it in quotes")
                }
                FindingKind::Alias(_) if std::mem::replace(&mut has_alias, true) => continue,
                FindingKind::Alias(name) => {
                    format!("*{name} is a copy; before, a write to one changed the others, too")
                }
                FindingKind::Other(text) => format!("taken as the text {text}; before, it was a value of its own"),
            };
            let place = format!("{} line {line}: {path}", file.name);
            self.notice(&Notice { place, text, anchor: "yaml" });
        }
    }

    /// Prints data.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.console.data(&format!("{text}\n"))?)
    }
}

/// What all templates of the command share.
fn settings(arguments: &Arguments, core: &Core) -> Result<Settings, Failure> {
    let mut variables = Vec::new();
    let mut files = BTreeMap::new();
    for argument in &arguments.template_variables {
        let Some((path, expression)) = argument.split_once('=') else {
            let expected = "write PATH=EXPR, for example ctx.who=state.owner";
            return Err(Failure::Argument { what: "--tmpl-ctx-var", found: argument.clone(), expected });
        };
        if let Some(file) = assignment::named_file(expression) {
            let (value, _) = assignment::content(&format!("--tmpl-ctx-var {}", strip(path)), file)?;
            files.insert(expression.to_owned(), value);
        }
        variables.push((path.to_owned(), expression.to_owned()));
    }
    let Occasion { now, .. } = Occasion::now()?;
    let seed = Occasion::now()?.random_id();
    let settings = Settings { config: core.config_data().clone(), variables, files, seed, now };
    settings.check()?;
    Ok(settings)
}
