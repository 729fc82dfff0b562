//! What was measured, as figures with what they should be: printed as tables, written as JSON, drawn, and compared with
//! an earlier run. It knows nothing of how anything is measured.

mod chart;
pub(crate) mod check;
pub(crate) mod figure;
mod gallery;
pub(crate) mod machine;
pub(crate) mod page;
mod table;

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use self::{figure::Figure, machine::Machine};
use crate::{error::BenchError, plan::Length};

/// All figures of one run.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The day on which it ran.
    pub(crate) date: String,
    pub(crate) length: Length,
    pub(crate) machine: Machine,
    pub(crate) sections: Vec<Section>,
}

/// The figures of one question.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub(crate) struct Section {
    /// One word, by which it is asked for.
    pub(crate) name: String,
    pub(crate) title: String,
    /// How it was measured, in sentences.
    pub(crate) method: String,
    pub(crate) figures: Vec<Figure>,
    /// How long that took, in seconds.
    #[serde(default)]
    pub(crate) seconds: u64,
}

impl Section {
    /// One without figures so far.
    pub(crate) fn new(name: &str, title: &str, method: impl Into<String>) -> Self {
        Self { name: name.to_owned(), title: title.to_owned(), method: method.into(), figures: Vec::new(), seconds: 0 }
    }

    /// One more figure.
    pub(crate) fn push(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// The figure of that name, at that value of what was varied.
    pub(crate) fn find(&self, what: &str, at: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.what == what && figure.at == at)
    }

    /// Prints the figures as a table.
    pub(crate) fn print(&self) {
        print!("{}", table::of(self));
    }
}

impl Report {
    /// The section of that name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Reads one that was written.
    pub(crate) fn read(path: &Path) -> Result<Self, BenchError> {
        let text = fs::read(path).map_err(BenchError::io("read", path.display()))?;
        serde_json::from_slice(&text).map_err(|error| BenchError::io("read", path.display())(error.into()))
    }

    /// Writes it, one value a line, so that two can be compared.
    pub(crate) fn write(&self, path: &Path) -> Result<(), BenchError> {
        let failed = || BenchError::io("write", path.display());
        let mut text = serde_json::to_string_pretty(self).map_err(|error| failed()(error.into()))?;
        text.push('\n');
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(BenchError::io("create", directory.display()))?;
        }
        fs::write(path, text).map_err(failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of these sections on some machine.
    pub(super) fn report(sections: impl IntoIterator<Item = Section>) -> Report {
        let [processor, system, kubernetes, operator, build] =
            ["Some CPU", "Some Linux", "v1.36.0", "0.1.0", "release"].map(str::to_owned);
        let machine = Machine { processor, cores: 2, memory_gibibytes: 8, system, kubernetes, operator, build };
        Report {
            date: "2026-01-02".to_owned(),
            length: Length::Quick,
            machine,
            sections: sections.into_iter().collect(),
        }
    }

    /// A section of that name.
    pub(super) fn section(name: &str, figures: impl IntoIterator<Item = Figure>) -> Section {
        let mut section = Section::new(name, &format!("Title of {name}"), format!("How {name} is measured."));
        section.figures.extend(figures);
        Section { seconds: 61, ..section }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/quick.json");
        let figure = Figure::of("creates", figure::Unit::PerSecond, [1.5]).at("8 in flight", 8.0).at_least(1.0);
        let written = report([section("floor", [figure])]);
        written.write(&path).unwrap();
        assert_eq!(Report::read(&path).unwrap(), written);
        fs::write(&path, "{}").unwrap();
        let error = Report::read(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("read {}: missing field `date`", path.display())), "{error}");
    }
}
