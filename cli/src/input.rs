//! Texts that a command line names: files, pipes, devices and standard input, each up to a limit.

use std::{fs::File, io::Read, path::Path};

/// The text of a file, or what is wrong with it.
pub fn text_of_file(path: &Path, most_bytes: u64) -> Result<String, String> {
    text(File::open(path).map_err(|error| error.to_string())?, most_bytes)
}

/// A text, or what is wrong with it. What tells no size and may have no end, as a pipe, is read up to the limit.
pub fn text(source: impl Read, most_bytes: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    source.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most_bytes {
        return Err(format!("it has more than {most_bytes} bytes, at most so many are read"));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("it is not UTF-8 text at byte {}; encode it, for example with base64", error.utf8_error().valid_up_to())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_read_up_to_the_limit() {
        let endless = std::io::repeat(b'x');
        assert_eq!(text(endless, 5).unwrap_err(), "it has more than 5 bytes, at most so many are read");
        assert_eq!(text("12345".as_bytes(), 5).unwrap(), "12345");
    }

    #[test]
    fn what_is_no_text_is_told_with_its_place() {
        let error = text([b'a', 0xff].as_slice(), 5).unwrap_err();
        assert_eq!(error, "it is not UTF-8 text at byte 1; encode it, for example with base64");
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        assert_eq!(text_of_file(Path::new("/missing/file"), 5).unwrap_err(), "No such file or directory (os error 2)");
    }
}
