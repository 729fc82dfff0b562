//! What a conversion has to say: each place whose meaning changes or that could not be carried over.

use std::fmt::Write as _;

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something is missing in the manifests; the command ends with exit code 1.
    NotCarried,
    /// It is there and means something else than before.
    Changed,
    /// It means the same; something is worth knowing.
    Hint,
}

impl Severity {
    /// The word that lines of the report begin with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotCarried => "not carried over",
            Self::Changed => "changed",
            Self::Hint => "hint",
        }
    }
}

/// One place of the predecessor's files, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// File and path: `ferry.yaml: cicd-contexts.pilot.pipelines.ship`.
    pub place: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it meant, and what it means now.
    pub text: String,
    /// What to do.
    pub advice: String,
}

/// All remarks, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The remarks, each once.
    pub remarks: Vec<Remark>,
}

impl Report {
    /// Adds a remark, unless it is there already.
    pub fn add(&mut self, severity: Severity, place: &str, text: impl Into<String>, advice: impl Into<String>) {
        let remark = Remark { place: place.to_owned(), severity, text: text.into(), advice: advice.into() };
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Whether everything was carried over.
    pub fn is_complete(&self) -> bool {
        self.of(Severity::NotCarried).next().is_none()
    }

    /// The remarks of one severity.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Remark> {
        self.remarks.iter().filter(move |remark| remark.severity == severity)
    }

    /// A line for each remark, those that matter most first.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for severity in [Severity::NotCarried, Severity::Changed, Severity::Hint] {
            for Remark { place, text, advice, .. } in self.of(severity) {
                let _ = writeln!(lines, "{}: {place}: {text}; {advice}", severity.as_str());
            }
        }
        lines
    }

    /// The remarks as sections of a Markdown page.
    pub(super) fn sections(&self) -> String {
        let mut page = String::new();
        for (severity, heading, nothing) in [
            (Severity::NotCarried, "Not carried over", "Everything was carried over."),
            (Severity::Changed, "Means something else now", "Nothing."),
            (Severity::Hint, "Worth knowing", "Nothing."),
        ] {
            let _ = writeln!(page, "## {heading}\n");
            if self.of(severity).next().is_none() {
                let _ = writeln!(page, "{nothing}");
            }
            for Remark { place, text, advice, .. } in self.of(severity) {
                let _ = writeln!(page, "* `{}`: {text}. **To do:** {advice}.", place.replace('`', "'"));
            }
            page.push('\n');
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stands_first_and_nothing_twice() {
        let mut report = Report::default();
        report.add(Severity::Hint, "a.yaml: x", "was a", "do b");
        report.add(Severity::Hint, "a.yaml: x", "was a", "do b");
        assert!(report.is_complete());
        report.add(Severity::NotCarried, "a.yaml: y", "was c", "do d");
        assert!(!report.is_complete());
        assert_eq!(report.lines(), "not carried over: a.yaml: y: was c; do d\nhint: a.yaml: x: was a; do b\n");
        assert!(report.sections().contains("* `a.yaml: y`: was c. **To do:** do d."));
    }
}
