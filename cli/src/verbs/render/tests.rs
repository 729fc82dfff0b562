use super::*;
use crate::{arguments::GlobalArguments, environment::Environment, exit::Exit, manifests::fixture::shop};

fn occasion() -> Occasion {
    Occasion { now: "2026-01-02T03:04:05Z".parse().unwrap(), random: [7; 10] }
}

fn request(positional: &[&str], data: bool, context: Option<&str>) -> Result<Request, UsageError> {
    let mut positional = positional.iter().map(ToString::to_string);
    let arguments = RenderArguments {
        object: positional.next(),
        template: positional.next(),
        data: data.then(|| PathBuf::from("data.json")),
        ..RenderArguments::default()
    };
    let environment = Environment { context: context.map(str::to_owned), ..Environment::default() };
    Request::read(&arguments, Setting { global: &GlobalArguments::default(), environment: &environment })
}

#[test]
fn with_data_the_only_argument_is_the_template_and_no_context_is_needed() {
    let over_file = request(&["{{a}}"], true, None).unwrap();
    assert_eq!(over_file.template.as_deref(), Some("{{a}}"));
    assert_eq!(request(&["{{a}}"], true, Some("shop")).unwrap(), over_file);
    assert_eq!(request(&[], true, None).unwrap().template, None);
    assert_eq!(
        request(&["a", "b"], true, None).unwrap_err().to_string(),
        "render: there is no place for 'b'; with --name or $CICD_CONTEXT no NAME is taken"
    );
}

#[test]
fn a_dash_or_nothing_is_standard_input() {
    assert_eq!(request(&["shop", "-"], false, None).unwrap().template, None);
    assert_eq!(request(&["shop"], false, None).unwrap().template, None);
    assert_eq!(request(&["{{state.a}}"], false, Some("shop")).unwrap().template.as_deref(), Some("{{state.a}}"));
    assert!(request(&[], false, None).is_err());
}

#[test]
fn over_data_the_keys_of_the_object_are_the_root() {
    let data = json!({"a": {"b": [1, 2]}, "t": "x\n"});
    let data = data.as_object().unwrap();
    let text = |template: &str, engine| over_data(template, engine, data, &occasion()).unwrap();
    assert_eq!(text("{{a.b}} {{t}}{{now}}", None), "[1,2] x\n2026-01-02T03:04:05Z");
    assert_eq!(text("{% for i in a.b %}{{ i }};{% endfor %}", Some(Engine::Jinja)), "1;2;");
    assert_eq!(text("", None), "");
}

#[test]
fn an_error_is_one_line_with_line_and_column_and_exit_1() {
    let failure: Failure = over_data("a\n  {{first 5}}", None, &Map::new(), &occasion()).unwrap_err().into();
    assert_eq!(failure.exit(), Exit::Failed);
    let text = failure.to_string();
    assert!(text.starts_with("render `template` at line 2, column 3: "), "{text}");
    let failure = over_data("{{#if a}}", None, &Map::new(), &occasion()).unwrap_err();
    assert!(failure.to_string().starts_with("compile `template` at line 1, column "), "{failure}");
}

#[tokio::test]
async fn over_a_context_the_template_sees_state_settings_variables_and_partials() {
    let text = async |template: &str, pipeline: Option<&str>| {
        over_context(&shop().seen(), "team", "shop", pipeline, template, None, &occasion()).await
    };
    assert_eq!(
        text("{{state.app}} {{settings.channel}} {{context.selected}}\n", None).await.unwrap(),
        "shop #stage stage\n"
    );
    assert_eq!(text("{{variables.image}}{{> mark}}", None).await.unwrap(), "shop:1.4!");
    assert_eq!(text("{{pipeline.settings.speed}}{{event.data.x}}", Some("build")).await.unwrap(), "fast");
    assert_eq!(
        text("", Some("deploy")).await.unwrap_err().to_string(),
        "use --pipeline deploy: it is not configured; these are: build"
    );
}

#[tokio::test]
async fn a_context_that_is_not_there_is_exit_6() {
    let failure = over_context(&shop().seen(), "team", "nothing", None, "", None, &occasion()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::NotFound);
}
