//! Bills of materials: what is in an image, under which licences, in the form of CycloneDX 1.6.
//!
//! Each crate in the program, with its checksum and what it uses, and each thing that lies beside the program. The same image
//! gives the same text: no time, no path, no random name. It must not know what an archive is made of.

mod cyclonedx;
mod packages;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fs, io, path::Path, path::PathBuf, process::Command};

use crate::image::{Architecture, Digest};
use cyclonedx::{Component, Dependency, Document, Hash, Kind, License, Metadata, Tool, Tools, serial_number};
use packages::{Linked, Package};

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BillError {
    /// A crate of which cargo tells no licence.
    #[error(
        "refuse {name} {version} in a bill of materials: its manifest names no licence; it must hold an SPDX expression"
    )]
    License {
        /// The crate.
        name: String,
        /// Its version.
        version: String,
    },
    /// A crate from somewhere else than crates.io and this workspace.
    #[error(
        "refuse {name} in a bill of materials: it is from {origin:?}; it must be from crates.io or of this workspace"
    )]
    Source {
        /// The crate.
        name: String,
        /// Where it is from.
        origin: String,
    },
    /// A crate from crates.io of which nobody knows what it hashes to.
    #[error("refuse {name} {version} in a bill of materials: Cargo.lock holds no checksum of it; run cargo fetch")]
    Checksum {
        /// The crate.
        name: String,
        /// Its version.
        version: String,
    },
    /// `cargo tree` and `cargo metadata` do not speak of the same workspace.
    #[error("find {name} {version} in cargo metadata: it is in cargo tree alone; both must be about one target")]
    Unknown {
        /// The crate.
        name: String,
        /// Its version.
        version: String,
    },
    /// A crate that should be there once is not there, or several times.
    #[error("find {0} in cargo metadata: it must be there in exactly one version")]
    NotOne(String),
    /// A program that is not among the crates in it.
    #[error("find the crate {0} in its own cargo tree: the tree must start with it")]
    NoProgram(String),
    /// Two things in one bill with the same reference.
    #[error("refuse {0:?} in a bill of materials: it is there already")]
    Twice(String),
    /// A line of `cargo tree` that is none.
    #[error("read {0:?} as a line of cargo tree: it must be like \"serde v1.0.0\"")]
    Tree(String),
    /// cargo failed.
    #[error("run cargo {arguments}: {reason}")]
    Cargo {
        /// What it was asked for.
        arguments: String,
        /// What it said.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What cargo wrote, or the bill, is not JSON.
    #[error("read or write the bill's JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The image that a bill is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its name and tag: `localhost/team/program:1.0`.
    pub reference: &'a str,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The machine that it runs on.
    pub architecture: Architecture,
    /// An SPDX expression over all that is in it.
    pub licenses: &'a str,
}

/// Something in the image that is not in the program.
#[derive(Debug, Clone)]
pub struct Extra(Component);

impl Extra {
    /// A program at `path` in the image, for example a shell. `purl` is its [package URL](https://github.com/package-url).
    pub fn program(path: &str, name: &str, version: &str, license: &str, content: Digest, purl: Option<&str>) -> Self {
        Self(Component {
            kind: Kind::Application,
            reference: format!("file:{path}"),
            name: name.to_owned(),
            version: version.to_owned(),
            description: None,
            hashes: vec![content.into()],
            licenses: vec![License { expression: license.to_owned() }],
            purl: purl.map(str::to_owned),
        })
    }
}

/// What cargo says about one program.
///
/// ```no_run
/// # use cicdcontext_packaging::{bill::{Sources, Subject}, image::{Architecture, Digest}};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sources = Sources::read(".".as_ref(), "cicdcontext-operator", "x86_64-unknown-linux-musl")?;
/// let roots = sources.data("/etc/ssl/certs/ca-certificates.crt", "webpki-root-certs")?;
/// let subject = Subject {
///     reference: "localhost/cicdcontext/operator:0.1.0",
///     digest: Digest::of(b"the manifest"),
///     architecture: Architecture::Amd64,
///     licenses: "Apache-2.0 AND CDLA-Permissive-2.0",
/// };
/// let json = sources.bill(&subject, vec![roots])?;
/// # Ok(())
/// # }
/// ```
pub struct Sources {
    package: String,
    metadata: packages::Metadata,
    tree: String,
    lock: String,
}

impl Sources {
    /// Asks cargo, in the workspace at `folder`, for what is in the program of the crate `package` when it is built for
    /// `target`. Cargo goes by its environment: with CARGO_NET_OFFLINE it stays off the network.
    pub fn read(folder: &Path, package: &str, target: &str) -> Result<Self, BillError> {
        let metadata = cargo(folder, &["metadata", "--locked", "--format-version", "1", "--filter-platform", target])?;
        let tree = ["tree", "--locked", "--package", package, "--target", target];
        let form = ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"];
        let tree = cargo(folder, &[tree.as_slice(), &form].concat())?;
        let path = folder.join("Cargo.lock");
        let lock = fs::read_to_string(&path).map_err(|source| BillError::File { path, source })?;
        Self::of(package, &metadata, tree, lock)
    }

    /// The same from texts: of `cargo metadata --format-version 1`, of `cargo tree --prefix none --format {p}`, and of
    /// `Cargo.lock`.
    pub fn of(package: &str, metadata: &str, tree: String, lock: String) -> Result<Self, BillError> {
        Ok(Self { package: package.to_owned(), metadata: serde_json::from_str(metadata)?, tree, lock })
    }

    /// The data at `path` in the image, which are those of the crate `name`.
    pub fn data(&self, path: &str, name: &str) -> Result<Extra, BillError> {
        let package = packages::named(&self.metadata, &self.lock, name)?;
        Ok(Extra(Component { kind: Kind::Data, reference: format!("file:{path}"), ..library(&package) }))
    }

    /// The bill, as JSON that ends with a newline.
    pub fn bill(&self, subject: &Subject<'_>, extras: Vec<Extra>) -> Result<String, BillError> {
        let linked = Linked::gather(&self.metadata, &self.tree, &self.lock)?;
        let program = linked.packages.values().find(|package| package.name == self.package);
        let program = &program.ok_or_else(|| BillError::NoProgram(self.package.clone()))?.purl;
        let image = container(subject);

        let mut direct = BTreeSet::from([program.clone()]);
        direct.extend(extras.iter().map(|extra| extra.0.reference.clone()));
        let mut components: Vec<_> = linked.packages.values().map(library).collect();
        components.extend(extras.into_iter().map(|extra| extra.0));
        for component in components.iter_mut().filter(|component| component.reference == *program) {
            component.kind = Kind::Application;
        }
        components.sort_by(|one, other| one.reference.cmp(&other.reference));
        if let Some(pair) = components.windows(2).find(|pair| pair[0].reference == pair[1].reference) {
            return Err(BillError::Twice(pair[0].reference.clone()));
        }

        let mut dependencies =
            vec![Dependency { reference: image.reference.clone(), depends_on: direct.into_iter().collect() }];
        dependencies.extend(components.iter().map(|component| Dependency {
            reference: component.reference.clone(),
            depends_on: linked.edges.get(&component.reference).into_iter().flatten().cloned().collect(),
        }));
        let tool = Tool { kind: Kind::Application, name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
        let document = Document {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: serial_number(subject.digest),
            version: 1,
            metadata: Metadata { tools: Tools { components: [tool] }, component: image },
            components,
            dependencies,
        };
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }
}

/// The image as the component that the bill is about.
fn container(subject: &Subject<'_>) -> Component {
    let (repository, tag) = subject.reference.rsplit_once(':').unwrap_or((subject.reference, "latest"));
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let purl = format!(
        "pkg:oci/{name}@sha256%3A{}?arch={}&repository_url={repository}&tag={tag}",
        subject.digest.hex(),
        subject.architecture,
    );
    Component {
        kind: Kind::Container,
        reference: purl.clone(),
        name: repository.to_owned(),
        version: tag.to_owned(),
        description: None,
        hashes: vec![subject.digest.into()],
        licenses: vec![License { expression: subject.licenses.to_owned() }],
        purl: Some(purl),
    }
}

fn library(package: &Package) -> Component {
    Component {
        kind: Kind::Library,
        reference: package.purl.clone(),
        name: package.name.clone(),
        version: package.version.clone(),
        description: package.description.clone(),
        hashes: package.sha256.iter().cloned().map(Hash::sha256).collect(),
        licenses: vec![License { expression: package.license.clone() }],
        purl: Some(package.purl.clone()),
    }
}

/// What cargo prints. Within a run of cargo it is the same cargo.
fn cargo(folder: &Path, arguments: &[&str]) -> Result<String, BillError> {
    let failed = |reason: String| BillError::Cargo { arguments: arguments.join(" "), reason };
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
}
