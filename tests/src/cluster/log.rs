//! The part of a component's log that a person needs when it fails.

use std::{fs, path::Path};

/// At most this many lines are quoted.
const QUOTED: usize = 15;

/// Only the end of a log is looked at: what ended a component stands there.
const LOOKED_AT: usize = 300;

/// Reads a log and returns its errors, or else its last lines; a note if it cannot be read or is empty.
pub(crate) fn lines_that_matter(path: &Path) -> String {
    match fs::read(path) {
        Err(error) => format!("(read {}: {error})", path.display()),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            if text.trim().is_empty() { "(it is empty)".to_owned() } else { choose(&text).join("\n") }
        }
    }
}

/// Whether the log says that somebody else listens on the component's port.
pub(super) fn port_was_taken(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("address already in use"))
}

fn choose(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let end = lines.get(lines.len().saturating_sub(LOOKED_AT)..).unwrap_or_default();
    let errors: Vec<&str> = end.iter().copied().filter(|line| is_error(line)).collect();
    let chosen = if errors.is_empty() { end } else { &errors };
    chosen.get(chosen.len().saturating_sub(QUOTED)..).unwrap_or_default().to_vec()
}

/// klog marks errors and fatal ends with `E1122` and `F1122` (month and day), etcd with a JSON level, cobra and Go with
/// a word at the start.
fn is_error(line: &str) -> bool {
    let klog = line.starts_with(['E', 'F'])
        && line.get(1..5).is_some_and(|date| date.bytes().all(|byte| byte.is_ascii_digit()));
    let etcd = ["error", "fatal", "panic"].iter().any(|level| line.contains(&format!("\"level\":\"{level}\"")));
    klog || etcd || ["Error: ", "panic: ", "fatal error: "].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_chosen_before_chatter() {
        let text = "I1122 10:00:00 starting\nE1122 10:00:01 cannot reach etcd\nI1122 10:00:02 stopping\n\
                    Error: context deadline exceeded\n{\"level\":\"fatal\",\"msg\":\"discovery failed\"}\n";
        assert_eq!(
            choose(text),
            [
                "E1122 10:00:01 cannot reach etcd",
                "Error: context deadline exceeded",
                "{\"level\":\"fatal\",\"msg\":\"discovery failed\"}"
            ]
        );
    }

    #[test]
    fn without_an_error_the_last_lines_are_chosen() {
        let lines: Vec<String> = (1..=20).map(|number| format!("I1122 line {number}")).collect();
        let text = lines.join("\n");
        let chosen = choose(&text);
        assert_eq!(chosen.len(), QUOTED);
        assert_eq!(chosen.last(), Some(&"I1122 line 20"));
    }

    #[test]
    fn a_word_that_starts_with_e_is_not_an_error() {
        assert!(!is_error("Every controller started"));
        assert!(!is_error("Fünf"));
    }

    #[test]
    fn an_empty_log_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(lines_that_matter(file.path()), "(it is empty)");
    }
}
