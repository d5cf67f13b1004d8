//! Where credentials come from, each source asked as all else is asked: in the region, at the endpoint and within the
//! time limits of the settings.

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::{self, credentials::ImdsCredentialsProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{self, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::os_shim_internal::{Env, Fs};

use super::ambient;
use super::process::{CredentialProcess, STRONGER};
use crate::providers::{Error, Result};

/// What a credentials file calls the profile that stands for the variables of a web identity.
const OF_VARIABLES: &str = "gharun";

/// The variables that say where requests for credentials are sent, and where all services are that have none of their own.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
const ENDPOINTS: [&str; 5] = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SIGNIN",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_ENDPOINT_URL_STS",
];

/// The files of the AWS tools.
#[expect(deprecated, reason = "its type has no other name here")]
type Files = profile::profile_file::ProfileFiles;
#[expect(deprecated, reason = "its type has no other name here")]
type FileKind = profile::profile_file::ProfileFileKind;

/// What requests for credentials are sent with.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    /// The profile of the settings.
    pub(super) profile: Option<&'a str>,
    /// The endpoint of the settings.
    pub(super) endpoint: Option<&'a str>,
    /// The region of roles and web identities.
    pub(super) region: Option<Region>,
    /// The time limits.
    pub(super) timeouts: TimeoutConfig,
    /// How often a request is tried.
    pub(super) retries: RetryConfig,
    /// The instance that this runs on.
    pub(super) instance: imds::Client,
}

impl Sources<'_> {
    /// The source of a profile that the settings name, whatever variables there are; else the whole chain of the AWS tools.
    pub(super) async fn provider(&self) -> SharedCredentialsProvider {
        let process = CredentialProcess::find(self.profile).await;
        match (process, self.profile) {
            (Some(process), Some(_)) => SharedCredentialsProvider::new(process),
            (None, Some(name)) => SharedCredentialsProvider::new(self.of_profile(Some(name)).await),
            // Those of the environment come first, as in the SDK's own chain.
            (Some(process), None) => SharedCredentialsProvider::new(
                CredentialsProviderChain::first_try("Environment", of_variables())
                    .or_else("CredentialProcess", process),
            ),
            (None, None) if self.endpoint.is_some() || has_blank_identity(&Env::real()) => {
                SharedCredentialsProvider::new(self.chain().await)
            }
            (None, None) => {
                let chain = DefaultCredentialsChain::builder()
                    .configure(self.settings())
                    .region(self.region.clone())
                    .imds_client(self.instance.clone());
                SharedCredentialsProvider::new(chain.build().await)
            }
        }
    }

    /// Refuses a variable that leads requests for credentials elsewhere than the settings: the SDK prefers it.
    ///
    /// # Errors
    ///
    /// A `Config` error that names both.
    pub(super) async fn agree(&self) -> Result<()> {
        let Some(endpoint) = self.endpoint else {
            return Ok(());
        };
        let env = Env::real();
        let differs = |name: &&str| {
            let other = set(&env, name);
            other.is_some_and(|other| !ambient::is_same(&other, endpoint))
        };
        let Some(name) = ENDPOINTS.into_iter().find(differs) else {
            return Ok(());
        };
        if !self.asks_for_credentials(&Fs::real(), &env).await {
            return Ok(());
        }
        let what = format!(
            "`endpoint` and `${name}` are different addresses, and requests for credentials would be sent to that of the \
             variable"
        );
        Err(Error::setting("endpoint", what)
            .hinted(format!("unset `${name}`, or leave `endpoint` out")))
    }

    /// Whether a service of AWS is asked for the credentials; keys that are given and those of commands, containers and
    /// instances come from elsewhere.
    async fn asks_for_credentials(&self, fs: &Fs, env: &Env) -> bool {
        let is_set = |name: &str| set(env, name).is_some();
        let chosen = self.profile.map(|name| name.to_owned().into());
        if chosen.is_none() && is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY") {
            return false;
        }
        // What cannot be read gives no credentials, which the SDK tells better.
        let read = profile::load(fs, env, &Files::default(), chosen).await.ok();
        let has = |keys: &[&str]| {
            let profile = read
                .as_ref()
                .and_then(|read| read.get_profile(read.selected_profile()));
            profile.is_some_and(|profile| keys.iter().any(|key| profile.get(key).is_some()))
        };
        let has_others = || has(&["aws_access_key_id", "credential_process"]);
        has(&STRONGER)
            || self.profile.is_none() && !has_others() && is_set("AWS_WEB_IDENTITY_TOKEN_FILE")
    }

    /// The SDK's chain, whose sources would not learn of the endpoint of the settings, and take a blank variable for a file.
    async fn chain(&self) -> CredentialsProviderChain {
        let mut chain = CredentialsProviderChain::first_try("Environment", of_variables())
            .or_else("Profile", self.of_profile(None).await);
        if let Some(files) = self.web_identity(&Env::real()) {
            let identity = self.reader(Some(OF_VARIABLES)).profile_files(files);
            chain = chain.or_else("WebIdentityToken", identity.build());
        }
        let container = EcsCredentialsProvider::builder().configure(&self.settings());
        chain
            .or_else("EcsContainer", container.build())
            .or_else("Ec2InstanceMetadata", self.of_instance())
    }

    async fn of_profile(&self, name: Option<&str>) -> ProfileFileCredentialsProvider {
        let mut reader = self.reader(name);
        if let Some(files) = self.files(name, &Fs::real(), &Env::real()).await {
            reader = reader.profile_files(files);
        }
        reader.build()
    }

    fn reader(&self, name: Option<&str>) -> profile::credentials::Builder {
        let reader = ProfileFileCredentialsProvider::builder()
            .configure(&self.settings())
            .with_custom_provider("Ec2InstanceMetadata", self.of_instance());
        match name {
            Some(name) => reader.profile_name(name),
            None => reader,
        }
    }

    fn settings(&self) -> ProviderConfig {
        ProviderConfig::without_region()
            .with_region(self.region.clone())
            .with_timeout_config(self.timeouts.clone())
            .with_retry_config(self.retries.clone())
    }

    fn of_instance(&self) -> ImdsCredentialsProvider {
        ImdsCredentialsProvider::builder()
            .configure(&self.settings())
            .imds_client(self.instance.clone())
            .build()
    }

    /// The files of the AWS tools with the endpoint of the settings written into the profile that is used: its requests
    /// are sent where that says. `None` where there is nothing to write, or no such profile, which the SDK tells better.
    async fn files(&self, name: Option<&str>, fs: &Fs, env: &Env) -> Option<Files> {
        let endpoint = self.endpoint?;
        let chosen = name.map(|name| name.to_owned().into());
        let read = profile::load(fs, env, &Files::default(), chosen)
            .await
            .ok()?;
        let selected = read.selected_profile();
        read.get_profile(selected)?;
        // Services that the profile has other endpoints for come before that of all.
        let text = format!("[{selected}]\nendpoint_url = {endpoint}\nservices = {OF_VARIABLES}\n");
        let files = Files::builder()
            .include_default_config_file(true)
            .include_default_credentials_file(true)
            .with_contents(FileKind::Credentials, text);
        Some(files.build())
    }

    /// A file with the web identity of the variables, if they name one.
    fn web_identity(&self, env: &Env) -> Option<Files> {
        let token = set(env, "AWS_WEB_IDENTITY_TOKEN_FILE")?;
        let role = set(env, "AWS_ROLE_ARN")?;
        let mut text =
            format!("[{OF_VARIABLES}]\nrole_arn = {role}\nweb_identity_token_file = {token}\n");
        if let Some(session) = set(env, "AWS_ROLE_SESSION_NAME") {
            text = format!("{text}role_session_name = {session}\n");
        }
        if let Some(endpoint) = self.endpoint {
            text = format!("{text}endpoint_url = {endpoint}\n");
        }
        let files = Files::builder().with_contents(FileKind::Credentials, text);
        Some(files.build())
    }
}

/// The value of a variable; one that is blank is not set.
fn set(env: &Env, name: &str) -> Option<String> {
    let value = env.get(name).ok()?;
    (!value.trim().is_empty()).then_some(value)
}

/// Whether the variables of a web identity are there, and not filled.
fn has_blank_identity(env: &Env) -> bool {
    let mut names = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"].into_iter();
    names.any(|name| env.get(name).is_ok() && set(env, name).is_none())
}

fn of_variables() -> EnvironmentVariableCredentialsProvider {
    EnvironmentVariableCredentialsProvider::new()
}
