//! Where a secret is kept, and how it is read.

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::path::looks_like_key;
use super::text::{cut, one_line};
use super::{Error, Secret};

/// A command that asks a person or a network for a secret may take a while, but not for ever.
const COMMAND_TAKES: Duration = Duration::from_secs(30);
/// As much of a command's complaints as an error quotes, in bytes.
const COMPLAINT: usize = 300;

/// Where a secret is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A program and its arguments; its standard output is the secret.
    Command(Vec<String>),
    /// A file that holds it.
    File(PathBuf),
    /// The secret itself.
    Literal(Secret),
    /// A variable of the environment.
    Variable {
        /// Its name.
        name: String,
        /// What it holds; `None` where it is not set.
        value: Option<Secret>,
    },
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Its arguments may hold what a person should not have written there.
            Self::Command(words) => f.debug_tuple("Command").field(&words.first()).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Literal(secret) => f.debug_tuple("Literal").field(secret).finish(),
            Self::Variable { name, value } => {
                let mut shown = f.debug_struct("Variable");
                shown.field("name", name).field("value", value).finish()
            }
        }
    }
}

impl SecretSource {
    /// Reads a secret that is one word of visible ASCII characters: a token, a key. `what` is the secret, and
    /// where it is set: "`providers.gpu.api_key` (providers.toml:3)".
    ///
    /// # Errors
    ///
    /// An error names the secret and its source, and shows nothing of it.
    pub async fn word(&self, what: &str) -> Result<Secret, Error> {
        let text = self.text(what).await?;
        let word = text.expose().trim();
        if word.is_empty() {
            let how = match self {
                Self::Command(_) => "printed nothing",
                _ => "is empty",
            };
            return Err(failed(what, self.says(how)));
        }
        if !word.bytes().all(|byte| byte.is_ascii_graphic()) {
            let why = "must be one word of visible characters";
            return Err(failed(what, self.says(why)));
        }
        Ok(Secret::new(word))
    }

    /// Reads a secret as it is.
    ///
    /// # Errors
    ///
    /// As those of [`SecretSource::word`].
    pub async fn text(&self, what: &str) -> Result<Secret, Error> {
        match self {
            Self::Command(words) => self.run(words).await.map_err(|why| failed(what, why)),
            Self::File(path) => {
                let file = path.clone();
                let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file));
                let read = read.await.map_err(std::io::Error::other).flatten();
                read.map(Secret::new)
                    .map_err(|error| failed(what, format!("`{}`: {error}", path.display())))
            }
            Self::Literal(secret) => Ok(secret.clone()),
            Self::Variable { name, value } => value.clone().ok_or_else(|| {
                failed(what, self.says("is not set"))
                    .hinted(format!("set ${name}, or name another source"))
            }),
        }
    }

    /// Reads the text of a key: of a key file, in as many lines as it has.
    ///
    /// # Errors
    ///
    /// As those of [`SecretSource::word`].
    pub async fn key(&self, what: &str) -> Result<Secret, Error> {
        let text = self.text(what).await?;
        if looks_like_key(text.expose()) {
            return Ok(text);
        }
        Err(failed(what, self.says("must be the content of a key file")))
    }

    /// Whether there is anything to read: a variable may not be set.
    pub fn is_set(&self) -> bool {
        !matches!(self, Self::Variable { value: None, .. })
    }

    /// Whether reading again may bring another secret.
    pub fn renews(&self) -> bool {
        matches!(self, Self::Command(_) | Self::File(_))
    }

    async fn run(&self, words: &[String]) -> Result<Secret, String> {
        let [program, arguments @ ..] = words else {
            return Err("its command has no program".to_owned());
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        super::child::withhold_tokens(&mut command);
        let output = timeout(COMMAND_TAKES, command.output())
            .await
            .map_err(|_| self.says(&format!("timed out after {} s", COMMAND_TAKES.as_secs())))?
            .map_err(|error| format!("{}: {error}", self.says("could not be run")))?;
        if !output.status.success() {
            // Its standard output may hold the secret; its complaints are on the other one.
            let said = cut(
                &one_line(&String::from_utf8_lossy(&output.stderr)),
                COMPLAINT,
            );
            let said = Some(said).filter(|said| !said.is_empty());
            let said = said.map_or_else(String::new, |said| format!(": {said}"));
            return Err(self.says(&format!("failed with {}{said}", output.status)));
        }
        let text = String::from_utf8(output.stdout);
        text.map(Secret::new)
            .map_err(|_| self.says("did not print UTF-8 text"))
    }

    /// A sentence about the source.
    fn says(&self, what: &str) -> String {
        match self {
            Self::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                format!("the command `{program}` {what}")
            }
            Self::File(path) => format!("`{}` {what}", path.display()),
            Self::Literal(_) => format!("it {what}"),
            Self::Variable { name, .. } => format!("${name} {what}"),
        }
    }
}

fn failed(what: &str, why: String) -> Error {
    Error::new((), format!("could not read {what}")).because(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::chain;

    const WHAT: &str = "`providers.gpu.api_key` (providers.toml:3)";

    fn command(words: &[&str]) -> SecretSource {
        SecretSource::Command(words.iter().map(ToString::to_string).collect())
    }

    fn variable(value: Option<&str>) -> SecretSource {
        SecretSource::Variable {
            name: "GPU_KEY".into(),
            value: value.map(Secret::new),
        }
    }

    #[tokio::test]
    async fn a_secret_comes_from_a_command_a_file_a_variable_or_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, "hunter2\n").expect("a file");
        for source in [
            SecretSource::Literal(Secret::new(" hunter2\n")),
            SecretSource::File(file),
            command(&["printf", "hunter2\\n"]),
            variable(Some("hunter2")),
        ] {
            let secret = source.word(WHAT).await.expect("it is there");
            assert_eq!(secret.expose(), "hunter2", "{source:?}");
        }
    }

    #[tokio::test]
    async fn a_source_without_a_secret_says_whose_it_is_and_shows_nothing() {
        let script = "echo hunter2; echo 'not logged in' >&2; exit 4";
        for (source, told) in [
            (SecretSource::Literal(Secret::new("")), "it is empty"),
            (
                SecretSource::Literal(Secret::new("hunter2 hunter2")),
                "it must be one word of visible characters",
            ),
            (
                SecretSource::File("/nonexistent/key".into()),
                "`/nonexistent/key`: No such file or directory (os error 2)",
            ),
            (
                command(&["sh", "-c", script]),
                "the command `sh` failed with exit status: 4: not logged in",
            ),
            (
                command(&["false"]),
                "the command `false` failed with exit status: 1",
            ),
            (
                command(&["/nonexistent/gh", "hunter2"]),
                "the command `/nonexistent/gh` could not be run: No such file or directory (os error 2)",
            ),
            (command(&["true"]), "the command `true` printed nothing"),
            (variable(None), "$GPU_KEY is not set"),
            (variable(Some(" ")), "$GPU_KEY is empty"),
        ] {
            let error = source.word(WHAT).await.expect_err("there is none");
            let whole =
                format!("could not read `providers.gpu.api_key` (providers.toml:3): {told}");
            assert_eq!(chain(&error), whole);
            assert!(!format!("{source:?} {error:?}").contains("hunter2"));
        }
    }
}
