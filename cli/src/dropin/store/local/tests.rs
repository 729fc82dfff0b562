use std::{fs, os::unix::fs::PermissionsExt};

use cicdcontext_compat::write::write;
use serde_json::json;
use tempfile::TempDir;

use super::*;

fn document(value: Value) -> Document {
    Document(serde_json::from_value(value).unwrap())
}

async fn begun() -> (TempDir, InFolder) {
    let folder = tempfile::tempdir().unwrap();
    let store = InFolder::new(&folder.path().join("deep/runs"));
    store.create("Team A/7", &document(json!({"z": 1, "a": {"y": 1, "b": 2}, "state": {}}))).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_document_is_read_as_it_was_written_with_the_order_of_its_keys() {
    let (_folder, store) = begun().await;
    let read = store.read("Team A/7").unwrap();
    assert_eq!(serde_json::to_string(&read.0).unwrap(), r#"{"z":1,"a":{"y":1,"b":2},"state":{}}"#);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&store.0), mode(&store.file("Team A/7"))), (0o700, 0o600));
}

#[tokio::test]
async fn a_run_that_begins_anew_replaces_the_old_one() {
    let (_folder, store) = begun().await;
    store.create("Team A/7", &document(json!({"new": true}))).await.unwrap();
    assert_eq!(store.read("Team A/7").unwrap(), document(json!({"new": true})));
}

#[tokio::test]
async fn a_run_that_is_not_there_is_an_error_and_nothing_is_made_for_it() {
    let (_folder, store) = begun().await;
    let before = fs::read_dir(&store.0).unwrap().count();
    let error = store.change("other", |_| Ok(())).await.unwrap_err().to_string();
    assert!(error.starts_with("read run \"other\": there is none in the folder "), "{error}");
    assert!(error.ends_with("begin it with --init-new"), "{error}");
    assert_eq!(fs::read_dir(&store.0).unwrap().count(), before);
}

#[tokio::test]
async fn a_part_of_a_file_is_refused() {
    let (_folder, store) = begun().await;
    let file = store.file("Team A/7");
    let text = fs::read_to_string(&file).unwrap();
    for end in [0, 1, text.len() / 2, text.trim_end().len() - 1] {
        fs::write(&file, &text[..end]).unwrap();
        let error = store.read("Team A/7").unwrap_err().to_string();
        assert!(error.starts_with("read ") && error.contains("restore it, or remove it"), "{end}: {error}");
    }
}

#[tokio::test]
async fn a_file_of_another_run_is_refused() {
    let (_folder, store) = begun().await;
    fs::rename(store.file("Team A/7"), store.file("b")).unwrap();
    let error = store.read("b").unwrap_err().to_string();
    assert!(error.contains("belongs to run \"Team A/7\""), "{error}");
}

#[tokio::test]
async fn a_change_that_fails_changes_nothing() {
    let (_folder, store) = begun().await;
    let before = store.read("Team A/7").unwrap();
    let failed = store
        .change("Team A/7", |document| {
            write(&mut document.0, "state.a", "1")?;
            Ok(write(&mut document.0, "z.b", "1")?)
        })
        .await;
    assert_eq!(
        failed.unwrap_err().to_string(),
        "write z.b: z is a number, so nothing can stand below it; remove it first, or choose another path"
    );
    assert_eq!(store.read("Team A/7").unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_who_writes_at_once_loses_anything() {
    let (_folder, store) = begun().await;
    let folder = store.0.clone();
    let writers = (0..8).map(|writer| {
        let store = InFolder::new(&folder);
        tokio::spawn(async move {
            for round in 0..5 {
                let change = |document: &mut Document| {
                    write(&mut document.0, &format!("state.w{writer}.r{round}"), "x")?;
                    Ok(write(&mut document.0, "state.all[]", &format!("{writer}-{round}"))?)
                };
                store.change("Team A/7", change).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let state = store.read("Team A/7").unwrap().state().clone();
    assert_eq!(state["all"].as_array().unwrap().len(), 40);
    assert!((0..8).all(|writer| state[format!("w{writer}")].as_object().unwrap().len() == 5), "{state}");
}
