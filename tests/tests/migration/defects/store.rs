//! Where runs are kept, and who reads and writes them.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use super::desk::{Desk, ended};

#[tokio::test]
async fn defect_01_parallel_writers_of_different_keys_lose_nothing() {
    let desk = Desk::with_app("cicd-contexts: {stage: {}}").await;
    desk.init().await;
    let sets: Vec<String> = (0..12).map(|number| format!("state.k{number}={number}")).collect();
    let children: Vec<_> = sets.iter().map(|set| desk.start(&["--set", set])).collect();
    for child in children {
        ended(child).await.good();
    }
    desk.run(&["--load"]).await.good();
    let state = desk.state();
    for number in 0..12 {
        assert_eq!(state[format!("k{number}")], number.to_string(), "{state}");
    }
}

#[tokio::test]
async fn defect_02_a_reader_finds_whole_files_and_half_a_run_is_refused() {
    let desk = Desk::with_app("cicd-contexts: {stage: {}}").await;
    desk.init().await;
    let large = "x".repeat(100_000);
    desk.run(&["--set", &format!("state.large={large}")]).await.good();
    let file = desk.path().join("cache/run.json");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let reader = tokio::task::spawn_blocking(move || {
        let (mut stopped, mut reads) = (stopped, 0);
        while stopped.try_recv().is_err() {
            let text = fs::read_to_string(&file).unwrap();
            serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error} in {} bytes", text.len()));
            reads += 1;
        }
        reads
    });
    for number in 0..10 {
        desk.run(&["--set", &format!("state.n={number}")]).await.good();
    }
    stop.send(()).unwrap();
    assert!(reader.await.unwrap() > 0);

    let stored = desk.stored();
    let text = fs::read_to_string(&stored).unwrap();
    fs::write(&stored, &text[..text.len() / 2]).unwrap();
    let refused = desk.run(&["--set", "state.n=1"]).await;
    assert!(refused.failed().contains("r-"), "{refused:?}");
    assert_eq!(fs::read_to_string(&stored).unwrap(), text[..text.len() / 2], "nothing is written over it");
}

#[tokio::test]
async fn defect_03_the_named_run_is_worked_on_whatever_the_local_files_hold() {
    let desk = Desk::with_app("cicd-contexts: {stage: {}}").await;
    desk.run(&["--init-new", "a", "--set", "state.mine=a"]).await.good();
    desk.run(&["--init-new", "b", "--set", "state.mine=b"]).await.good();
    assert_eq!(desk.read("cache/run.id"), "b");
    assert_eq!(desk.run(&["--id", "a", "--get", "state.mine"]).await.good(), "a\n");
    desk.run(&["--id", "a", "--set", "state.more=1"]).await.good();
    assert_eq!(desk.run(&["--id", "b", "--get", "state.more"]).await.good(), "");
}

#[tokio::test]
async fn defect_04_stale_local_files_are_not_written_over_newer_data() {
    let desk = Desk::with_handlers(json!({"set-values": {"set": [{"from": "x", "to": "state.by.event"}]}})).await;
    desk.init().await;
    desk.run_in("elsewhere", &["--set", "state.newer=1"]).await.good();
    desk.run(&["--set", "state.other=2"]).await.good();
    desk.fire().await.good();
    let state = desk.state();
    assert_eq!((&state["newer"], &state["other"], &state["by"]["event"]), (&json!("1"), &json!("2"), &json!("x")));
}

#[tokio::test]
async fn defect_09_a_receiver_that_hangs_loses_nothing_that_was_done_before() {
    let desk = Desk::with_handlers(json!({
        "set-values": {"set": [{"from": "done", "to": "state.first"}]},
        "notify": {"message": "hello"},
    }))
    .await;
    desk.init().await;
    desk.receiver.answer("/chat", Answer::hang());
    let hanging = desk.start(&["--handle-event", "build=go"]);
    desk.receiver.wait_for("/chat", 1, Duration::from_secs(20)).await.unwrap();
    assert_eq!(desk.get("state.first").await, "done");
    drop(hanging);
}

#[tokio::test]
async fn defect_11_nothing_is_sent_that_could_not_be_kept_and_attempts_share_one_id() {
    let mut desk = Desk::with_handlers(json!({"notify": {
        "message": "hello", "capture-response-data": [{"from": "{{ body.ok }}", "to": "state.ok"}],
    }}))
    .await;
    desk.init().await;
    desk.receiver.answers("/chat", [Answer::json(503, &json!({}))]);
    desk.fire().await.good();
    let arrived = desk.receiver.requests();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
    assert_eq!(desk.get("state.ok").await, "True");
    // A folder in the place of the lock: the run can be read, and not written.
    let lock = desk.stored().with_extension("lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert!(desk.fire().await.failed().contains("lock"));
    assert_eq!(desk.receiver.requests().len(), 2, "nothing more is sent");
    fs::remove_dir(&lock).unwrap();
    desk.write("no-folder", "");
    let nowhere = desk.path().join("no-folder").into_os_string().into_string().unwrap();
    desk.set("CICDSTATEMGR_LOCAL_DIR", &nowhere);
    assert!(desk.fire().await.failed().contains("no-folder"));
    assert_eq!(desk.receiver.requests().len(), 2, "nothing more is sent");
}

#[tokio::test]
async fn defect_26_no_value_is_logged_and_a_stored_run_is_private() {
    let desk = Desk::with_handlers(json!({"notify": {"message": "{{ state.word }}"}})).await;
    desk.receiver.answer("/chat", Answer::json(200, &json!({"answer": "an5wer"})));
    let begun = desk.run(&["-l", "DEBUG", "--init-new", "r", "--set", "state.word=w0rd"]).await;
    let fired = desk.run(&["-l", "DEBUG", "--handle-event", "build=go"]).await;
    for ran in [begun, fired] {
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!["w0rd", "an5wer", "chat-token"].iter().any(|value| ran.errors.contains(value)), "{ran:?}");
    }
    assert_eq!(fs::metadata(desk.stored()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn defect_30_no_local_file_is_needed() {
    let desk = Desk::with_app("cicd-contexts: {stage: {room: here}}").await;
    let mut config = desk.config();
    config["datasources"] = json!({});
    desk.configure(&config);
    desk.run(&["--init-new", "r", "--set", "state.a=1"]).await.good();
    assert_eq!((desk.get("state.a").await.as_str(), desk.get("room").await.as_str()), ("1", "here"));
    assert!(!desk.path().join("cache").exists());
}

#[tokio::test]
async fn defect_32_setting_the_id_does_not_make_it_another_run() {
    let desk = Desk::with_app("cicd-contexts: {stage: {}}").await;
    desk.run(&["--init-new", "other", "--set", "state.mine=other"]).await.good();
    desk.init().await;
    desk.run(&["--set", "state.cicdContextDataId=other|state.mine=r"]).await;
    assert_eq!(desk.run(&["--id", "other", "--get", "state.mine"]).await.good(), "other\n");
    assert_eq!(desk.run(&["--id", "other", "--get", "state.cicdContextDataId"]).await.good(), "other\n");
}

impl Desk {
    /// The file of the run `r`.
    fn stored(&self) -> std::path::PathBuf {
        let mut files = fs::read_dir(self.path().join("runs")).unwrap().map(|file| file.unwrap().path());
        files.find(|file| file.extension().is_some_and(|extension| extension == "json")).unwrap()
    }
}
