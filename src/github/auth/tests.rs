//! Where tokens come from, and when they are got anew.

use std::sync::Arc;

use super::*;
use crate::github::{Client, Config, DEFAULT_GROUP};
use crate::http::Bounds;
use crate::model::Scope;

/// A client whose server is never asked.
fn client(token: Option<Token>, hearer: Hearer) -> Client {
    let config = Config {
        api_url: "http://127.0.0.1:1".parse().expect("a URL"),
        scope: Scope::Org("acme".into()),
        token,
        group: DEFAULT_GROUP,
        bounds: Bounds::default(),
        hearer,
        roots: None,
    };
    Client::new(config).expect("a client")
}

async fn renewed(client: &Client, refused: &Secret) -> Result<Option<Secret>> {
    let (shared, by) = (&client.shared, client.deadline());
    shared.auth.renewed(refused, shared, by).await
}

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
            "the GitHub token must be one word of visible characters",
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
    let client = client(Some(Token::File(file.clone())), Hearer::default());
    let one = client.token().await.unwrap().unwrap();
    std::fs::write(&file, "two").unwrap();
    assert_eq!(client.token().await.unwrap().as_ref(), Some(&one));
    let two = renewed(&client, &one).await.unwrap().unwrap();
    assert_eq!(two.expose(), "two");
    // Another task that was refused with the old one gets the new one without asking.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(renewed(&client, &one).await.unwrap(), Some(two));
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
    let masked = client(literal("hunter2"), hearer.clone());
    for _ in 0..2 {
        masked.token().await.unwrap();
    }
    assert_eq!(*heard.lock().unwrap(), ["hunter2"]);
    let error = client(literal("unmaskable"), hearer).token().await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::Unexpected);
}

#[tokio::test]
async fn a_literal_is_not_asked_again() {
    let token = Secret::new("hunter2");
    let literal = client(Some(Token::Literal(token.clone())), Hearer::default());
    assert_eq!(renewed(&literal, &token).await.unwrap(), None);
    let none = client(None, Hearer::default());
    assert_eq!(none.token().await.unwrap(), None);
}
