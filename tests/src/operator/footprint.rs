//! What the operator's process costs: its requests to the API server, from its metrics, its memory and its time on a
//! processor, from the system.

use std::{collections::BTreeMap, fs, time::Duration};

use rustix::param::clock_ticks_per_second;

use super::{Operator, OperatorError};

/// Counts the operator's writes to the API server.
const WRITES: &str = "cicdcontext_api_writes_total";

/// What a process holds in memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub resident: u64,
    /// The part that is not pages of the program's own file.
    pub anonymous: u64,
    /// The most that it ever was.
    pub peak: u64,
}

impl Operator {
    /// How many writes it has tried, by what it wrote.
    pub async fn writes(&self) -> Result<BTreeMap<String, u64>, OperatorError> {
        Ok(self.metrics().await?.lines().filter_map(write_count).collect())
    }

    /// Its memory; `None` where the system has no `/proc`.
    pub fn memory(&self) -> Option<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        Some(read_memory(&status))
    }

    /// How long it has used a processor, in user mode and in the kernel; `None` where the system has no `/proc`.
    pub fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()?)).ok()?;
        let ticks = read_ticks(&stat)?;
        Some(Duration::from_millis(ticks * 1000 / clock_ticks_per_second()))
    }
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

/// utime and stime, fields 14 and 15 of `/proc/PID/stat` (proc_pid_stat(5)). The second field, the program's name, may
/// hold blanks and parentheses.
fn read_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
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

    #[test]
    fn processor_time_is_read_behind_whatever_name_the_program_has() {
        let stat = "42 (a (strange) name) S 1 42 42 0 -1 4194560 100 0 0 0 30 12 0 0 20 0 5 0 1000 1 2";
        assert_eq!(read_ticks(stat), Some(42));
        assert_eq!(read_ticks("nothing"), None);
    }
}
