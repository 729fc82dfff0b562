//! The examples of docs/reference/templates.md, each rendered over the data that the page shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use cicdcontext_engine::template::{Engine, Escape, Library, Seed, Source};
use serde_json::Value;

const PAGE: &str = include_str!("../../docs/reference/templates.md");

/// The rows of the tables with this heading, without the code marks.
fn rows(heading: &str) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in PAGE.lines() {
        if line == heading {
            inside = true;
        } else if !line.starts_with('|') {
            inside = false;
        } else if inside && !line.starts_with("|---") {
            let cells: Vec<String> = line.replace("\\|", "\0").split('|').map(cell).collect();
            rows.push((cells[1].clone(), cells[2].clone()));
        }
    }
    rows
}

fn cell(text: &str) -> String {
    let text = text.trim().replace('\0', "|");
    let marks = text.len() - text.trim_start_matches('`').len();
    let inner = if marks == 0 { &text[..] } else { &text[marks..text.len() - marks] };
    inner.replace("\\n", "\n")
}

fn render(engine: Engine, template: &str) -> Result<String, String> {
    let data =
        PAGE.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page shows its data");
    let root: Value = serde_json::from_str(data).unwrap();
    let library = Library::default();
    let seed = Seed::new("an event", "2026-01-02T03:04:05Z".parse().unwrap());
    let template = library.compile(&Source::new("example", template, engine)).map_err(|error| error.to_string())?;
    template.render(&library, &root, &seed, Escape::None).map_err(|error| error.to_string())
}

fn every_row_gives_what_it_says(heading: &str, engine: Engine) {
    let rows = rows(heading);
    assert!(rows.len() > 5, "{heading}: {rows:?}");
    for (template, expected) in rows {
        assert_eq!(render(engine, &template).as_deref(), Ok(expected.as_str()), "{template}");
    }
}

#[test]
fn the_handlebars_examples_give_what_the_page_says() {
    every_row_gives_what_it_says("| template | gives |", Engine::Handlebars);
}

#[test]
fn the_jinja_examples_give_what_the_page_says() {
    every_row_gives_what_it_says("| Jinja | gives |", Engine::Jinja);
}

#[test]
fn the_errors_are_those_that_the_page_shows() {
    let rows = rows("| template | error |");
    assert!(rows.len() > 1, "{rows:?}");
    for (template, expected) in rows {
        let error = render(Engine::Handlebars, &template).unwrap_err().replace('`', "'");
        let begins = expected.strip_suffix('…');
        assert!(begins.map_or(error == expected, |begin| error.starts_with(begin)), "{template}: {error}");
    }
}
