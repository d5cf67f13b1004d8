//! Writes a file of settings in one piece: whoever reads it sees the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::settings::found::LARGEST;

/// As many names as are tried for a temporary file.
const NAMES: u32 = 100;

/// Why a file that is there can neither be written nor added to; `None` where it can, or where nothing is there. What
/// a link leads to is written only where it is a file of settings: else whoever made the link would choose where a
/// file of ours comes to be.
pub(super) fn misplaced(path: &Path) -> Option<String> {
    let is_link = fs::symlink_metadata(path).ok()?.is_symlink();
    let shown = path.display();
    let leads = || {
        let to = fs::read_link(path).unwrap_or_default();
        format!("`{shown}` is a link to `{}`, which", to.display())
    };
    match fs::metadata(path) {
        Ok(about) if !about.is_file() => Some(format!("`{shown}` is not a regular file")),
        Ok(about) if is_link && about.len() < LARGEST && is_blank(path) => {
            Some(format!("{} is empty", leads()))
        }
        Err(error) if is_link && error.kind() == ErrorKind::NotFound => {
            Some(format!("{} does not exist", leads()))
        }
        // What else is wrong is told when it is read.
        _ => None,
    }
}

fn is_blank(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.trim().is_empty())
}

/// Writes a text where `before` stands now, or where nothing is. A link to a file stays one: the file is written. The
/// mode and the owner of a file stay as they are.
///
/// # Errors
///
/// What came there meanwhile, an owner that cannot be kept, and a folder that cannot be written to. Nothing is left
/// behind.
pub(super) fn write(path: &Path, text: &str, before: Option<&str>) -> io::Result<()> {
    let changed = || io::Error::other("it has changed meanwhile");
    if let Some(why) = misplaced(path) {
        return Err(io::Error::other(why));
    }
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let now = match fs::read_to_string(&target) {
        Ok(now) => Some(now),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let is_as_before = match before {
        Some(_) => now.as_deref() == before,
        None => now.as_deref().is_none_or(|now| now.trim().is_empty()),
    };
    if !is_as_before {
        return Err(changed());
    }
    let (mut temporary, mut file) = Temporary::beside(&target)?;
    if now.is_some() {
        let about = fs::metadata(&target)?;
        let give = |file: &File, uid, gid| fchown(file, Some(uid), Some(gid));
        inherit(&file, (about.uid(), about.gid()), give)?;
        file.set_permissions(fs::Permissions::from_mode(about.mode() & 0o7777))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if now.is_some() {
        fs::rename(&temporary.path, &target)?;
        temporary.is_there = false;
        return Ok(());
    }
    let rename = |from: &Path, to: &Path| renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE);
    temporary.is_there = put(&temporary.path, &target, rename)? == Put::Linked;
    Ok(())
}

/// Gives a file the owner and the group of another, unless it has them.
///
/// # Errors
///
/// They cannot be given: with another owner the file would be lost to the one who has it now.
fn inherit(
    file: &File,
    (uid, gid): (u32, u32),
    give: impl Fn(&File, u32, u32) -> io::Result<()>,
) -> io::Result<()> {
    let about = file.metadata()?;
    if (about.uid(), about.gid()) == (uid, gid) {
        return Ok(());
    }
    give(file, uid, gid).map_err(|error| {
        let why = format!("its owner {uid}:{gid} could not be kept: {error}");
        io::Error::new(error.kind(), why)
    })
}

/// How a file got its place.
#[derive(Debug, PartialEq, Eq)]
enum Put {
    Moved,
    /// It has two names now.
    Linked,
}

/// Puts a file where nothing is, and replaces nothing that came there meanwhile.
fn put(
    from: &Path,
    to: &Path,
    rename: impl Fn(&Path, &Path) -> rustix::io::Result<()>,
) -> io::Result<Put> {
    match rename(from, to) {
        Ok(()) => Ok(Put::Moved),
        // Neither every kernel nor every file system can do it.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to).map(|()| Put::Linked)
        }
        Err(error) => Err(error.into()),
    }
}

/// A file beside another, which is removed unless it got a place.
struct Temporary {
    path: PathBuf,
    is_there: bool,
}

impl Temporary {
    /// Makes one, under a name that no file has.
    fn beside(target: &Path) -> io::Result<(Self, File)> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let process = std::process::id();
        for number in 0..NAMES {
            let path = target.with_file_name(format!(".{name}.{process}.{number}"));
            let mut options = OpenOptions::new();
            match options.write(true).create_new(true).mode(0o666).open(&path) {
                Ok(file) => {
                    let is_there = true;
                    return Ok((Self { path, is_there }, file));
                }
                // Of another process of this number, perhaps in a container: not ours to remove.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.is_there {
            // What cannot be removed holds no secret.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// What is in a folder, by its names.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_stays_one_and_a_mode_too_and_what_came_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (
            folder.path().join("real.toml"),
            folder.path().join("providers.toml"),
        );
        write(&file, "a = 1\n", None).expect("it is written");
        symlink("real.toml", &link).expect("a link");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("it is ours");
        write(&link, "a = 2\n", Some("a = 1\n")).expect("it is written");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("a file"), "a = 2\n");
        assert_eq!(fs::metadata(&file).expect("there").mode() & 0o777, 0o640);
        for before in [None, Some("a = 1\n")] {
            write(&link, "a = 3\n", before).expect_err("it is another one");
        }
        assert_eq!(fs::read_to_string(&file).expect("a file"), "a = 2\n");
        write(&folder.path().join("nowhere/x"), "", None).expect_err("no folder");
        assert_eq!(names(folder.path()), ["providers.toml", "real.toml"]);
        fs::remove_file(&file).expect("it is there");
        write(&file, "a = 3\n", Some("a = 2\n")).expect_err("it is gone");
        assert_eq!(names(folder.path()), ["providers.toml"]);
    }

    #[test]
    fn nothing_is_made_and_no_empty_file_is_filled_where_a_link_leads() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("empty"), " \n").expect("a file");
        for (name, to, why) in [
            (
                "dangling",
                "nowhere",
                "is a link to `nowhere`, which does not exist",
            ),
            ("filled", "empty", "is a link to `empty`, which is empty"),
            ("device", "/dev/null", "is not a regular file"),
        ] {
            symlink(to, path(name)).expect("a link");
            let said = misplaced(&path(name)).expect("it is refused");
            assert_eq!(said, format!("`{}` {why}", path(name).display()));
            write(&path(name), "a = 1\n", None).expect_err("it is refused");
        }
        assert_eq!(fs::read_to_string(path("empty")).expect("a file"), " \n");
        assert_eq!(
            names(folder.path()),
            ["dangling", "device", "empty", "filled"]
        );
    }

    #[test]
    fn an_owner_that_cannot_be_kept_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("providers.toml");
        fs::write(&path, "a = 1\n").expect("a file");
        let file = File::open(&path).expect("a file");
        let about = file.metadata().expect("it is there");
        let refused = |_: &File, _, _| Err(ErrorKind::PermissionDenied.into());
        inherit(&file, (about.uid(), about.gid()), refused).expect("nothing to do");
        for owner in [
            (about.uid() + 1, about.gid()),
            (about.uid(), about.gid() + 1),
        ] {
            let error = inherit(&file, owner, refused).expect_err("it is another's");
            let said = format!("its owner {}:{} could not be kept: ", owner.0, owner.1);
            assert!(error.to_string().starts_with(&said), "{error}");
        }
        if !rustix::process::geteuid().is_root() {
            return;
        }
        // As with `sudo`, in the folder of a user.
        std::os::unix::fs::chown(&path, Some(4711), Some(4712)).expect("we are root");
        write(&path, "a = 2\n", Some("a = 1\n")).expect("it is written");
        let about = fs::metadata(&path).expect("it is there");
        assert_eq!((about.uid(), about.gid()), (4711, 4712));
    }

    #[test]
    fn what_came_first_stays_however_a_file_is_put_into_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let renames =
            |from: &Path, to: &Path| renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE);
        let cannot = |_: &Path, _: &Path| Err(Errno::INVAL);
        fs::write(path("new"), "new").expect("a file");
        fs::write(path("first"), "first").expect("a file");
        put(&path("new"), &path("first"), renames).expect_err("it is taken");
        put(&path("new"), &path("first"), cannot).expect_err("it is taken");
        assert_eq!(fs::read_to_string(path("first")).expect("a file"), "first");
        let done = put(&path("new"), &path("one"), cannot).expect("it is free");
        assert_eq!(done, Put::Linked);
        let done = put(&path("new"), &path("two"), renames).expect("it is free");
        assert_eq!(done, Put::Moved);
        assert_eq!(names(folder.path()), ["first", "one", "two"]);
    }

    #[test]
    fn a_temporary_file_of_somebody_else_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("providers.toml");
        let others = format!(".providers.toml.{}.0", std::process::id());
        fs::write(folder.path().join(&others), "theirs").expect("a file");
        write(&path, "a = 1\n", None).expect("it is written");
        assert_eq!(names(folder.path()), [others.as_str(), "providers.toml"]);
        let left = fs::read_to_string(folder.path().join(&others));
        assert_eq!(left.expect("a file"), "theirs");
    }
}
