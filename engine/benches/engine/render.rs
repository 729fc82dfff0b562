//! Rendering a message of 1 kB with 20 expressions: the same text in both languages.

use std::{collections::BTreeMap, hint::black_box};

use cicdcontext_engine::template::{Engine, Escape, Library, Seed, Source};
use criterion::Criterion;
use serde_json::{Value, json};

/// An engine's language, with the words in which the two differ.
struct Language {
    engine: Engine,
    name: &'static str,
    message: String,
}

pub(crate) fn measure(criterion: &mut Criterion) {
    let root = root();
    let seed = Seed::new("event", "2026-01-02T03:04:05Z".parse().unwrap());
    let mut group = criterion.benchmark_group("render 1 kB with 20 expressions");
    let mut texts = Vec::new();
    for Language { engine, name, message } in languages() {
        // Jinja has the predecessor's roots; ours stand below `cicd`.
        let own = |text: &str| match engine {
            Engine::Handlebars => text.to_owned(),
            Engine::Jinja => ["settings.", "event.", "pipeline."]
                .iter()
                .fold(text.to_owned(), |text, root| text.replace(&format!(" {root}"), &format!(" cicd.{root}"))),
        };
        let source = |name: &str, text: &str| Source::new(name, own(text), engine);
        let variables = BTreeMap::from([
            ("image".to_owned(), source("variables.image", "{{ settings.registry }}/{{ state.app.name }}")),
            ("owner".to_owned(), source("variables.owner", "{{ settings.team }}")),
        ]);
        let library = Library::new(BTreeMap::new(), variables, BTreeMap::new()).0;
        let message = source("message", &message);
        let render = || library.compile(black_box(&message))?.render(&library, black_box(&root), &seed, Escape::None);
        let text = render().unwrap();
        assert!((1000..1200).contains(&text.len()), "{} bytes: {text}", text.len());
        // Jinja drops a final line break.
        texts.push(text.trim_end().to_owned());
        group.bench_function(name, |bencher| bencher.iter(|| render().unwrap()));
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "both languages say the same: {texts:#?}");
    group.finish();
}

fn languages() -> [Language; 2] {
    let handlebars = [
        "{{#if event.data.run}} in run {{ event.data.run }}{{/if}}",
        "{{#each state.build.tags}}{{ this }} {{/each}}",
        "{{ upper state.release.status }}",
        "{{ default state.nothing 'nobody' }}",
    ];
    let jinja = [
        "{% if event.data.run %} in run {{ event.data.run }}{% endif %}",
        "{% for tag in state.build.tags %}{{ tag }} {% endfor %}",
        "{{ state.release.status | upper }}",
        "{{ state.nothing | default('nobody') }}",
    ];
    [
        Language { engine: Engine::Handlebars, name: "Handlebars", message: message(handlebars) },
        Language { engine: Engine::Jinja, name: "Jinja", message: message(jinja) },
    ]
}

/// 20 tags of output and blocks; what is between is plain text, as in a message that people read.
fn message([run, tags, status, nobody]: [&str; 4]) -> String {
    let notes = "Whoever is on duty looks at the dashboard before the next stage is started. ".repeat(8);
    format!(
        "*{{{{ state.app.name }}}} {{{{ state.app.version }}}}* was built{run} from {{{{ state.git.branch }}}} at \
         {{{{ state.git.commit }}}} by {{{{ event.data.by }}}}, asked for by {nobody}.\n\
         Image {{{{ variables.image }}}} with the tags {tags}\n\
         Digest {{{{ state.build.digest }}}}, {{{{ state.build.size }}}} bytes, {{{{ state.build.layers }}}} layers.\n\
         Status {status}, {{{{ state.tests.passed }}}} of {{{{ state.tests.all }}}} tests passed. Report: \
         {{{{ settings.dashboard }}}}/{{{{ pipeline.name }}}}/{{{{ event.id }}}}\n{notes}\n\
         Owner {{{{ variables.owner }}}}, channel {{{{ settings.chat.channel }}}}.\n"
    )
}

fn root() -> Value {
    json!({
        "state": {
            "app": {"name": "shop", "version": "1.4.17"},
            "git": {"branch": "main", "commit": "0123456789abcdef0123456789abcdef01234567"},
            "build": {
                "tags": ["1.4.17", "latest", "main"], "size": 73_400_320, "layers": 14,
                "digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            },
            "release": {"status": "verified"},
            "tests": {"passed": 1204, "all": 1204},
        },
        "settings": {
            "registry": "registry.example/shop", "dashboard": "https://ci.example", "team": "shop",
            "chat": {"channel": "#shop-stage"},
        },
        "context": {"name": "shop-17", "namespace": "shop", "uid": "u", "selected": "stage"},
        "pipeline": {"name": "build", "settings": null},
        "event": {"id": "17-success", "name": "success", "time": "2026-01-02T03:04:05Z", "data": {"run": 17, "by": "anna"}},
    })
}
