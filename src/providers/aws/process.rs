//! A command that gives AWS credentials (`credential_process`), run without the tokens of others: the SDK would let it
//! have all of them, and every process of the same user can read what it has.

use std::borrow::Cow;
use std::fmt;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};
use aws_types::os_shim_internal::{Env, Fs};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::process::Command;

use crate::model::child;

/// What of a profile the SDK prefers to a command.
pub(super) const STRONGER: [&str; 7] = [
    "credential_source",
    "login_session",
    "role_arn",
    "source_profile",
    "sso_account_id",
    "sso_session",
    "web_identity_token_file",
];

/// The command of a profile.
pub(super) struct CredentialProcess {
    command: String,
}

impl fmt::Debug for CredentialProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialProcess").finish_non_exhaustive() // its arguments may be secrets
    }
}

impl CredentialProcess {
    /// The command of a profile, or of the one that the AWS tools' settings choose; `None` where its credentials come
    /// from elsewhere, and where the settings cannot be read, which the SDK tells better.
    pub(super) async fn find(profile: Option<&str>) -> Option<Self> {
        Self::of(&Fs::real(), &Env::real(), profile).await
    }

    async fn of(fs: &Fs, env: &Env, profile: Option<&str>) -> Option<Self> {
        let chosen = profile.map(|name| Cow::Owned(name.to_owned()));
        #[expect(
            clippy::default_trait_access,
            reason = "its type has no name here that is not deprecated"
        )]
        let files = Default::default();
        let profiles = aws_config::profile::load(fs, env, &files, chosen)
            .await
            .ok()?;
        let profile = profiles.get_profile(profiles.selected_profile())?;
        if STRONGER.iter().any(|key| profile.get(key).is_some()) {
            return None;
        }
        let command = profile.get("credential_process")?.to_owned();
        Some(Self { command })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &self.command])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        child::withhold_tokens(&mut command);
        command
    }

    async fn run(&self) -> Provided {
        let failed =
            |why: String| CredentialsError::provider_error(format!("`credential_process` {why}"));
        let output = self.command().output().await;
        let output = output.map_err(|error| failed(format!("could not be run: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!(
                "failed with {}: {}",
                output.status,
                said.trim()
            )));
        }
        // What it printed may be a secret, and is not told.
        read(&output.stdout)
            .ok_or_else(|| failed("did not print the JSON that AWS asks for".into()))
    }
}

/// Reads what a command printed.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
fn read(printed: &[u8]) -> Option<Credentials> {
    let printed: Map<String, Value> = serde_json::from_slice(printed).ok()?;
    let value = |key: &str| {
        let mut values = printed.iter();
        values
            .find(|(own, _)| own.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    };
    let text = |key: &str| value(key).and_then(Value::as_str).map(str::to_owned);
    if value("Version")?.as_i64() != Some(1) {
        return None;
    }
    let expires = match text("Expiration") {
        Some(time) => {
            let since_epoch = time.parse::<Timestamp>().ok()?.as_second();
            let since_epoch = Duration::from_secs(since_epoch.try_into().ok()?);
            Some(SystemTime::UNIX_EPOCH + since_epoch)
        }
        None => None,
    };
    Some(Credentials::new(
        text("AccessKeyId")?,
        text("SecretAccessKey")?,
        text("SessionToken"),
        expires,
        "CredentialProcess",
    ))
}

impl ProvideCredentials for CredentialProcess {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.run())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn find(config: &str, profile: Option<&str>) -> Option<CredentialProcess> {
        let (fs, env) = (
            Fs::from_slice(&[("/home/me/.aws/config", config)]),
            Env::from_slice(&[("HOME", "/home/me")]),
        );
        CredentialProcess::of(&fs, &env, profile).await
    }

    #[tokio::test]
    async fn the_command_of_a_profile_is_run_without_the_tokens_of_others() {
        child::withhold("MY_NEBIUS_KEY");
        let config =
            "[default]\ncredential_process = one\n[profile b]\ncredential_process = two --x\n";
        let default = find(config, None).await.expect("it has one");
        assert_eq!(default.command, "one");
        let b = find(config, Some("b")).await.expect("it has one");
        assert_eq!(b.command, "two --x");
        let command = b.command();
        let removed: Vec<_> = command
            .as_std()
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .filter_map(|(name, _)| name.to_str())
            .collect();
        for name in ["GH_PAT", "GITHUB_TOKEN", "MY_NEBIUS_KEY", "RUNPOD_API_KEY"] {
            assert!(removed.contains(&name), "{name}: {removed:?}");
        }
        assert!(!removed.iter().any(|name| name.starts_with("AWS_")));
    }

    #[tokio::test]
    async fn what_the_sdk_prefers_to_a_command_is_the_sdks() {
        for config in [
            "[default]\naws_access_key_id = a\naws_secret_access_key = b\n",
            "[default]\ncredential_process = one\nsso_session = s\n",
            "[default]\ncredential_process = one\nrole_arn = r\nsource_profile = b\n",
            "[profile b]\ncredential_process = one\n",
            "[default\n",
        ] {
            assert!(find(config, None).await.is_none(), "{config}");
        }
    }

    #[tokio::test]
    async fn what_it_prints_are_credentials_or_an_error_that_shows_none() {
        let run = async |command: &str| {
            let command = command.to_owned();
            CredentialProcess { command }.provide_credentials().await
        };
        let given = run(
            r#"echo '{"Version":1,"accesskeyid":"AKIA","SecretAccessKey":"s","SessionToken":"t","Expiration":"2027-01-01T00:00:00Z"}'"#,
        );
        let given = given.await.expect("they are whole");
        assert_eq!(
            (given.access_key_id(), given.session_token()),
            ("AKIA", Some("t"))
        );
        assert!(given.expiry().is_some());
        for (command, told) in [
            ("echo hunter2", "did not print the JSON"),
            (
                r#"echo '{"Version":2,"AccessKeyId":"hunter2"}'"#,
                "did not print the JSON",
            ),
            (
                "echo hunter2; echo no login >&2; exit 3",
                "exit status: 3: no login",
            ),
        ] {
            let error = run(command).await.expect_err("it is none");
            let whole = crate::model::chain(&error);
            assert!(
                whole.contains(told) && !whole.contains("hunter2"),
                "{whole}"
            );
        }
    }
}
