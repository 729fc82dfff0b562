//! What was measured, as figures with what they should be: printed as tables, written as JSON, drawn, and compared with
//! an earlier run. It knows nothing of how anything is measured.

pub(crate) mod figure;
pub(crate) mod machine;
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
