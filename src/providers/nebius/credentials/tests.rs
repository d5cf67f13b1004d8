//! Who goes before whom, and how often a token is asked for.

use std::path::Path;

use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::providers::Provider;
use crate::providers::contract::order;
use crate::providers::nebius::Product;
use crate::providers::nebius::tests::place::Place;
use gharun_worlds::nebius::{Account, Standin};

fn identity(table: serde_json::Value) -> Result<CallerIdentity> {
    CallerIdentity::of(&serde_json::from_value(table).expect("a table"))
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn profiles(account: &Account) -> String {
    let key = account.private.replace('\n', "\n      ");
    let (id, public) = (&account.id, &account.key_id);
    format!(
        "default: person
profiles:
  person:
    endpoint: api.nebius.cloud
    auth-type: federation
    federation-endpoint: auth.nebius.com
    parent-id: project-e00person
    tenant-id: tenant-e00person
  robot:
    auth-type: service account
    service-account-id: {id}
    public-key-id: {public}
    parent-id: project-e00robot
    private-key: |
      {key}
  filed:
    auth-type: service account
    service-account-id: {id}
    public-key-id: {public}
    private-key-file-path: key.pem
  whole:
    service-account-credentials-file-path: key.json
  token:
    token-file: token
  half:
    service-account-id: {id}
"
    )
}

#[test]
fn the_first_that_is_named_counts() {
    let (folder, standin) = (tempfile::tempdir().unwrap(), Standin::start());
    let account = standin.account();
    let key = write(folder.path(), "key.json", &account.file());
    write(folder.path(), "key.pem", &account.private);
    let file = write(folder.path(), "config.yaml", &profiles(&account));
    let told = |table: serde_json::Value| {
        let identity = identity(table).unwrap();
        let source = match identity.source {
            CredentialSource::Nowhere(why) => format!("nobody: {why}"),
            source => source.describe(),
        };
        let source = source.replace(&account.id, "ACCOUNT");
        let source = source.replace(folder.path().to_str().unwrap(), "FOLDER");
        format!("{source} in {}", identity.project.unwrap_or_default())
    };
    let all = [
        json!({ "iam_token": "t", "service_account_key": key, "config_file": file }),
        json!({ "service_account_key": key, "config_file": file }),
        json!({ "service_account_key": key, "config_file": file, "project": "project-e00mine" }),
        json!({ "config_file": file }),
        json!({ "config_file": file, "profile": "robot" }),
        json!({ "config_file": file, "profile": "filed" }),
        json!({ "config_file": file, "profile": "whole" }),
        json!({ "config_file": file, "profile": "token" }),
        json!({ "config_file": folder.path().join("none") }),
        json!({}),
    ];
    let all: Vec<String> = all.into_iter().map(told).collect();
    insta::assert_snapshot!(all.join("\n"), @"
    a token in project-e00person
    service account `ACCOUNT` in project-e00person
    service account `ACCOUNT` in project-e00mine
    nobody: the profile `person` needs a person to log in (`auth-type: federation`), which gharun cannot do in project-e00person
    service account `ACCOUNT` in project-e00robot
    service account `ACCOUNT` in 
    service account `ACCOUNT` in 
    the token in `FOLDER/token` in 
    nobody: neither a token, a key nor a profile is set in 
    nobody: neither a token, a key nor a profile is set in
    ");
}

#[test]
fn the_key_of_a_service_account_may_be_given_as_its_text() {
    let account = Standin::start().account();
    let told = identity(json!({ "service_account_key": account.file() })).expect("it is a key");
    let account = format!("service account `{}`", account.id);
    assert_eq!(told.source.describe(), account);
    let error = identity(json!({ "service_account_key": "{\"private-key\": \"hush\"}" }));
    let error = error.expect_err("it is none");
    let told = crate::model::chain(&error);
    assert!(told.contains("its text is not a valid key file"), "{told}");
    assert!(!told.contains("hush"), "{told}");
}

#[test]
fn what_a_setting_names_and_cannot_be_used_is_refused_without_a_word_of_it() {
    let (folder, standin) = (tempfile::tempdir().unwrap(), Standin::start());
    let account = standin.account();
    let file = write(folder.path(), "config.yaml", &profiles(&account));
    let spoilt = write(
        folder.path(),
        "spoilt.yaml",
        "profiles:\n  x: [hush\n  y: hush",
    );
    let cut = write(folder.path(), "cut.json", &account.file()[..200]);
    let other = write(
        folder.path(),
        "other.json",
        &account.file().replace("RS256", "ES256"),
    );
    let broken = write(
        folder.path(),
        "broken.json",
        &account.file().replace("MII", "hush"),
    );
    let mut all = Vec::new();
    for table in [
        json!({ "config_file": file, "profile": "person" }),
        json!({ "config_file": file, "profile": "nobody" }),
        json!({ "config_file": file, "profile": "half" }),
        json!({ "config_file": file, "profile": "filed" }),
        json!({ "config_file": spoilt, "profile": "x" }),
        json!({ "service_account_key": cut }),
        json!({ "service_account_key": other }),
        json!({ "service_account_key": broken }),
    ] {
        let error = identity(table).expect_err("it cannot be used");
        assert_eq!(error.kind, ErrorKind::Config);
        let told = format!("{}: {}", error.key().unwrap(), crate::model::chain(&error));
        assert!(!told.contains("hush"), "{told}");
        all.push(told.replace(folder.path().to_str().unwrap(), "FOLDER"));
    }
    insta::assert_snapshot!(all.join("\n"), @"
    profile: the profile `person` needs a person to log in (`auth-type: federation`), which gharun cannot do
    profile: the profile `nobody` does not exist in `FOLDER/config.yaml`
    profile: the profile `half` lacks one of `service-account-id`, `public-key-id` and `private-key`
    profile: the profile `filed` names the private key `FOLDER/key.pem`, which could not be read: No such file or directory (os error 2)
    config_file: `FOLDER/spoilt.yaml` is not valid YAML (line 3)
    service_account_key: `FOLDER/cut.json` is not a valid key file: `subject-credentials` is malformed at line 1
    service_account_key: `FOLDER/other.json` must hold a key for RS256
    service_account_key: `FOLDER/broken.json` does not hold an RSA private key in PEM format
    ");
}

/// A place whose provider signs for its tokens.
fn signing() -> (Place, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place::with(Product::Job, &json!({}));
    let account = place.standin.account();
    let key = write(folder.path(), "key.json", &account.file());
    place.settings.as_object_mut().unwrap().remove("iam_token");
    place.settings["service_account_key"] = json!(key);
    (place, folder)
}

fn exchanges(place: &Place) -> usize {
    place.standin.asked_for("tokens.exchange").len()
}

#[tokio::test]
async fn sixteen_launches_get_one_token() {
    let (place, _folder) = signing();
    let provider = place.provider();
    let orders: Vec<_> = (0..16).map(|_| order("t")).collect();
    for launched in join_all(orders.iter().map(|order| provider.launch(order))).await {
        launched.unwrap();
    }
    assert_eq!(exchanges(&place), 1);
    place.is_well();
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once_for_all() {
    let (place, _folder) = signing();
    let provider = place.provider();
    provider.list().await.unwrap();
    place.standin.expire_tokens();
    let orders: Vec<_> = (0..8).map(|_| order("t")).collect();
    for launched in join_all(orders.iter().map(|order| provider.launch(order))).await {
        launched.unwrap();
    }
    assert_eq!(exchanges(&place), 2);
    assert_eq!(place.standin.jobs().len(), 8);
    // One that is refused at once is not asked for on and on.
    place.standin.judge(|asked| {
        use gharun_worlds::nebius::{Deed, Refusal};
        match asked.call {
            "tokens.exchange" => Deed::Answer,
            _ => Deed::Refuse(Refusal::unauthenticated("no")),
        }
    });
    let before = exchanges(&place);
    let listing = place.provider().list().await.unwrap();
    assert_eq!(listing.unread.len(), 3);
    // One to begin with, and at most one more for each list.
    assert!(exchanges(&place) - before <= 3, "{}", exchanges(&place));
}

#[tokio::test]
async fn a_token_is_replaced_before_its_end() {
    let (place, _folder) = signing();
    // What lasts for no time is due at once.
    place
        .standin
        .set(|world| world.token_lasts = std::time::Duration::from_secs(1));
    let provider = place.provider();
    provider.list().await.unwrap();
    let before = exchanges(&place);
    let renewed = crate::poll::until(
        crate::poll::Pace {
            every: std::time::Duration::from_millis(50),
            at_most: std::time::Duration::from_secs(20),
        },
        async || {
            let listing = provider.list().await.unwrap();
            assert!(listing.unread.is_empty(), "{:?}", listing.unread);
            (exchanges(&place) > before).then_some(())
        },
    );
    renewed.await.expect("it is replaced");
}

#[tokio::test]
async fn an_account_that_is_not_known_is_denied_and_nothing_secret_told() {
    let (place, folder) = signing();
    let stranger = Standin::start().account();
    write(folder.path(), "key.json", &stranger.file());
    let provider = place.provider();
    let error = provider.check().await.expect_err("nobody knows it");
    assert_eq!(
        error.kind,
        ErrorKind::Denied,
        "{}",
        crate::model::chain(&error)
    );
    let told = format!("{error:?} {} {provider:?}", crate::model::chain(&error));
    assert!(
        !told.contains(&stranger.private[40..80]) && !told.contains("eyJ"),
        "{told}"
    );
}

#[tokio::test]
async fn a_file_that_somebody_renews_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place::with(Product::Job, &json!({}));
    write(folder.path(), "token", &place.standin.token());
    let config = write(
        folder.path(),
        "config.yaml",
        "profiles:\n  ci:\n    token-file: token\n",
    );
    place.settings.as_object_mut().unwrap().remove("iam_token");
    place.settings["config_file"] = json!(config);
    let provider = place.provider();
    assert!(provider.list().await.unwrap().unread.is_empty());
    place.standin.expire_tokens();
    let unread = provider.list().await.unwrap().unread;
    assert_eq!(unread.len(), 3, "the old token must not be used");
    let hints = unread[0].error.hints().join("\n");
    assert!(hints.contains("`token-file`"), "{hints}");
    assert!(!hints.contains("auth-public-key"), "{hints}");
    write(folder.path(), "token", &place.standin.token());
    assert!(provider.list().await.unwrap().unread.is_empty());
    // For a moment there is none, or nothing is written yet; then it may be read another time.
    let kind = async || {
        let error = place
            .provider()
            .check()
            .await
            .expect_err("there is no token");
        error.kind
    };
    write(folder.path(), "token", "");
    assert_eq!(kind().await, ErrorKind::Unavailable);
    std::fs::remove_file(folder.path().join("token")).unwrap();
    assert_eq!(kind().await, ErrorKind::Unavailable);
    write(folder.path(), "token", "two words");
    assert_eq!(kind().await, ErrorKind::Denied);
}

#[tokio::test]
async fn who_stands_between_denies_no_key() {
    let (place, _folder) = signing();
    for status in [400, 403, 404] {
        place.standin.judge(move |asked| {
            use gharun_worlds::nebius::Deed;
            match asked.call {
                "tokens.exchange" => Deed::Status(status),
                _ => Deed::Answer,
            }
        });
        let error = place.provider().check().await.expect_err("no token");
        let told = crate::model::chain(&error);
        assert_eq!(error.kind, ErrorKind::Unavailable, "{status} {told}");
    }
}

#[test]
fn a_key_in_the_place_of_a_path_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC/KcwggSjAgEAAoIBAQC7";
    for name in [
        "token-file",
        "service-account-credentials-file-path",
        "private-key-file-path",
    ] {
        let text = format!("profiles:\n  one:\n    {name}: {key}\n");
        let file = write(folder.path(), "config.yaml", &text);
        let told = match identity(json!({ "config_file": file })) {
            Ok(identity) => match identity.source {
                CredentialSource::Nowhere(why) => why,
                source => panic!("{}", source.describe()),
            },
            Err(error) => error.to_string(),
        };
        assert!(told.contains(name), "{told}");
        assert!(!told.contains("MIIE"), "{told}");
    }
}
