//! Exit codes: the part of the output that scripts read.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: it failed for another reason than those below.
    Failed,
    /// 2: the command line is wrong; nothing was done.
    Usage,
    /// 3: a value that was asked for does not exist.
    ValueMissing,
    /// 4: refused because of a conflict, a precondition, the schema or a limit; nothing was changed.
    Refused,
    /// 5: the event failed.
    EventFailed,
    /// 6: the object does not exist.
    NotFound,
    /// 124: it took too long, as with timeout(1).
    TimedOut,
}

impl Exit {
    /// The number that the process ends with.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::ValueMissing => 3,
            Self::Refused => 4,
            Self::EventFailed => 5,
            Self::NotFound => 6,
            Self::TimedOut => 124,
        }
    }
}

/// The table of exit codes at the end of `--help`.
pub const HELP: &str = "\
Exit codes:
    0  done
    1  failed
    2  the command line is wrong
    3  a value is missing
    4  refused: conflict, precondition, schema or limit
    5  the event failed
    6  the object does not exist
  124  timed out";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_exit_code() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::ValueMissing,
            Exit::Refused,
            Exit::EventFailed,
            Exit::NotFound,
            Exit::TimedOut,
        ];
        let numbers: Vec<String> = all.iter().map(|exit| exit.number().to_string()).collect();
        let listed: Vec<&str> = HELP.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(listed, numbers);
    }
}
