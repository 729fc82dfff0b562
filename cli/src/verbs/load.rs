//! `load`: the state, or parts of it, as files for a shell and other programs.
//!
//! Everything is rendered and checked before the first file is touched, so that a step finds all files or none.

use std::path::PathBuf;

use cicdcontext_engine::state::{Path, path::STATE};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{
    arguments::{LoadArguments, Object, UsageError, ValueFormat},
    assignment,
    console::Console,
    exit::Exit,
    failure::Failure,
    output::{
        dotenv::dotenv,
        file::{self, FileWrite, How, Mode, ModeError, Target},
        github::github,
        result::{self, ResultsTooLarge},
        shell::shell,
        value::{self, Named},
        variables::{Prefix, Selected, Variable, VariableError, variables},
    },
    setting::Setting,
    source::Contexts,
};

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `NAME='value'` for a POSIX shell.
    Shell,
    /// A `.env` file.
    Dotenv,
    /// As `get --output json`.
    Json,
    /// As `get --output yaml`.
    Yaml,
    /// The name of the CicdContext, without a newline.
    Id,
    /// GitHub Actions' output file, which is appended to.
    GitHub,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its form.
    pub form: Form,
    /// Where it goes.
    pub target: Target,
}

/// What is to be loaded, and into which files.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The name of the CicdContext.
    pub context: String,
    /// What to load; nothing is the whole state. Does not restrict results.
    pub paths: Vec<Path>,
    /// Files with all of that.
    pub outputs: Vec<Output>,
    /// Files with one value each and no newline.
    pub results: Vec<(Path, Target)>,
    /// What names of variables begin with.
    pub prefix: Prefix,
    /// Whether the shell exports the variables.
    pub export: bool,
    /// Permissions of all files. Default: 0600, and for results 0644.
    pub mode: Option<Mode>,
}

/// What will be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files.
    pub files: Vec<FileWrite>,
    /// What goes to standard output.
    pub printed: String,
}

/// Why values are not loaded. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadError {
    /// No file is named.
    #[error(
        "load: say what to write: --shell FILE, --dotenv FILE, --json FILE, --yaml FILE, --id FILE, \
         --github-output FILE or --result PATH=FILE; '-' is standard output"
    )]
    NoOutput,
    /// Two outputs would go to one file.
    #[error("load: {} is to be written twice; give each output a file of its own", .path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// Values are missing.
    #[error("load {paths} of CicdContext {context}: not in the state; nothing was written")]
    Missing {
        /// The paths.
        paths: String,
        /// The context.
        context: String,
    },
    /// Values cannot become variables.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// The results are too large for a step.
    #[error(transparent)]
    Results(#[from] ResultsTooLarge),
}

impl LoadError {
    /// The exit code that tells a script about it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoOutput | Self::SameFile { .. } | Self::Variable(VariableError::Prefix { .. }) => Exit::Usage,
            Self::Missing { .. } => Exit::ValueMissing,
            Self::Variable(_) | Self::Results(_) => Exit::Refused,
        }
    }
}

/// Takes a result's `PATH=FILE` apart. `flag` names it in messages.
pub fn result(flag: &'static str, text: &str) -> Result<(Path, Target), UsageError> {
    const FORM: &str = "PATH=FILE, as in state.image=/tekton/results/image";
    let (path, file) = assignment::path_value(flag, FORM, text)?;
    if file.is_empty() {
        let text =
            format!("read {flag} {path}=: the name of the file is empty; is the variable set that should hold it?");
        return Err(UsageError::CommandLine { text });
    }
    Ok((Path::parse(path)?, PathBuf::from(file).into()))
}

/// Carries out the command.
pub async fn command(arguments: &LoadArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("load", arguments.object.iter().chain(&arguments.paths))?;
    let request = Request::read(arguments, object)?;
    request.check()?;
    let context = setting.place().await?.context(&request.context).await?;
    request.plan(context.state)?.carry_out(console)
}

impl Request {
    /// Understands the arguments; `object` holds the paths.
    pub fn read(arguments: &LoadArguments, object: Object) -> Result<Self, Failure> {
        let paths = object.rest.iter().map(|path| Path::parse(path)).collect::<Result<_, _>>();
        let forms = [
            (Form::Shell, &arguments.shell),
            (Form::Dotenv, &arguments.dotenv),
            (Form::Json, &arguments.json),
            (Form::Yaml, &arguments.yaml),
            (Form::Id, &arguments.id),
            (Form::GitHub, &arguments.github_output),
        ];
        let output = |(form, file): (Form, &Option<PathBuf>)| Some(Output { form, target: file.clone()?.into() });
        let mode = arguments.mode.as_deref().map(str::parse).transpose();
        let results = arguments.result.iter().map(|text| result("--result", text)).collect::<Result<_, _>>()?;
        let prefix = arguments.prefix.as_deref().unwrap_or_default().parse().map_err(LoadError::Variable)?;
        Ok(Self {
            context: object.name,
            paths: paths.map_err(UsageError::from)?,
            outputs: forms.into_iter().filter_map(output).collect(),
            results,
            prefix,
            export: arguments.export,
            mode: mode.map_err(|error: ModeError| UsageError::CommandLine { text: error.to_string() })?,
        })
    }

    /// What is wrong with the request, whatever the state is.
    pub fn check(&self) -> Result<(), LoadError> {
        let targets: Vec<&Target> = self.targets().collect();
        if targets.is_empty() {
            return Err(LoadError::NoOutput);
        }
        let whole = |target: &Target| match target {
            Target::File(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            Target::StandardOutput => PathBuf::new(),
        };
        let twice =
            |number: usize, target: &Target| targets.iter().take(number).any(|other| whole(other) == whole(target));
        let printed = self.outputs.iter().filter(|output| output.target == Target::StandardOutput).count();
        if printed > 1 {
            return Err(LoadError::SameFile { path: "-".into() });
        }
        let same = targets.iter().enumerate().find_map(|(number, target)| match target {
            Target::File(path) if !target.is_stream() && twice(number, target) => Some(path),
            _ => None,
        });
        same.map_or(Ok(()), |path| Err(LoadError::SameFile { path: path.clone() }))
    }

    fn targets(&self) -> impl Iterator<Item = &Target> {
        self.outputs.iter().map(|output| &output.target).chain(self.results.iter().map(|(_, target)| target))
    }

    /// Everything that is to be written for this state.
    pub fn plan(&self, state: Option<Map<String, Value>>) -> Result<Plan, Failure> {
        self.check()?;
        let state = Value::Object(state.unwrap_or_default());
        self.find_missing(&state)?;
        let selected = select(self.paths.iter(), &state);
        let results = select(self.results.iter().map(|(path, _)| path), &state);
        let texts: Vec<_> = results.iter().map(|result| result::text(result.value)).collect();
        let sizes = results.iter().zip(&texts).map(|(result, text)| (result.path.to_string(), text.as_ref()));
        result::check(sizes).map_err(LoadError::from)?;

        let variables = self.variables(&selected, &state)?;
        let mut plan = Plan::default();
        for output in &self.outputs {
            let how = if output.form == Form::GitHub { How::Append } else { How::Replace };
            let content = self.content(output.form, &state, &selected, &variables)?;
            plan.add(&output.target, content, self.mode.unwrap_or(Mode::PRIVATE), how);
        }
        for ((_, target), text) in self.results.iter().zip(texts) {
            plan.add(target, text.into_owned(), self.mode.unwrap_or(Mode::SHARED), How::Replace);
        }
        Ok(plan)
    }

    fn find_missing(&self, state: &Value) -> Result<(), LoadError> {
        let paths = self.paths.iter().chain(self.results.iter().map(|(path, _)| path));
        let missing: Vec<String> = paths.filter(|path| path.get(state).is_none()).map(ToString::to_string).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(LoadError::Missing { paths: missing.join(", "), context: self.context.clone() })
    }

    /// The variables, if a form needs them: others take names that no variable can have.
    fn variables<'v>(&self, selected: &[Selected<'v>], state: &'v Value) -> Result<Vec<Variable<'v>>, LoadError> {
        let needed = |output: &Output| matches!(output.form, Form::Shell | Form::Dotenv | Form::GitHub);
        if !self.outputs.iter().any(needed) {
            return Ok(Vec::new());
        }
        if !self.paths.is_empty() {
            return Ok(variables(selected, &self.prefix)?);
        }
        let root = Path::parse(STATE).map(|path| Selected { path, value: state });
        Ok(variables(&root.into_iter().collect::<Vec<_>>(), &self.prefix)?)
    }

    fn content(
        &self,
        form: Form,
        state: &Value,
        selected: &[Selected<'_>],
        variables: &[Variable<'_>],
    ) -> Result<String, Failure> {
        let values = |format| {
            if self.paths.is_empty() {
                return value::one(format, state);
            }
            let named: Vec<Named<'_>> = selected.iter().map(Selected::named).collect();
            value::several(format, &named)
        };
        Ok(match form {
            Form::Shell => shell(variables, self.export),
            Form::Dotenv => dotenv(variables),
            Form::GitHub => github(variables),
            Form::Json => values(ValueFormat::Json)?,
            Form::Yaml => values(ValueFormat::Yaml)?,
            Form::Id => self.context.clone(),
        })
    }
}

/// The values at paths; those that are not there were refused before.
fn select<'v, 'p>(paths: impl Iterator<Item = &'p Path>, state: &'v Value) -> Vec<Selected<'v>> {
    paths.filter_map(|path| path.get(state).map(|value| Selected { path: path.clone(), value })).collect()
}

impl Plan {
    fn add(&mut self, target: &Target, content: String, mode: Mode, how: How) {
        match target {
            Target::StandardOutput => self.printed.push_str(&content),
            Target::File(path) => {
                self.files.push(FileWrite { path: path.clone(), content, mode, how });
            }
        }
    }

    /// Writes the files, then prints.
    pub fn carry_out(&self, console: &mut Console) -> Result<(), Failure> {
        file::write(&self.files)?;
        if self.printed.is_empty() { Ok(()) } else { console.data(&self.printed) }
    }
}

#[cfg(test)]
mod tests;
