//! Colors of phases, on terminals only. Nothing else is colored, and no colored text says more than its words.

/// Whether there are colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Palette {
    /// None.
    #[default]
    Plain,
    /// Green for what succeeded, red for what failed, yellow for what waits.
    Colored,
}

impl Palette {
    /// What goes before and after a text that tells this phase; nothing for texts that are no phase.
    pub fn around(self, phase: &str) -> (&'static str, &'static str) {
        const END: &str = "\u{1b}[0m";
        match (self, phase) {
            (Self::Colored, "Succeeded") => ("\u{1b}[32m", END),
            (Self::Colored, "Failed" | "Unknown") => ("\u{1b}[31m", END),
            (Self::Colored, "Waiting" | "Retrying") => ("\u{1b}[33m", END),
            _ => ("", ""),
        }
    }

    /// A phase in its color.
    pub fn phase(self, phase: &str) -> String {
        let (before, after) = self.around(phase);
        format!("{before}{phase}{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_have_colors_and_other_words_have_none() {
        assert_eq!(Palette::Colored.phase("Succeeded"), "\u{1b}[32mSucceeded\u{1b}[0m");
        assert_eq!(Palette::Colored.phase("Failed"), "\u{1b}[31mFailed\u{1b}[0m");
        assert_eq!(Palette::Colored.phase("Waiting"), "\u{1b}[33mWaiting\u{1b}[0m");
        for word in ["Skipped", "Pending", "tell", ""] {
            assert_eq!(Palette::Colored.phase(word), word);
        }
        assert_eq!(Palette::Plain.phase("Failed"), "Failed");
    }
}
