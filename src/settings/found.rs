//! How a file of settings is opened: one that was found in the current folder once, and judged by that very handle.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::process::geteuid;

use super::{Env, Error, Result};

/// More than any such file holds, in bytes.
pub(super) const LARGEST: u64 = 1 << 20;
/// More symbolic links than this in a row are a ring.
const LINKS: usize = 40;

/// Whose files are read where they are found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners {
    us: u32,
    /// Who became root with `sudo`.
    sudo: Option<u32>,
}

impl Owners {
    /// Those of this process; `None` in a workflow step, where folders belong to whoever made the container.
    pub(super) fn of(env: &Env) -> Option<Self> {
        (!env.flag("GITHUB_ACTIONS")).then(|| {
            let us = geteuid().as_raw();
            let sudo = env.get("SUDO_UID").filter(|_| us == 0);
            Self {
                us,
                sudo: sudo.and_then(|uid| uid.parse().ok()),
            }
        })
    }

    /// Those of a test.
    #[cfg(test)]
    pub(super) fn for_tests(us: u32) -> Self {
        Self { us, sudo: None }
    }

    /// Whether somebody is this user, or who became root with `sudo`.
    pub(super) fn are(self, owner: u32) -> bool {
        owner == self.us || Some(owner) == self.sudo
    }

    fn include(self, owner: u32) -> bool {
        self.are(owner) || owner == 0
    }

    /// What is wrong with a file of an owner with a mode.
    fn judge(self, owner: u32, mode: u32) -> Option<String> {
        if !self.include(owner) {
            return Some(format!("it belongs to another user ({owner})"));
        }
        (mode & 0o002 != 0).then(|| "everybody may write to it".to_owned())
    }

    /// What is wrong with a file that is read or run by its path, or with its folder, where it could be exchanged.
    pub(super) fn judge_file(self, path: &Path) -> Option<String> {
        /// Only who owns a file may move it in such a folder.
        const STICKY: u32 = 0o1000;
        let real = path.canonicalize().ok()?;
        let about = std::fs::metadata(&real).ok()?;
        let judged = |path: &Path, why: String| format!("`{}`: {why}", path.display());
        if let Some(why) = self.judge(about.uid(), about.mode()) {
            return Some(judged(path, why));
        }
        let folder = real.parent()?;
        let about = std::fs::metadata(folder).ok()?;
        let mode = match about.mode() {
            mode if mode & STICKY != 0 => mode & !0o002,
            mode => mode,
        };
        self.judge(about.uid(), mode).map(|why| judged(folder, why))
    }
}

/// Reads a file that was found; `None` where there is none. It is opened once, so that what was judged is what is
/// read.
///
/// # Errors
///
/// A file that is not regular, or too large; and where `owners` are given, one that is not theirs, that everybody
/// may write to, or that is reached by a link of somebody else.
pub(super) fn read(path: &Path, owners: Option<&Owners>) -> Result<Option<String>> {
    let refused = |why: &str| {
        let path = path.display();
        Error::usage(format!(
            "`{path}` was found in the current folder and cannot be used: {why}"
        ))
        .hinted(format!(
            "if you trust who wrote it, name it: `--config {path}`; else work in another folder"
        ))
    };
    if let Some(owners) = owners
        && let Some(why) = judge_links(path, *owners)
    {
        return Err(refused(&why));
    }
    // A pipe would keep us waiting for its other end.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(error) => return absent_or(path, &error.into()),
    };
    let about = file.metadata().map_err(|error| unread(path, &error))?;
    if !about.is_file() {
        return Err(refused("it is not a regular file"));
    }
    if let Some(why) = owners.and_then(|owners| owners.judge(about.uid(), about.mode())) {
        return Err(refused(&why));
    }
    text(path, file).map(Some)
}

/// Reads a file that the user named, or that is in the user's own folder; `None` where there is none.
pub(super) fn read_named(path: &Path) -> Result<Option<String>> {
    match File::open(path) {
        Ok(file) => text(path, file).map(Some),
        Err(error) => absent_or(path, &error),
    }
}

/// Whether two paths lead to one file.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let about = |path: &Path| std::fs::metadata(path).map(|about| (about.dev(), about.ino()));
    // What is not there is no other's.
    matches!((about(one), about(other)), (Ok(one), Ok(other)) if one == other)
}

/// What is wrong with the links on the way to a file: each has to be of an owner who is trusted.
fn judge_links(path: &Path, owners: Owners) -> Option<String> {
    let mut path: PathBuf = path.to_owned();
    for _ in 0..LINKS {
        // What cannot be looked at is told when the file is opened.
        let about = std::fs::symlink_metadata(&path).ok()?;
        if !about.is_symlink() {
            return None;
        }
        if !owners.include(about.uid()) {
            let (link, owner) = (path.display(), about.uid());
            return Some(format!(
                "the link `{link}` belongs to another user ({owner})"
            ));
        }
        let target = std::fs::read_link(&path).ok()?;
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    None
}

fn text(path: &Path, file: File) -> Result<String> {
    let mut text = String::new();
    let read = file.take(LARGEST + 1).read_to_string(&mut text);
    let size = read.map_err(|error| unread(path, &error))?;
    if u64::try_from(size).unwrap_or(u64::MAX) > LARGEST {
        let path = path.display();
        return Err(Error::usage(format!("`{path}` is larger than 1 MiB")));
    }
    Ok(text)
}

fn absent_or(path: &Path, error: &std::io::Error) -> Result<Option<String>> {
    match error.kind() {
        ErrorKind::NotFound => Ok(None),
        _ => Err(unread(path, error)),
    }
}

fn unread(path: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("could not read `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn here() -> Owners {
        Owners::of(&Env::default()).expect("this is no step")
    }

    #[test]
    fn a_file_of_ours_of_roots_or_of_who_called_sudo_is_read_and_no_other() {
        let plain = Owners {
            us: 1000,
            sudo: None,
        };
        let root = Owners {
            us: 0,
            sudo: Some(1000),
        };
        for (owners, owner, mode, fine) in [
            (plain, 1000, 0o644, true),
            (plain, 0, 0o644, true),
            (plain, 1001, 0o644, false),
            (plain, 1000, 0o664, true),
            (plain, 1000, 0o646, false),
            (root, 1000, 0o600, true),
            (root, 1001, 0o600, false),
            (root, 0, 0o666, false),
        ] {
            let judged = owners.judge(owner, mode);
            assert_eq!(judged.is_none(), fine, "{owners:?} {owner} {mode:o}");
        }
    }

    #[test]
    fn sudo_is_asked_for_only_by_root_and_nobody_is_asked_for_in_a_step() {
        let env = |name: &str, value: &str| Env::from_iter([(name.to_owned(), value.to_owned())]);
        let owners = Owners::of(&env("SUDO_UID", "4711")).expect("this is no step");
        assert_eq!(owners.include(4711), geteuid().is_root());
        assert!(Owners::of(&env("GITHUB_ACTIONS", "true")).is_none());
    }

    #[test]
    fn what_is_not_a_regular_file_is_refused_and_never_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("providers.toml");
        assert_eq!(read(&path, Some(&here())).expect("no file is fine"), None);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("it runs").success());
        let error = read(&path, Some(&here())).expect_err("a pipe");
        assert!(
            error.to_string().ends_with("it is not a regular file"),
            "{error}"
        );
        assert!(error.hints()[0].contains("--config"), "{error:?}");
        std::fs::remove_file(&path).expect("it is there");
        std::fs::create_dir(&path).expect("a folder");
        read(&path, None).expect_err("a folder");
    }

    #[test]
    fn a_file_that_everybody_may_write_to_is_refused_where_it_is_found_and_not_where_it_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("providers.toml");
        std::fs::write(&path, "[defaults]\n").expect("a file");
        std::fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("it is ours");
        let error = read(&path, Some(&here())).expect_err("it is refused");
        let said = error.to_string();
        assert!(said.ends_with("everybody may write to it"), "{said}");
        for read in [read(&path, None), read_named(&path)] {
            assert_eq!(read.expect("it is read").as_deref(), Some("[defaults]\n"));
        }
    }

    #[test]
    fn a_link_is_followed_where_it_is_ours() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("real.toml"), folder.path().join("link"));
        std::fs::write(&file, "x = 1\n").expect("a file");
        symlink("real.toml", &link).expect("a link");
        let text = read(&link, Some(&here())).expect("it is read");
        assert_eq!(text.as_deref(), Some("x = 1\n"));
        let about = std::fs::symlink_metadata(&link).expect("it is there");
        let stranger = Owners {
            us: about.uid() + 1,
            sudo: None,
        };
        // Whatever root makes is trusted by everybody.
        let judged = judge_links(&link, stranger);
        assert_eq!(judged.is_none(), about.uid() == 0, "{judged:?}");
    }

    #[test]
    fn more_than_a_mebibyte_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("providers.toml");
        std::fs::write(
            &path,
            "#".repeat(usize::try_from(LARGEST).expect("it fits")),
        )
        .expect("a file");
        assert!(read(&path, Some(&here())).is_ok());
        std::fs::write(&path, "#".repeat((1 << 20) + 1)).expect("a file");
        for read in [read(&path, Some(&here())), read_named(&path)] {
            let said = read.expect_err("it is too large").to_string();
            assert!(said.ends_with("is larger than 1 MiB"), "{said}");
        }
    }
}
