use std::{fs, path::Path};

use cicdcontext_crds::CicdBase;
use tempfile::TempDir;

use super::*;

const BASE: &str = "apiVersion: cicdcontext.io/v1alpha1\nkind: CicdBase\nmetadata: {name: shop}\nspec: {}\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn read(folder: &TempDir, paths: &[&str]) -> Result<Vec<String>, String> {
    let paths: Vec<_> = paths.iter().map(|path| folder.path().join(path)).collect();
    let show = |manifest: &Manifest| {
        let Manifest { origin, kind, namespace, name, .. } = manifest;
        format!("{} {namespace}/{name} {origin}", kind.as_str()).replace(&shown(folder.path()), "")
    };
    let manifests = Manifests::read(&paths, "default").map_err(|error| error.to_string());
    manifests
        .map(|manifests| manifests.iter().map(show).collect())
        .map_err(|text| text.replace(&shown(folder.path()), ""))
}

fn shown(path: &Path) -> String {
    format!("{}/", path.display())
}

/// What is wrong with one file of this text.
fn problem(text: &str) -> String {
    read(&folder(&[("a.yaml", text)]), &["a.yaml"]).unwrap_err()
}

#[test]
fn a_folder_gives_its_manifests_by_name_but_not_hidden_ones_nor_those_of_folders_in_it() {
    let folder = folder(&[
        (
            "b.yml",
            &format!("# first\n---\n{BASE}---\n# nothing\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: x}}\n"),
        ),
        (
            "a.json",
            r#"{"apiVersion": "cicdcontext.io/v1alpha1", "kind": "ClusterCicdBase", "metadata": {"name": "platform", "namespace": "ignored"}}"#,
        ),
        (".hidden.yaml", "{"),
        ("values.txt", "{"),
        ("kustomization.yaml", "resources: [b.yml]\n"),
        ("below/c.yaml", "{"),
    ]);
    let base = "CicdBase default/shop b.yml, document 1 (line 3)";
    let found = read(&folder, &["."]).unwrap().join("\n").replace("./", "");
    assert_eq!(found, format!("{base}\nClusterCicdBase /platform a.json, document 1 (line 1)"));
    assert_eq!(read(&folder, &["b.yml", "b.yml"]).unwrap(), [base], "a file that is named twice is read once");
}

#[test]
fn lists_and_several_documents_of_json_are_taken_apart() {
    let folder = folder(&[(
        "a.json",
        r#"{"apiVersion": "v1", "kind": "List", "items": [
             {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": "x"}},
             {"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdEndpoint", "metadata": {"name": "chat", "namespace": "team"}}]}
           {"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "metadata": {"name": "run"}}"#,
    )]);
    assert_eq!(
        read(&folder, &["a.json"]).unwrap(),
        [
            "CicdContext default/run a.json, document 2 (line 4)",
            "CicdEndpoint team/chat a.json, document 1, item 2 (line 1)",
            "ConfigMap default/ca a.json, document 1, item 1 (line 1)",
        ]
    );
}

#[test]
fn what_is_wrong_is_told_with_file_document_and_line() {
    let kinds = "CicdContext, CicdEvent, CicdStateWrite, CicdBase, ClusterCicdBase, CicdEndpoint";
    for (text, told) in [
        ("a: [", "a.yaml, line 1: "),
        ("a: 1\na: 2\n", "a.yaml, line 2: "),
        ("{\"a\": .nan}", "a.yaml, line 1: "),
        (
            &format!("{BASE}---\napiVersion: cicdcontext.io/v1alpha1\nkind: CicdBases\n"),
            &format!("a.yaml, document 2 (line 6): kind \"CicdBases\" is none of cicdcontext.io; write one of {kinds}"),
        ),
        (
            "apiVersion: cicdcontext.io/v1\nkind: CicdBase",
            "a.yaml, document 1 (line 1): apiVersion \"cicdcontext.io/v1\" is not known; write cicdcontext.io/v1alpha1",
        ),
        (
            &format!("{BASE}---\nkind: CicdContext\nmetadata: {{name: shop}}\n"),
            "a.yaml, document 2 (line 6): the CicdContext has no apiVersion; write cicdcontext.io/v1alpha1",
        ),
        (
            "apiVersion: cicdcontexts.io/v1alpha1\nkind: CicdContext\nmetadata: {name: shop}\n",
            "a.yaml, document 1 (line 1): apiVersion \"cicdcontexts.io/v1alpha1\" is not that of a CicdContext; write cicdcontext.io/v1alpha1",
        ),
        ("kind: Secret", "a.yaml, document 1 (line 1): the Secret has no apiVersion; write v1"),
        ("kind: Service", "a.yaml, document 1 (line 1): the Service has no apiVersion; write one"),
        ("apiVersion: v1", "a.yaml, document 1 (line 1): the object of apiVersion \"v1\" has no kind; write one"),
        (
            "metadata: {name: shop}",
            &format!(
                "a.yaml, document 1 (line 1): it has neither apiVersion nor kind; write both (apiVersion: cicdcontext.io/v1alpha1 and a kind of {kinds}), or name other files"
            ),
        ),
        (
            "apiVersion: cicdcontext.io/v1alpha1\nkind: CicdBase",
            "a.yaml, document 1 (line 1): the CicdBase has no metadata.name; give it one",
        ),
        (
            &BASE.replace("shop", "../x"),
            "a.yaml, document 1 (line 1): metadata.name \"../x\" of the CicdBase is no name",
        ),
        (
            &BASE.replace("shop", "shop, namespace: a/b"),
            "a.yaml, document 1 (line 1): metadata.namespace \"a/b\" of CicdBase shop is no name",
        ),
        (
            "apiVersion: v1\nkind: List\nitems: {}",
            "a.yaml, document 1 (line 1): items of the List is no list of objects",
        ),
        ("apiVersion: v1\nkind: Service", "a.yaml: there is no manifest of a CicdContext, CicdBase"),
        ("", "a.yaml: there is no manifest of a CicdContext, CicdBase"),
        (&"[".repeat(100_000), "a.yaml, line 1: "),
        (&format!("{}1{}", "{a: ".repeat(200), "}".repeat(200)), "a.yaml, line 1: "),
    ] {
        let problem = problem(text);
        assert!(problem.starts_with(told), "{problem}");
        assert!(!problem.contains('\n'), "{problem}");
    }
}

#[test]
fn a_state_of_the_deepest_nesting_that_is_allowed_is_read_also_in_a_list() {
    let state = format!("{}1{}", "{a: ".repeat(64), "}".repeat(64));
    let context = format!(
        "apiVersion: cicdcontext.io/v1alpha1, kind: CicdContext, metadata: {{name: run}}, spec: {{state: {state}}}"
    );
    let folder = folder(&[("a.yaml", &format!("{{apiVersion: v1, kind: List, items: [{{{context}}}]}}"))]);
    assert_eq!(read(&folder, &["a.yaml"]).unwrap(), ["CicdContext default/run a.yaml, document 1, item 1 (line 1)"]);
}

#[test]
fn one_object_in_two_files_is_an_error_that_names_both() {
    let folder = folder(&[("a.yaml", BASE), ("b.yaml", &format!("---\n{BASE}"))]);
    assert_eq!(
        read(&folder, &["a.yaml", "b.yaml"]).unwrap_err(),
        "b.yaml, document 1 (line 2): CicdBase default/shop stands in a.yaml, document 1 (line 1) too; leave one of them out"
    );
}

#[test]
fn what_is_not_there_or_no_text_is_an_error() {
    let folder = folder(&[("a.yaml", BASE)]);
    fs::write(folder.path().join("b.yaml"), b"a: \xff").unwrap();
    assert_eq!(read(&folder, &["gone"]).unwrap_err(), "gone: No such file or directory (os error 2)");
    assert_eq!(read(&folder, &["b.yaml"]).unwrap_err(), "b.yaml: it is not UTF-8 text");
    let error = Manifests::read(&["/dev/null".into()], "default").unwrap_err().to_string();
    assert_eq!(error, "/dev/null: it is neither a file nor a folder; name manifests in files");
}

#[test]
fn string_data_of_a_secret_wins_and_a_broken_one_is_told_without_its_value() {
    let of = |secret: &str| format!("{BASE}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: chat}}\n{secret}\n");
    let folder = folder(&[("a.yaml", &of("data: {token: YQ==, user: Yg==}\nstringData: {token: other}"))]);
    let manifests = Manifests::read(&[folder.path().join("a.yaml")], "team").unwrap();
    let data = manifests.secret("team", "chat").unwrap().data.unwrap();
    assert_eq!((data["token"].0.as_slice(), data["user"].0.as_slice()), (&b"other"[..], &b"b"[..]));
    assert!(manifests.secret("default", "chat").is_none());
    for broken in ["data: {token: s3cret-canary!}", "stringData: {token: [s3cret-canary]}", "data: s3cret-canary"] {
        let problem = problem(&of(broken));
        assert!(problem.starts_with("a.yaml, document 2 (line 6): Secret chat cannot be read: "), "{problem}");
        assert!(!problem.contains("s3cret"), "{problem}");
    }
}

#[test]
fn a_wrong_spec_is_told_with_its_place_by_whoever_needs_it() {
    let folder = folder(&[("a.yaml", &BASE.replace("spec: {}", "spec: {pipelines: []}"))]);
    let manifests = Manifests::read(&[folder.path().join("a.yaml")], "default").unwrap();
    let error = manifests.get(Kind::Base, "default", "shop").unwrap().typed::<CicdBase>().unwrap_err();
    let place = format!("; it stands in {}a.yaml, document 1 (line 1)", shown(folder.path()));
    assert!(error.ends_with(&place) && error.contains("expected a map"), "{error}");
}
