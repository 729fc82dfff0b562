use std::fs;

use serde_json::json;

use super::*;

fn request(paths: &[&str], outputs: &[(Form, &str)], results: &[&str]) -> Request {
    Request {
        context: "shop".to_owned(),
        paths: paths.iter().map(|path| Path::parse(path).unwrap()).collect(),
        outputs: outputs
            .iter()
            .map(|(form, target)| Output { form: *form, target: PathBuf::from(target).into() })
            .collect(),
        results: results.iter().map(|text| result("--result", text).unwrap()).collect(),
        prefix: Prefix::default(),
        export: false,
        mode: None,
    }
}

fn plan(request: &Request) -> Result<Plan, Failure> {
    let state = json!({"app": "shop", "git": {"n": 5, "ok": true}, "list": ["a", {"b": 1}], "notes": "a\nb"});
    request.plan(state.as_object().cloned())
}

fn contents(request: &Request) -> Vec<String> {
    plan(request).unwrap().files.into_iter().map(|file| file.content).collect()
}

fn refusal(request: &Request) -> (Exit, String) {
    let failure = plan(request).unwrap_err();
    (failure.exit(), failure.to_string())
}

#[test]
fn the_whole_state_has_a_text_in_each_form() {
    let forms = [
        (Form::Shell, "sh"),
        (Form::Dotenv, "env"),
        (Form::GitHub, "out"),
        (Form::Id, "id"),
        (Form::Json, "json"),
        (Form::Yaml, "yaml"),
    ];
    let contents = contents(&request(&[], &forms, &[]));
    assert_eq!(contents[0], "app='shop'\ngit_n='5'\ngit_ok='true'\nlist='[\"a\",{\"b\":1}]'\nnotes='a\nb'\n");
    assert_eq!(contents[1], "app=shop\ngit_n=5\ngit_ok=true\nlist='[\"a\",{\"b\":1}]'\nnotes=\"a\\nb\"\n");
    assert_eq!(
        contents[2],
        "app=shop\ngit_n=5\ngit_ok=true\nlist=[\"a\",{\"b\":1}]\nnotes<<CICDCTL_END\na\nb\nCICDCTL_END\n"
    );
    assert_eq!(contents[3], "shop");
    assert_eq!(serde_json::from_str::<Value>(&contents[4]).unwrap()["git"], json!({"n": 5, "ok": true}));
    assert_eq!(serde_saphyr::from_str::<Value>(&contents[5]).unwrap()["git"], json!({"n": 5, "ok": true}));
}

#[test]
fn paths_choose_what_is_loaded_and_results_are_chosen_by_themselves() {
    let mut request = request(&["state.git"], &[(Form::Shell, "sh"), (Form::Json, "json")], &["state.app=r"]);
    assert_eq!(contents(&request), ["git_n='5'\ngit_ok='true'\n", "{\n  \"n\": 5,\n  \"ok\": true\n}\n", "shop"]);
    request.paths.push(Path::parse("state.app").unwrap());
    request.prefix = "CICD_".parse().unwrap();
    request.export = true;
    let contents = contents(&request);
    assert_eq!(contents[0], "export CICD_git_n='5'\nexport CICD_git_ok='true'\nexport CICD_app='shop'\n");
    assert_eq!(
        serde_json::from_str::<Value>(&contents[1]).unwrap(),
        json!({"state.git": {"n": 5, "ok": true}, "state.app": "shop"})
    );
}

#[test]
fn files_are_private_results_are_not_and_a_mode_is_for_all() {
    let mut request = request(&[], &[(Form::Shell, "sh"), (Form::GitHub, "out")], &["state.app=r"]);
    let modes = |request: &Request| plan(request).unwrap().files.iter().map(|file| file.mode).collect::<Vec<_>>();
    assert_eq!(modes(&request), [Mode::PRIVATE, Mode::PRIVATE, Mode::SHARED]);
    let how: Vec<How> = plan(&request).unwrap().files.iter().map(|file| file.how).collect();
    assert_eq!(how, [How::Replace, How::Append, How::Replace]);
    request.mode = Some("0640".parse().unwrap());
    assert_eq!(modes(&request), ["640".parse().unwrap(); 3]);
}

#[test]
fn a_dash_is_standard_output() {
    for dash in ["-", "/dev/stdout"] {
        let plan = plan(&request(&["state.git.n"], &[(Form::Shell, dash)], &[])).unwrap();
        assert_eq!(plan, Plan { files: Vec::new(), printed: "git_n='5'\n".to_owned() });
    }
    let (exit, text) = refusal(&request(&["state.git.n"], &[(Form::Shell, "-"), (Form::Id, "-")], &[]));
    assert_eq!(
        (exit, text.as_str()),
        (Exit::Usage, "load: - is to be written twice; give each output a file of its own")
    );
}

#[test]
fn missing_values_are_all_named_and_end_with_exit_3() {
    let (exit, text) = refusal(&request(&["state.x", "state.app"], &[(Form::Json, "f")], &["state.list[7]=r"]));
    assert_eq!(exit, Exit::ValueMissing);
    assert_eq!(text, "load state.x, state.list[7] of CicdContext shop: not in the state; nothing was written");
}

#[test]
fn a_request_without_a_file_or_with_one_file_twice_is_a_wrong_command_line() {
    let (exit, text) = refusal(&request(&["state.x"], &[], &[]));
    assert_eq!(exit, Exit::Usage);
    assert!(text.starts_with("load: say what to write: --shell FILE, "), "{text}");
    let (exit, text) = refusal(&request(&[], &[(Form::Json, "a"), (Form::Shell, "b")], &["state.app=a"]));
    assert_eq!(exit, Exit::Usage);
    assert_eq!(text, "load: a is to be written twice; give each output a file of its own");
    assert!(plan(&request(&[], &[(Form::Json, "/dev/null"), (Form::Shell, "/dev/null")], &[])).is_ok());
}

#[test]
fn results_over_4096_bytes_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let results = [format!("state.a={}", first.display()), format!("state.b={}", second.display())];
    let request = request(&[], &[], &[&results[0], &results[1]]);
    let state = |bytes: usize| json!({"a": "x".repeat(bytes), "b": "y".repeat(96)}).as_object().cloned();
    let failure = request.plan(state(4001)).unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert!(failure.to_string().contains("4097 bytes in all, at most 4096 are allowed"), "{failure}");
    assert!(failure.to_string().contains("the largest is state.a with 4001 bytes"), "{failure}");
    let mut console = Console::new(std::io::sink(), std::io::sink());
    request.plan(state(4000)).unwrap().carry_out(&mut console).unwrap();
    assert_eq!(fs::read_to_string(first).unwrap(), "x".repeat(4000));
    assert_eq!(fs::read_to_string(second).unwrap(), "y".repeat(96));
}

#[test]
fn names_matter_only_where_there_are_names() {
    let state = json!({"PATH": "1", "a.b": "\0", "a_b": "2"}).as_object().cloned();
    assert!(request(&[], &[(Form::Json, "f"), (Form::Id, "g")], &[]).plan(state.clone()).is_ok());
    for form in [Form::Shell, Form::Dotenv, Form::GitHub] {
        let failure = request(&[], &[(form, "f")], &[]).plan(state.clone()).unwrap_err();
        assert_eq!(failure.exit(), Exit::Refused);
    }
}

#[test]
fn a_state_that_is_not_there_is_an_empty_one() {
    let plan = request(&[], &[(Form::Shell, "a"), (Form::Json, "b")], &[]).plan(None).unwrap();
    let contents: Vec<&str> = plan.files.iter().map(|file| file.content.as_str()).collect();
    assert_eq!(contents, ["", "{}\n"]);
}

#[test]
fn a_result_is_a_path_and_a_file() {
    let (path, target) = result("--result", "state['a=b']=out=1").unwrap();
    assert_eq!((path.to_string().as_str(), target), ("state['a=b']", Target::File("out=1".into())));
    assert_eq!(
        result("--result", "state.app").unwrap_err().to_string(),
        "read --result 'state.app': there is no '='; write PATH=FILE, as in state.image=/tekton/results/image"
    );
    assert!(result("--result", "app=f").unwrap_err().to_string().contains("write state.app"));
}

#[test]
fn a_file_that_cannot_be_written_ends_with_exit_1() {
    let plan = plan(&request(&["state.app"], &[(Form::Shell, "-"), (Form::Json, "/")], &[])).unwrap();
    let mut console = Console::new(std::io::sink(), std::io::sink());
    let failure = plan.carry_out(&mut console).unwrap_err();
    assert_eq!(failure.exit(), Exit::Failed);
    assert_eq!(failure.to_string(), "write /: it is a directory; name a file in it");
}
