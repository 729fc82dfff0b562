//! A case: files, and the commands that are run over them one after the other. Cases are data, in `cases/`; how they are run is not
//! known here.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

/// Files and commands of one scenario, in folders, a store and a receiver of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it is about.
    pub(crate) name: String,
    /// Files by name; `config.yaml`, `secrets.yaml` and `app.yaml` have defaults. In them `RECEIVER` is the receiver,
    /// `DATASOURCES` all five stores and `REDIS` the settings of redis.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// What the receiver answers, by path, one after the other; the last answer stays.
    #[serde(default)]
    pub(crate) answers: BTreeMap<String, Vec<Answers>>,
    /// Where a case finds its mirror files if not at the default places.
    #[serde(default)]
    pub(crate) mirrors: Mirrors,
    /// No shell file is written: the predecessor's breaks at the quotes that are in this case (defect 7, which has a case of its
    /// own).
    #[serde(default)]
    pub(crate) without_shell: bool,
    /// Why it is not run over CicdContexts.
    #[serde(default)]
    pub(crate) only_local: Option<String>,
    /// Commands.
    pub(crate) steps: Vec<Step>,
}

/// An answer of the receiver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answers {
    #[serde(default = "ok")]
    pub(crate) status: u16,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

fn ok() -> u16 {
    200
}

/// Names of the mirror files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mirrors {
    pub(crate) yaml: String,
    pub(crate) json: String,
    pub(crate) shell: String,
    pub(crate) id: String,
}

impl Default for Mirrors {
    fn default() -> Self {
        let [yaml, json, shell, id] = ["yaml", "json", "sh", "id"].map(|end| format!("cache/run.{end}"));
        Self { yaml, json, shell, id }
    }
}

/// A command, what the predecessor makes of it, and what is different with the drop-in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Arguments.
    pub(crate) run: Vec<String>,
    /// Variables beside, or instead of, those that every command has; an empty one takes one away.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Files that are written before, on both sides.
    #[serde(default)]
    pub(crate) write: BTreeMap<String, String>,
    /// Files that are removed before, on both sides.
    #[serde(default)]
    pub(crate) remove: Vec<String>,
    /// Exit code of the predecessor.
    #[serde(default)]
    pub(crate) code: i64,
    /// What the predecessor prints, without the final newline; not looked at if it fails.
    #[serde(default)]
    pub(crate) out: String,
    /// Bodies that the predecessor sends; `...` stands for any.
    #[serde(default)]
    pub(crate) sends: Vec<String>,
    /// Places in the documentation of the migration that the drop-in names on stderr; `redis` is always among them.
    #[serde(default)]
    pub(crate) says: Vec<String>,
    /// What is different with the drop-in on purpose.
    #[serde(default)]
    pub(crate) differs: Vec<Difference>,
    /// What is different only where the store is a CicdContext.
    #[serde(default)]
    pub(crate) differs_in_cluster: Vec<Difference>,
}

/// A deliberate difference. Those of documents and mirror files hold for all further steps, until they vanish.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Difference {
    /// Where: `code`, `stdout`, `requests` (their number), `request.1.body`, `document.state.x` (in the store and in both mirror
    /// files), `shell.CICD_x`, `id` ...
    pub(crate) at: String,
    /// What the drop-in has there; nothing: it has nothing there.
    #[serde(default)]
    pub(crate) ours: Option<Value>,
    /// What is in the text, or in the JSON, that the drop-in has there.
    #[serde(default)]
    pub(crate) contains: Option<String>,
    /// Why; names the section of the decision or the number of the defect.
    pub(crate) why: String,
}

/// All cases, sorted by the name of their file.
pub(crate) fn all(folder: &Path) -> Vec<Case> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            serde_saphyr::from_str::<Vec<Case>>(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        })
        .collect()
}
