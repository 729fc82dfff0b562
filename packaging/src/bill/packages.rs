//! The crates in a program, from what cargo says about them: `cargo metadata`, `cargo tree` and `Cargo.lock`.
//!
//! `cargo metadata` knows licences and edges, but takes the features of the whole workspace, its tests included: it names
//! crates that a program does not hold. `cargo tree` knows which ones it holds, and `Cargo.lock` what they hash to.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::BillError;

/// Where cargo says that a crate is from crates.io.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What `cargo metadata` says, as far as it is needed.
#[derive(Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Described>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Described {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    /// Nothing for what is linked; else `dev` or `build`.
    kind: Option<String>,
}

/// Name and version.
type Key = (String, String);

/// One crate.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    /// An SPDX expression.
    pub(super) license: String,
    /// Of the crate as crates.io has it, in hexadecimal; a crate of this workspace has none.
    pub(super) sha256: Option<String>,
    pub(super) purl: String,
}

/// The crates in one program by their package URL, and what each of them uses.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) packages: BTreeMap<String, Package>,
    pub(super) edges: BTreeMap<String, BTreeSet<String>>,
}

impl Linked {
    /// The crates that `tree` names, with what `metadata` and `lock` know of them.
    pub(super) fn gather(metadata: &Metadata, tree: &str, lock: &str) -> Result<Self, BillError> {
        let held = held(tree)?;
        let checksums = checksums(lock);
        let (mut packages, mut edges, mut by_id) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut missing = held.clone();
        for described in &metadata.packages {
            let key = (described.name.clone(), described.version.clone());
            if held.contains(&key) {
                let package = package(described, &checksums)?;
                by_id.insert(described.id.as_str(), package.purl.clone());
                packages.insert(package.purl.clone(), package);
                missing.remove(&key);
            }
        }
        if let Some((name, version)) = missing.into_iter().next() {
            return Err(BillError::Unknown { name, version });
        }
        for node in &metadata.resolve.nodes {
            if let Some(from) = by_id.get(node.id.as_str()) {
                let linked = node.deps.iter().filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none()));
                // What the tree leaves out works at compile time alone (macros), or is used by tests alone.
                let targets = linked.filter_map(|edge| by_id.get(edge.pkg.as_str()).cloned()).collect();
                edges.insert(from.clone(), targets);
            }
        }
        Ok(Self { packages, edges })
    }
}

/// A crate whose files alone are in the image, as data.
pub(super) fn named(metadata: &Metadata, lock: &str, name: &str) -> Result<Package, BillError> {
    let mut found = metadata.packages.iter().filter(|package| package.name == name);
    match (found.next(), found.next()) {
        (Some(described), None) => package(described, &checksums(lock)),
        _ => Err(BillError::NotOne(name.to_owned())),
    }
}

fn package(described: &Described, checksums: &BTreeMap<Key, String>) -> Result<Package, BillError> {
    let Described { name, version, .. } = described;
    let license = described.license.as_deref().filter(|license| !license.trim().is_empty());
    let license = license.ok_or_else(|| BillError::License { name: name.clone(), version: version.clone() })?;
    let sha256 = checksums.get(&(name.clone(), version.clone())).cloned();
    let kind = match described.source.as_deref() {
        Some(CRATES_IO) if sha256.is_some() => "cargo",
        Some(CRATES_IO) => return Err(BillError::Checksum { name: name.clone(), version: version.clone() }),
        // Not `cargo`: that would be a name on crates.io, where this workspace has none.
        None => "generic",
        Some(other) => return Err(BillError::Source { name: name.clone(), origin: other.to_owned() }),
    };
    Ok(Package {
        name: name.clone(),
        version: version.clone(),
        description: described.description.as_deref().map(one_line),
        // Before SPDX expressions, cargo wrote a slash for "or".
        license: license.split('/').map(str::trim).collect::<Vec<_>>().join(" OR "),
        sha256,
        purl: format!("pkg:{kind}/{name}@{}", version.replace('+', "%2B")),
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The crates of a `cargo tree` without indentation: `name v1.2.3`, and then perhaps where it is.
fn held(tree: &str) -> Result<BTreeSet<Key>, BillError> {
    let lines = tree.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            match (words.next(), words.next().and_then(|version| version.strip_prefix('v'))) {
                (Some(name), Some(version)) => Ok((name.to_owned(), version.to_owned())),
                _ => Err(BillError::Tree(line.to_owned())),
            }
        })
        .collect()
}

/// The checksums in `Cargo.lock`, which cargo writes in one form: a line for each field.
fn checksums(lock: &str) -> BTreeMap<Key, String> {
    let field = |entry: &str, name: &str| {
        let start = format!("{name} = \"");
        entry.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('"').map(str::to_owned))
    };
    lock.split("[[package]]\n")
        .skip(1)
        .filter_map(|entry| Some(((field(entry, "name")?, field(entry, "version")?), field(entry, "checksum")?)))
        .collect()
}
