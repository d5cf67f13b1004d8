//! The state file on disk: found, locked, read, replaced. Everything here blocks.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::document::{Document, NotADocument};
use super::{Entries, Error, ErrorKind, MovedAside, StateContents};

/// The pauses between two tries for the lock, in milliseconds, taken in turn: uneven, so that
/// processes that began together do not knock together for ever.
const PAUSES: [u64; 5] = [1, 3, 7, 5, 11];

/// More symbolic links than this in a row are a ring.
const LINKS: usize = 40;

/// Reads the file without a lock.
pub(super) fn read(path: &Path) -> Result<StateContents, Error> {
    let path = &resolve(path)?;
    match load(path)? {
        Ok(Document {
            entries,
            unreadable,
            ..
        }) => Ok(StateContents {
            entries,
            unreadable,
        }),
        Err(reason) => Err(Error::new(
            ErrorKind::Damaged,
            format!("the state file `{}` is damaged ({reason})", path.display()),
        )
        .hinted(
            "the machines still have their tags: see them with `gharun list`, and stop those that no runner uses with \
             `gharun stop --orphans`; the next `gharun start` moves the file aside",
        )),
    }
}

/// Lets `change` loose on the content and replaces the file, all under the lock.
///
/// `wanted` is asked while the lock is waited for: when nobody awaits the outcome, nobody waits on.
pub(super) fn write(
    path: &Path,
    patience: Duration,
    wanted: &dyn Fn() -> bool,
    change: impl FnOnce(&mut Entries),
) -> Result<Option<MovedAside>, Error> {
    let path = &resolve(path)?;
    // Before a lock is made beside something that is no state file.
    if !exists(path)? {
        make_folder(folder(path))?;
    }
    let _lock = Lock::take(path, patience, wanted)?;
    let (document, moved_aside) = load_or_move_aside(path)?;
    let mut entries = document.entries.clone();
    change(&mut entries);
    if entries != document.entries {
        replace(path, &document.with(&entries))?;
    }
    Ok(moved_aside)
}

/// The copies of damaged files that lie beside the file.
pub(super) fn set_aside(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let path = &resolve(path)?;
    let prefix = with_suffix(path, ".corrupt-");
    let read = match fs::read_dir(folder(path)) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read the folder", folder(path), error)),
    };
    let prefix = prefix.file_name().unwrap_or_default().as_encoded_bytes();
    let mut found = Vec::new();
    for file in read {
        let file = file.map_err(|error| failed("read the folder", folder(path), error))?;
        if file.file_name().as_encoded_bytes().starts_with(prefix) {
            found.push(file.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Follows symbolic links to where the content is, or would be: a rename onto a link would replace
/// the link. Both names of a file thus share one lock.
fn resolve(path: &Path) -> Result<PathBuf, Error> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            // A relative target is relative to the link's folder; `join` takes an absolute one whole.
            Ok(target) => path = folder(&path).join(target),
            // `InvalidInput` is the system's word for "not a link". All other errors come again,
            // with a better name, when the file is opened.
            Err(_) => return Ok(path),
        }
    }
    Err(Error::new(
        ErrorKind::NotAFile,
        format!(
            "the state file `{}` is a loop of symbolic links",
            path.display()
        ),
    ))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// Whether there is a file; what is there and is none is refused: reading a pipe would block, and
/// renaming onto `/dev/null` would break the machine.
fn exists(path: &Path) -> Result<bool, Error> {
    match fs::metadata(path) {
        Ok(about) if about.is_file() => Ok(true),
        Ok(_) => Err(Error::new(
            ErrorKind::NotAFile,
            format!("the state file `{}` is not a regular file", path.display()),
        )
        .hinted("name another file with `--state FILE`, or use `--no-state`")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("read", path, error)),
    }
}

/// Reads what is there. The inner error says why it is damaged.
fn load(path: &Path) -> Result<Result<Document, String>, Error> {
    if !exists(path)? {
        return Ok(Ok(Document::default()));
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Ok(Document::default()));
        }
        Err(error) => return Err(failed("read", path, error)),
    };
    match Document::parse(&bytes) {
        Ok(document) => Ok(Ok(document)),
        Err(NotADocument::Damaged(reason)) => Ok(Err(reason)),
        Err(NotADocument::Newer { version, gharun }) => {
            let needed = gharun.map_or("a newer gharun".to_owned(), |it| format!("gharun {it}"));
            Err(Error::new(
                ErrorKind::Newer,
                format!(
                    "the state file `{}` has version {version} and was written by {needed}; this \
                     is gharun {}",
                    path.display(),
                    env!("CARGO_PKG_VERSION")
                ),
            )
            .hinted(format!(
                "use {needed} or later, or name another file with `--state FILE`"
            )))
        }
    }
}

/// The same, under the lock, where a damaged file can be moved aside and leaves an empty document.
fn load_or_move_aside(path: &Path) -> Result<(Document, Option<MovedAside>), Error> {
    let reason = match load(path)? {
        Ok(document) => return Ok((document, None)),
        Err(reason) => reason,
    };
    let moved_to = spare(path, Timestamp::now());
    fs::rename(path, &moved_to).map_err(|error| failed("move aside", path, error))?;
    sync_folder(folder(path))?;
    let moved_aside = MovedAside {
        path: path.to_owned(),
        moved_to,
        reason,
    };
    Ok((Document::default(), Some(moved_aside)))
}

/// A name beside the file that is not taken: `<name>.corrupt-<time>`.
fn spare(path: &Path, now: Timestamp) -> PathBuf {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let first = with_suffix(path, &format!(".corrupt-{time}"));
    let more = (2..).map(|n: u32| with_suffix(path, &format!(".corrupt-{time}-{n}")));
    std::iter::once(first)
        .chain(more)
        .find(|name| fs::symlink_metadata(name).is_err())
        .unwrap_or_else(|| unreachable!("four thousand million corrupt files in one second"))
}

/// Makes the folder, for its owner alone, and what is missing above it.
fn make_folder(folder: &Path) -> Result<(), Error> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|it| !it.as_os_str().is_empty() && !it.exists())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| failed("make the folder of", folder, error))?;
    for made in missing {
        sync_folder(self::folder(made))?;
    }
    Ok(())
}

/// Replaces the file: at every moment, also after a power cut, it is the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // One name for all, since the lock lets only one write: what a killed process left is
    // overwritten by the next.
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let written = write_durably(&temporary, bytes, fs::metadata(path).ok().as_ref())
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The write's own error is the one to tell; a file that stays is overwritten next time.
        let _ = fs::remove_file(&temporary);
        return Err(failed("write", path, error));
    }
    sync_folder(folder(path))
}

fn write_durably(path: &Path, bytes: &[u8], old: Option<&Metadata>) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    if let Some(old) = old {
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // After a `sudo gharun stop` the file still has to be its owner's. Who may not give it
            // away is not root, and then it is his own.
            let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
        }
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename last.
fn sync_folder(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some network file systems cannot, and their renames last without it.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        // A folder one may write to and not read (mode 0300): the rename is done.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(failed("write the folder of", folder, error)),
        Ok(()) => Ok(()),
    }
}

/// The advisory lock of a state file, given back when dropped or when the process ends.
#[derive(Debug)]
struct Lock {
    _held: File,
}

impl Lock {
    fn take(path: &Path, patience: Duration, wanted: &dyn Fn() -> bool) -> Result<Self, Error> {
        let path = &with_suffix(path, ".lock");
        let begin = Instant::now();
        let mut pauses = PAUSES.iter().cycle();
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(path)
                .map_err(|error| failed("lock", path, error))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => return Ok(Self { _held: file }),
                // Kept by another; or somebody removed the file between its opening and its
                // locking, and our lock keeps nobody out.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(failed("lock", path, error)),
            }
            if begin.elapsed() >= patience || !wanted() {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!(
                        "another process has held the lock `{}` for {} seconds",
                        path.display(),
                        begin.elapsed().as_secs()
                    ),
                )
                .hinted(format!(
                    "find that process with `fuser -v {}`",
                    path.display()
                ))
                .hinted("name another file with `--state FILE`, or use `--no-state`"));
            }
            let pause = pauses.next().copied().unwrap_or(1);
            thread::sleep(Duration::from_millis(pause));
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    }
}

/// Says what could not be done to the state file, and what would help.
fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    let shown = path.display();
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Full,
        _ => ErrorKind::Unexpected,
    };
    let first = match kind {
        ErrorKind::Denied => format!("allow this user to read and write `{shown}`, or "),
        ErrorKind::Full => format!("free space on the disk that holds `{shown}`, or "),
        _ => String::new(),
    };
    Error::new(kind, format!("could not {what} the state file `{shown}`"))
        .because(error)
        .hinted(format!(
            "{first}name another file with `--state FILE`, or use `--no-state`"
        ))
}
