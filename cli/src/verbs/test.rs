//! `test`: plays events against manifests, with answers that are given, and compares what comes of them with what is
//! expected. Offline: nothing is sent, and the same file gives the same result everywhere.

mod difference;
mod expectation;
mod play;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use self::{expectation::Test, play::play};
use crate::{
    arguments::TestArguments,
    configuration::ConfigurationFailure,
    console::{Console, one_line},
    failure::Failure,
    manifests::{failure, text_of},
    setting::Setting,
    source::{Contexts, files::Manifests},
};

/// How a file with expectations ends.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];
/// Differences of one test that are told.
const TOLD: usize = 50;

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(arguments: &TestArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    if !setting.is_files() {
        let why = "tests never look at a cluster, so that they give the same everywhere";
        return Err(ConfigurationFailure::NoManifests { verb: "test", why }.into());
    }
    let place = setting.files()?;
    let tests = gathered(&arguments.files, arguments.filter.as_deref())?;
    run(place.manifests(), place.namespace(), &tests, console).await
}

/// The tests of all files, but for those whose name does not contain `filter`.
fn gathered(paths: &[PathBuf], filter: Option<&str>) -> Result<Vec<Test>, ConfigurationFailure> {
    let mut tests = Vec::new();
    let files = files(paths)?;
    for file in &files {
        let found = expectation::read(&text_of(file)?);
        tests.extend(found.map_err(|problem| failure(file, &one_line(&problem)))?);
    }
    if tests.is_empty() {
        let problem = format!("there is no test in {} files; name others", files.len());
        return Err(ConfigurationFailure::NoTest(problem));
    }
    if let Some(filter) = filter {
        let all = tests.len();
        tests.retain(|test| test.name.contains(filter));
        if tests.is_empty() {
            let problem = format!("no name of {all} tests contains {filter:?}; leave out --filter to run all");
            return Err(ConfigurationFailure::NoTest(problem));
        }
    }
    Ok(tests)
}

/// Plays the tests one after the other and tells of each.
async fn run(manifests: &Manifests, namespace: &str, tests: &[Test], console: &mut Console) -> Result<(), Failure> {
    let mut failed = 0;
    for test in tests {
        let differences = play(manifests, namespace, test).await;
        let verdict = if differences.is_empty() { "ok" } else { "FAILED" };
        let mut text = format!("{verdict:<6}  {}\n", one_line(&test.name));
        for difference in differences.iter().take(TOLD) {
            text += &difference.lines();
        }
        if differences.len() > TOLD {
            // Writing into a String cannot fail.
            writeln!(text, "  and {} more differences", differences.len() - TOLD).ok();
        }
        console.data(&text)?;
        failed += usize::from(!differences.is_empty());
    }
    let all = tests.len();
    if failed > 0 {
        return Err(ConfigurationFailure::TestsFailed { failed, all }.into());
    }
    console.note(&format!("test: {all} of {all} tests ok"));
    Ok(())
}

/// The files that are meant: those named, and those directly in folders, by name.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ConfigurationFailure> {
    let mut files = Vec::new();
    for path in paths {
        let failed = |error: std::io::Error| failure(path, &error.to_string());
        if !fs::metadata(path).map_err(failed)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if is_expectation(&file) && file.is_file() {
                found.push(file);
            }
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

fn is_expectation(file: &Path) -> bool {
    let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = file.extension().and_then(|ending| ending.to_str());
    !is_hidden && ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

#[cfg(test)]
mod tests;
