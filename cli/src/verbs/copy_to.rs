//! `copy-to`: puts this program into a folder that steps share whose images lack it.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use crate::{
    arguments::CopyToArguments,
    completion,
    console::Console,
    failure::Failure,
    setting::{Occasion, Setting},
};

/// The name of the copy.
const NAME: &str = "cicdctl";
/// Names by which kubectl finds it.
const LINKS: [&str; 2] = ["kubectl-cicd", completion::PLUGIN];

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(arguments: &CopyToArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let failed = |problem: String| Failure::Copy { folder: folder.display().to_string(), problem };
    let program = std::env::current_exe().map_err(|error| failed(format!("find the program: {error}")))?;
    copy(&program, folder, &Occasion::now()?.random_id()).map_err(failed)
}

/// Copies `program` into `folder`; another step that starts the copy meanwhile sees the old file or the new one, whole.
/// Two copies at once do not disturb each other as long as `unique` differs; process ids do not, from one container to
/// the next.
fn copy(program: &Path, folder: &Path, unique: &str) -> Result<(), String> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err("it is not a folder".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err("there is no such folder; create it first, or mount a volume there".to_owned());
        }
        Err(error) => return Err(error.to_string()),
    }
    let place = |name: &str, make: &dyn Fn(&Path) -> io::Result<()>| {
        let new = folder.join(format!(".{name}.{unique}"));
        let placed = make(&new).and_then(|()| fs::rename(&new, folder.join(name)));
        placed.map_err(|error| {
            fs::remove_file(&new).ok();
            format!("write {name}: {error}")
        })
    };
    place(NAME, &|new| {
        fs::copy(program, new)?;
        // Whatever the umask and the program's own permissions are: steps run as other users.
        fs::set_permissions(new, fs::Permissions::from_mode(0o755))
    })?;
    LINKS.iter().try_for_each(|link| place(link, &|new| symlink(NAME, new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is gone with the test.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("cicdctl-copy-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    #[test]
    fn the_program_is_copied_for_everybody_and_found_by_kubectl() {
        let folder = Folder::new("whole");
        let program = folder.0.join("program");
        fs::write(&program, "old").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        copy(&program, &folder.0, "u").unwrap();
        fs::write(&program, "new").unwrap();
        copy(&program, &folder.0, "u").unwrap();
        let copied = folder.0.join("cicdctl");
        assert_eq!(fs::read_to_string(&copied).unwrap(), "new");
        assert_eq!(fs::metadata(&copied).unwrap().permissions().mode() & 0o777, 0o755);
        for link in LINKS {
            assert_eq!(fs::read_link(folder.0.join(link)).unwrap(), Path::new("cicdctl"));
        }
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 4, "nothing temporary is left");
        // The program may be the copy itself.
        copy(&copied, &folder.0, "u").unwrap();
        assert_eq!(fs::read_to_string(&copied).unwrap(), "new");
    }

    #[test]
    fn a_folder_that_is_none_is_told() {
        let folder = Folder::new("none");
        let file = folder.0.join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(copy(&file, &file, "u").unwrap_err(), "it is not a folder");
        let missing = copy(&file, &folder.0.join("missing"), "u").unwrap_err();
        assert_eq!(missing, "there is no such folder; create it first, or mount a volume there");
        let program = copy(&folder.0.join("gone"), &folder.0, "u").unwrap_err();
        assert!(program.starts_with("write cicdctl: "), "{program}");
    }
}
