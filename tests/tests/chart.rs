//! What can be told of the chart without a cluster: its values, their schema, and the page made of both. `CHART_PAGE=write`
//! writes the page anew.

// A test that cannot go on should stop loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::PathBuf,
};

use cicdcontext_tests::cluster::workspace;
use serde_json::Value;

const INTRODUCTION: &str = "\
# Chart cicdcontext

Installs the [CicdContext operator](../../README.md): kinds, operator, roles and policies. It needs Kubernetes 1.33 or
newer, and Helm 4 (Helm 3 installs the same objects, see install).

```console
$ helm install cicdcontext charts/cicdcontext --namespace cicdcontext-system --create-namespace
```

No value has to be set. How the images get onto the nodes is in [install](../../docs/install.md), upgrading and removing in
[upgrade](../../docs/upgrade.md). CRDs are upgraded with the chart, and stay with all objects when it is uninstalled.

As a dependency of another chart it takes `global` without looking at it, and `enabled` for the dependency's `condition`.

This page is made from values.schema.json (`make generate`). A value that is not in this list is refused.

## Values

| value | default | |
|---|---|---|
";

/// Values for parent charts: they stand in the schema alone.
const WITHOUT_DEFAULT: [&str; 2] = ["enabled", "global"];

fn chart() -> PathBuf {
    workspace().join("charts/cicdcontext")
}

fn read(path: &str) -> String {
    fs::read_to_string(chart().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// By name, as people look values up on the page.
fn schema() -> Value {
    let mut schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    schema.sort_all_objects();
    schema
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap()
}

/// The values of a schema with their paths: what has named parts is not a value, but they are.
fn described(prefix: &str, schema: &Value, found: &mut Vec<(String, Value)>) {
    for (name, property) in schema["properties"].as_object().unwrap() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if property.get("properties").is_some() {
            assert!(property["description"].is_string(), "{path} has no description");
            assert_eq!(property["additionalProperties"], false, "{path} lets misspelt values pass");
            described(&path, property, found);
        } else {
            found.push((path, property.clone()));
        }
    }
}

fn all() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    described("", &schema(), &mut found);
    found
}

/// The values of a file with their paths, down to what the schema calls a value.
fn set(prefix: &str, value: &Value, known: &BTreeSet<String>, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if !known.contains(prefix) => {
            for (name, value) in map {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                set(&path, value, known, found);
            }
        }
        _ => {
            found.insert(prefix.to_owned(), value.clone());
        }
    }
}

fn values_of(file: &str) -> BTreeMap<String, Value> {
    let known = all().into_iter().map(|(path, _)| path).collect();
    let mut found = BTreeMap::new();
    set("", &yaml(file), &known, &mut found);
    found
}

#[test]
fn each_value_is_in_the_schema_with_its_default_and_a_description_and_the_reverse() {
    let mut values = values_of("values.yaml");
    for (path, property) in all() {
        let description = property["description"].as_str().unwrap_or_default();
        assert!(description.ends_with('.'), "{path} has no description, or one that is no sentence: {description:?}");
        if WITHOUT_DEFAULT.contains(&path.as_str()) {
            assert_eq!(property.get("default"), None, "{path}");
            assert_eq!(values.remove(&path), None, "{path}");
            continue;
        }
        let default = property.get("default").unwrap_or_else(|| panic!("{path} has no default in the schema"));
        let value = values.remove(&path).unwrap_or_else(|| panic!("{path} is not in values.yaml"));
        assert_eq!(&value, default, "{path}: values.yaml and the schema say different things");
    }
    assert_eq!(values, BTreeMap::new(), "in values.yaml, but not in the schema");
}

#[test]
fn each_value_is_set_in_one_of_the_sets_that_are_tried() {
    let mut unset: BTreeMap<String, Value> = all().into_iter().collect();
    unset.remove("global").expect("a parent chart's, tried as a subchart");
    for file in fs::read_dir(chart().join("ci")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(name.ends_with("-values.yaml"), "{name} is not seen by tools that try charts");
        for (path, value) in values_of(&format!("ci/{name}")) {
            let property = unset.get(&path);
            if property.is_some_and(|property| property.get("default") != Some(&value)) {
                unset.remove(&path);
            }
        }
    }
    assert!(unset.is_empty(), "never set to something else than the default: {:?}", unset.keys());
}

#[test]
fn the_page_of_the_chart_is_current() {
    let page = page();
    if std::env::var_os("CHART_PAGE").is_some_and(|what| what == "write") {
        fs::write(chart().join("README.md"), page).unwrap();
        return;
    }
    let written = fs::read_to_string(chart().join("README.md")).unwrap_or_default();
    assert!(written == page, "charts/cicdcontext/README.md is not what values.schema.json says: make generate");
}

#[test]
fn the_kinds_of_the_chart_are_the_generated_ones() {
    let list = |folder: PathBuf| -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let manifests = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        manifests
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
            .collect()
    };
    let (generated, copied) = (list(workspace().join("crds/manifests")), list(chart().join("files/crds")));
    assert_eq!(generated.len(), 6);
    assert_eq!(generated.keys().collect::<Vec<_>>(), copied.keys().collect::<Vec<_>>());
    for (name, text) in generated {
        assert!(copied[&name] == text, "charts/cicdcontext/files/crds/{name} is not the generated one: make generate");
    }
}

#[test]
fn the_versions_of_the_chart_are_the_one_of_the_programs() {
    let about = yaml("Chart.yaml");
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["appVersion"], env!("CARGO_PKG_VERSION"));
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut lists = String::new();
    let (mut groups, schema, all) = (BTreeSet::new(), schema(), all());
    for (path, property) in &all {
        for (end, _) in path.match_indices('.') {
            let group = &path[..end];
            if groups.insert(group) {
                let pointer = format!("/properties/{}/description", group.replace('.', "/properties/"));
                let about = schema.pointer(&pointer).and_then(Value::as_str).unwrap();
                writeln!(page, "| **{group}** | | {about} |").unwrap();
            }
        }
        writeln!(page, "| `{path}` | {} | {} |", default(property), explanation(property)).unwrap();
        list(path, &property["items"], &mut lists);
    }
    page + &lists
}

/// The parts of a list's items, where they have names.
fn list(path: &str, items: &Value, lists: &mut String) {
    let Some(properties) = items["properties"].as_object() else { return };
    if properties.len() < 2 {
        return;
    }
    writeln!(lists, "\n### Each of `{path}`\n\n| | | |\n|---|---|---|").unwrap();
    let is_required = |schema: &Value, name: &str| {
        let required = schema["required"].as_array();
        let required = required.is_some_and(|all| all.iter().any(|one| one == name));
        if required { "required" } else { "" }
    };
    for (name, property) in properties {
        writeln!(lists, "| `{name}` | {} | {} |", is_required(items, name), explanation(property)).unwrap();
        for (part, inner) in property["properties"].as_object().into_iter().flatten() {
            writeln!(lists, "| `{name}.{part}` | {} | {} |", is_required(property, part), explanation(inner)).unwrap();
        }
    }
}

fn default(property: &Value) -> String {
    let Some(default) = property.get("default") else { return String::new() };
    format!("`{default}`")
}

/// The description, and what a value may be where that is a choice or a range.
fn explanation(property: &Value) -> String {
    let mut text = property["description"].as_str().unwrap_or_default().replace('|', "\\|");
    if let Some(choices) = property["enum"].as_array() {
        let choices: Vec<String> = choices.iter().map(|choice| format!("`{}`", choice.as_str().unwrap())).collect();
        write!(text, " One of {}.", choices.join(", ")).unwrap();
    }
    if let (Some(least), Some(most)) = (property["minimum"].as_i64(), property["maximum"].as_i64()) {
        write!(text, " {least} to {most}.").unwrap();
    }
    text.trim_start().to_owned()
}
