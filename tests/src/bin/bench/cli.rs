//! `cicdctl` against the predecessor: whole processes, in turn, over the same state. `measure.py` beside this times them,
//! since it runs where the predecessor does; here the cluster, the manifests and a receiver are prepared for it, and its
//! figures are named.

use std::{collections::BTreeMap, fs, path::Path, process::Stdio, time::Duration};

use cicdcontext_tests::{
    cluster::Role,
    figures::median,
    installation::kubectl,
    receiver::{Answer, Receiver},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    error::BenchError,
    load::number,
    predecessor::script,
    report::{
        Section,
        figure::{Better, Figure, Unit},
    },
    scene::{object, text_of},
    stage::Stage,
};

const METHOD: &str = "Whole processes, from before the fork to after the exit, in turn over the same state; the predecessor keeps \
    it in redis and files. Memory is the greatest resident set.";
/// How many times faster than the predecessor each command is to be, and how much memory it may take, in MiB.
const FASTER: f64 = 25.0;
const MEMORY: f64 = 20.0;
/// The kilobytes of state of the context that many processes write at once; there for every length of a run.
const AT_ONCE: usize = 12;

/// What `measure.py` says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    verbs: Vec<Verb>,
    /// Milliseconds of each of many processes at once, sorted, by where they write.
    at_once: BTreeMap<String, Vec<f64>>,
    starts: Vec<f64>,
    program_mebibytes: f64,
}

#[derive(Debug, Deserialize)]
struct Verb {
    bytes: usize,
    #[serde(rename = "verb")]
    name: String,
    way: String,
    milliseconds: Vec<f64>,
    #[serde(default)]
    mebibytes: Option<f64>,
}

/// Prepares and measures.
pub(crate) async fn measure(stage: &Stage, predecessor: &Path) -> Result<Section, BenchError> {
    let namespace = stage.namespace("cli").await?;
    let operator = stage.operator(&namespace).await?;
    let receiver = Receiver::start().await.map_err(BenchError::io("listen on", "loopback"))?;
    receiver.answer("/chat", Answer::json(200, &json!({"ok": true, "ts": "1700000000.0001"})));
    let sizes: BTreeMap<String, usize> = stage
        .length
        .pick(&[AT_ONCE][..], &[1, AT_ONCE, 120])
        .iter()
        .map(|size| (name_of(*size), size * 1000))
        .collect();
    let directory = stage.directory.join("manifests");
    fs::create_dir_all(&directory).map_err(BenchError::io("create", directory.display()))?;
    // A file for each size: on files, a command reads all that its file holds.
    for (name, bytes) in &sizes {
        let manifests = directory.join(format!("{name}.json"));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects(&receiver.url("/chat"), name, *bytes)});
        fs::write(&manifests, list.to_string()).map_err(BenchError::io("write", manifests.display()))?;
        kubectl(&stage.access, &["-n", &namespace, "apply", "--server-side", "-f", &manifests.to_string_lossy()])
            .await?;
    }

    let python = predecessor.join("bin/python");
    let output = Command::new(&python)
        .arg(script())
        .env("BENCH_CICDCTL", &stage.cicdctl)
        .env("BENCH_NAMESPACE", &namespace)
        .env("BENCH_MANIFESTS", &directory)
        .env("BENCH_RECEIVER", receiver.url("/chat"))
        .env("BENCH_ROUNDS", stage.length.pick(3, 9).to_string())
        .env("BENCH_SIZES", json!(sizes).to_string())
        .env("BENCH_AT_ONCE", name_of(AT_ONCE))
        .env("KUBECONFIG", stage.access.kubeconfig(Role::Pipeline))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(BenchError::io("run", python.display()))?;
    operator.stop().await?;
    if !output.status.success() {
        return Err(BenchError::Measuring(output.status));
    }
    let measured = serde_json::from_slice(&output.stdout);
    let measured = measured.map_err(|error| BenchError::io("read the figures of", python.display())(error.into()))?;
    Ok(report(&measured))
}

fn report(measured: &Measured) -> Section {
    let mut section = Section::new("cli", "cicdctl and its predecessor", METHOD);
    for Verb { bytes, name: verb, way, milliseconds, mebibytes } in &measured.verbs {
        let at = |figure: Figure| of_state(figure, bytes / 1000);
        if way == "predecessor" {
            let figure = Figure::of(format!("predecessor, {verb}"), Unit::Milliseconds, milliseconds.iter().copied());
            section.push(at(figure).better(Better::Neither));
            continue;
        }
        let what = format!("cicdctl {verb}, {way}");
        section.push(at(Figure::of(what.clone(), Unit::Milliseconds, milliseconds.iter().copied())));
        let before =
            measured.verbs.iter().find(|one| one.way == "predecessor" && one.name == *verb && one.bytes == *bytes);
        let before = before.map_or(0.0, |before| median(before.milliseconds.iter().copied()));
        let ratio = before / median(milliseconds.iter().copied());
        section.push(at(Figure::of(format!("{what}, times faster"), Unit::Ratio, [ratio])).at_least(FASTER));
        if let Some(mebibytes) = mebibytes {
            section.push(at(Figure::of(format!("{what}, memory"), Unit::Mebibytes, [*mebibytes])).at_most(MEMORY));
        }
    }
    for (way, milliseconds) in &measured.at_once {
        let durations: Vec<Duration> = milliseconds.iter().map(|one| Duration::from_secs_f64(one / 1000.0)).collect();
        for percent in [50, 99] {
            let what = format!("{} cicdctl set at once, {way}, p{percent}", durations.len());
            section.push(of_state(Figure::percentile(what, &durations, percent), AT_ONCE));
        }
    }
    section.push(Figure::of("cicdctl version", Unit::Milliseconds, measured.starts.iter().copied()));
    section.push(Figure::of("size of cicdctl", Unit::Mebibytes, [measured.program_mebibytes]));
    section
}

/// The name of the context with so many kilobytes of state.
fn name_of(kilobytes: usize) -> String {
    format!("run-{kilobytes:03}k")
}

fn of_state(figure: Figure, kilobytes: usize) -> Figure {
    figure.at(format!("{kilobytes} kB of state"), number(kilobytes))
}

/// An endpoint, and a context that tells it what was built.
fn objects(url: &str, name: &str, bytes: usize) -> [Value; 2] {
    let body = r#"{"text": "{{handler.message}}"}"#;
    let endpoint = object("CicdEndpoint", "chat", &json!({"url": url, "allowHttp": true, "bodies": {"notify": body}}));
    let notify = json!({"endpoint": {"name": "chat"}, "message": "built {{state.build.image}}"});
    let handlers = json!({"success": [{"name": "tell", "notify": notify}]});
    let state = json!({"build": {"image": "web:5"}, "blob": text_of(bytes)});
    let context =
        object("CicdContext", name, &json!({"pipelines": {"build": {"eventHandlers": handlers}}, "state": state}));
    [endpoint, context]
}
