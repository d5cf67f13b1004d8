//! Writes a file of settings in one piece: whoever reads it sees the old one or the new one.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// Writes a text where `before` stands now, or where nothing is. A link stays one: what it leads to is written. The
/// mode and the owner of a file stay as they are.
///
/// # Errors
///
/// What came there meanwhile, and a folder that cannot be written to. Nothing is left behind.
pub(super) fn write(path: &Path, text: &str, before: Option<&str>) -> io::Result<()> {
    let target = target(path)?;
    let now = match fs::read_to_string(&target) {
        Ok(now) => Some(now),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if now.as_deref().is_some_and(|now| !now.trim().is_empty()) && now.as_deref() != before {
        return Err(io::Error::other("it has changed meanwhile"));
    }
    let name = target
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let temporary = target.with_file_name(format!(".{name}.{}", std::process::id()));
    let put = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o666)
            .open(&temporary)?;
        if now.is_some() {
            let about = fs::metadata(&target)?;
            file.set_permissions(fs::Permissions::from_mode(about.mode() & 0o7777))?;
            // Only root can give files away, and to ourselves they belong already.
            let _ = fchown(&file, Some(about.uid()), Some(about.gid()));
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if now.is_some() {
            fs::rename(&temporary, &target)
        } else {
            // Unlike a rename it replaces nothing that came there meanwhile.
            fs::hard_link(&temporary, &target)
        }
    };
    let done = put();
    // After a rename it is gone already.
    let _ = fs::remove_file(&temporary);
    done
}

/// The file that a path leads to, which need not be there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(target) => Ok(target),
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(path) {
            Ok(link) => Ok(path.parent().unwrap_or(Path::new("")).join(link)),
            Err(_) => Ok(path.to_owned()),
        },
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_one_and_a_mode_too_and_what_came_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (
            folder.path().join("real.toml"),
            folder.path().join("providers.toml"),
        );
        std::os::unix::fs::symlink("real.toml", &link).expect("a link");
        write(&link, "a = 1\n", None).expect("it is written");
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
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 2, "temporary files are left");
    }
}
