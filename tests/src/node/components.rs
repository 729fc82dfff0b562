//! The programs of a node: their settings and command lines. Why a setting is there stands beside it.

use std::path::{Path, PathBuf};

use super::{ground::ADDRESS, images::PAUSE, requirements};
use crate::cluster::{ClusterError, files, process::Launch};

/// Addresses of Pods.
const POD_RANGE: &str = "10.85.0.0/24";
/// The Service of the node's DNS, within the range of Services.
pub(super) const DNS_ADDRESS: &str = "10.0.0.10";
/// What names of Services end with.
pub(super) const DOMAIN: &str = "cluster.local";
/// What the node is called.
pub(super) const NODE: &str = "node";

/// Where a node keeps what.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Gone with the node.
    pub(super) data: PathBuf,
    /// Logs.
    pub(super) directory: PathBuf,
    /// The built kubelet, kube-proxy and kube-scheduler.
    pub(super) programs: PathBuf,
    /// The administrator's: nobody's rights are tested with the node's programs.
    pub(super) kubeconfig: PathBuf,
    /// The group of all Pods.
    pub(super) control_group: String,
    /// Where the network plugins are.
    pub(super) plugins: String,
}

impl Places {
    /// containerd's socket. The path of a socket may have 107 bytes.
    pub(super) fn socket(&self) -> PathBuf {
        self.data.join("containerd.sock")
    }

    fn file(&self, name: &str) -> String {
        self.data.join(name).display().to_string()
    }

    fn launch(&self, name: &'static str, program: &Path, arguments: Vec<String>) -> Launch {
        Launch {
            name,
            program: program.to_owned(),
            arguments,
            variables: vec![("PATH", requirements::PROGRAM_DIRECTORIES.into())],
            log: self.directory.join(format!("{name}.log")),
            directory: self.data.clone(),
        }
    }

    /// Writes the settings of all programs.
    pub(super) fn write_settings(&self) -> Result<(), ClusterError> {
        for directory in ["network", "kubelet", "volume-plugins"] {
            files::create_directory(&self.data.join(directory))?;
        }
        files::create_directory(&self.directory.join("pods"))?;
        let write = |name: &str, text: &str| files::write_private(&self.data.join(name), text);
        write("network/10-node.conflist", &self.network())?;
        write("containerd.toml", &self.containerd_settings())?;
        write("kubelet.yaml", &self.kubelet_settings())?;
        write("kube-proxy.yaml", &self.proxy_settings())?;
        // Of a Pod that does not ask the cluster's DNS: there is no other.
        write("resolv.conf", "")
    }

    pub(super) fn containerd(&self) -> Launch {
        self.launch("containerd", Path::new("containerd"), vec![format!("--config={}", self.file("containerd.toml"))])
    }

    fn containerd_settings(&self) -> String {
        let Self { data, plugins, .. } = self;
        let (data, socket) = (data.display(), self.socket());
        let socket = socket.display();
        format!(
            r#"version = 2
root = "{data}/containerd"
state = "{data}/containerd-state"
# It would make a directory in /opt.
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
disable_tcp_service = true
# A machine that does not let processes lower their own score would have no Pod start.
restrict_oom_score_adj = true
# A profile would be loaded into the machine's kernel, and stay.
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{data}/network"
"#
        )
    }

    /// A bridge for Pods, which is their way to Services too. Nothing leaves the node, so nothing is masqueraded.
    fn network(&self) -> String {
        let data = self.data.display();
        format!(
            r#"{{"cniVersion": "0.4.0", "name": "node", "plugins": [{{
  "type": "bridge", "bridge": "pods", "isDefaultGateway": true, "hairpinMode": true,
  "ipam": {{"type": "host-local", "dataDir": "{data}/addresses", "ranges": [[{{"subnet": "{POD_RANGE}"}}]]}}
}}]}}
"#
        )
    }

    pub(super) fn kubelet(&self) -> Launch {
        let arguments = vec![
            format!("--config={}", self.file("kubelet.yaml")),
            format!("--kubeconfig={}", self.kubeconfig.display()),
            format!("--root-dir={}", self.file("kubelet")),
            format!("--cert-dir={}", self.file("kubelet/pki")),
            format!("--hostname-override={NODE}"),
            format!("--node-ip={ADDRESS}"),
        ];
        self.launch("kubelet", &self.programs.join("kubelet"), arguments)
    }

    fn kubelet_settings(&self) -> String {
        let Self { data, directory, control_group, .. } = self;
        let (data, directory, socket) = (data.display(), directory.display(), self.socket());
        let socket = socket.display();
        format!(
            r"apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://{socket}
cgroupDriver: cgroupfs
cgroupRoot: /{control_group}
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
# The disk and the memory are the machine's: others may fill them, and no Pod shall be evicted for that.
evictionHard: {{memory.available: 1%, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}}
# No image could be had again.
imageGCHighThresholdPercent: 100
clusterDNS: [{DNS_ADDRESS}]
clusterDomain: {DOMAIN}
resolvConf: {data}/resolv.conf
podLogsDir: {directory}/pods
volumePluginDir: {data}/volume-plugins
# Only this network, which has only this node, can reach it.
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
"
        )
    }

    pub(super) fn proxy(&self) -> Launch {
        let arguments = vec![format!("--config={}", self.file("kube-proxy.yaml"))];
        self.launch("kube-proxy", &self.programs.join("kube-proxy"), arguments)
    }

    fn proxy_settings(&self) -> String {
        let kubeconfig = self.kubeconfig.display();
        format!(
            r"apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: {NODE}
clientConnection: {{kubeconfig: {kubeconfig}}}
clusterCIDR: {POD_RANGE}
# Settings of the whole machine, which may not be written from a network namespace.
conntrack: {{maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}}
"
        )
    }

    pub(super) fn scheduler(&self) -> Launch {
        let kubeconfig = self.kubeconfig.display();
        let arguments = vec![
            format!("--kubeconfig={kubeconfig}"),
            format!("--authentication-kubeconfig={kubeconfig}"),
            format!("--authorization-kubeconfig={kubeconfig}"),
            format!("--cert-dir={}", self.file("scheduler")),
            "--bind-address=127.0.0.1".to_owned(),
            // There is one instance, and an election costs seconds at the start.
            "--leader-elect=false".to_owned(),
        ];
        self.launch("kube-scheduler", &self.programs.join("kube-scheduler"), arguments)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn places() -> Places {
        Places {
            data: "/tmp/node-1".into(),
            directory: "/logs".into(),
            programs: "/programs".into(),
            kubeconfig: "/logs/admin.kubeconfig".into(),
            control_group: "node-1".to_owned(),
            plugins: "/usr/lib/cni".to_owned(),
        }
    }

    #[test]
    fn the_settings_are_what_their_readers_read() {
        let network: Value = serde_json::from_str(&places().network()).unwrap();
        assert_eq!(network["plugins"][0]["ipam"]["dataDir"], "/tmp/node-1/addresses");
        let kubelet: Value = serde_saphyr::from_str(&places().kubelet_settings()).unwrap();
        assert_eq!(kubelet["cgroupRoot"], "/node-1");
        assert_eq!(kubelet["evictionHard"]["memory.available"], "1%");
        let proxy: Value = serde_saphyr::from_str(&places().proxy_settings()).unwrap();
        assert_eq!(proxy["clientConnection"]["kubeconfig"], "/logs/admin.kubeconfig");
        assert_eq!(proxy["conntrack"]["min"], 0);
    }

    #[test]
    fn no_program_gets_a_place_of_the_machine_but_by_its_path() {
        let settings = places().containerd_settings();
        for line in settings.lines().filter(|line| line.starts_with("root") || line.starts_with("state")) {
            assert!(line.contains("\"/tmp/node-1/"), "{line}");
        }
    }
}
