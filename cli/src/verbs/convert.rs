//! `convert`: the predecessor's files as manifests, Secrets apart, and a report of what means something else now.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use cicdcontext_compat::{
    convert::{self, Converted, Input},
    files::{Core, File, Secrets},
};

use crate::{
    arguments::{ConvertArguments, UsageError},
    console::{Console, plain_lines},
    failure::Failure,
    manifests::text_of,
    output::file::{self, FileWrite, How, Mode},
    setting::Setting,
};

/// The folder of Secrets.
const SECRETS: &str = "secrets";
/// What keeps Secrets out of Git.
const IGNORED: &str = "# Secrets are not for Git.\n*\n";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    config: PathBuf,
    secrets: PathBuf,
    bases: Option<PathBuf>,
    app: PathBuf,
    context: Option<String>,
    document: Option<PathBuf>,
    folder: PathBuf,
    is_cluster_wide: bool,
    replaces: bool,
}

impl Request {
    /// Understands the arguments.
    pub fn read(arguments: &ConvertArguments, setting: Setting<'_>) -> Result<Self, UsageError> {
        if setting.is_files() {
            let text = "convert: it reads no manifests; leave -f out".to_owned();
            return Err(UsageError::CommandLine { text });
        }
        let ConvertArguments { config, secrets, bases, app, cicd_context, document, output, cluster_bases, force } =
            arguments.clone();
        Ok(Self {
            config,
            secrets,
            bases,
            app,
            context: cicd_context,
            document,
            folder: output,
            is_cluster_wide: cluster_bases,
            replaces: force,
        })
    }
}

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(arguments: &ConvertArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    run(&Request::read(arguments, setting)?, console)
}

/// Converts, writes, and prints the report. What could not be carried over makes it fail when all is written.
fn run(request: &Request, console: &mut Console) -> Result<(), Failure> {
    let converted = converted(request)?;
    let files = files(request, &converted);
    if !request.replaces
        && let Some(found) = files.iter().find(|file| file.path.symlink_metadata().is_ok())
    {
        return Err(Failure::Convert(format!(
            "write {}: it is there already; name another folder, or say --force",
            found.path.display()
        )));
    }
    make_folders(&request.folder)
        .map_err(|error| Failure::Convert(format!("create {}: {error}", request.folder.join(SECRETS).display())))?;
    file::write(&files)?;
    console.data(&plain_lines(&converted.report.lines()))?;
    let report = request.folder.join("REPORT.md");
    console.note(&format!("wrote {} files; {} says what to do next", files.len(), report.display()));
    match converted.report.of(convert::Severity::NotCarried).count() {
        0 => Ok(()),
        1 => Err(Failure::Convert(format!("convert: 1 place was not carried over; see {}", report.display()))),
        count => {
            Err(Failure::Convert(format!("convert: {count} places were not carried over; see {}", report.display())))
        }
    }
}

fn converted(request: &Request) -> Result<Converted, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Convert(error.to_string());
    let name = |path: &Path| path.display().to_string();
    let (config, secrets) = (name(&request.config), name(&request.secrets));
    let core = Core::read(&config, &text_of(&request.config)?).map_err(|error| failed(&error))?;
    let secret_data = Secrets::read(&secrets, &text_of(&request.secrets)?).map_err(|error| failed(&error))?;
    let layer = |name: &str, path: &Path| File::layer(name, &text_of(path)?).map_err(|error| failed(&error));
    let app = layer(&name(&request.app), &request.app)?;
    let mut bases = Vec::new();
    for listed in app.bases() {
        let Some(folder) = &request.bases else {
            let text = format!("{} lists the base {listed}; say --bases FOLDER", app.name);
            return Err(Failure::Convert(format!("convert: {text}")));
        };
        bases.push(layer(listed, &folder.join(listed))?);
    }
    let document = request.document.as_deref().map(|path| layer(&name(path), path)).transpose()?;
    convert::convert(&Input {
        core: &core,
        secrets: &secret_data,
        secrets_file: &secrets,
        bases: &bases,
        app: &app,
        context: request.context.as_deref(),
        document: document.as_ref(),
        is_cluster_wide: request.is_cluster_wide,
    })
    .map_err(|error| failed(&error))
}

/// All files to write.
fn files(request: &Request, converted: &Converted) -> Vec<FileWrite> {
    let file = |path: PathBuf, content: String, mode| FileWrite { path, content, mode, how: How::Replace };
    let folder = &request.folder;
    let secrets = folder.join(SECRETS);
    let page = converted.page(&folder.display().to_string());
    let mut files: Vec<FileWrite> = converted
        .manifests
        .iter()
        .map(|manifest| file(folder.join(&manifest.file), manifest.text(), Mode::SHARED))
        .chain([
            file(folder.join("REPORT.md"), page, Mode::SHARED),
            file(secrets.join(".gitignore"), IGNORED.to_owned(), Mode::SHARED),
        ])
        .collect();
    let secret = |manifest: &convert::Manifest| file(secrets.join(&manifest.file), manifest.text(), Mode::PRIVATE);
    files.extend(converted.secrets.iter().map(secret));
    files
}

/// The folder, and in it the one of Secrets, which nobody else may enter, whatever it was before.
fn make_folders(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let secrets = folder.join(SECRETS);
    match DirBuilder::new().mode(0o700).create(&secrets) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if !secrets.symlink_metadata()?.is_dir() {
        return Err(std::io::Error::other("it is not a folder"));
    }
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests;
