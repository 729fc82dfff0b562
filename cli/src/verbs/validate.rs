//! `validate`: checks configuration, on a cluster one context with all that it refers to, in files every object.

mod check;

use cicdcontext_crds::{CicdBase, CicdContext, CicdEndpoint, CicdEvent, CicdStateWrite, ClusterCicdBase};
use serde::de::DeserializeOwned;

use self::check::Checked;
use crate::{
    arguments::{Object, UsageError, ValidateArguments, ValueFormat},
    configuration::ConfigurationFailure,
    console::{Console, one_line},
    failure::Failure,
    manifests::structure::{Finding, validate_manifest},
    output::value,
    setting::Setting,
    source::{
        Configuration, Contexts,
        files::{Kind, Manifest, Manifests, Seen},
    },
};

/// Carries out the command.
pub async fn command(
    arguments: &ValidateArguments,
    setting: Setting<'_>,
    console: &mut Console,
) -> Result<(), Failure> {
    let files = &setting.global.filename;
    let name = match setting.object("validate", &arguments.object) {
        // Without a name it is all that the files hold.
        Err(UsageError::NoObject { .. }) if !files.is_empty() => None,
        object => Some(named(object?)?),
    };
    if let Some(name) = name {
        let place = setting.place().await?;
        return context(&place, place.namespace(), &name, arguments.output, console).await;
    }
    all(setting.files()?.manifests(), arguments.output, console).await
}

/// The name of the context, behind which nothing may stand.
fn named(object: Object) -> Result<String, UsageError> {
    match object.rest.into_iter().next() {
        Some(found) => Err(UsageError::TooMany { verb: "validate", found }),
        None => Ok(object.name),
    }
}

/// Checks one context with all that it refers to.
async fn context<C: Configuration>(
    source: &C,
    namespace: &str,
    name: &str,
    format: ValueFormat,
    console: &mut Console,
) -> Result<(), Failure> {
    let context = source.whole_context(name).await?;
    let mut checked = Checked::default();
    checked.context(source, namespace, &context).await?;
    report(checked, 1, format, console)
}

/// Checks every object of manifests: its structure, and what it says if that is right.
async fn all(manifests: &Manifests, format: ValueFormat, console: &mut Console) -> Result<(), Failure> {
    let mut checked = Checked::default();
    let mut objects = 0;
    for manifest in manifests.iter().filter(|manifest| !matches!(manifest.kind, Kind::Secret | Kind::ConfigMap)) {
        objects += 1;
        let findings = validate_manifest(&manifest.object);
        if findings.is_empty() {
            content(manifests, manifest, &mut checked).await?;
        } else {
            checked.findings.extend(findings);
        }
    }
    report(checked, objects, format, console)
}

/// Checks what an object says.
async fn content(
    manifests: &Manifests,
    manifest: &Manifest,
    checked: &mut Checked,
) -> Result<(), ConfigurationFailure> {
    let Manifest { namespace, name, .. } = manifest;
    let source = Seen { manifests, namespace };
    match manifest.kind {
        Kind::Context => {
            if let Some(context) = typed::<CicdContext>(manifest, checked) {
                checked.context(&source, namespace, &context).await?;
            }
        }
        Kind::Base => {
            if let Some(CicdBase { spec, .. }) = typed(manifest, checked) {
                checked.base(&source, manifest.kind, name, spec.bases.as_deref(), &spec.configuration).await?;
            }
        }
        Kind::ClusterBase => {
            if let Some(ClusterCicdBase { spec, .. }) = typed(manifest, checked) {
                checked.base(&source, manifest.kind, name, spec.bases.as_deref(), &spec.configuration).await?;
            }
        }
        Kind::Endpoint => {
            if let Some(CicdEndpoint { spec, .. }) = typed(manifest, checked) {
                checked.endpoint(namespace, name, &spec);
            }
        }
        Kind::Event => {
            if let Some(CicdEvent { spec, .. }) = typed(manifest, checked) {
                checked.event(name, spec);
            }
        }
        Kind::StateWrite => {
            if let Some(CicdStateWrite { spec, .. }) = typed(manifest, checked) {
                checked.state_write(name, &spec);
            }
        }
        Kind::Secret | Kind::ConfigMap => {}
    }
    Ok(())
}

/// The object as its type.
fn typed<K: DeserializeOwned>(manifest: &Manifest, checked: &mut Checked) -> Option<K> {
    let object = format!("{}/{}", manifest.kind.as_str(), manifest.name);
    manifest.typed().map_err(|problem| checked.find(&object, "spec", &problem)).ok()
}

fn report(checked: Checked, objects: usize, format: ValueFormat, console: &mut Console) -> Result<(), Failure> {
    let Checked { findings, doubts } = checked;
    let data = match format {
        ValueFormat::Text => findings.iter().map(line).collect(),
        format => {
            let value = serde_json::to_value(&findings)
                .map_err(|error| Failure::Form { form: "json", problem: error.to_string() })?;
            value::one(format, &value)?
        }
    };
    console.data(&data)?;
    for doubt in &doubts {
        console.note(doubt);
    }
    let objects = counted(objects, "object");
    if findings.is_empty() {
        console.note(&format!("validate: nothing wrong in {objects}"));
        return Ok(());
    }
    let findings = counted(findings.len(), "problem");
    Err(ConfigurationFailure::Findings { findings, objects }.into())
}

fn line(finding: &Finding) -> String {
    let Finding { object, place, problem } = finding;
    let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
    one_line(&format!("{object}: {place}{problem}")) + "\n"
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

#[cfg(test)]
mod tests;
