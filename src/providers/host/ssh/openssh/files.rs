//! The files of `ssh_config`: whose they are, and which ones a pattern names.

use std::fs;
use std::io::{self, ErrorKind as Io};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::users;

/// The text of a file; a file that is not there, and a folder, say nothing.
pub(super) fn text(path: &Path) -> io::Result<String> {
    // Who reads a pipe waits for whoever writes to it.
    if fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo()) {
        return Err(io::Error::other("it is a pipe"));
    }
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if matches!(error.kind(), Io::NotFound | Io::IsADirectory) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Whether others can change what a file says: `ssh` refuses to read such a file. A group that has its owner alone may
/// write to it, as Debian's and Ubuntu's `ssh` have it: that is the mode of a new file there under the umask 002.
/// For root the owner of its home counts as well: it may have kept a user's `HOME`.
pub(super) fn is_open_to_others(path: &Path, home: Option<&Path>) -> bool {
    let us = rustix::process::geteuid().as_raw();
    let of_home = || Some(fs::metadata(home?).ok()?.uid());
    fs::metadata(path).is_ok_and(|file| {
        let owner = file.uid();
        let is_ours = [0, us].contains(&owner) || us == 0 && of_home() == Some(owner);
        let by_group = file.mode() & 0o020 != 0 && !users::is_alone_in(file.uid(), file.gid());
        file.is_file() && (!is_ours || file.mode() & 0o002 != 0 || by_group)
    })
}

/// The paths that a pattern names, in order; else what of `glob(3)`, or of newer versions of `ssh`, it asks for that is not
/// read here, since other files would be meant.
pub(super) fn matching(pattern: &Path) -> Result<Vec<PathBuf>, &'static str> {
    let text = pattern.to_string_lossy();
    for (sign, what) in [
        ("\\", "`\\` is not read here"),
        (
            "%",
            "`%` is not read here: some versions of `ssh` replace it",
        ),
        ("${", "variables are not read here: write the path itself"),
        (
            "[:",
            "classes of characters are not read here: write a range, like `[0-9]`",
        ),
        ("[.", "such sets are not read here"),
        ("[=", "such sets are not read here"),
    ] {
        if text.contains(sign) {
            return Err(what);
        }
    }
    let mut found = vec![PathBuf::new()];
    for part in pattern {
        let part = part.to_string_lossy();
        found = if part.contains(['*', '?', '[']) {
            let each = found.iter().flat_map(|folder| entries(folder, &part));
            each.collect()
        } else {
            found.iter().map(|folder| folder.join(&*part)).collect()
        };
    }
    // Links that lead nowhere are left out by whoever reads them.
    found.retain(|path| fs::symlink_metadata(path).is_ok());
    Ok(found)
}

/// The entries of a folder that a pattern fits, in order.
fn entries(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let wanted: Vec<char> = pattern.chars().collect();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| pattern.starts_with('.') || !name.starts_with('.'))
        .filter(|name| names(&wanted, &name.chars().collect::<Vec<_>>()))
        .collect();
    found.sort();
    found.into_iter().map(|name| folder.join(name)).collect()
}

/// Whether a pattern of a shell fits a name: `*`, `?`, and sets of characters (`[ab]`, `[!0-9]`).
fn names(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|at| names(rest, &name[at..])),
        [one, rest @ ..] => {
            let Some((first, others)) = name.split_first() else {
                return false;
            };
            // A `]` that comes first is one of the set.
            let end = rest.iter().skip(1).position(|c| *c == ']');
            match (one, end) {
                ('[', Some(end)) => is_in(&rest[..=end], *first) && names(&rest[end + 2..], others),
                ('?', _) => names(rest, others),
                _ => one == first && names(rest, others),
            }
        }
    }
}

/// Whether a character is in a set, which may begin with `!` and may hold ranges.
fn is_in(set: &[char], c: char) -> bool {
    let (is_negated, set) = match set {
        ['!' | '^', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut found = false;
    let mut at = 0;
    while at < set.len() {
        if let [from, '-', to, ..] = set[at..] {
            found |= (from..=to).contains(&c);
            at += 3;
        } else {
            found |= set[at] == c;
            at += 1;
        }
    }
    found != is_negated
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_pattern_names_files_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["20-b", "10-a", ".hidden", "x.conf", "y.conf"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let named = |pattern: &str| -> Vec<String> {
            let found = matching(&dir.path().join(pattern)).unwrap().into_iter();
            found
                .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(named("*"), ["10-a", "20-b", "x.conf", "y.conf"]);
        assert_eq!(named("[0-9]?-*"), ["10-a", "20-b"]);
        assert_eq!(named("[x].conf"), ["x.conf"]);
        assert_eq!(named("[!x].conf"), ["y.conf"]);
        assert_eq!(named("nope*"), [""; 0]);
        assert_eq!(named("x.conf"), ["x.conf"]);
        for unread in [r"\*", "%h", "${X}", "[[:digit:]]*"] {
            assert!(matching(&dir.path().join(unread)).is_err(), "{unread}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_read_only_where_the_home_is_theirs() {
        if rustix::process::geteuid().as_raw() != 0 {
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let is_open = || is_open_to_others(&file, Some(home.path()));
        assert!(!is_open());
        std::os::unix::fs::chown(&file, Some(4242), None).unwrap();
        assert!(is_open());
        std::os::unix::fs::chown(home.path(), Some(4242), None).unwrap();
        assert!(!is_open());
    }
}
