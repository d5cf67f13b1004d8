//! Whether a file of settings that was found is trusted: by its content, which `gharun providers trust` remembers.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::found::Owners;
use super::{Env, Error, Result};
use crate::model::digest::sha256;
use crate::providers::KINDS;
use crate::providers::schema::Shape;

/// The events whose step may hold a checkout of what an outsider wrote, beside secrets that the outsider has not.
/// <https://docs.github.com/en/actions/reference/security/secure-use>
const EVENTS_OF_OUTSIDERS: [&str; 6] = [
    "discussion",
    "discussion_comment",
    "issue_comment",
    "issues",
    "pull_request_target",
    "workflow_run",
];
/// The most that a digest covers.
const MOST_FILES: usize = 1000;
const MOST_BYTES: u64 = 64 << 20;

/// Why a file that was found is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The step runs on an event of this name; empty where nobody says on which.
    Event(String),
    /// It was not trusted as it is now.
    Unknown {
        /// Whether it was trusted before.
        changed: bool,
        /// Whether trust can be remembered.
        remembers: bool,
    },
}

impl Doubt {
    /// Why a file that was found with this text is not trusted; `None` where it is.
    pub(super) fn about(path: &Path, text: &str, values: &Value, env: &Env) -> Option<Self> {
        if env.flag("GITHUB_ACTIONS") {
            let event = env.get("GITHUB_EVENT_NAME").unwrap_or_default();
            let outsiders = event.is_empty() || EVENTS_OF_OUTSIDERS.contains(&event);
            return outsiders.then(|| Self::Event(event.to_owned()));
        }
        Self::unless_remembered(path, text, values, env)
    }

    /// Why a file with this text was not trusted by its user; `None` where it was.
    pub(super) fn unless_remembered(
        path: &Path,
        text: &str,
        values: &Value,
        env: &Env,
    ) -> Option<Self> {
        let Some(memory) = memory(env) else {
            return Some(Self::Unknown {
                changed: false,
                remembers: false,
            });
        };
        let known = std::fs::read_to_string(&memory).unwrap_or_else(|error| {
            tracing::debug!("could not read `{}`: {error}", memory.display());
            String::new()
        });
        let covered = Covered::of(path, text, values, env, Owners::of(env).as_ref());
        let covered = covered.inspect_err(|error| tracing::debug!("{error}"));
        let digest = covered.map(|covered| covered.digest).unwrap_or_default();
        let place = on_one_line(&absolute(path));
        let lines = || known.lines().filter_map(|line| line.split_once("  "));
        if !digest.is_empty() && lines().any(|(one, _)| one == digest) {
            return None;
        }
        Some(Self::Unknown {
            changed: lines().any(|(_, one)| one == place),
            remembers: true,
        })
    }

    /// What to type.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Event(_) => "if no outsider can have written it, name it: `--config providers.toml`",
            Self::Unknown {
                remembers: true, ..
            } => {
                "if the file is yours, type `gharun providers trust`, or name it: `--config providers.toml`"
            }
            Self::Unknown { .. } => {
                "if the file is yours, name it: `--config providers.toml`; trust cannot be remembered, since neither $XDG_STATE_HOME nor $HOME is set"
            }
        }
        .to_owned()
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) if event.is_empty() => f.write_str(
                "the file was found in the current folder, and $GITHUB_EVENT_NAME does not say who can trigger this step",
            ),
            Self::Event(event) => write!(
                f,
                "the file was found in the current folder, and outsiders can trigger `{event}`"
            ),
            Self::Unknown { changed: true, .. } => f.write_str(
                "the file was found in the current folder, and it or a file that it names has changed since it was trusted",
            ),
            Self::Unknown { .. } => {
                f.write_str("the file was found in the current folder, not named")
            }
        }
    }
}

/// The file that remembers digests: a line each, with the place of the file that it was of.
pub(super) fn memory(env: &Env) -> Option<PathBuf> {
    let folder = env.base("XDG_STATE_HOME", ".local/state")?;
    Some(folder.join("gharun/trusted"))
}

/// Remembers a digest, and of which file it was.
pub(super) fn remember(memory: &Path, digest: &str, path: &Path) -> io::Result<()> {
    let line = format!("{digest}  {}\n", on_one_line(&absolute(path)));
    if let Some(folder) = memory.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut file = OpenOptions::new();
    let mut file = file.append(true).create(true).mode(0o600).open(memory)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// A path that cannot end the line on which it stands: what follows would be taken for another digest.
pub(super) fn on_one_line(path: &Path) -> String {
    let text = path.display().to_string();
    let escaped = text.chars().map(|c| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    });
    escaped.collect()
}

fn absolute(path: &Path) -> PathBuf {
    // Only a sentence depends on it.
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// What a digest is of.
pub(super) struct Covered {
    /// Of everything together.
    pub(super) digest: String,
    /// The files beside the file itself.
    pub(super) files: Vec<PathBuf>,
}

impl Covered {
    /// The file with this text, and all files that it names: by a relative path, or within its repository.
    ///
    /// # Errors
    ///
    /// More than can be covered, a link to a folder in a folder that is read, and a file that somebody other than
    /// `owners` may change.
    pub(super) fn of(
        path: &Path,
        text: &str,
        values: &Value,
        env: &Env,
        owners: Option<&Owners>,
    ) -> Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut named = Named {
            folder,
            root: repository(&absolute(folder)),
            env,
            folders: existing_folders(),
            files: BTreeSet::new(),
        };
        let too_much = |error: io::Error| {
            Error::usage(format!(
                "what `{}` names cannot be covered: {error}",
                path.display()
            ))
            .hinted(format!("name the file: `--config {}`", path.display()))
        };
        named.collect("", values).map_err(too_much)?;
        let mut digests = format!("{}  providers.toml\n", sha256(text));
        let mut left = MOST_BYTES;
        for one in &named.files {
            if let Some(why) = owners.and_then(|owners| owners.judge_file(&folder.join(one))) {
                return Err(too_much(io::Error::other(why)));
            }
            let mut bytes = Vec::new();
            let read = std::fs::File::open(folder.join(one));
            let read = read.and_then(|file| file.take(left + 1).read_to_end(&mut bytes));
            let size = u64::try_from(read.map_err(too_much)?).unwrap_or(u64::MAX);
            left = left
                .checked_sub(size)
                .ok_or_else(|| too_much(io::Error::other("the files have more than 64 MiB")))?;
            // A name may hold line ends.
            let name = sha256(one.as_os_str().as_encoded_bytes());
            let digest = format!("{}  {name}\n", sha256(&bytes));
            digests.push_str(&digest);
        }
        Ok(Self {
            digest: sha256(digests),
            files: named.files.into_iter().collect(),
        })
    }
}

/// The folder of the repository that a folder is in, or itself.
fn repository(folder: &Path) -> PathBuf {
    let mut all = folder.ancestors();
    let found = all.find(|one| one.join(".git").exists());
    found.unwrap_or(folder).to_owned()
}

/// Collects the files that values name.
struct Named<'a> {
    folder: &'a Path,
    root: PathBuf,
    env: &'a Env,
    /// The settings whose folders are read.
    folders: BTreeSet<String>,
    files: BTreeSet<PathBuf>,
}

impl Named<'_> {
    fn collect(&mut self, key: &str, value: &Value) -> io::Result<()> {
        match value {
            Value::String(text) => {
                self.consider(key, text)?;
                if key == "command" {
                    // An argument may be a script of its own, such as that of `sh -c`.
                    let words =
                        text.split(|c: char| c.is_whitespace() || ";|&()<>{}'\"`=$,".contains(c));
                    words
                        .filter(|word| !word.is_empty() && *word != text)
                        .try_for_each(|word| self.consider("", word))?;
                }
                Ok(())
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.collect(key, item)),
            Value::Object(table) => table
                .iter()
                .try_for_each(|(key, value)| self.collect(key, value)),
            _ => Ok(()),
        }
    }

    /// A text may be the name of a file, whatever the setting is: a program, a script, a key.
    fn consider(&mut self, key: &str, text: &str) -> io::Result<()> {
        let path = self.env.path(text);
        let real = self.folder.join(&path).canonicalize();
        let below =
            path.is_relative() || real.as_ref().is_ok_and(|real| real.starts_with(&self.root));
        let Some(about) = real
            .ok()
            .filter(|_| below)
            .and_then(|real| real.metadata().ok())
        else {
            return Ok(());
        };
        if about.is_dir() && self.folders.contains(key) {
            return self.add_folder(&path);
        }
        if about.is_file() {
            self.add(path)?;
        }
        Ok(())
    }

    fn add_folder(&mut self, path: &Path) -> io::Result<()> {
        let mut folders = vec![path.to_owned()];
        while let Some(path) = folders.pop() {
            for entry in std::fs::read_dir(self.folder.join(&path))? {
                let entry = entry?;
                let path = path.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if self.folder.join(&path).is_dir() {
                    // It may lead anywhere, and to itself.
                    let path = path.display();
                    return Err(io::Error::other(format!("`{path}` is a link to a folder")));
                } else if self.folder.join(&path).is_file() {
                    self.add(path)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf) -> io::Result<()> {
        self.files.insert(path);
        if self.files.len() > MOST_FILES {
            return Err(io::Error::other(format!(
                "there are more than {MOST_FILES} files"
            )));
        }
        Ok(())
    }
}

/// The settings of all kinds that name a file or a folder which has to be there: what is in such a folder is read.
fn existing_folders() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for kind in KINDS {
        let schema = kind.schema();
        let shape = Shape::of(&schema);
        let keys = shape.keys().into_iter().filter(|key| {
            let forms = shape.inside(key).into_iter().flat_map(Shape::forms);
            forms.into_iter().any(Shape::must_exist)
        });
        found.extend(keys);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{SettingsFile, Trusted};
    use super::*;

    #[test]
    fn what_was_written_is_trusted_and_nothing_that_came_after_it() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("providers.toml");
        let pair = ("HOME".to_owned(), home.path().display().to_string());
        let env = Env::from_iter([pair]);
        let written = "[defaults]\nproviders = [\"local\"]\n";
        // Somebody else was quicker.
        std::fs::write(&path, "[defaults]\nproviders = [\"other\"]\n").expect("a file");
        Trusted::trust_text(&path, written, &env).expect("it is remembered");
        let doubt = |text: &str| {
            let file = SettingsFile::parse(&path, text).expect("it parses");
            Doubt::about(&path, text, file.values(), &env)
        };
        assert_eq!(doubt(written), None);
        let there = std::fs::read_to_string(&path).expect("the file");
        assert!(doubt(&there).is_some());
    }
}
