//! The files of an image: which paths are allowed, and what may stand where.

use std::collections::BTreeMap;

use super::ImageError;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Bytes.
    File(Vec<u8>),
    /// Other entries.
    Directory,
    /// A symbolic link to this text.
    Link(String),
}

impl Content {
    const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "a file",
            Self::Directory => "a directory",
            Self::Link(_) => "a link",
        }
    }
}

/// One entry of the layer; all belong to root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) content: &'a Content,
    /// Permissions, with the sticky bit where a directory has it.
    pub(super) mode: u32,
}

/// Directories that nobody gave a mode.
const DIRECTORY: u32 = 0o755;

/// A file whose name starts so tells a runtime to remove another one.
const WHITEOUT: &str = ".wh.";

/// The entries by path, without the leading slash: a parent sorts before what is in it.
#[derive(Debug, Default)]
pub(super) struct Tree<'a>(BTreeMap<&'a str, Entry<'a>>);

impl<'a> Tree<'a> {
    /// Adds an entry and the directories above it.
    pub(super) fn add(&mut self, given: &'a str, content: &'a Content, mode: u32) -> Result<(), ImageError> {
        let path = checked(given)?;
        if mode > 0o7777 {
            return Err(ImageError::Mode { path: given.to_owned(), mode });
        }
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            let entry = self.0.entry(parent).or_insert(Entry { content: &Content::Directory, mode: DIRECTORY });
            if *entry.content != Content::Directory {
                return Err(conflict(given, parent, entry));
            }
        }
        match self.0.get_mut(path) {
            // The mode of a directory may be said after something was put into it.
            Some(entry) if *entry.content == Content::Directory && *content == Content::Directory => entry.mode = mode,
            Some(entry) => return Err(conflict(given, path, entry)),
            None => drop(self.0.insert(path, Entry { content, mode })),
        }
        Ok(())
    }

    /// The entries in the order of the layer.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry<'a>)> {
        self.0.iter().map(|(path, entry)| (*path, entry))
    }
}

fn conflict(given: &str, other: &str, entry: &Entry<'_>) -> ImageError {
    ImageError::Conflict { path: given.to_owned(), other: format!("/{other}"), kind: entry.content.kind() }
}

/// The path without its leading slash.
fn checked(given: &str) -> Result<&str, ImageError> {
    let refuse = |reason| Err(ImageError::Path { path: given.to_owned(), reason });
    let Some(path) = given.strip_prefix('/') else { return refuse("it does not start with a slash") };
    if path.chars().any(char::is_control) {
        return refuse("it holds a control character");
    }
    for component in path.split('/') {
        match component {
            "" => return refuse("a part of it is empty"),
            "." | ".." => return refuse("a part of it is \".\" or \"..\""),
            _ if component.starts_with(WHITEOUT) => return refuse("\".wh.\" means that a file is removed"),
            _ => {}
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILE: Content = Content::File(Vec::new());

    #[test]
    fn paths_that_leave_the_image_or_mean_something_else_are_refused() {
        let cases = [
            ("etc/passwd", "it does not start with a slash"),
            ("", "it does not start with a slash"),
            ("/", "a part of it is empty"),
            ("//etc", "a part of it is empty"),
            ("/etc/", "a part of it is empty"),
            ("/etc/../../passwd", "a part of it is \".\" or \"..\""),
            ("/./etc", "a part of it is \".\" or \"..\""),
            ("/etc/.wh.passwd", "\".wh.\" means that a file is removed"),
            ("/etc/pass\0wd", "it holds a control character"),
        ];
        for (path, reason) in cases {
            let error = Tree::default().add(path, &FILE, 0o644).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("refuse {path:?} as a path in an image: {reason}; it must be like \"/usr/bin/program\"")
            );
        }
        Tree::default().add("/usr/share/..zone/.wh", &FILE, 0o644).unwrap();
    }

    #[test]
    fn nothing_stands_where_something_else_is_or_below_what_is_no_directory() {
        let link = Content::Link("/usr".to_owned());
        let mut tree = Tree::default();
        tree.add("/bin", &link, 0o777).unwrap();
        tree.add("/etc/passwd", &FILE, 0o644).unwrap();
        let error = tree.add("/bin/sh", &FILE, 0o755).unwrap_err();
        assert_eq!(error.to_string(), r#"refuse "/bin/sh" in an image: "/bin" is there already and is a link"#);
        let error = tree.add("/etc/passwd", &FILE, 0o644).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"refuse "/etc/passwd" in an image: "/etc/passwd" is there already and is a file"#
        );
        let error = tree.add("/etc", &FILE, 0o644).unwrap_err();
        assert_eq!(error.to_string(), r#"refuse "/etc" in an image: "/etc" is there already and is a directory"#);
    }

    #[test]
    fn a_directory_gets_its_mode_also_after_something_is_in_it() {
        let mut tree = Tree::default();
        tree.add("/tmp/file", &FILE, 0o644).unwrap();
        tree.add("/tmp", &Content::Directory, 0o1777).unwrap();
        let modes: Vec<_> = tree.entries().map(|(path, entry)| (path, entry.mode)).collect();
        assert_eq!(modes, [("tmp", 0o1777), ("tmp/file", 0o644)]);
    }

    #[test]
    fn more_than_the_bits_of_permissions_is_refused() {
        let error = Tree::default().add("/file", &FILE, 0o100_644).unwrap_err();
        assert_eq!(error.to_string(), r#"refuse mode 100644 of "/file": at most 7777 (octal)"#);
    }
}
