//! On what was measured: enough to know what the figures are worth elsewhere, and nothing that names the machine.

use std::{fs, num::NonZero, thread};

use serde::{Deserialize, Serialize};

/// The machine, and what ran on it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gibibytes: u64,
    pub(crate) system: String,
    pub(crate) kubernetes: String,
    pub(crate) operator: String,
    /// Which build of the operator was measured.
    pub(crate) build: String,
}

impl Machine {
    /// This one; what the system does not tell is blank.
    pub(crate) fn here(kubernetes: String, build: String) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let kernel = read("/proc/sys/kernel/osrelease");
        // The rest of a release names who built the kernel.
        let kernel: String = kernel.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let distribution = field(&read("/etc/os-release"), "PRETTY_NAME", '=').trim_matches('"').to_owned();
        let kibibytes = field(&read("/proc/meminfo"), "MemTotal", ':');
        let kibibytes: u64 = kibibytes.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name", ':'),
            cores: thread::available_parallelism().map_or(1, NonZero::get),
            memory_gibibytes: kibibytes.div_ceil(1024 * 1024),
            system: format!("{distribution}, Linux {kernel}"),
            kubernetes,
            operator: env!("CARGO_PKG_VERSION").to_owned(),
            build,
        }
    }
}

/// What a line `name: value` says.
fn field(text: &str, name: &str, separator: char) -> String {
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once(separator)?;
        (key.trim() == name).then(|| value.trim().to_owned())
    });
    value.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name() {
        assert_eq!(field("processor\t: 0\nmodel name\t: Some CPU\n", "model name", ':'), "Some CPU");
        assert_eq!(field("", "model name", ':'), "");
    }
}
