//! The page of benchmarks: introduction, machine, targets, and for each section its method, charts and a table. Written from
//! figures, so that it can be written anew without measuring.

use std::{fmt::Write, fs, io, path::Path};

use super::{
    Report, Section,
    chart::Chart,
    figure::{Figure, Unit, shown},
    gallery::GALLERY,
};
use crate::error::BenchError;

const INTRODUCTION: &str = include_str!("introduction.md");
const NAME: &str = "README.md";

/// The page and its charts.
#[derive(Debug)]
pub(crate) struct Page {
    /// Name and text of each.
    files: Vec<(&'static str, String)>,
    /// Which charts are left out, and why.
    pub(crate) notes: Vec<String>,
}

/// What stands below one heading: the section of the first run that has it, and what later ones have beyond it.
struct Chapter<'a> {
    name: &'a str,
    parts: Vec<(&'a Report, &'a Section, Vec<&'a Figure>)>,
}

impl Page {
    /// The page of these runs. A figure that several have is that of the first.
    pub(crate) fn of(reports: &[Report]) -> Self {
        let (mut charts, mut notes) = (Vec::new(), Vec::new());
        for drawing in &GALLERY {
            // All of one run: what is compared in a chart was measured together.
            let drawn: Vec<Result<Chart, String>> = reports.iter().map(|report| drawing.of(report)).collect();
            if let Some(chart) = drawn.iter().find_map(|chart| chart.as_ref().ok()) {
                charts.push((drawing, chart.svg()));
            } else {
                let why = drawn.iter().find_map(|chart| chart.as_ref().err()).map_or("no figures", String::as_str);
                notes.push(format!("{} is left out: {why}", drawing.file));
            }
        }
        let chapters = chapters(reports);
        let mut text = format!("{}\n{}{}", INTRODUCTION, runs(reports), targets(&chapters));
        for chapter in &chapters {
            let charts = charts.iter().filter(|(drawing, _)| drawing.section == chapter.name);
            let charts: Vec<_> = charts.map(|(drawing, _)| (drawing.title, drawing.file)).collect();
            text.push_str(&chapter.text(&charts));
        }
        let mut files = vec![(NAME, text)];
        files.extend(charts.into_iter().map(|(drawing, svg)| (drawing.file, svg)));
        Self { files, notes }
    }

    /// Writes page and charts into a directory, and removes charts there that are left out now.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), BenchError> {
        fs::create_dir_all(directory).map_err(BenchError::io("create", directory.display()))?;
        for (name, text) in &self.files {
            let path = directory.join(name);
            fs::write(&path, text).map_err(BenchError::io("write", path.display()))?;
        }
        for path in self.left_out(directory) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(BenchError::io("remove", path.display())(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Refuses a directory in which page and charts are not exactly these.
    pub(crate) fn check(&self, directory: &Path) -> Result<(), BenchError> {
        let current = |(name, text): &&(&str, String)| {
            fs::read_to_string(directory.join(name)).is_ok_and(|written| written == *text)
        };
        let stale = self.files.iter().find(|file| !current(file)).map(|(name, _)| directory.join(name));
        let stale = stale.or_else(|| self.left_out(directory).find(|path| path.exists()));
        stale.map_or(Ok(()), |path| Err(BenchError::Stale(path)))
    }

    fn left_out(&self, directory: &Path) -> impl Iterator<Item = std::path::PathBuf> {
        let left_out = GALLERY.iter().filter(|drawing| !self.files.iter().any(|(name, _)| *name == drawing.file));
        left_out.map(|drawing| directory.join(drawing.file))
    }
}

fn chapters(reports: &[Report]) -> Vec<Chapter<'_>> {
    let mut chapters: Vec<Chapter<'_>> = Vec::new();
    for report in reports {
        for section in &report.sections {
            let known = chapters.iter().position(|chapter| chapter.name == section.name);
            let known = known.unwrap_or_else(|| {
                chapters.push(Chapter { name: &section.name, parts: Vec::new() });
                chapters.len() - 1
            });
            let chapter = &mut chapters[known];
            let shown = |figure: &&Figure| !chapter.parts.iter().any(|(_, _, figures)| holds(figures, figure));
            let figures: Vec<_> = section.figures.iter().filter(shown).collect();
            if !figures.is_empty() {
                chapter.parts.push((report, section, figures));
            }
        }
    }
    chapters
}

fn holds(figures: &[&Figure], figure: &Figure) -> bool {
    figures.iter().any(|other| other.what == figure.what && other.at == figure.at)
}

impl Chapter<'_> {
    fn title(&self) -> &str {
        self.parts.first().map_or(self.name, |(_, section, _)| &section.title)
    }

    fn text(&self, charts: &[(&str, &str)]) -> String {
        let mut text = format!("\n## {}\n", self.title());
        for (number, (report, section, figures)) in self.parts.iter().enumerate() {
            match number {
                0 => write(&mut text, format_args!("\n{}\n", section.method)),
                _ => write(&mut text, format_args!("\nFrom {}:\n", run(report))),
            }
            if number == 0 {
                for (title, file) in charts {
                    write(&mut text, format_args!("\n![{title}]({file})\n"));
                }
            }
            text.push_str(&table(figures));
        }
        text
    }
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(arguments);
}

fn run(report: &Report) -> String {
    format!("the {} run of {}", report.length, report.date)
}

/// On what was measured, and when.
fn runs(reports: &[Report]) -> String {
    let mut text = "\n## Where and when\n".to_owned();
    for report in reports {
        let machine = &report.machine;
        let minutes = report.sections.iter().map(|section| section.seconds).sum::<u64>().div_ceil(60);
        let rows = [
            ("Run", format!("{}, {}, {minutes} min", report.length, report.date)),
            ("Processor", format!("{}, {} cores", machine.processor, machine.cores)),
            ("Memory", format!("{} GiB", machine.memory_gibibytes)),
            ("System", machine.system.clone()),
            ("Kubernetes", machine.kubernetes.clone()),
            ("Operator", format!("{}, {} build", machine.operator, machine.build)),
        ];
        text.push_str("\n| | |\n|---|---|\n");
        for (name, value) in rows {
            write(&mut text, format_args!("| {name} | {} |\n", cell(&value)));
        }
    }
    text
}

/// How many targets are met, and which are not.
fn targets(chapters: &[Chapter<'_>]) -> String {
    let parts = || chapters.iter().flat_map(|chapter| chapter.parts.iter().map(move |part| (chapter, part)));
    let all = || parts().flat_map(|(chapter, (_, _, figures))| figures.iter().map(move |figure| (chapter, *figure)));
    let (count, met) = (
        all().filter(|(_, figure)| figure.target.is_some()).count(),
        all().filter(|(_, figure)| figure.is_met() == Some(true)).count(),
    );
    if count == 0 {
        return String::new();
    }
    let mut text = format!("\n{met} of {count} targets are met.");
    if met < count {
        text.push_str(" These are not:\n");
    }
    text.push('\n');
    for (chapter, figure) in all().filter(|(_, figure)| figure.is_met() == Some(false)) {
        let target = figure.target.map(|target| target.to_string()).unwrap_or_default();
        let at = if figure.at.is_empty() { String::new() } else { format!(", {}", figure.at) };
        let (name, what, value) = (chapter.name, &figure.what, value(figure));
        write(&mut text, format_args!("* {name}: {what}{at}: {value} ({target})\n"));
    }
    text
}

fn table(figures: &[&Figure]) -> String {
    let mut text = "\n| | | value | range | target | |\n|---|---|--:|--:|---|---|\n".to_owned();
    for figure in figures {
        let (target, met) = match (figure.target, figure.is_met()) {
            (Some(target), Some(true)) => (target.to_string(), "met"),
            (Some(target), _) => (target.to_string(), "**not met**"),
            _ => (String::new(), ""),
        };
        let [what, at] = [&figure.what, &figure.at].map(|text| cell(text));
        let (value, range) = (value(figure), range(figure));
        write(&mut text, format_args!("| {what} | {at} | {value} | {range} | {target} | {met} |\n"));
    }
    text
}

fn value(figure: &Figure) -> String {
    match figure.unit {
        Unit::Count => shown(figure.value),
        unit => format!("{} {unit}", shown(figure.value)),
    }
}

/// The least and the most that a run gave; blank if there was only one.
fn range(figure: &Figure) -> String {
    if figure.runs.len() < 2 {
        return String::new();
    }
    let least = figure.runs.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figure.runs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{} – {}", shown(least), shown(most))
}

/// Text that stays in its cell, and is text.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::Length,
        report::tests::{report, section},
    };

    fn text(reports: &[Report]) -> String {
        Page::of(reports).files.swap_remove(0).1
    }

    fn memory(contexts: f64, value: f64) -> Figure {
        Figure::of("memory of the operator", Unit::Mebibytes, [value]).at(format!("{contexts} contexts"), contexts)
    }

    #[test]
    fn a_row_says_the_value_its_range_and_whether_it_is_what_it_should_be() {
        let creates = Figure::of("creates", Unit::PerSecond, [700.0, 650.0, 1200.0]).at("8 in flight", 8.0);
        let share = Figure::of("share | <of> it", Unit::Ratio, [0.5]).at_least(0.6);
        let writes = Figure::of("writes", Unit::Count, [1.0]).at_most(1.01);
        let text = text(&[report([section("floor", [creates, share, writes])])]);
        let rows: Vec<_> = text.lines().skip_while(|line| !line.starts_with("| | | value")).skip(2).collect();
        assert_eq!(
            rows,
            [
                "| creates | 8 in flight | 700 1/s | 650 – 1200 |  |  |",
                "| share \\| &lt;of> it |  | 0.5 x |  | at least 0.6 | **not met** |",
                "| writes |  | 1 |  | at most 1.01 | met |",
            ]
        );
        assert!(text.contains("\n## Title of floor\n\nHow floor is measured.\n"), "{text}");
        assert!(text.contains("\n1 of 2 targets are met. These are not:\n\n* floor: share"), "{text}");
    }

    #[test]
    fn the_page_says_on_what_was_measured_and_shows_the_charts_that_can_be_drawn() {
        let page = Page::of(&[report([section("scale", [memory(100.0, 40.0), memory(10_000.0, 250.0)])])]);
        let names: Vec<_> = page.files.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["README.md", "memory.svg"]);
        let text = &page.files[0].1;
        assert!(text.contains("\n![Resident memory of the operator](memory.svg)\n"), "{text}");
        assert!(text.contains("| Processor | Some CPU, 2 cores |\n| Memory | 8 GiB |"), "{text}");
        assert!(text.contains("| Run | quick, 2026-01-02, 2 min |"), "{text}");
        assert_eq!(page.notes.len(), GALLERY.len() - 1);
        assert_eq!(page.notes[0], "reaction.svg is left out: no section `reaction`");
    }

    #[test]
    fn a_later_run_adds_only_what_the_first_has_not() {
        let first = report([section("scale", [memory(100.0, 40.0)])]);
        let mut long = report([section("scale", [memory(100.0, 41.0), memory(100_000.0, 990.0)])]);
        long.length = Length::Long;
        let text = text(&[first, long]);
        assert!(text.contains("100 contexts | 40 MiB") && !text.contains("41 MiB"), "{text}");
        let (_, added) = text.split_once("\nFrom the long run of 2026-01-02:\n").unwrap();
        assert!(added.contains("| memory of the operator | 100000 contexts | 990 MiB |"), "{added}");
    }

    #[test]
    fn what_is_written_is_current_until_a_figure_changes_and_charts_that_are_left_out_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let page = Page::of(&[report([section("scale", [memory(100.0, 40.0), memory(1000.0, 50.0)])])]);
        page.write(directory.path()).unwrap();
        page.check(directory.path()).unwrap();
        let other = Page::of(&[report([section("scale", [memory(100.0, 40.0)])])]);
        let error = other.check(directory.path()).unwrap_err().to_string();
        assert!(error.ends_with("README.md: not what the figures give; `make bench-page` writes it"), "{error}");
        other.write(directory.path()).unwrap();
        other.check(directory.path()).unwrap();
        assert!(!directory.path().join("memory.svg").exists());
    }
}
