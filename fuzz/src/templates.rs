//! Templates of both languages: template, partial `p`, variable `v`.

use std::{collections::BTreeMap, sync::LazyLock};

use cicdcontext_engine::template::{Bounds, Engine, Escape, Library, Seed, Source};
use serde_json::{Value, json};

use super::{bounded, parts};

/// Values that a rendering remembers as missing.
const MISSING: usize = 64;

static ROOT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "state": {
            "app": {"name": "shop", "version": "1.4.17"}, "tags": ["1.4.17", "latest", "mäin"], "empty": [], "none": null,
            "true": true, "zero": 0, "number": -1.5e300, "text": "a\"b\\c\n<d> \u{1F980}", "json": "{\"a\": [1, {}]}",
            "list": [{"id": 1, "ring": "b"}, {"id": 2, "ring": "a"}, [3], "x"], "key.with.dots": {"a b": "c"},
        },
        "settings": {"dashboard": "https://ci.example", "chat": {"channel": "#ci"}},
        "context": {"name": "shop-17", "namespace": "shop", "uid": "u", "selected": "stage"},
        "event": {"id": "17", "name": "success", "time": "2026-01-02T03:04:05Z", "data": {"run": 17}},
    })
});

/// A Handlebars template is refused, fails, or renders within its bounds, the same each time.
pub fn handlebars(input: &[u8]) {
    template(Engine::Handlebars, input);
}

/// The same for a Jinja template.
pub fn jinja(input: &[u8]) {
    template(Engine::Jinja, input);
}

fn template(engine: Engine, input: &[u8]) {
    let Some([text, partial, variable]) = parts(input) else { return };
    let sources = |prefix: &str, name: &str, text: &str| {
        BTreeMap::from([(name.to_owned(), Source::new(format!("{prefix}.{name}"), text, engine))])
    };
    let (library, errors) =
        Library::new(sources("partials", "p", partial), sources("variables", "v", variable), BTreeMap::new());
    for error in &errors {
        bounded(error);
    }
    let template = match library.compile(&Source::new("template", text, engine)) {
        Ok(template) => template,
        Err(error) => return bounded(&error),
    };
    let seed = Seed::new("event", jiff::Timestamp::UNIX_EPOCH);
    for escape in [Escape::None, Escape::JsonString] {
        let rendered = template.render_explained(&library, &ROOT, &seed, escape);
        match &rendered {
            Err(error) => bounded(error),
            Ok(rendered) => {
                assert!(rendered.text.len() <= Bounds::DEFAULT.output_bytes, "{} bytes", rendered.text.len());
                assert!(rendered.missing.len() <= MISSING, "{:?}", rendered.missing);
            }
        }
        assert_eq!(template.render_explained(&library, &ROOT, &seed, escape), rendered, "the same each time");
    }
}
