//! Where tokens come from, and when they are got anew.

use std::sync::Arc;

use super::*;
use crate::github::{Client, ClientConfig, DEFAULT_GROUP};
use crate::http::Bounds;
use crate::model::Scope;

/// A client whose server is never asked.
fn client(token: Option<TokenSource>, observer: Observer) -> Client {
    let config = ClientConfig {
        api_url: "http://127.0.0.1:1".parse().expect("a URL"),
        scope: Scope::Org("acme".into()),
        token,
        group: DEFAULT_GROUP,
        bounds: Bounds::default(),
        observer,
        roots: None,
    };
    Client::new(config).expect("a client")
}

async fn renewed(client: &Client, refused: &Secret) -> Result<Option<Secret>> {
    let (shared, by) = (&client.shared, client.deadline());
    shared.auth.renewed(refused, &shared.wire, by).await
}

#[tokio::test]
async fn a_source_without_a_token_is_an_error_about_the_token() {
    let file = TokenSource::kept(SecretSource::File("/nonexistent/token".into()));
    let error = client(Some(file), Observer::default()).token().await;
    let error = error.expect_err("there is none");
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(error.message(), "could not read the GitHub token");
}

#[tokio::test]
async fn a_source_is_asked_once_and_again_after_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "one").unwrap();
    let client = client(
        Some(TokenSource::kept(SecretSource::File(file.clone()))),
        Observer::default(),
    );
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
    let observer = Observer::new(move |event| match event {
        ClientEvent::Secret(secret) if secret.expose() == "unmaskable" => {
            Err(std::io::Error::other("the disk is full"))
        }
        ClientEvent::Secret(secret) => {
            ear.lock().unwrap().push(secret.expose().to_owned());
            Ok(())
        }
        ClientEvent::ClockDiffers { .. }
        | ClientEvent::Moved { .. }
        | ClientEvent::Waiting { .. } => Ok(()),
    });
    let literal = |text: &str| Some(TokenSource::literal(Secret::new(text)));
    let masked = client(literal("hunter2"), observer.clone());
    for _ in 0..2 {
        masked.token().await.unwrap();
    }
    assert_eq!(*heard.lock().unwrap(), ["hunter2"]);
    let error = client(literal("unmaskable"), observer).token().await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::Unexpected);
}

#[tokio::test]
async fn a_literal_is_not_asked_again() {
    let token = Secret::new("hunter2");
    let literal = client(
        Some(TokenSource::literal(token.clone())),
        Observer::default(),
    );
    assert_eq!(renewed(&literal, &token).await.unwrap(), None);
    let none = client(None, Observer::default());
    assert_eq!(none.token().await.unwrap(), None);
}
