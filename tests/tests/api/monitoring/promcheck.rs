//! Runs `tests/promcheck`, built when it has changed, and reads what it prints.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use cicdcontext_tests::cluster::{Environment, GoModule, Interrupt, Report, workspace};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Where the alerts are, below the root of the project.
pub(super) const ALERTS: &str = "charts/cicdcontext/files/alerts.yaml";
/// Where the dashboard is.
pub(super) const DASHBOARD: &str = "charts/cicdcontext/files/dashboard.json";

/// What an expression selects, once.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Selector {
    pub(super) metric: String,
    pub(super) matchers: Vec<Matcher>,
    /// Labels by which aggregations and matches around it group.
    pub(super) grouping: Vec<String>,
    /// Functions around it, from the outermost on.
    pub(super) functions: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Matcher {
    pub(super) label: String,
    /// Values that are named; of a regular expression that is more than alternatives, none.
    pub(super) values: Vec<String>,
}

/// An expression and where it stands.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Expression {
    pub(super) name: String,
    pub(super) expr: String,
    pub(super) selectors: Vec<Selector>,
}

/// A rule of the rule file.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Alert {
    #[serde(rename = "alert")]
    pub(super) name: String,
    pub(super) expr: String,
    #[serde(rename = "for")]
    pub(super) lasts: String,
    pub(super) labels: std::collections::BTreeMap<String, String>,
    pub(super) annotations: std::collections::BTreeMap<String, String>,
    pub(super) selectors: Vec<Selector>,
}

impl Alert {
    pub(super) fn expression(&self) -> Expression {
        Expression { name: self.name.clone(), expr: self.expr.clone(), selectors: self.selectors.clone() }
    }
}

/// The program. It has a module of its own: Prometheus wants other versions of what Helm wants, too.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let module = GoModule {
        directory: workspace().join("tests/promcheck"),
        title: "promcheck",
        announcement: "building promcheck from Prometheus' Go modules; a cold build takes about 2 minutes on two cores",
        packages: ".",
        programs: &["promcheck"],
        links: &[],
        linker_flags: "-s -w",
    };
    let built = module.build(&Environment::of_this_process(), &Report::default(), &Interrupt::default());
    built.unwrap_or_else(|error| panic!("{error}")).join("promcheck")
});

/// What it prints; an error if it fails.
fn run(arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(&*PROGRAM);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("promcheck can be run");
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ran = process.wait_with_output().unwrap();
    if ran.status.success() {
        Ok(String::from_utf8(ran.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&ran.stderr).into_owned())
    }
}

fn read<T: DeserializeOwned>(text: Result<String, String>) -> Result<T, String> {
    text.map(|text| serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// The selectors of expressions: a name and a text each.
pub(super) fn expressions(all: &[(String, String)]) -> Result<Vec<Expression>, String> {
    let all: Vec<Value> = all.iter().map(|(name, expr)| json!({"name": name, "expr": expr})).collect();
    read(run(&["expressions"], &Value::from(all).to_string()))
}

/// The rules of a file.
pub(super) fn rules(path: &Path) -> Result<Vec<Alert>, String> {
    read(run(&["rules", path.to_str().unwrap()], ""))
}

/// Plays scenarios; says which alerts fired.
pub(super) fn test(rules: &Path, scenarios: &Path) -> Result<String, String> {
    run(&["test", rules.to_str().unwrap(), scenarios.to_str().unwrap()], "")
}

/// The alerts of the chart.
pub(super) fn alerts() -> Vec<Alert> {
    rules(&workspace().join(ALERTS)).unwrap_or_else(|error| panic!("{error}"))
}
