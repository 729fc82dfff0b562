//! docs/migration.md, played: its files are written, its commands typed into one shell, its requests arrive. And every link that
//! a notice prints leads to a heading of it.
//!
//! * `yaml` blocks whose first line is `# NAME` are files;
//! * in `console` blocks, each line that begins with `$ ` is typed, and what follows is what it prints; an ellipsis (`…`) stands for
//!   any text within a line, or for any lines;
//! * `http` blocks hold the requests as they arrive.
//!
//! What the page calls `https://NAME.example` is a receiver on loopback.

use std::{collections::BTreeSet, env, fs, path::Path, process::Stdio};

use cicdcontext_tests::{
    cluster::workspace,
    receiver::{Answer, Receiver},
};
use serde_json::{Value, json};
use tokio::process::Command;

/// Between the output of two commands.
const MARK: &str = "\u{1}";

fn text() -> String {
    fs::read_to_string(workspace().join("docs/migration.md")).unwrap()
}

/// The fenced blocks with their language.
fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let block = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
        blocks.push((language.to_owned(), block));
    }
    blocks
}

/// The commands of console blocks, each with what it prints.
fn commands(blocks: &[(String, Vec<String>)]) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in blocks.iter().filter(|(language, _)| language == "console").flat_map(|(_, lines)| lines) {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, shown))) => shown.push(line.clone()),
            (None, None) => panic!("a console block begins with `$ `: {line}"),
        }
    }
    commands
}

/// Method, path and body of each request that the page shows.
fn requests(blocks: &[(String, Vec<String>)]) -> Vec<(String, Value)> {
    let lines = blocks.iter().filter(|(language, _)| language == "http").flat_map(|(_, lines)| lines);
    let lines: Vec<&String> = lines.filter(|line| !line.is_empty()).collect();
    let pairs = lines.chunks(2).map(|pair| (pair[0].clone(), serde_json::from_str(pair[1]).unwrap()));
    pairs.collect()
}

fn line_matches(shown: &str, line: &str) -> bool {
    let parts: Vec<&str> = shown.split('…').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    if parts.len() == 1 {
        return shown == line;
    }
    line.len() >= first.len() + last.len() && line.starts_with(first) && line.ends_with(last)
}

fn matches(shown: &[String], output: &str) -> bool {
    let lines: Vec<&str> = output.lines().collect();
    match shown.iter().position(|line| line == "…") {
        None => shown.len() == lines.len() && shown.iter().zip(&lines).all(|(shown, line)| line_matches(shown, line)),
        Some(gap) => {
            let (head, tail) = (&shown[..gap], &shown[gap + 1..]);
            lines.len() >= head.len() + tail.len()
                && head.iter().zip(&lines).all(|(shown, line)| line_matches(shown, line))
                && tail.iter().rev().zip(lines.iter().rev()).all(|(shown, line)| line_matches(shown, line))
        }
    }
}

/// The programs of this build, the drop-in among them.
fn programs(folder: &Path) -> String {
    let test = env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap();
    std::os::unix::fs::symlink(built.join("cicdctl"), folder.join("cicdstatemgr")).unwrap();
    let own = [folder.to_owned(), built.to_owned()].into_iter();
    let path = env::join_paths(own.chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    path.into_string().unwrap()
}

#[tokio::test]
async fn the_page_does_what_it_says() {
    let blocks = blocks(&text());
    let receiver = Receiver::start().await.unwrap();
    receiver.answer("/post", Answer::json(200, &json!({"ok": true, "ts": "1700.1"})));
    let folder = tempfile::tempdir().unwrap();
    let bin = tempfile::tempdir().unwrap();
    for (_, lines) in blocks.iter().filter(|(language, _)| language == "yaml") {
        let Some(name) = lines.first().and_then(|line| line.strip_prefix("# ")) else { continue };
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut content = lines.join("\n") + "\n";
        for host in ["https://chat.example", "https://start.example"] {
            content = content.replace(host, &receiver.url(""));
        }
        fs::write(path, content).unwrap();
    }
    let commands = commands(&blocks);
    let lines = commands.iter().map(|(command, _)| format!("{command}\nprintf '{MARK}%s\\n' $?\n"));
    let script = lines.collect::<Vec<_>>().concat();
    let ran = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder.path())
        .env("PATH", programs(bin.path()))
        .env_remove("KUBECONFIG")
        .stdin(Stdio::null())
        .output();
    let output = String::from_utf8(ran.await.unwrap().stdout).unwrap();
    let mut rest = output.as_str();
    for (command, shown) in &commands {
        let (printed, after) =
            rest.split_once(MARK).unwrap_or_else(|| panic!("`{command}` was not reached:\n{output}"));
        let (code, after) = after.split_once('\n').unwrap();
        assert!(code == "0" && matches(shown, printed), "`{command}` ended with {code} and printed:\n{printed}");
        rest = after;
    }
    let arrived = receiver.requests();
    let arrived: Vec<_> =
        arrived.iter().map(|request| (format!("{} {}", request.method, request.path), request.body.clone())).collect();
    assert_eq!(arrived, requests(&blocks));
}

#[test]
fn every_anchor_of_a_notice_is_a_heading_and_every_heading_of_a_difference_is_used() {
    let text = text();
    let (_, differences) = text.split_once("## What is different on purpose\n").unwrap();
    let (differences, _) = differences.split_once("\n## ").unwrap();
    let headings = differences.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: BTreeSet<String> = headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    let anchors: BTreeSet<String> =
        cicdcontext_compat::notice::ANCHORS.iter().map(|anchor| (*anchor).to_owned()).collect();
    assert_eq!(anchors, headings);
}
