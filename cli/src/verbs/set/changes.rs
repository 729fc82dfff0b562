//! The changes that arguments and the files that they name say. Files are read here, and before anything is asked of a
//! source; what is written with them is not known here.

use cicdcontext_crds::ChangeOperation;
use cicdcontext_engine::state::{Path, PlainChange};
use serde_json::Value;

use crate::{
    arguments::UsageError,
    assignment::{Assignment, AssignmentError},
    failure::Failure,
    input::text_of_file,
};

/// Bytes of a file that are read: as text far more than a state may have, as JSON with room for blanks.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// What `PATH=TEXT`, `PATH:=JSON`, `PATH[]=ITEM` and `PATH{}=ITEM` say; `flag` names them in messages.
pub(in crate::verbs) fn assigned(flag: &'static str, texts: &[String]) -> Result<Vec<PlainChange>, AssignmentError> {
    texts.iter().map(|text| Assignment::parse(flag, text).map(change)).collect()
}

/// What `--set-file` and `--set-json-file` say, in this order.
pub(in crate::verbs) fn of_files(set_file: &[String], set_json_file: &[String]) -> Result<Vec<PlainChange>, Failure> {
    let texts = set_file.iter().map(|text| of_file("--set-file", text, |text, _| Ok(Value::from(text))));
    let json = set_json_file.iter().map(|text| {
        of_file("--set-json-file", text, |text, failed| {
            serde_json::from_str(&text).map_err(|error| failed(format!("it is not JSON: {error}")))
        })
    });
    texts.chain(json).collect()
}

fn of_file(
    flag: &'static str,
    text: &str,
    value: impl FnOnce(String, &dyn Fn(String) -> Failure) -> Result<Value, Failure>,
) -> Result<PlainChange, Failure> {
    let wrong = |error| Failure::Usage(UsageError::Assignment(error));
    let Assignment { path, op, value: file } = Assignment::of_file(flag, text).map_err(wrong)?;
    let failed = |problem| Failure::Unread { request: format!("read {flag} {path}={file}"), problem };
    let text = text_of_file(std::path::Path::new(&file), FILE_BYTES).map_err(failed)?;
    let value = value(text, &failed)?;
    Ok(change(Assignment { path: path.clone(), op, value }))
}

fn change(assignment: Assignment) -> PlainChange {
    let Assignment { path, op, value } = assignment;
    PlainChange { op, ..PlainChange::set(path, value) }
}

/// What `--unset` and `--clear` say.
pub(in crate::verbs) fn emptied(op: ChangeOperation, paths: &[String]) -> Result<Vec<PlainChange>, UsageError> {
    let change = |path: &String| Ok(PlainChange { path: Path::parse(path)?, op, value: None, split: None });
    paths.iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let file = file.to_string_lossy().into_owned();
        (folder, file)
    }

    #[test]
    fn a_file_is_taken_as_it_is_its_last_line_break_included() {
        let (_folder, file) = written("a=b", "äöü\n\"$x\" {{y}}\n".as_bytes());
        let changes = of_files(&[format!("state.log={file}"), format!("state.list[]={file}")], &[]).unwrap();
        let text = Some(json!("äöü\n\"$x\" {{y}}\n"));
        assert_eq!((changes[0].path.to_string(), &changes[0].value), ("state.log".to_owned(), &text));
        assert_eq!((changes[1].op, &changes[1].value), (ChangeOperation::Append, &text));
    }

    #[test]
    fn a_file_of_json_keeps_its_types() {
        let (_folder, file) = written("f.json", b" {\"a\": [1, null, \"1\"]}\n");
        let changes = of_files(&[], &[format!("state['x=y']={file}")]).unwrap();
        assert_eq!(changes[0].path.to_string(), "state['x=y']");
        assert_eq!(changes[0].value, Some(json!({"a": [1, null, "1"]})));
    }

    #[test]
    fn what_is_wrong_with_a_file_names_flag_path_and_file() {
        let text = |failure: Failure| {
            assert_eq!(failure.exit(), Exit::Failed);
            failure.to_string()
        };
        assert_eq!(
            text(of_files(&["state.a=/missing/x".to_owned()], &[]).unwrap_err()),
            "read --set-file state.a=/missing/x: No such file or directory (os error 2)"
        );
        let (_folder, file) = written("f", b"ab\xff");
        assert_eq!(
            text(of_files(&[format!("state.a={file}")], &[]).unwrap_err()),
            format!(
                "read --set-file state.a={file}: it is not UTF-8 text at byte 2; encode it, for example with base64"
            )
        );
        let (_folder, file) = written("f", b"{secret");
        assert_eq!(
            text(of_files(&[], &[format!("state.a={file}")]).unwrap_err()),
            format!("read --set-json-file state.a={file}: it is not JSON: key must be a string at line 1 column 2")
        );
        let (_folder, file) = written("f", &vec![b'x'; 4 * 1024 * 1024 + 1]);
        assert!(text(of_files(&[format!("state.a={file}")], &[]).unwrap_err()).contains("more than 4194304 bytes"));
    }

    #[test]
    fn a_file_without_a_path_or_a_name_is_a_wrong_command_line() {
        for (text, part) in [
            ("/etc/hostname", "read --set-file '/etc/hostname': there is no '='; write PATH=FILE"),
            ("state.a:=/etc/hostname", "read --set-file 'state.a:=/etc/hostname': ':=' stands before JSON, not before"),
            ("state.a=", "read --set-file 'state.a=': no file is named; write PATH=FILE"),
            ("a=/etc/hostname", "read path 'a': it starts with 'a'"),
        ] {
            let failure = of_files(&[text.to_owned()], &[]).unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            assert!(failure.to_string().contains(part), "{failure}");
        }
    }
}
