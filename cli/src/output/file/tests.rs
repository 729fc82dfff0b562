use std::{os::unix::fs::symlink, process::Command, thread};

use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn replacing(path: impl Into<PathBuf>, content: &str) -> FileWrite {
    FileWrite { path: path.into(), content: content.to_owned(), mode: Mode::PRIVATE, how: How::Replace }
}

fn appending(path: impl Into<PathBuf>, content: &str) -> FileWrite {
    FileWrite { how: How::Append, ..replacing(path, content) }
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The message, in which the folder is called DIR.
fn refusal(folder: &TempDir, write_this: FileWrite) -> String {
    let text = write(&[write_this]).unwrap_err().to_string();
    text.replace(folder.path().to_str().unwrap(), "DIR")
}

#[test]
fn a_file_is_replaced_with_its_mode_and_nothing_else_is_left() {
    let folder = folder();
    let path = folder.path().join("values");
    fs::write(&path, "old and longer").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    for wanted in [0o600, 0o644, 0o666, 0o400, 0o777] {
        let content = format!("new {wanted}");
        write(&[FileWrite { mode: Mode::Exactly(wanted), ..replacing(&path, &content) }]).unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap(), mode(&path)), (content, wanted));
    }
    assert_eq!(names(&folder), ["values"]);
}

#[test]
fn a_reader_never_sees_a_part_of_a_file() {
    let folder = folder();
    let path = folder.path().join("values");
    let contents = ["a".repeat(200_000), "b".repeat(100_000)];
    write(&[replacing(&path, &contents[0])]).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..40 {
                write(&[replacing(&path, &contents[round % 2])]).unwrap();
            }
        });
        while !writer.is_finished() {
            let seen = fs::read_to_string(&path).unwrap();
            assert!(contents.contains(&seen), "{} bytes", seen.len());
        }
    });
    assert_eq!(names(&folder), ["values"]);
}

#[test]
fn an_open_old_file_keeps_its_content() {
    let folder = folder();
    let path = folder.path().join("values");
    fs::write(&path, "old").unwrap();
    let mut reader = File::open(&path).unwrap();
    write(&[replacing(&path, "new")]).unwrap();
    let mut seen = String::new();
    reader.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, "old");
}

#[test]
fn when_one_file_cannot_be_written_none_is_and_no_temporary_stays() {
    let folder = folder();
    let (first, last) = (folder.path().join("first"), folder.path().join("none/last"));
    fs::write(&first, "old").unwrap();
    write(&[replacing(&first, "new"), appending(folder.path().join("log"), "x"), replacing(last, "x")]).unwrap_err();
    assert_eq!(fs::read_to_string(first).unwrap(), "old");
    assert_eq!(names(&folder), ["first"]);
}

#[test]
fn each_place_that_takes_no_file_is_named_with_what_is_wrong() {
    let folder = folder();
    let at = |name: &str| replacing(folder.path().join(name), "x");
    fs::write(folder.path().join("file"), "kept").unwrap();
    fs::create_dir(folder.path().join("dir")).unwrap();
    symlink("file", folder.path().join("link")).unwrap();
    symlink("nothing", folder.path().join("dangling")).unwrap();
    symlink("dir", folder.path().join("dirlink")).unwrap();
    let directory = "it is a directory; name a file in it";
    for (write, expected) in [
        (at("dir"), format!("write DIR/dir: {directory}")),
        (at("dirlink"), format!("write DIR/dirlink: {directory}")),
        (at("new/"), format!("write DIR/new/: {directory}")),
        (at("dir/.."), format!("write DIR/dir/..: {directory}")),
        (replacing("/", "x"), format!("write /: {directory}")),
        (at("no/x"), "write DIR/no/x: there is no directory DIR/no; create it first".to_owned()),
        (at("file/x"), "write DIR/file/x: DIR/file is not a directory".to_owned()),
        (
            at("link"),
            "write DIR/link: it is a symbolic link to file, which is not followed; name the file itself".to_owned(),
        ),
        (
            at("dangling"),
            "write DIR/dangling: it is a symbolic link to nothing, which is not followed; name the file itself"
                .to_owned(),
        ),
        (replacing("", "x"), "write a file: its name is empty; is the variable set that should hold it?".to_owned()),
        (appending(folder.path().join("dir"), "x"), format!("write DIR/dir: {directory}")),
        (
            appending(folder.path().join("no/x"), "x"),
            "write DIR/no/x: there is no directory DIR/no; create it first".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&folder, write), expected);
    }
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "kept");
    assert_eq!(names(&folder), ["dangling", "dir", "dirlink", "file", "link"]);
}

#[test]
fn a_missing_permission_is_told_with_the_place_that_lacks_it() {
    // Whoever runs the tests may be allowed everything.
    let denied = || io::Error::from(ErrorKind::PermissionDenied);
    assert_eq!(
        in_directory(Path::new("a/b"), denied()).to_string(),
        "no permission to write in a; choose another directory, or check its owner and mode"
    );
    assert!(in_directory(Path::new("b"), denied()).to_string().contains("to write in .;"));
    assert_eq!(of_file(denied()).to_string(), "no permission to write it; check its owner and mode");

    let folder = folder();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("outputs"), "").unwrap();
    fs::set_permissions(locked.join("outputs"), Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&locked, Permissions::from_mode(0o555)).unwrap();
    if File::create(locked.join("probe")).is_err() {
        assert_eq!(
            refusal(&folder, replacing(locked.join("new"), "x")),
            "write DIR/locked/new: no permission to write in DIR/locked; \
             choose another directory, or check its owner and mode"
        );
        assert_eq!(
            refusal(&folder, appending(locked.join("outputs"), "x")),
            "write DIR/locked/outputs: no permission to write it; check its owner and mode"
        );
    }
    fs::set_permissions(&locked, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn any_other_error_is_told_in_the_words_of_the_system() {
    let folder = folder();
    let full = "write /dev/full: No space left on device (os error 28)";
    assert_eq!(refusal(&folder, replacing("/dev/full", "x")), full);
    let long = "n".repeat(300);
    assert_eq!(
        refusal(&folder, replacing(folder.path().join(&long), "x")),
        format!("write DIR/{long}: File name too long (os error 36)")
    );
}

#[test]
fn a_device_is_written_and_not_replaced() {
    let folder = folder();
    write(&[replacing("/dev/null", "x")]).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let link = folder.path().join("null");
    symlink("/dev/null", &link).unwrap();
    write(&[replacing(&link, "x"), appending(&link, "x")]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn a_pipe_is_written_and_not_replaced() {
    let folder = folder();
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let content = "a line\n".repeat(50_000);
    thread::scope(|scope| {
        let reader = scope.spawn(|| fs::read_to_string(&path).unwrap());
        write(&[replacing(&path, &content)]).unwrap();
        assert_eq!(reader.join().unwrap(), content);
    });
    assert!(!fs::metadata(&path).unwrap().is_file());
}

#[test]
fn an_open_file_is_written_at_its_end_under_the_name_of_its_descriptor() {
    let folder = folder();
    let path = folder.path().join("log");
    fs::write(&path, "before\n").unwrap();
    let open = OpenOptions::new().append(true).open(&path).unwrap();
    let name = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
    write(&[replacing(name, "after\n")]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "before\nafter\n");
}

#[test]
fn an_appended_text_follows_on_a_line_of_its_own() {
    let folder = folder();
    let path = folder.path().join("outputs");
    write(&[appending(&path, "a=1\n")]).unwrap();
    assert_eq!(mode(&path), 0o600);
    write(&[appending(&path, "b=2\n")]).unwrap();
    fs::write(&path, "a=1\nb=2\nunfinished").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    write(&[appending(&path, "c=3\n")]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a=1\nb=2\nunfinished\nc=3\n");
    assert_eq!(mode(&path), 0o640);
    // A link to the runner's file stays one.
    let link = folder.path().join("link");
    symlink("outputs", &link).unwrap();
    write(&[appending(&link, "d=4\n")]).unwrap();
    assert!(fs::read_to_string(&path).unwrap().ends_with("c=3\nd=4\n"));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn texts_that_are_appended_at_once_do_not_mix() {
    let folder = folder();
    let path = folder.path().join("outputs");
    fs::write(&path, "").unwrap();
    thread::scope(|scope| {
        for letter in ["a", "b", "c", "d"] {
            let write_this = appending(&path, &format!("{}\n", letter.repeat(20_000)));
            scope.spawn(move || (0..10).for_each(|_| write(std::slice::from_ref(&write_this)).unwrap()));
        }
    });
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 40);
    for line in lines {
        assert_eq!((line.len(), line.matches(&line[..1]).count()), (20_000, 20_000));
    }
}

#[test]
fn standard_output_has_several_names() {
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        assert_eq!(Target::from(PathBuf::from(name)), Target::StandardOutput, "{name}");
    }
    assert_eq!(Target::from(PathBuf::from("./-")), Target::File("./-".into()));
    for (name, stream) in [("-", true), ("/dev/null", true), ("/dev/fd/3", true), ("/dev/shm/x", false), ("x", false)] {
        assert_eq!(Target::from(PathBuf::from(name)).is_stream(), stream, "{name}");
    }
}

#[test]
fn a_mode_is_an_octal_number() {
    for (text, mode) in [("600", 0o600), ("0640", 0o640), ("0", 0), ("00777", 0o777)] {
        assert_eq!(text.parse(), Ok(Mode::Exactly(mode)));
    }
    for text in ["", "rw", "0o600", "1000", "4755", "8", "+600", "-1", " 600"] {
        assert_eq!(
            text.parse::<Mode>().unwrap_err().to_string(),
            format!("read --mode '{text}': write permissions as an octal number from 0 to 0777, for example 0640")
        );
    }
}
