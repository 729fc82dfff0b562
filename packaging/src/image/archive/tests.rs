use std::{collections::BTreeMap, io::Read};

use flate2::read::GzDecoder;
use serde_json::Value;
use tar::{Archive, Entry};
use tempfile::tempdir;

use super::*;

fn small() -> Image {
    Image::new("localhost/tests/small:1.0", Architecture::Amd64)
        .file("/usr/bin/program", b"a program".to_vec(), 0o755)
        .file("/etc/passwd", b"root:x:0:0::/:\n".to_vec(), 0o644)
        .directory("/tmp", 0o1777)
        .link("/bin/sh", "/usr/bin/program")
        .entrypoint(["/usr/bin/program"])
        .arguments(["run"])
        .user("65532:65532")
        .variable("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        .working_directory("/tmp")
        .label("org.opencontainers.image.title", "small")
}

/// The files of an archive by name.
fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = Archive::new(archive);
    let entries = archive.entries().unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.header().entry_type().is_file())
        .map(|mut entry| (name(&entry), bytes(&mut entry)))
        .collect()
}

fn name<R: Read>(entry: &Entry<'_, R>) -> String {
    entry.path().unwrap().to_str().unwrap().to_owned()
}

fn bytes(from: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The content of what a descriptor points at, after its digest and size were found to be true.
fn blob_of<'a>(files: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
    let digest = descriptor["digest"].as_str().unwrap();
    let content = &files[&format!("blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap())];
    assert_eq!(Digest::of(content).to_string(), digest);
    assert_eq!(descriptor["size"], content.len());
    content
}

fn json(content: &[u8]) -> Value {
    serde_json::from_slice(content).unwrap()
}

/// The unpacked layer of an archive.
fn layer(archive: &[u8]) -> Vec<u8> {
    let files = files(archive);
    let manifest = json(blob_of(&files, &json(&files["index.json"])["manifests"][0]));
    bytes(&mut GzDecoder::new(blob_of(&files, &manifest["layers"][0])))
}

#[test]
fn the_same_files_in_another_order_give_the_same_bytes() {
    let one =
        Image::new("localhost/x:1", Architecture::Arm64).file("/a", "1", 0o644).link("/b/c", "/a").pack().unwrap();
    let other =
        Image::new("localhost/x:1", Architecture::Arm64).link("/b/c", "/a").file("/a", "1", 0o644).pack().unwrap();
    assert_eq!(one, other);
    let different =
        Image::new("localhost/x:1", Architecture::Arm64).file("/a", "2", 0o644).link("/b/c", "/a").pack().unwrap();
    assert_ne!(one.1.digest, different.1.digest);
}

#[test]
fn two_archives_of_one_image_are_the_same_file() {
    let folder = tempdir().unwrap();
    let (first, second) = (folder.path().join("first.tar"), folder.path().join("second.tar"));
    fs::write(&second, "what was there").unwrap();
    let written = small().write(&first).unwrap();
    assert_eq!(written, small().write(&second).unwrap());
    let content = fs::read(&first).unwrap();
    assert_eq!(content, fs::read(&second).unwrap());
    assert_eq!((written.archive, written.size), (Digest::of(&content), content.len()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside the archives");
}

#[test]
fn digests_and_sizes_lead_from_the_index_to_the_layer() {
    let (archive, written) = small().pack().unwrap();
    let files = files(&archive);
    assert_eq!(files.len(), 6, "{:?}", files.keys());
    assert_eq!(json(&files["oci-layout"]), serde_json::json!({"imageLayoutVersion": "1.0.0"}));
    let index = json(&files["index.json"]);
    let descriptor = &index["manifests"][0];
    assert_eq!(descriptor["digest"], written.digest.to_string());
    assert_eq!(descriptor["annotations"]["io.containerd.image.name"], "localhost/tests/small:1.0");
    assert_eq!(descriptor["annotations"]["org.opencontainers.image.ref.name"], "1.0");
    assert_eq!(descriptor["platform"], serde_json::json!({"architecture": "amd64", "os": "linux"}));
    let manifest = json(blob_of(&files, descriptor));
    let configuration = json(blob_of(&files, &manifest["config"]));
    let unpacked = bytes(&mut GzDecoder::new(blob_of(&files, &manifest["layers"][0])));
    assert_eq!(configuration["rootfs"]["diff_ids"], serde_json::json!([Digest::of(&unpacked).to_string()]));
    assert_eq!(written.unpacked_size, unpacked.len());
    let docker = &json(&files["manifest.json"])[0];
    assert_eq!(docker["RepoTags"][0], "localhost/tests/small:1.0");
    assert_eq!(json(&files[docker["Config"].as_str().unwrap()]), configuration);
    assert!(files.contains_key(docker["Layers"][0].as_str().unwrap()));
}

#[test]
fn the_configuration_says_what_runs_as_whom() {
    let (archive, _) = small().pack().unwrap();
    let files = files(&archive);
    let manifest = json(blob_of(&files, &json(&files["index.json"])["manifests"][0]));
    let configuration = json(blob_of(&files, &manifest["config"]));
    assert_eq!(
        configuration["config"],
        serde_json::json!({
            "User": "65532:65532",
            "Env": ["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "Entrypoint": ["/usr/bin/program"],
            "Cmd": ["run"],
            "WorkingDir": "/tmp",
            "Labels": {"org.opencontainers.image.title": "small"},
        })
    );
    assert_eq!(configuration["created"], "1970-01-01T00:00:00Z");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.title"], "small");
}

#[test]
fn the_layer_holds_each_entry_once_with_its_mode_and_root_as_owner() {
    let (archive, _) = small().time(1_700_000_000).pack().unwrap();
    let layer = layer(&archive);
    let mut archive = Archive::new(layer.as_slice());
    let seen: Vec<_> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 1_700_000_000);
            (
                name(&entry),
                header.mode().unwrap(),
                entry.link_name().unwrap().map(|target| target.display().to_string()),
            )
        })
        .collect();
    let directory = |name: &str, mode| (name.to_owned(), mode, None);
    assert_eq!(
        seen,
        [
            directory("bin/", 0o755),
            ("bin/sh".to_owned(), 0o777, Some("/usr/bin/program".to_owned())),
            directory("etc/", 0o755),
            ("etc/passwd".to_owned(), 0o644, None),
            directory("tmp/", 0o1777),
            directory("usr/", 0o755),
            directory("usr/bin/", 0o755),
            ("usr/bin/program".to_owned(), 0o755, None),
        ]
    );
}

#[test]
fn the_compressed_layer_names_neither_time_nor_system() {
    let (archive, _) = small().time(1_700_000_000).pack().unwrap();
    let files = files(&archive);
    let manifest = json(blob_of(&files, &json(&files["index.json"])["manifests"][0]));
    let header = &blob_of(&files, &manifest["layers"][0])[..10];
    assert_eq!(
        header,
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255],
        "deflate, no name, no time, best compression, no system"
    );
}

#[test]
fn a_long_path_survives() {
    let path = format!("/{}/{}", "d".repeat(120), "f".repeat(120));
    let (archive, _) = Image::new("localhost/x:1", Architecture::Amd64).file(&path, "content", 0o644).pack().unwrap();
    assert_eq!(files(&layer(&archive))[&path[1..]], b"content");
}

#[test]
fn the_first_mistake_is_told_when_the_image_is_written() {
    let mistaken = small().file("/usr/../etc/shadow", "", 0o644).file("relative", "", 0o644).pack().unwrap_err();
    assert_eq!(
        mistaken.to_string(),
        r#"refuse "/usr/../etc/shadow" as a path in an image: a part of it is "." or ".."; it must be like "/usr/bin/program""#
    );
}

#[test]
fn a_name_that_tools_would_complete_in_their_own_ways_is_refused() {
    for good in ["localhost/x:1", "registry.example:5000/team/x-y/z_1:1.0-rc.1", "R.example/x:V1"] {
        assert!(tag(good).is_ok(), "{good}");
    }
    let long = format!("localhost/x:{}", "1".repeat(129));
    for bad in [
        "x:1",
        "localhost/x",
        "localhost/X:1",
        "localhost/:1",
        "/x:1",
        "localhost/x:",
        "localhost/x:-1",
        "localhost/a//b:1",
        "localhost/-a:1",
        "localhost:5000/x",
        "localhost/x y:1",
        "localhost/x:1@sha256:00",
        &long,
    ] {
        let error = Image::new(bad, Architecture::Amd64).pack().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("refuse {bad:?} as the name of an image: it must be like \"localhost/team/program:1.0\"")
        );
    }
}

#[test]
fn a_time_that_no_calendar_holds_is_refused() {
    let error = small().time(u64::MAX).pack().unwrap_err();
    assert!(error.to_string().starts_with("refuse 18446744073709551615 as the time"), "{error}");
}
