//! What the operator's process costs: its writes to the API server, from its metrics, and its memory, from the system.

use std::{collections::BTreeMap, fs};

use cicdcontext_tests::operator::Operator;

use crate::error::DemoError;

/// Counts the operator's writes to the API server.
const WRITES: &str = "cicdcontext_api_writes_total";

/// What a process holds in memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// All of it.
    pub(crate) resident: u64,
    /// The part that is not pages of the program's own file.
    pub(crate) anonymous: u64,
    /// The most that it ever was.
    pub(crate) peak: u64,
}

/// How many writes the operator has tried, by what it wrote.
pub(crate) async fn writes(operator: &Operator) -> Result<BTreeMap<String, u64>, DemoError> {
    Ok(operator.metrics().await?.lines().filter_map(write_count).collect())
}

/// The operator's memory; `None` where the system has no `/proc`.
pub(crate) fn memory(operator: &Operator) -> Option<Memory> {
    let status = fs::read_to_string(format!("/proc/{}/status", operator.pid()?)).ok()?;
    Some(read_memory(&status))
}

fn read_memory(status: &str) -> Memory {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    };
    let field = |name: &str| field(name).unwrap_or_default();
    Memory { resident: field("VmRSS"), anonymous: field("RssAnon"), peak: field("VmHWM") }
}

/// Target and count of a line such as `cicdcontext_api_writes_total{target="event_status"} 2`.
fn write_count(line: &str) -> Option<(String, u64)> {
    let (labels, count) = line.strip_prefix(WRITES)?.split_once(' ')?;
    let target = labels.strip_prefix("{target=\"")?.strip_suffix("\"}")?;
    Some((target.to_owned(), count.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_read_by_target() {
        let read = write_count("cicdcontext_api_writes_total{target=\"event_status\"} 2");
        assert_eq!(read, Some(("event_status".to_owned(), 2)));
        assert_eq!(write_count("cicdcontext_contexts 3"), None);
    }

    #[test]
    fn memory_is_read_as_linux_tells_it() {
        let read = read_memory("VmHWM:\t   30 kB\nVmRSS:\t   20 kB\nRssAnon:\t   10 kB\n");
        assert_eq!(read, Memory { resident: 20 * 1024, anonymous: 10 * 1024, peak: 30 * 1024 });
    }
}
