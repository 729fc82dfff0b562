//! Runs attacks of templates where they hurt nobody: each in a child process with a memory limit, on a stack of 2 MiB and
//! under a watchdog, so that a stack overflow, an endless loop or eaten memory is a failed test and not a dead runner.

use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::TemplateError;

/// Tells the child which attack it is for.
const CHILD: &str = "CICDCONTEXT_TEMPLATE_ATTACK";
const STACK_BYTES: usize = 2 * 1024 * 1024;
const MEMORY_KIB: usize = 768 * 1024;
const WATCHDOG: Duration = Duration::from_secs(10);

/// Runs `attack` in a child and gives what came of it: the rendered text or the error.
pub(super) fn survive(module: &str, name: &str, attack: fn() -> Result<String, TemplateError>) -> String {
    if std::env::var_os(CHILD).is_some() {
        let (sender, outcome) = mpsc::channel();
        let attacker = move || sender.send(attack()).unwrap();
        thread::Builder::new().stack_size(STACK_BYTES).spawn(attacker).unwrap();
        let outcome = match outcome.recv_timeout(WATCHDOG) {
            Ok(Ok(text)) => format!("rendered {} bytes: {}", text.len(), text.chars().take(80).collect::<String>()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no end within 10 s".to_owned(),
        };
        println!("\n{CHILD}={outcome}");
        std::process::exit(0);
    }
    let module = module.split_once("::").unwrap().1;
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{name}"), "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let outcome = stdout.lines().find_map(|line| line.strip_prefix(&format!("{CHILD}=")));
    let died = || panic!("the child died: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    outcome.unwrap_or_else(died).to_owned()
}

/// A test that runs the attack in a child and compares the outcome.
macro_rules! attack {
    ($name:ident, $attack:expr, $outcome:expr) => {
        #[test]
        fn $name() {
            let outcome = $crate::template::survival::survive(module_path!(), stringify!($name), $attack);
            assert!(outcome.contains($outcome), "{outcome}");
        }
    };
}

pub(super) use attack;
