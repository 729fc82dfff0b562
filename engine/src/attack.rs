//! Runs what means harm in a child process with a memory limit, on a stack of 2 MiB and under a watchdog, so that a
//! stack overflow, an endless loop or eaten memory is a failed test and not a dead runner. For tests only.

use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Tells the child which attack it is for.
const CHILD: &str = "CICDCONTEXT_ATTACK";
const STACK_BYTES: usize = 2 * 1024 * 1024;
const MEMORY_KIB: usize = 768 * 1024;
const WATCHDOG: Duration = Duration::from_secs(10);

/// What an attack may give, told in one line: a text as it is, the beginning of what was rendered, or an error.
pub(crate) trait Told {
    fn told(self) -> String;
}

impl Told for String {
    fn told(self) -> String {
        self
    }
}

impl<E: ToString> Told for Result<String, E> {
    fn told(self) -> String {
        match self {
            Ok(text) => format!("rendered {} bytes: {}", text.len(), text.chars().take(80).collect::<String>()),
            Err(error) => error.to_string(),
        }
    }
}

/// Runs `attack`, the body of the test `name` in `module`, in a child and gives what came of it: one line of text.
pub(crate) fn survive<T: Told>(module: &str, name: &str, attack: impl FnOnce() -> T + Send + 'static) -> String {
    if std::env::var_os(CHILD).is_some() {
        let (sender, outcome) = mpsc::channel();
        let attacker = move || sender.send(attack().told()).unwrap();
        thread::Builder::new().stack_size(STACK_BYTES).spawn(attacker).unwrap();
        let outcome = outcome.recv_timeout(WATCHDOG).unwrap_or_else(|error| match error {
            mpsc::RecvTimeoutError::Timeout => "no end within 10 s".to_owned(),
            mpsc::RecvTimeoutError::Disconnected => "the attack panicked".to_owned(),
        });
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
    let outcome = outcome.unwrap_or_else(died);
    assert_ne!(outcome, "the attack panicked", "{}", String::from_utf8_lossy(&output.stderr));
    outcome.to_owned()
}

/// A test that runs an attack, see [`survive`], in a child and compares a part of the outcome.
macro_rules! attack {
    ($name:ident, $attack:expr, $outcome:expr) => {
        #[test]
        fn $name() {
            let outcome = $crate::attack::survive(module_path!(), stringify!($name), $attack);
            assert!(outcome.contains($outcome), "{outcome}");
        }
    };
}

pub(crate) use attack;

#[test]
fn the_watchdog_and_the_child_tell_a_death_from_an_error() {
    fn overflow(level: u64) -> u64 {
        if level == u64::MAX { 0 } else { std::hint::black_box(overflow(level + 1)) + 1 }
    }
    let name = "the_watchdog_and_the_child_tell_a_death_from_an_error";
    let survivor = std::panic::catch_unwind(|| survive(module_path!(), name, || overflow(0).to_string()));
    let message = *survivor.expect_err("a stack overflow kills the child").downcast::<String>().unwrap();
    assert!(message.starts_with("the child died"), "{message}");
}
