use serde_json::json;

use super::*;

fn mirrors(config: &str, secrets: &str) -> Result<Mirrors, Failure> {
    let core = Core::read("config.yaml", config).unwrap();
    Mirrors::read(&core, &Secrets::read("secrets.yaml", secrets).unwrap())
}

#[test]
fn the_files_are_those_of_both_files_in_their_order() {
    let config = "
cicdstatemgr:
  datasources:
    idfile: {path: run.id}
    redis: {host: h, port: 1, isPrimary: true}
    shellfile: {path: old.sh, excludeKeyNames: [pipelines]}
    etcd: {}
    yamlfile: {path: cache/run.yaml}
";
    let found = mirrors(config, "cicdstatemgr: {datasources: {shellfile: {path: run.sh}}}").unwrap();
    let shell = Form::Shell { without: vec!["pipelines".to_owned()] };
    let file = |name: &str, path: &str, form| (name.to_owned(), PathBuf::from(path), form);
    assert_eq!(
        found.files,
        [
            file("idfile", "run.id", Form::Id),
            file("shellfile", "run.sh", shell),
            file("yamlfile", "cache/run.yaml", Form::Yaml),
        ]
    );
    assert_eq!((found.names_redis, found.unknown), (true, vec!["etcd".to_owned()]));
}

#[test]
fn a_store_without_a_path_is_told() {
    for (stores, expected) in [
        ("{yamlfile: {}}", "write datasources.yamlfile: path is missing; write the name of a file"),
        ("{idfile: {path: 5}}", "write datasources.idfile: path is a number; write the name of a file"),
        (
            "{shellfile: {path: x, excludeKeyNames: state}}",
            "write datasources.shellfile: excludeKeyNames is a text; write a list of key names",
        ),
    ] {
        let error = mirrors(&format!("cicdstatemgr: {{datasources: {stores}}}"), "").unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(mirrors("cicdstatemgr: {}", "").unwrap(), Mirrors::default());
}

#[test]
fn yaml_is_read_alike_by_readers_of_yaml_1_1() {
    let texts = [
        "yes",
        "No",
        "on",
        "y",
        "012",
        "0o7",
        "0x1f",
        "1_000",
        "12:30",
        "1:2:3",
        "2021-01-01",
        "2001-12-14t21:59:43Z",
        "~",
        "null",
        "",
        " ",
        "=",
        "<<",
        "- a",
        "a: b",
        "#x",
        "*a",
        "&a",
        "!t",
        "%d",
        "@x",
        "`x",
        "|",
        ">",
        "1e3",
        "1.",
        ".5",
        ".inf",
        ".NaN",
        "é",
        "a\nb\n",
        "tab\tx",
        "\u{1}",
        "'",
        "\"",
        "true ",
        "{}",
        "[x",
        "?",
        "---",
        "...",
        "0b1",
        "+1",
        "\u{1f600}",
        "\u{feff}x",
        "\u{85}",
        "\u{2028}",
    ];
    let document: Map<String, Value> =
        texts.iter().map(|&text| (text.to_owned(), json!([text, {text: text}]))).collect();
    let document = Document(document);
    let text = python_yaml(&Value::Object(document.0.clone())).unwrap();
    let read = cicdcontext_compat::yaml::read(&text).unwrap();
    assert_eq!(read.value, Value::Object(document.0));
    assert_eq!(read.findings, []);
}

#[test]
fn each_file_has_its_form() {
    let config = "cicdstatemgr: {datasources: {yamlfile: {path: y}, jsonfile: {path: j}, idfile: {path: i}}}";
    let document = Document(Map::from_iter([("b".to_owned(), json!({"é": ["x", 1]})), ("a".to_owned(), json!("yes"))]));
    let (writes, notices) = mirrors(config, "").unwrap().render("Team/7", &document).unwrap();
    let texts: Vec<_> = writes.iter().map(|write| write.content.as_str()).collect();
    assert_eq!(
        texts,
        [
            "b:\n  \"\\xE9\":\n  - x\n  - 1\na: 'yes'\n",
            "{\n  \"b\": {\n    \"\\u00e9\": [\n      \"x\",\n      1\n    ]\n  },\n  \"a\": \"yes\"\n}",
            "Team/7",
        ]
    );
    assert_eq!(notices, []);
}
