//! The inside of a node before anything runs on it: mounts and addresses of its own namespaces. It must only run there.

use std::{net::Ipv4Addr, path::Path, process::Command};

use super::{NodeError, command::run, requirements};
use crate::cluster::{components::SERVICE_RANGE, files};

/// Where the node is reached, and with it the API server: an extra address on the loopback interface of its network.
/// Loopback addresses themselves may not stand in the Endpoints of a Service.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 84, 0, 1);

/// Directories into which programs of a node write although nobody told them to. They are mounted over, so that the
/// machine's own stay as they are.
pub(super) const MOUNT_POINTS: [&str; 4] = ["/var/lib/cni", "/var/lib/kubelet", "/var/log", "/run"];

/// Settings of the whole machine that the kubelet would change. It finds the value that it wants, in a file that is
/// mounted over the setting, and changes nothing.
const SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Lays the ground in the namespaces of this process.
pub(super) fn lay(data: &Path) -> Result<(), NodeError> {
    for (number, mount_point) in MOUNT_POINTS.iter().enumerate() {
        let own = data.join(format!("mount-{number}"));
        files::create_directory(&own)?;
        system("mount", &["--bind", &own.display().to_string(), mount_point])?;
    }
    for (setting, value) in SETTINGS {
        let own = data.join(setting.replace('/', "-"));
        files::write_private(&own, value)?;
        system("mount", &["--bind", &own.display().to_string(), &format!("/proc/sys/{setting}")])?;
    }
    system("ip", &["link", "set", "lo", "up"])?;
    system("ip", &["address", "add", &format!("{ADDRESS}/32"), "dev", "lo"])?;
    // There is no route to anywhere else, so nothing in here can reach the network of the machine. A Service's address
    // needs one before kube-proxy's rules are asked.
    system("ip", &["route", "add", SERVICE_RANGE, "dev", "lo", "src", &ADDRESS.to_string()])
}

fn system(program: &str, arguments: &[&str]) -> Result<(), NodeError> {
    run(Command::new(program).args(arguments).env("PATH", requirements::PROGRAM_DIRECTORIES)).map(drop)
}
