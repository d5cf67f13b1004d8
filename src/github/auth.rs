//! Where the token comes from.

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::{Error, ErrorKind, Hearer, Notice, Result};
use crate::http;
use crate::model::Secret;

/// A command that asks a person or a network for a token may take a while, but not for ever.
const COMMAND_TAKES: Duration = Duration::from_secs(30);

/// A source of a token. Which one is used is decided by `settings`.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// A program and its arguments; its standard output is the token. It is run again after a 401.
    Command(Vec<String>),
    /// A file that holds the token. It is read again after a 401.
    File(PathBuf),
    /// The token itself.
    Literal(Secret),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Its arguments may hold what a person should not have written there.
            Self::Command(words) => f.debug_tuple("Command").field(&words.first()).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Literal(secret) => f.debug_tuple("Literal").field(secret).finish(),
        }
    }
}

impl Token {
    /// Gets the token from its source: one line of visible ASCII characters.
    pub async fn get(&self) -> Result<Secret> {
        let text = match self {
            Self::Literal(secret) => secret.expose().to_owned(),
            Self::File(path) => {
                let file = path.clone();
                let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file));
                let read = read.await.map_err(std::io::Error::other).flatten();
                read.map_err(|error| self.fails("could not be read").because(error))?
            }
            Self::Command(words) => self.run(words).await?,
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(self.fails("is empty"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.fails("is not one word of visible characters"));
        }
        Ok(Secret::new(text))
    }

    async fn run(&self, words: &[String]) -> Result<String> {
        let [program, arguments @ ..] = words else {
            return Err(self.fails("is not named"));
        };
        let running = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(COMMAND_TAKES, running)
            .await
            .map_err(|_| self.fails(&format!("gave none within {} s", COMMAND_TAKES.as_secs())))?
            .map_err(|error| self.fails("could not be run").because(error))?;
        if !output.status.success() {
            // Its standard output may hold the token; its complaints are on the other one.
            let said = http::plain(&String::from_utf8_lossy(&output.stderr));
            let said: String = said.chars().take(300).collect();
            return Err(self.fails(&format!("failed with {}: {said}", output.status)));
        }
        String::from_utf8(output.stdout).map_err(|_| self.fails("gave no text"))
    }

    fn fails(&self, how: &str) -> Error {
        let what = match self {
            Self::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                format!("the command `{program}` for the GitHub token")
            }
            Self::File(path) => format!("the GitHub token in `{}`", path.display()),
            Self::Literal(_) => "the GitHub token".to_owned(),
        };
        Error::new(ErrorKind::Unauthorized, format!("{what} {how}"))
    }

    /// Whether asking again may bring another token.
    fn renews(&self) -> bool {
        !matches!(self, Self::Literal(_))
    }
}

/// Hands out the token, got once and got anew when it is refused.
#[derive(Debug)]
pub(super) struct Auth {
    source: Option<Token>,
    current: Mutex<Option<Secret>>,
    hearer: Hearer,
}

impl Auth {
    pub(super) fn new(source: Option<Token>, hearer: Hearer) -> Self {
        Self {
            source,
            current: Mutex::new(None),
            hearer,
        }
    }

    /// A token that nobody has used yet: it is masked first.
    async fn get(&self, source: &Token) -> Result<Secret> {
        let token = source.get().await?;
        self.hearer.tell(Notice::Secret(&token)).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "could not mask the GitHub token").because(error)
        })?;
        Ok(token)
    }

    /// The token; `None` where there is no source. Many callers at once ask the source once.
    pub(super) async fn token(&self) -> Result<Option<Secret>> {
        let Some(source) = &self.source else {
            return Ok(None);
        };
        let mut current = self.current.lock().await;
        if current.is_none() {
            *current = Some(self.get(source).await?);
        }
        Ok(current.clone())
    }

    /// Another token in the place of one that was refused; `None` where there is no other.
    pub(super) async fn renewed(&self, refused: &Secret) -> Result<Option<Secret>> {
        let Some(source) = self.source.as_ref().filter(|source| source.renews()) else {
            return Ok(None);
        };
        let mut current = self.current.lock().await;
        if current.as_ref() == Some(refused) {
            *current = Some(self.get(source).await?);
        }
        Ok(current.clone().filter(|token| token != refused))
    }
}

/// The header that a token travels in, marked so that it goes to our server only.
pub(super) fn bearer(token: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| Error::new(ErrorKind::Unauthorized, "the GitHub token is not a word"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn command(words: &[&str]) -> Token {
        Token::Command(words.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn a_token_comes_from_a_command_a_file_or_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "hunter2\n").unwrap();
        for source in [
            Token::Literal(Secret::new(" hunter2\n")),
            Token::File(file),
            command(&["printf", "hunter2\\n"]),
        ] {
            assert_eq!(
                source.get().await.unwrap().expose(),
                "hunter2",
                "{source:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_source_without_a_token_says_what_is_wrong_and_shows_nothing() {
        let script = "echo hunter2; echo 'not logged in' >&2; exit 4";
        for (source, told) in [
            (Token::Literal(Secret::new("")), "the GitHub token is empty"),
            (
                Token::Literal(Secret::new("hunter2 hunter2")),
                "the GitHub token is not one word of visible characters",
            ),
            (
                Token::File("/nonexistent/token".into()),
                "the GitHub token in `/nonexistent/token` could not be read",
            ),
            (
                command(&["sh", "-c", script]),
                "the command `sh` for the GitHub token failed with exit status: 4: not logged in",
            ),
            (
                command(&["/nonexistent/gh", "hunter2"]),
                "the command `/nonexistent/gh` for the GitHub token could not be run",
            ),
            (
                command(&["true"]),
                "the command `true` for the GitHub token is empty",
            ),
        ] {
            let error = source.get().await.unwrap_err();
            assert_eq!(
                (error.kind, error.to_string().as_str()),
                (ErrorKind::Unauthorized, told)
            );
            assert!(!format!("{source:?} {error:?}").contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn a_source_is_asked_once_and_again_after_a_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "one").unwrap();
        let auth = Auth::new(Some(Token::File(file.clone())), Hearer::default());
        let one = auth.token().await.unwrap().unwrap();
        std::fs::write(&file, "two").unwrap();
        assert_eq!(auth.token().await.unwrap().as_ref(), Some(&one));
        let two = auth.renewed(&one).await.unwrap().unwrap();
        assert_eq!(two.expose(), "two");
        // Another task that was refused with the old one gets the new one without asking.
        std::fs::remove_file(&file).unwrap();
        assert_eq!(auth.renewed(&one).await.unwrap(), Some(two));
    }

    #[tokio::test]
    async fn a_token_is_heard_of_before_it_is_used_and_is_not_used_unheard() {
        let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let hearer = Hearer::new(move |notice| match notice {
            Notice::Secret(secret) if secret.expose() == "unmaskable" => {
                Err(std::io::Error::other("the disk is full"))
            }
            Notice::Secret(secret) => {
                ear.lock().unwrap().push(secret.expose().to_owned());
                Ok(())
            }
            Notice::Moved { .. } | Notice::Waiting { .. } => Ok(()),
        });
        let literal = |text: &str| Some(Token::Literal(Secret::new(text)));
        let auth = Auth::new(literal("hunter2"), hearer.clone());
        for _ in 0..2 {
            auth.token().await.unwrap();
        }
        assert_eq!(*heard.lock().unwrap(), ["hunter2"]);
        let error = Auth::new(literal("unmaskable"), hearer).token().await;
        assert_eq!(error.unwrap_err().kind, ErrorKind::Unexpected);
    }

    #[tokio::test]
    async fn a_literal_is_not_asked_again() {
        let token = Secret::new("hunter2");
        let auth = Auth::new(Some(Token::Literal(token.clone())), Hearer::default());
        assert_eq!(auth.renewed(&token).await.unwrap(), None);
        assert_eq!(
            Auth::new(None, Hearer::default()).token().await.unwrap(),
            None
        );
    }
}
