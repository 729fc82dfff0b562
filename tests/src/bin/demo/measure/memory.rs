//! What the operator holds in memory with a hundred contexts.

use cicdcontext_tests::cluster::workspace;
use serde_json::{Value, json};

use super::{Bench, row};
use crate::{error::DemoError, kubectl::Invocation};

const CONTEXTS: usize = 100;
/// Bytes of the text in each context's state.
const STATE_BYTES: usize = 1000;

pub(super) async fn measure(bench: &Bench<'_>) -> Result<(), DemoError> {
    println!("Memory of the operator with {CONTEXTS} contexts of the sample, 1 kB of state each, in MiB:");
    let namespace = bench.scene.measured.as_str();
    let base = workspace().join("deploy/samples/release/20-application.yaml").to_string_lossy().into_owned();
    bench.scene.admin.run(&Invocation::new(["-n", namespace, "apply", "-f", &base])).await?;
    let contexts: Vec<Value> = (0..CONTEXTS).map(context).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": contexts}).to_string();
    let create = Invocation { input: Some(list), ..Invocation::new(["-n", namespace, "create", "-f", "-"]) };
    bench.scene.admin.run(&create).await?;
    let wait = ["-n", namespace, "wait", "--for=condition=Ready", "--timeout=60s", "cctx", "-l", "measured=memory"];
    bench.scene.admin.run(&Invocation::new(wait)).await?;
    let Some(memory) = bench.scene.operator()?.memory() else {
        row("resident", "unknown", "this system has no /proc");
        return Ok(());
    };
    row("resident (VmRSS)", &mebibytes(memory.resident), "below 40 (release build)");
    row("of it not pages of its own file (RssAnon)", &mebibytes(memory.anonymous), "");
    row("the most so far (VmHWM)", &mebibytes(memory.peak), "");
    Ok(())
}

fn context(number: usize) -> Value {
    json!({
        "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext",
        "metadata": {"name": format!("memory-{number}"), "labels": {"measured": "memory"}},
        "spec": {
            "context": "stage", "bases": [{"kind": "CicdBase", "name": "shop"}],
            "state": {"app": {"name": "shop", "version": format!("1.{number}")}, "log": "x".repeat(STATE_BYTES)},
        },
    })
}

/// Tenths are enough, and exact in whole numbers.
pub(super) fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mebibytes_have_one_decimal() {
        assert_eq!(mebibytes(1024 * 1024 * 3 / 2), "1.5");
        assert_eq!(mebibytes(0), "0.0");
    }
}
