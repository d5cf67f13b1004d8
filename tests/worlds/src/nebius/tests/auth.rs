//! Tokens, and the words that they are exchanged for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::client::{Client, Reply};
use crate::nebius::Account;

fn exchange(client: &Client, jwt: &str) -> Reply {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("subject_token", jwt),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ] {
        form.append_pair(key, value);
    }
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let reply = client.ask_with("POST", "/oauth2/token/exchange", &headers, &form.finish());
    reply.expect("an answer")
}

fn signed(key: &Account, of: &Account, change: impl FnOnce(&mut Value)) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut claims = json!({"iss": of.id, "sub": of.id, "iat": now, "exp": now + 60});
    change(&mut claims);
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(of.key_id.clone());
    let key = EncodingKey::from_rsa_pem(key.private.as_bytes()).unwrap();
    encode(&header, &claims, &key).unwrap()
}

#[test]
fn a_signed_word_is_exchanged_for_a_token() {
    let mut client = Client::new();
    let account = client.standin.account();
    client
        .standin
        .set(|world| world.token_lasts = Duration::from_secs(90));
    let reply = exchange(&client, &signed(&account, &account, |_| {}));
    assert_eq!(reply.status, 200, "{}", reply.text);
    let answer = reply.json();
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"]),
        (&json!("Bearer"), &json!(90))
    );
    client.token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(client.get("/iam/v1/tenants").status, 200);
    client.clean();
    client.standin.expire_tokens();
    assert_eq!(client.get("/iam/v1/tenants").status, 401);
    client.token.push('x');
    assert_eq!(client.get("/iam/v1/tenants").status, 401);
}

#[test]
fn a_word_that_is_not_right_is_refused() {
    let client = Client::new();
    let account = client.standin.account();
    let other = client.standin.account();
    let later = |claims: &mut Value| claims["exp"] = json!(claims["iat"].as_u64().unwrap() + 3600);
    let past = |claims: &mut Value| {
        claims["iat"] = json!(claims["iat"].as_u64().unwrap() - 600);
        claims["exp"] = json!(claims["exp"].as_u64().unwrap() - 600);
    };
    for (what, jwt) in [
        ("another's key", signed(&other, &account, |_| {})),
        ("an hour", signed(&account, &account, later)),
        ("the past", signed(&account, &account, past)),
        (
            "another's name",
            signed(&account, &account, |claims| claims["sub"] = json!("x")),
        ),
        (
            "for another",
            signed(&account, &account, |claims| claims["aud"] = json!("x")),
        ),
        ("nonsense", "a.b.c".to_owned()),
    ] {
        let reply = exchange(&client, &jwt);
        assert_eq!(reply.status, 400, "{what}: {}", reply.text);
        assert_eq!(reply.json()["error"], "invalid_grant", "{what}");
    }
}

#[test]
fn nobody_gets_in_without_a_token() {
    let client = Client::new();
    let reply = client.ask_with("GET", "/iam/v1/tenants", &[], "").unwrap();
    assert_eq!(
        (reply.status, reply.json()["code"].clone()),
        (401, 16.into())
    );
}
