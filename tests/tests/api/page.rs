//! Plays a page of documentation: applies its manifests, types its commands, and compares what it shows.
//!
//! A page is Markdown. Of its fenced blocks,
//! * `yaml` blocks with an `apiVersion` are applied; of Tekton Tasks, Argo Workflows and Jobs the scripts are run;
//! * in `console` blocks, each line that begins with `$ ` is typed (a line that ends with `\` goes on in the next), and
//!   what follows is what it prints (nothing: it has to succeed); an ellipsis (`…`) stands for any text within a line, or for any lines;
//! * `http` blocks hold a request as it arrives (request line, headers, blank line, body) and, below a line `---`, what
//!   is answered. A body that is JSON is compared as JSON.
//!
//! Everything else is text. What a page calls `https://NAME.example` is the receiver of the test.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
};

use cicdcontext_tests::{
    cluster::{Role, workspace},
    receiver::{Answer, Arrived},
};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{chart::helm::tools, cli::bind_pipeline, scene::Scene, workload};

/// One step of a page, in its order.
#[derive(Debug)]
enum Step {
    /// Manifests to apply.
    Apply(String),
    /// A manifest whose scripts are run.
    Run(String),
    /// A command and what it prints.
    Type(String, Vec<String>),
    /// A request that arrives.
    Arrive(Exchange),
}

/// A request and its answer, as the page shows them.
#[derive(Debug)]
struct Exchange {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    answer: Option<(u16, String)>,
}

/// Plays `path`, relative to the root of the project.
pub(crate) async fn play(scene: &Scene, path: &str) {
    let text = std::fs::read_to_string(workspace().join(path)).unwrap();
    let steps = steps(&text);
    let exchanges = steps.iter().filter(|step| matches!(step, Step::Arrive(_))).count();
    assert!(!steps.is_empty(), "{path} has nothing to play");
    answer(scene, &steps);
    let kubeconfig = kubeconfig(scene, Role::Admin).await;
    let pipeline = if steps.iter().any(|step| matches!(step, Step::Run(_))) {
        bind_pipeline(scene).await;
        Some(self::kubeconfig(scene, Role::Pipeline).await)
    } else {
        None
    };
    let mut arrived = 0;
    for step in &steps {
        match step {
            Step::Apply(manifests) => apply(scene, &kubeconfig, manifests).await,
            Step::Run(manifest) => {
                let kubeconfig = pipeline.as_deref().unwrap_or(&kubeconfig);
                workload::run(scene, &Typist { scene, kubeconfig }, manifest).await;
            }
            Step::Type(command, shown) if shown.is_empty() => {
                let ran = type_in(scene, &kubeconfig, command, None).await;
                assert!(ran.success, "{path}: `{command}`\n{}", ran.output);
            }
            Step::Type(command, shown) if !reads(command) => {
                let ran = type_in(scene, &kubeconfig, command, None).await;
                assert!(
                    matches(shown, &ran.output),
                    "{path}: `{command}`\n{}\nexpected:\n{}",
                    ran.output,
                    shown.join("\n")
                );
            }
            // What is shown may be a moment away: a page leaves out the waiting.
            Step::Type(command, shown) => {
                let what = format!("{path}: `{command}` prints what the page shows");
                let look = async || {
                    let ran = type_in(scene, &kubeconfig, command, None).await;
                    if matches(shown, &ran.output) {
                        Ok(())
                    } else {
                        Err(format!("{}\nexpected:\n{}", ran.output, shown.join("\n")))
                    }
                };
                scene.until(&what, look).await;
            }
            Step::Arrive(exchange) => {
                let all = scene.arrived_in_all(arrived + 1).await;
                compare(path, exchange, &all[arrived]);
                arrived += 1;
            }
        }
    }
    assert_eq!(
        scene.receiver.requests().len(),
        exchanges,
        "{path} shows all requests: {:?}",
        scene.receiver.requests()
    );
}

/// The commands of a page, relative to the root of the project, each with what it shows.
pub(crate) fn commands(path: &str) -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(workspace().join(path)).unwrap();
    let typed = |step| if let Step::Type(command, shown) = step { Some((command, shown)) } else { None };
    steps(&text).into_iter().filter_map(typed).collect()
}

/// Whether a command only reads, so that it may be typed again until it shows what it should.
fn reads(command: &str) -> bool {
    ["kubectl get ", "kubectl wait ", "kubectl auth can-i ", "cicdctl get ", "cicdctl events "]
        .iter()
        .any(|reading| command.starts_with(reading))
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) success: bool,
    /// Both streams; a person sees them together.
    pub(crate) output: String,
}

/// Whoever types, and with which rights.
pub(crate) struct Typist<'s> {
    pub(crate) scene: &'s Scene,
    pub(crate) kubeconfig: &'s Path,
}

impl Typist<'_> {
    /// Runs a script with these variables in its environment.
    pub(crate) async fn run(&self, script: &str, variables: &[(String, String)]) -> Ran {
        let shell = self.shell(script);
        typed_in(shell, variables, None).await
    }

    /// A shell that finds kubectl and this build's programs.
    fn shell(&self, script: &str) -> Command {
        let kubectl = self.scene.access.kubectl();
        let path = [kubectl.parent().unwrap().to_owned(), programs()];
        let path = path.into_iter().chain(TOOLS.get().cloned());
        let path = env::join_paths(path.chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1\n{script}")]).current_dir(workspace());
        shell.env("PATH", path).env("KUBECONFIG", self.kubeconfig);
        shell
    }
}

/// Types a command into a shell that finds kubectl and this build's programs.
pub(crate) async fn type_in(scene: &Scene, kubeconfig: &Path, command: &str, input: Option<&str>) -> Ran {
    typed_in(Typist { scene, kubeconfig }.shell(command), &[], input).await
}

async fn typed_in(mut shell: Command, variables: &[(String, String)], input: Option<&str>) -> Ran {
    let mut shell = shell
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    if let (Some(input), Some(mut stdin)) = (input, shell.stdin.take()) {
        stdin.write_all(input.as_bytes()).await.unwrap();
    }
    let ran = shell.wait_with_output().await.unwrap();
    Ran { success: ran.status.success(), output: String::from_utf8_lossy(&ran.stdout).into_owned() }
}

/// Where Helm is, once a page that types it has asked for it: a build of it takes minutes, and most pages need none.
static TOOLS: OnceLock<PathBuf> = OnceLock::new();

/// Lets the pages that are typed from here on find Helm.
pub(crate) async fn with_helm() {
    let tools = tools().await;
    TOOLS.get_or_init(|| tools.directory().to_owned());
}

/// Where the programs of this build are.
pub(crate) fn programs() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().to_owned()
}

/// A kubeconfig whose namespace is the scene's, as a reader's would be.
pub(crate) async fn kubeconfig(scene: &Scene, role: Role) -> PathBuf {
    let own = workspace().join("target/integration").join(format!("{}-{role:?}.kubeconfig", scene.namespace));
    std::fs::copy(scene.access.kubeconfig(role), &own).unwrap();
    let command = format!("kubectl config set-context --current --namespace={}", scene.namespace);
    let ran = type_in(scene, &own, &command, None).await;
    assert!(ran.success, "{}", ran.output);
    own
}

async fn apply(scene: &Scene, kubeconfig: &Path, manifests: &str) {
    let manifests = with_receiver(scene, manifests);
    for document in manifests.split("\n---\n").filter(|document| document.contains("kind: ClusterCicdBase\n")) {
        let name = document.lines().find_map(|line| line.strip_prefix("  name: ")).expect("a name");
        scene.remove_later(name);
    }
    // Strict: a field that the page misspells is an error, not a warning.
    let ran = type_in(scene, kubeconfig, "kubectl apply --validate=strict -f -", Some(&manifests)).await;
    assert!(ran.success, "{manifests}\n{}", ran.output);
}

/// The receiver in the place of `https://NAME.example`; it speaks plain http.
fn with_receiver(scene: &Scene, manifests: &str) -> String {
    let mut lines = Vec::new();
    for line in manifests.lines() {
        let url = line.trim_start().strip_prefix("url: https://").and_then(|rest| rest.split_once(".example"));
        match url {
            Some((_, path)) => {
                let indent = &line[..line.len() - line.trim_start().len()];
                lines.push(format!("{indent}url: {}", scene.receiver.url(path)));
                lines.push(format!("{indent}allowHttp: true"));
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

/// Tells the receiver what to answer, path by path in the order of the page.
fn answer(scene: &Scene, steps: &[Step]) {
    let mut answers: Vec<(&str, Vec<Answer>)> = Vec::new();
    for step in steps {
        let Step::Arrive(exchange) = step else { continue };
        let answer = match &exchange.answer {
            None => Answer::default(),
            Some((status, body)) => match serde_json::from_str::<Value>(body) {
                Ok(json) => Answer::json(*status, &json),
                Err(_) => Answer::text(*status, body),
            },
        };
        match answers.iter_mut().find(|(path, _)| *path == exchange.path) {
            Some((_, answers)) => answers.push(answer),
            None => answers.push((&exchange.path, vec![answer])),
        }
    }
    for (path, answers) in answers {
        scene.receiver.answers(path, answers);
    }
}

fn compare(page: &str, expected: &Exchange, arrived: &Arrived) {
    let line = format!("{} {}", arrived.method, arrived.path);
    assert_eq!(line, format!("{} {}", expected.method, expected.path), "{page}: {arrived:?}");
    for (name, value) in &expected.headers {
        let actual = arrived.header(name);
        assert!(line_matches(value, actual), "{page}: header {name} is {actual:?}, not {value:?}");
    }
    let body = serde_json::from_str(&expected.body).unwrap_or_else(|_| Value::String(expected.body.clone()));
    assert_eq!(arrived.body, body, "{page}: body of {line}");
}

/// Whether `output` is what the page shows.
pub(crate) fn matches(shown: &[String], output: &str) -> bool {
    let lines: Vec<&str> = output.lines().map(str::trim_end).collect();
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

fn line_matches(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// The steps of a page.
fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match language {
            "yaml" if workload::is_one(&block.join("\n")) => steps.push(Step::Run(block.join("\n"))),
            "yaml" if block.iter().any(|line| line.starts_with("apiVersion:")) => {
                steps.push(Step::Apply(block.join("\n")));
            }
            "console" => steps.extend(typed(&block)),
            "http" => steps.push(Step::Arrive(exchange(&block))),
            _ => {}
        }
    }
    steps
}

fn typed(block: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut going_on = false;
    for line in block {
        let command = line.strip_prefix("$ ");
        match (steps.last_mut(), command) {
            (Some(Step::Type(typed, _)), None) if going_on => {
                typed.push('\n');
                typed.push_str(line);
            }
            (_, Some(command)) => steps.push(Step::Type(command.to_owned(), Vec::new())),
            (Some(Step::Type(_, shown)), None) => shown.push((*line).to_owned()),
            _ => panic!("a console block begins with `$ `: {line}"),
        }
        // A quoted text and a here-document go on until their end, a line with a backslash into the next.
        going_on = match steps.last() {
            Some(Step::Type(typed, shown)) if shown.is_empty() => {
                let here = typed.contains("<<'END'") && !typed.ends_with("\nEND");
                here || typed.ends_with('\\') || typed.matches('\'').count() % 2 == 1
            }
            _ => false,
        };
    }
    steps
}

fn exchange(block: &[&str]) -> Exchange {
    let (request, answer) = match block.iter().position(|line| *line == "---") {
        Some(at) => (&block[..at], Some(&block[at + 1..])),
        None => (block, None),
    };
    let (method, path) = request[0].split_once(' ').expect("a request line");
    let blank = request.iter().position(|line| line.is_empty()).unwrap_or(request.len());
    let headers = request[1..blank].iter().filter_map(|line| line.split_once(": "));
    let body = request.get(blank + 1..).unwrap_or_default();
    Exchange {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: body.join("\n"),
        answer: answer.map(|answer| (answer[0].parse().expect("a status"), answer[1..].join("\n").trim().to_owned())),
    }
}
