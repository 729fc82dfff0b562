//! A wall clock that is wrong, for one process: a small C library, compiled here and loaded before all others.
//!
//! It must not know who is to be misled.

use std::{
    fs, io,
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

const SOURCE: &str = include_str!("shifted_clock.c");

/// Why there is no such clock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShiftedClockError {
    /// There is no C compiler.
    #[error(
        "run the C compiler `{program}`: {source}; install one (gcc or clang): a clock is shifted with a library that is compiled for it"
    )]
    Compiler {
        /// What was run.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The library could not be compiled.
    #[error("compile shifted_clock.c with `{program}`: {errors}")]
    Compile {
        /// What was run.
        program: String,
        /// What the compiler said.
        errors: String,
    },
    /// The source could not be written.
    #[error("write shifted_clock.c: {0}")]
    Io(#[from] io::Error),
}

/// A clock that is so many seconds ahead, or behind if they are negative. The library goes when this is dropped.
///
/// ```no_run
/// # fn example() -> Result<(), cicdcontext_tests::shifted_clock::ShiftedClockError> {
/// use cicdcontext_tests::shifted_clock::ShiftedClock;
///
/// let clock = ShiftedClock::ahead(600)?;
/// let status = std::process::Command::new("date").envs(clock.variables()).status();
/// # let _ = status;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ShiftedClock {
    directory: TempDir,
    seconds: i64,
}

impl ShiftedClock {
    /// Compiles the library.
    ///
    /// # Errors
    /// If there is no C compiler `cc`, or if it fails.
    pub fn ahead(seconds: i64) -> Result<Self, ShiftedClockError> {
        Self::compiled_by("cc", seconds)
    }

    fn compiled_by(program: &str, seconds: i64) -> Result<Self, ShiftedClockError> {
        let clock = Self { directory: tempfile::tempdir()?, seconds };
        let source = clock.directory.path().join("shifted_clock.c");
        fs::write(&source, SOURCE)?;
        let output = Command::new(program)
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([&clock.library(), &source])
            .output();
        match output {
            Ok(Output { status, .. }) if status.success() => Ok(clock),
            Ok(Output { stderr, .. }) => Err(ShiftedClockError::Compile {
                program: program.to_owned(),
                errors: String::from_utf8_lossy(&stderr).into_owned(),
            }),
            Err(source) => Err(ShiftedClockError::Compiler { program: program.to_owned(), source }),
        }
    }

    fn library(&self) -> PathBuf {
        self.directory.path().join("shifted_clock.so")
    }

    /// What has to be in the environment of a process that is to have this clock.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [("LD_PRELOAD", self.library().display().to_string()), ("SHIFTED_CLOCK_SECONDS", self.seconds.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    /// What a process with this clock takes for the time.
    fn date(clock: &ShiftedClock) -> Duration {
        let output = Command::new("date").arg("+%s").envs(clock.variables()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        Duration::from_secs(text.trim().parse().unwrap())
    }

    #[test]
    fn a_process_has_another_time_than_this_one() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        for seconds in [600, -600] {
            let shown = date(&ShiftedClock::ahead(seconds).unwrap());
            let ahead = shown.as_secs().cast_signed() - now.as_secs().cast_signed();
            assert!((seconds..seconds + 10).contains(&ahead), "{ahead} s");
        }
    }

    #[test]
    fn without_a_compiler_the_error_says_what_to_install() {
        let error = ShiftedClock::compiled_by("no-such-compiler", 1).unwrap_err().to_string();
        assert!(
            error.starts_with("run the C compiler `no-such-compiler`: ") && error.contains("install one"),
            "{error}"
        );
    }
}
