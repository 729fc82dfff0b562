//! Variables in the form of GitHub Actions' output file (`$GITHUB_OUTPUT`), which Gitea's and Forgejo's runners read
//! too: `name=value`, or for a value of several lines `name<<DELIMITER`, the value and the delimiter.
//!
//! A value that holds the delimiter could set other outputs, so the delimiter is one that no value holds.

use super::variables::Variable;

/// The first delimiter that is tried.
const DELIMITER: &str = "CICDCTL_END";

/// What to append to the file.
pub fn github(variables: &[Variable<'_>]) -> String {
    let mut file = String::new();
    for Variable { name, text, .. } in variables {
        if text.contains(['\n', '\r']) {
            let delimiter = delimiter(text);
            file.extend([name.as_str(), "<<", &delimiter, "\n", text, "\n", &delimiter, "\n"]);
        } else {
            file.extend([name.as_str(), "=", text, "\n"]);
        }
    }
    file
}

/// A delimiter that does not occur in a text.
fn delimiter(text: &str) -> String {
    let mut delimiter = DELIMITER.to_owned();
    // The longest run of underscores after the word in the text, and one more.
    while text.contains(&delimiter) {
        delimiter.push('_');
    }
    delimiter
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::generated;

    fn variable(name: &str, text: &str) -> Variable<'static> {
        Variable { name: name.to_owned(), path: format!("state.{name}"), text: text.to_owned().into() }
    }

    /// Reads a file as GitHub's runner does.
    fn read(file: &str) -> Vec<(String, String)> {
        let mut lines = file.split_inclusive('\n').map(|line| line.strip_suffix('\n').unwrap());
        let mut outputs = Vec::new();
        while let Some(line) = lines.next() {
            let equals = line.find('=').unwrap_or(usize::MAX);
            let here = line.find("<<").unwrap_or(usize::MAX);
            assert_ne!(equals, here, "neither form: {line}");
            if equals < here {
                outputs.push((line[..equals].to_owned(), line[equals + 1..].to_owned()));
                continue;
            }
            let delimiter = &line[here + 2..];
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            outputs.push((line[..here].to_owned(), value.join("\n")));
        }
        outputs
    }

    #[test]
    fn a_value_of_one_line_follows_its_name_and_others_stand_between_delimiters() {
        let variables = [variable("image", "a=b<<c"), variable("notes", "one\ntwo\n"), variable("empty", "")];
        assert_eq!(github(&variables), "image=a=b<<c\nnotes<<CICDCTL_END\none\ntwo\n\nCICDCTL_END\nempty=\n");
    }

    #[test]
    fn a_value_cannot_end_itself_and_set_another_output() {
        let text = "x\nCICDCTL_END\nadmin=true\nz<<CICDCTL_END_\nCICDCTL_END_\r\n";
        let file = github(&[variable("notes", text)]);
        assert!(file.starts_with("notes<<CICDCTL_END__\n"), "{file}");
        assert_eq!(read(&file), [("notes".to_owned(), text.to_owned())]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            texts in proptest::collection::vec(
                prop_oneof![3 => generated::text(), 1 => "(\n|a|=|<<|CICDCTL_END|_){0,12}".prop_map(String::from)], 0..8,
            ),
        ) {
            let variables: Vec<_> =
                texts.iter().enumerate().map(|(number, text)| variable(&format!("v{number}"), text)).collect();
            let expected: Vec<_> =
                texts.iter().enumerate().map(|(number, text)| (format!("v{number}"), text.clone())).collect();
            prop_assert_eq!(read(&github(&variables)), expected);
        }
    }
}
