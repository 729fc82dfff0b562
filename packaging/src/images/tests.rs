use std::{borrow::Cow, collections::BTreeMap, fs, io::Read, path::PathBuf};

use data_encoding::BASE64;
use flate2::read::GzDecoder;
use serde_json::Value;
use tar::{Archive, EntryType};
use tempfile::{TempDir, tempdir};

use super::*;

/// A program of ELF's header alone, with one program header of `kind`.
fn elf(machine: u8, kind: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64 + 56];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[18] = machine;
    bytes[32] = 64;
    bytes[54] = 56;
    bytes[56] = 1;
    bytes[64] = kind;
    bytes
}

const AMD64: u8 = 62;
const LOADED: u8 = 1;
const LOADER: u8 = 3;

/// Puts a file into a folder of its own.
fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("program");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn program() -> Program {
    let (_folder, path) = file(&elf(AMD64, LOADED));
    Program::read(&path, Architecture::Amd64).unwrap()
}

fn shell() -> Busybox {
    let mut bytes = elf(AMD64, LOADED);
    bytes.extend(b"..BusyBox v1.35.0 (Debian 1)\0...\0[\0[[\0cat\0busybox\0sh\0\0junk");
    let (_folder, path) = file(&bytes);
    Busybox::read(&path, Architecture::Amd64).unwrap()
}

fn edition() -> Edition {
    Edition {
        version: "0.1.0".to_owned(),
        architecture: Architecture::Amd64,
        revision: Some("4f1a".to_owned()),
        time: 0,
    }
}

/// An image as a runtime sees it.
struct Loaded {
    configuration: Value,
    /// Kind, mode, content or target of each entry.
    entries: BTreeMap<String, (EntryType, u32, Vec<u8>)>,
}

impl Loaded {
    fn of(image: &Image) -> Self {
        let (archive, _) = image.pack().unwrap();
        let files = unpacked(&archive);
        let at = |path: &str| files[path].2.clone();
        let docker: Value = serde_json::from_slice(&at("manifest.json")).unwrap();
        let configuration = serde_json::from_slice(&at(docker[0]["Config"].as_str().unwrap())).unwrap();
        let mut layer = Vec::new();
        let compressed = at(docker[0]["Layers"][0].as_str().unwrap());
        GzDecoder::new(compressed.as_slice()).read_to_end(&mut layer).unwrap();
        Self { configuration, entries: unpacked(&layer) }
    }

    fn text(&self, path: &str) -> &str {
        std::str::from_utf8(&self.entries[path].2).unwrap()
    }

    fn target(&self, path: &str) -> &str {
        let (kind, _, target) = &self.entries[path];
        assert_eq!(*kind, EntryType::Symlink, "{path}");
        std::str::from_utf8(target).unwrap()
    }
}

fn unpacked(tar: &[u8]) -> BTreeMap<String, (EntryType, u32, Vec<u8>)> {
    let mut archive = Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let (kind, mode) = (entry.header().entry_type(), entry.header().mode().unwrap());
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = entry.link_name_bytes().map(Cow::into_owned).unwrap_or_default();
        entry.read_to_end(&mut content).unwrap();
        (path, (kind, mode, content))
    });
    entries.collect()
}

fn both() -> [(&'static str, Loaded); 2] {
    let (operator, cicdctl) = (edition().operator(program()), edition().cicdctl(program(), &shell()));
    [("operator", Loaded::of(&operator)), ("cicdctl", Loaded::of(&cicdctl))]
}

#[test]
fn both_run_as_nobody_in_particular_with_a_place_for_temporary_files() {
    for (name, image) in both() {
        let config = &image.configuration["config"];
        assert_eq!(config["User"], "65532:65532", "{name}");
        assert_eq!(config["Entrypoint"], serde_json::json!([format!("/usr/bin/{name}")]));
        assert_eq!(config["Labels"]["org.opencontainers.image.version"], "0.1.0");
        assert_eq!(config["Labels"]["org.opencontainers.image.revision"], "4f1a");
        assert_eq!(image.entries["tmp/"].1, 0o1777);
        assert_eq!(image.entries[&format!("usr/bin/{name}")].1, 0o755);
        assert!(image.text("etc/passwd").contains("nonroot:x:65532:65532:"));
        assert!(image.text("etc/group").contains("nonroot:x:65532:"));
        for (path, (kind, mode, _)) in &image.entries {
            assert!(
                *kind == EntryType::Symlink || mode & 0o022 == 0 || path == "tmp/",
                "{path} can be written: {mode:o}"
            );
            assert_eq!(mode & 0o444, 0o444, "{path} cannot be read by any user: {mode:o}");
        }
    }
}

#[test]
fn both_hold_every_authority_of_the_crate_as_pem() {
    for (_, image) in both() {
        let text = image.text("etc/ssl/certs/ca-certificates.crt");
        let found: Vec<_> = text
            .split_terminator("-----END CERTIFICATE-----\n")
            .map(|part| {
                let lines = part.strip_prefix("-----BEGIN CERTIFICATE-----\n").unwrap();
                assert!(lines.lines().all(|line| line.len() <= 64));
                BASE64.decode(lines.replace('\n', "").as_bytes()).unwrap()
            })
            .collect();
        let authorities = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        assert!(found.len() > 100, "{} authorities", found.len());
        assert!(found.iter().map(Vec::as_slice).eq(authorities.iter().map(AsRef::as_ref)));
    }
}

#[test]
fn both_hold_the_time_zones() {
    for (_, image) in both() {
        for zone in ["UTC", "Europe/Berlin", "Asia/Kolkata"] {
            assert!(image.entries[&format!("usr/share/zoneinfo/{zone}")].2.starts_with(b"TZif"), "{zone}");
        }
    }
}

#[test]
fn the_operator_is_the_only_program_of_its_image() {
    let image = Loaded::of(&edition().operator(program()));
    let programs: Vec<_> = image
        .entries
        .iter()
        .filter(|(_, (kind, mode, _))| *kind == EntryType::Symlink || (kind.is_file() && mode & 0o111 != 0))
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(programs, ["usr/bin/operator"]);
}

#[test]
fn cicdctl_is_there_under_all_its_names_and_beside_a_shell() {
    let image = Loaded::of(&edition().cicdctl(program(), &shell()));
    for name in ["kubectl-cicd", "kubectl_complete-cicd", "cicdstatemgr"] {
        assert_eq!(image.target(&format!("usr/bin/{name}")), "cicdctl");
    }
    for name in ["sh", "cat", "[", "[["] {
        assert_eq!(image.target(&format!("bin/{name}")), "busybox");
    }
    assert_eq!(image.target("usr/bin/env"), "/bin/busybox");
    assert_eq!((image.entries["bin/busybox"].0, image.entries["bin/busybox"].1), (EntryType::Regular, 0o755));
    let labels = &image.configuration["config"]["Labels"];
    assert_eq!(labels["cicdcontext.io/busybox"], "BusyBox v1.35.0 (Debian 1)");
    assert_eq!(labels["org.opencontainers.image.licenses"], "Apache-2.0 AND CDLA-Permissive-2.0 AND GPL-2.0-only");
    assert!(image.text("usr/share/licenses/busybox/NOTICE").contains("BusyBox v1.35.0 (Debian 1)"));
    assert!(image.text("usr/share/licenses/busybox/GPL-2.0.txt").contains("Version 2, June 1991"));
}

#[test]
fn a_checkout_with_changes_names_no_revision() {
    let image = Loaded::of(&Edition { revision: None, ..edition() }.operator(program()));
    assert!(image.configuration["config"]["Labels"].get("org.opencontainers.image.revision").is_none());
}

#[test]
fn the_links_are_those_that_copy_to_makes_and_the_predecessor() {
    let copied = include_str!("../../../cli/src/verbs/copy_to.rs");
    let completed = include_str!("../../../cli/src/completion.rs");
    assert!(copied.contains(r#"["kubectl-cicd", completion::PLUGIN]"#), "copy-to makes other links: say them in LINKS");
    assert!(completed.contains(&format!("PLUGIN: &str = \"{}\"", LINKS[1])));
}

#[test]
fn a_program_that_would_not_run_in_the_image_is_refused() {
    let cases: [(&[u8], &str); 4] = [
        (b"#!/bin/sh\n", "it is no ELF program of 64 bits, little endian"),
        (&elf(183, LOADED), "it is made for machine 183, and amd64 is 62"),
        (&elf(AMD64, LOADER), "it needs shared libraries, and the image has none; build it static"),
        (&elf(AMD64, LOADED)[..40], "it is cut off"),
    ];
    for (content, reason) in cases {
        let (_folder, path) = file(content);
        let error = Program::read(&path, Architecture::Amd64).unwrap_err();
        assert_eq!(error.to_string(), format!("refuse {} as a program of an image: {reason}", path.display()));
    }
}

#[test]
fn the_package_of_busybox_is_known_where_a_distribution_says_it() {
    let named = |version: &str| Busybox { version: version.to_owned(), ..shell() };
    let debian = named("BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1)");
    assert_eq!(debian.number(), "1.35.0");
    assert_eq!(
        debian.package(Architecture::Amd64).unwrap(),
        "pkg:deb/debian/busybox-static@1%3A1.35.0-4%2Bdeb12u1%2Bb1?arch=amd64"
    );
    let own = named("BusyBox v1.36.1 (2024-05-01 10:00:00 UTC)");
    assert_eq!((own.number(), own.package(Architecture::Amd64)), ("1.36.1", None));
}

#[test]
fn another_program_is_refused_as_busybox() {
    let (_folder, path) = file(&elf(AMD64, LOADED));
    let error = Busybox::find(Some(&path), Architecture::Amd64, path.parent().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("refuse {} as busybox: it holds neither a version nor a list of commands", path.display())
    );
}

#[test]
fn an_architecture_is_known_by_the_name_of_a_target_and_by_ocis() {
    for (name, architecture) in [("x86_64-unknown-linux-musl", Architecture::Amd64), ("arm64", Architecture::Arm64)] {
        assert_eq!(Architecture::named(name).unwrap(), architecture);
    }
    let error = Architecture::named("riscv64gc-unknown-linux-musl").unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"refuse architecture "riscv64gc-unknown-linux-musl": it must be amd64 (x86_64) or arm64 (aarch64)"#
    );
}

/// The lines of one stage of the Containerfile.
fn stage(name: &str) -> Vec<&'static str> {
    let file = include_str!("../../../Containerfile");
    let stages = file.split("\nFROM ").find(|stage| stage.lines().next().unwrap().ends_with(&format!(" AS {name}")));
    stages.unwrap_or_else(|| panic!("no stage {name}")).lines().skip(1).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_containerfile_says_the_same_of_both_images() {
    for (name, image) in both() {
        let config = &image.configuration["config"];
        assert_eq!(
            stage(name),
            [
                format!("COPY --from=build /roots/{name}/ /"),
                format!("ENV {}", config["Env"][0].as_str().unwrap()),
                format!("WORKDIR {}", config["WorkingDir"].as_str().unwrap()),
                format!("USER {}", config["User"].as_str().unwrap()),
                format!("ENTRYPOINT {}", config["Entrypoint"]),
            ]
        );
        assert_eq!(config["Env"].as_array().unwrap().len(), 1);
    }
}
