//! A GitHub App: from variables, from the file, from both, and what each half of it lacks.

use super::*;
use crate::model::SecretSource;

/// An error with its hints, for any command.
fn error(world: &World) -> String {
    let error = world.settings().expect_err("it must be refused");
    let text = std::iter::once(error.to_string())
        .chain(error.hints().iter().cloned())
        .collect::<Vec<_>>()
        .join("\n");
    text.replace(&world.file.path().display().to_string(), "DIR")
}

/// Where the credential comes from and what it is.
fn credential(world: &World) -> Option<(String, GitHubCredential)> {
    let given = world.settings().expect("it resolves").0.github.token?;
    let origin = given.origin.to_string();
    let folder = format!("{}/", world.file.path().display());
    Some((origin.replace(&folder, ""), given.value))
}

fn app(world: &World) -> (String, AppSetting) {
    match credential(world) {
        Some((origin, GitHubCredential::App(app))) => (origin, *app),
        other => panic!("no app: {other:?}"),
    }
}

const TABLE: &str = "[github]\ntoken = { env = \"TOKEN\" }\n[github.app]\nid = 77\ninstallation = \"5\"\nprivate_key = { file = \"app.pem\" }\n";

#[test]
fn each_source_goes_before_the_next() {
    let voices = [
        ("GHARUN_GITHUB_TOKEN", "$GHARUN_GITHUB_TOKEN"),
        ("GH_PAT", "$GH_PAT"),
        ("GHARUN_APP_ID", "$GHARUN_APP_ID"),
        ("TOKEN", "p.toml:2"),
        ("GH_TOKEN", "$GH_TOKEN"),
        ("GITHUB_TOKEN", "$GITHUB_TOKEN"),
    ];
    for first in 0..voices.len() {
        let file = "[github]\ntoken = { env = \"TOKEN\" }\n";
        let mut world = World::new("list").file(file);
        for (variable, _) in &voices[first..] {
            world = world.env(variable, "1");
        }
        if first <= 2 {
            world = world.env("GHARUN_APP_PRIVATE_KEY", "key");
        }
        let (origin, _) = credential(&world).expect("one of them");
        assert_eq!(origin, voices[first].1);
    }
    let (origin, _) = app(&World::new("list")
        .file(TABLE)
        .env("TOKEN", "t")
        .env("GITHUB_TOKEN", "t"));
    assert_eq!(origin, "p.toml:4");
}

#[test]
fn an_app_is_read_from_its_table_and_variables_go_before() {
    let (_, of_file) = app(&World::new("list").file(TABLE));
    assert_eq!(of_file.id.value, "77");
    assert_eq!(of_file.installation, Some(5));
    let path =
        matches!(&of_file.key.value, SecretSource::File(path) if path == Path::new("app.pem"));
    assert!(path, "{of_file:?}");

    let (origin, mixed) = app(&World::new("list")
        .file(TABLE)
        .env("GHARUN_APP_ID", " Iv23li.x ")
        .env("GHARUN_APP_INSTALLATION", "6"));
    assert_eq!(
        (origin.as_str(), mixed.id.value.as_str()),
        ("$GHARUN_APP_ID", "Iv23li.x")
    );
    assert_eq!(mixed.installation, Some(6));
    assert!(matches!(mixed.key.value, SecretSource::File(_)));

    let (_, key) = app(&World::new("list")
        .file(TABLE)
        .env("GHARUN_APP_PRIVATE_KEY", "hunter2"));
    assert_eq!(key.key.origin.to_string(), "$GHARUN_APP_PRIVATE_KEY");
    assert!(!format!("{key:?}").contains("hunter2"));
    assert!(matches!(key.key.value, SecretSource::Literal(key) if key.expose() == "hunter2"));
}

#[test]
fn half_an_app_says_what_is_missing_and_what_was_read() {
    let id = || World::new("list").env("GHARUN_APP_ID", "77");
    insta::assert_snapshot!(error(&id()), @r#"
    the GitHub App `77` ($GHARUN_APP_ID) has no private key
    set $GHARUN_APP_PRIVATE_KEY, or `private_key = { env = "NAME" }` or `{ file = "PATH" }` under [github.app]
    "#);
    insta::assert_snapshot!(error(&id().env("GITHUB_TOKEN", "t")), @r#"
    the GitHub App `77` ($GHARUN_APP_ID) has no private key
    set $GHARUN_APP_PRIVATE_KEY, or `private_key = { env = "NAME" }` or `{ file = "PATH" }` under [github.app]
    "#);
    let key = World::new("list").env("GHARUN_APP_PRIVATE_KEY", "key");
    insta::assert_snapshot!(error(&key), @r#"
    a GitHub App private key is set ($GHARUN_APP_PRIVATE_KEY), but no app ID
    set $GHARUN_APP_ID, or `id = "…"` under [github.app], to the app's client ID or app ID
    "#);
    let unset =
        World::new("list").file("[github.app]\nid = 77\nprivate_key = { env = \"APP_KEY\" }\n");
    insta::assert_snapshot!(error(&unset), @r#"
    the GitHub App `77` (DIR/p.toml:2) has no private key: $APP_KEY (DIR/p.toml:3) is not set
    set $GHARUN_APP_PRIVATE_KEY, or `private_key = { env = "NAME" }` or `{ file = "PATH" }` under [github.app]
    "#);
    let no_id = World::new("list").file("[github.app]\nprivate_key = { env = \"APP_KEY\" }\n");
    insta::assert_snapshot!(error(&no_id), @r#"
    a GitHub App private key is set (DIR/p.toml:2), but no app ID
    set $GHARUN_APP_ID, or `id = "…"` under [github.app], to the app's client ID or app ID
    "#);
    // What goes before it is enough.
    assert!(id().env("GH_PAT", "p").settings().is_ok());
}

#[test]
fn odd_values_say_what_to_write() {
    let with = |line: &str| World::new("list").file(&format!("[github.app]\nid = 7\n{line}\n"));
    insta::assert_snapshot!(error(&with("private_key = \"-----BEGIN\"")), @r#"
    `github.app.private_key` (DIR/p.toml:3) must be `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM", "ARG"] }`, not the secret itself
    keep it in a variable, `{ env = "NAME" }`: this file may get committed
    "#);
    insta::assert_snapshot!(error(&with("key = \"x\"")), @"
    DIR/p.toml:3: unknown key `key` in [github.app]
    known: id, installation, private_key
    ");
    insta::assert_snapshot!(error(&World::new("list").file("[github]\napp = 7\n")), @"`github.app` (DIR/p.toml:2) must be a table, not an integer");
    let world = || World::new("list").env("GHARUN_APP_PRIVATE_KEY", "key");
    insta::assert_snapshot!(error(&world().env("GHARUN_APP_ID", "-----BEGIN RSA")), @"`$GHARUN_APP_ID` must be the client ID (`Iv…`) or app ID of a GitHub App, as shown on the app's settings page, not another value");
    let installation = world()
        .env("GHARUN_APP_ID", "7")
        .env("GHARUN_APP_INSTALLATION", "acme");
    insta::assert_snapshot!(error(&installation), @"`$GHARUN_APP_INSTALLATION` must be the number at the end of the installation's URL, not another value");
}

#[test]
fn an_enterprise_needs_a_token() {
    let world = World::new("list --enterprise acme").file(TABLE);
    let (settings, _) = world.settings().expect("it resolves");
    let error = settings.github.token().expect_err("no app can");
    assert!(
        error
            .to_string()
            .contains("cannot manage the runners of an enterprise")
    );
    let (settings, _) = World::new("list --org acme")
        .file(TABLE)
        .settings()
        .expect("it resolves");
    assert!(settings.github.token().is_ok());
}
