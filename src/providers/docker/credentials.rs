//! What the Docker client knows for a registry: its `config.json` and the helpers that it names.
//!
//! The protocol of the helpers: <https://github.com/docker/docker-credential-helpers>.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::endpoint::read;
use crate::model::{child, text};
use crate::providers::{Error, ErrorKind, Result};

/// The key under which the client keeps what it knows for Docker Hub.
const HUB: &str = "https://index.docker.io/v1/";

/// How long a helper may take: it may ask a keychain, and the keychain a person.
const HELPER: Duration = Duration::from_secs(30);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AuthFile {
    auths: HashMap<String, AuthEntry>,
    creds_store: Option<String>,
    cred_helpers: HashMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthEntry {
    auth: Option<String>,
    identitytoken: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// The registry of an image, as the client calls it.
pub(super) fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// What the client knows for a registry, and why it could not be asked for more.
#[derive(Debug, Default)]
pub(super) struct Login {
    /// What is sent to the registry; without it one asks as nobody, which is enough for a public image.
    pub(super) known: Option<DockerCredentials>,
    /// Why a helper did not answer, or the file could not be read. As for the `docker` command it matters only where the
    /// registry says no.
    failed: Option<Error>,
}

impl Login {
    /// The same refusal of the registry with why no credentials went to it, where that is known.
    pub(super) fn explain(&self, refused: Error) -> Error {
        let Some(failed) = self
            .failed
            .as_ref()
            .filter(|_| refused.key() == Some("image"))
        else {
            return refused;
        };
        let why = crate::model::chain(failed);
        let helps = failed.hints().join("; ");
        let hints = refused.hints().to_vec();
        refused
            .unhinted()
            .hinted(format!("no credentials were sent: {why}: {helps}"))
            .hinted_all(hints)
    }
}

/// The credentials for a registry, as far as they can be found.
pub(super) async fn login(config_dir: Option<&Path>, registry: &str) -> Login {
    match find(config_dir, registry).await {
        Ok(known) => Login {
            known,
            failed: None,
        },
        Err(error) => {
            tracing::debug!("{}", crate::model::chain(&error));
            Login {
                known: None,
                failed: Some(error),
            }
        }
    }
}

/// Finds the credentials for a registry; `None` when the client knows none, and asks as nobody.
///
/// # Errors
///
/// `Config` when the file cannot be read, or when a helper that it names fails: it is named.
async fn find(config_dir: Option<&Path>, registry: &str) -> Result<Option<DockerCredentials>> {
    let Some(dir) = config_dir else {
        return Ok(None);
    };
    let file: AuthFile = read(&dir.join("config.json"), "config_dir")?.unwrap_or_default();
    let key = match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => HUB,
        other => other,
    };
    let helper = file.cred_helpers.get(key).or_else(|| {
        file.cred_helpers
            .get(registry)
            .or(file.creds_store.as_ref())
    });
    if let Some(helper) = helper.filter(|helper| !helper.is_empty())
        && let Some(found) = ask(helper, key).await?
    {
        return Ok(Some(found));
    }
    let entry = file.auths.get(key).or_else(|| {
        let mut entries = file.auths.iter();
        entries
            .find(|(at, _)| bare(at) == bare(key))
            .map(|(_, e)| e)
    });
    entry.map_or(Ok(None), |entry| {
        written(entry, key).map_err(|why| {
            Error::setting(
                "config_dir",
                format!(
                    "could not use the credentials for `{registry}` in `{}`",
                    dir.join("config.json").display()
                ),
            )
            .because(why)
            .hinted(format!("log in again: `docker login {registry}`"))
        })
    })
}

/// The host of a key of `auths`: old clients wrote a scheme and a path round it.
fn bare(key: &str) -> &str {
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    key.split('/').next().unwrap_or(key)
}

fn written(entry: &AuthEntry, key: &str) -> Result<Option<DockerCredentials>, &'static str> {
    let mut credentials = DockerCredentials {
        serveraddress: Some(key.to_owned()),
        identitytoken: entry.identitytoken.clone().filter(|t| !t.is_empty()),
        ..DockerCredentials::default()
    };
    if let Some(auth) = entry.auth.as_deref().filter(|auth| !auth.is_empty()) {
        let lenient =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let text = GeneralPurpose::new(&STANDARD, lenient)
            .decode(auth)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or("`auth` is not base64")?;
        let (name, password) = text
            .split_once(':')
            .ok_or("`auth` does not hold a user and a password")?;
        credentials.username = Some(name.to_owned());
        // Some clients fill the end with NUL.
        credentials.password = Some(password.trim_end_matches('\0').to_owned());
    } else {
        credentials.username.clone_from(&entry.username);
        credentials.password.clone_from(&entry.password);
    }
    let some = credentials.identitytoken.is_some()
        || (credentials.username.is_some() && credentials.password.is_some());
    Ok(some.then_some(credentials))
}

/// Asks a helper; `None` when it knows nothing for this registry.
async fn ask(helper: &str, key: &str) -> Result<Option<DockerCredentials>> {
    // It becomes a part of a program's name, which must not become a path.
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if helper.is_empty() || !helper.chars().all(plain) {
        let helper = text::cut(&text::one_line(helper), 80);
        return Err(Error::new(
            ErrorKind::Config,
            format!("the credential helper for `{key}` must be one word, not `{helper}`"),
        )
        .hinted("mend `credHelpers` or `credsStore` in Docker's `config.json`"));
    }
    ask_program(&format!("docker-credential-{helper}"), key).await
}

async fn ask_program(program: &str, key: &str) -> Result<Option<DockerCredentials>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let failed = |why: String| {
        Error::new(
            ErrorKind::Config,
            format!("could not get the credentials for `{key}` from `{program}`"),
        )
        .because(why)
        .hinted("fix it, or remove it from `credHelpers` or `credsStore` in Docker's `config.json`")
    };
    let output = match timeout(HELPER, run(program, key)).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => return Err(failed("it did not answer in time".to_owned())),
    };
    if !output.status.success() {
        // Helpers write their errors on either stream; neither holds a secret, as they failed.
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        if said.contains("credentials not found") {
            return Ok(None);
        }
        let line = text::cut(&text::one_line(&said), 200);
        return Err(failed(format!("{}: {line}", output.status)));
    }
    // What it said may be a secret, and so is not told.
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("it did not answer with the JSON of a credential helper".to_owned()))?;
    let mut credentials = DockerCredentials {
        serveraddress: Some(key.to_owned()),
        ..DockerCredentials::default()
    };
    if answer.username == "<token>" {
        credentials.identitytoken = Some(answer.secret);
    } else {
        credentials.username = Some(answer.username);
        credentials.password = Some(answer.secret);
    }
    Ok(Some(credentials))
}

/// Runs a helper, and says to it what is asked for.
async fn run(program: &str, key: &str) -> std::io::Result<Output> {
    let mut command = Command::new(program);
    command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    child::withhold_tokens(&mut command);
    let mut helper = command.spawn()?;
    if let Some(mut stdin) = helper.stdin.take() {
        match stdin.write_all(key.as_bytes()).await {
            // One that does not read what it is asked says why by its answer.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
    }
    helper.wait_with_output().await
}

#[cfg(test)]
mod tests {

    use serde_json::{Value, json};

    use super::*;
    use crate::providers::contract::chain;

    async fn look(config: Value, image: &str) -> Result<Option<DockerCredentials>> {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("config.json"), config.to_string()).expect("a file");
        find(Some(dir.path()), registry(image)).await
    }

    fn pair(found: Option<DockerCredentials>) -> Option<(String, String)> {
        let found = found?;
        found.username.zip(found.password)
    }

    #[test]
    fn an_image_tells_its_registry() {
        for (image, expected) in [
            ("ghcr.io/actions/actions-runner:latest", "ghcr.io"),
            ("localhost/x", "localhost"),
            ("host:5000/x:1", "host:5000"),
            ("ubuntu:24.04", "docker.io"),
            ("acme/app", "docker.io"),
        ] {
            assert_eq!(registry(image), expected, "{image}");
        }
    }

    #[tokio::test]
    async fn what_is_written_in_the_file_is_used() {
        // me:hunter2
        let config = json!({ "auths": {
            HUB: { "auth": "bWU6aHVudGVyMg==" },
            "https://old.example.com/v2/": { "auth": "bWU6aHVudGVyMg" },
            "plain.example.com": { "username": "me", "password": "hunter2" },
            "empty.example.com": {},
            "token.example.com": { "auth": "bWU6", "identitytoken": "t0k3n" },
        }});
        let me = Some(("me".to_owned(), "hunter2".to_owned()));
        for (image, expected) in [
            ("ubuntu", me.clone()),
            ("old.example.com/x", me.clone()),
            ("plain.example.com/x", me),
            ("empty.example.com/x", None),
            ("other.example.com/x", None),
        ] {
            let found = look(config.clone(), image).await.unwrap();
            assert_eq!(pair(found), expected, "{image}");
        }
        let found = look(config, "token.example.com/x").await.unwrap().unwrap();
        assert_eq!(found.identitytoken.as_deref(), Some("t0k3n"));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error_that_tells_no_secret() {
        let config = json!({ "auths": { "a.example.com": { "auth": "%hunter2%" } } });
        let error = look(config, "a.example.com/x")
            .await
            .expect_err("no base64");
        let said = chain(&error);
        assert!(
            said.contains("config.json") && !said.contains("hunter2"),
            "{said}"
        );
    }

    #[tokio::test]
    async fn nothing_known_is_nobody() {
        assert_eq!(find(None, "ghcr.io").await.unwrap(), None);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(find(Some(dir.path()), "ghcr.io").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_helper_that_is_not_there_is_named() {
        let config = json!({ "credHelpers": { "ghcr.io": "gharun-no-such" } });
        let error = look(config.clone(), "ghcr.io/x")
            .await
            .expect_err("no such helper");
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(
            error
                .to_string()
                .contains("docker-credential-gharun-no-such"),
            "{error}"
        );
        assert_eq!(
            look(config, "quay.io/x").await.unwrap(),
            None,
            "it is not asked for others"
        );
    }

    #[tokio::test]
    async fn a_helpers_name_is_one_word_and_never_a_path() {
        for helper in ["x/../pwn", "../pwn", "a b"] {
            let config = json!({ "credHelpers": { "evil.example": helper } });
            let error = look(config, "evil.example/x:1").await;
            let error = error.expect_err("it is not asked");
            assert_eq!(error.kind, ErrorKind::Config, "{helper}");
            assert!(error.to_string().contains("must be one word"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_helpers_answer_is_used_and_its_failure_told() {
        let dir = tempfile::tempdir().unwrap();
        let asked = async |script: &str| {
            let file = dir.path().join("docker-credential-test");
            gharun_worlds::write_program(&file, &format!("#!/bin/sh\n{script}\n"), 0o755);
            ask_program(&file.display().to_string(), "ghcr.io").await
        };
        let found = asked(r#"read -r key || :; echo "{\"ServerURL\":\"$key\",\"Username\":\"<token>\",\"Secret\":\"$key\"}""#).await;
        assert_eq!(
            found.unwrap().unwrap().identitytoken.as_deref(),
            Some("ghcr.io")
        );
        let found = asked(r#"echo '{"Username":"me","Secret":"hunter2"}'"#).await;
        assert_eq!(pair(found.unwrap()), Some(("me".into(), "hunter2".into())));
        let found = asked("echo 'credentials not found in native keychain'; exit 1").await;
        assert_eq!(found.unwrap(), None);
        let error = asked("echo 'the keychain is locked' >&2; exit 3")
            .await
            .expect_err("locked");
        assert!(
            chain(&error).contains("the keychain is locked"),
            "{}",
            chain(&error)
        );
        let error = asked("echo hunter2").await.expect_err("no JSON");
        assert!(!chain(&error).contains("hunter2"), "{}", chain(&error));
    }

    #[tokio::test]
    async fn a_helper_that_is_missing_matters_only_where_the_registry_says_no() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = json!({ "credsStore": "gharun-has-none-such" });
        std::fs::write(dir.path().join("config.json"), config.to_string()).expect("a file");
        let login = login(Some(dir.path()), "ghcr.io").await;
        assert_eq!(login.known, None, "a public image is asked for as nobody");
        let refused = || Error::new(ErrorKind::Denied, "could not pull").hinted("log in");
        let told = login.explain(refused().about("image"));
        let [why, other] = told.hints() else {
            panic!("{told:?}")
        };
        assert!(
            why.contains("docker-credential-gharun-has-none-such") && why.contains("credsStore"),
            "{why}"
        );
        assert_eq!(other, "log in");
        assert_eq!(login.explain(refused()).hints(), ["log in"]);
    }
}
