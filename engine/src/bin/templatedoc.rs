//! Writes the generated sections of docs/reference/templates.md, or checks with `--check` that they are current.

use std::{fs, path::PathBuf, process::ExitCode};

use cicdcontext_engine::template::reference;

const PAGE: &str = "docs/reference/templates.md";

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    match run(check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("templatedoc: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> Result<(), Box<dyn std::error::Error>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
    let before = fs::read_to_string(&path)?;
    let after = filled(&before)?;
    if check && before != after {
        return Err(format!("{PAGE} is not current: run `make generate`").into());
    }
    if !check {
        fs::write(&path, after)?;
        println!("{PAGE}");
    }
    Ok(())
}

/// The page with each section between `<!-- generated from FILE: NAME -->` and `<!-- end -->` written anew.
fn filled(page: &str) -> Result<String, String> {
    let sections = reference();
    let mut text = String::new();
    let mut lines = page.lines();
    let mut written = 0;
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        let marker = line.strip_prefix("<!-- generated from ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some((_, name)) = marker.and_then(|marker| marker.rsplit_once(": ")) else { continue };
        let (_, section) = sections
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| format!("{PAGE} has a section {name:?}, which nothing generates"))?;
        lines
            .by_ref()
            .find(|line| *line == "<!-- end -->")
            .ok_or_else(|| format!("{PAGE} does not end its section {name:?} with <!-- end -->"))?;
        text.push('\n');
        text.push_str(section);
        text.push_str("\n<!-- end -->\n");
        written += 1;
    }
    if written == sections.len() {
        Ok(text)
    } else {
        Err(format!("{PAGE} has {written} of {} generated sections", sections.len()))
    }
}
