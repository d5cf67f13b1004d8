//! Clients of AWS's services, one for each region, all with the same credentials.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::imds::{self, region::ImdsRegionProvider};
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_types::os_shim_internal::Env;
use url::Url;

use super::ambient::{self, Trimmed};
use super::config::AwsConfig;
use super::credentials::{Diagnosis, Explained};
use super::failure::Origin;
use super::sources::Sources;
use crate::model::{causes, lock};
use crate::providers::common::attempt::Attempt;
use crate::providers::{Error, ErrorKind, Result};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(4);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);
/// How long an operation may take, with all its tries. Whoever waits for a listing gives it 20 s.
const OPERATION: Duration = Duration::from_secs(18);
/// How long the SDK waits for credentials: longer than their source, which then says more.
const CREDENTIALS: Duration = Duration::from_secs(10);
/// How long an instance's own metadata service may take: it is next door, or not there.
const INSTANCE: Duration = Duration::from_secs(1);
/// How long reading the settings of the AWS tools may take.
const LOAD: Duration = Duration::from_secs(8);
/// How often an operation is tried that changes nothing, or that may be done twice.
const TRIES: u32 = 3;

/// The error for credentials that were not found: as their source explains it, where it does.
fn no_credentials(error: &CredentialsError) -> Error {
    let told = causes(error).find_map(|cause| cause.downcast_ref::<Diagnosis>());
    let told = told.cloned();
    told.unwrap_or_else(|| Diagnosis::none(&Env::real()))
        .error()
}

/// Who answers as EC2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// AWS itself, also by an endpoint of one's own network.
    Aws,
    /// A server of EC2's kind.
    Other,
}

impl Server {
    /// The names of AWS's own endpoints end so, in all its parts.
    /// <https://docs.aws.amazon.com/general/latest/gr/rande.html>
    const OF_AWS: [&'static str; 6] = [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".amazonaws.eu",
        ".api.aws",
        ".amazonwebservices.com.cn",
        ".amazonwebservices.eu",
    ];

    fn at(endpoint: Option<&str>) -> Self {
        let url = endpoint.and_then(|endpoint| Url::parse(endpoint).ok());
        let host = url.as_ref().and_then(Url::host_str);
        let is_aws = |host: &str| Self::OF_AWS.iter().any(|end| host.ends_with(end));
        if host.is_none_or(is_aws) {
            Self::Aws
        } else {
            Self::Other
        }
    }
}

/// Clients, made when they are first asked for.
pub(super) struct Clients {
    named: Vec<String>,
    profile: Option<String>,
    endpoint: Option<String>,
    allow_plain_http: bool,
    base: Attempt<SdkConfig>,
    ec2: Mutex<BTreeMap<String, aws_sdk_ec2::Client>>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("named", &self.named)
            .field("profile", &self.profile)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Clients {
    pub(super) fn new(config: &AwsConfig) -> Self {
        Self {
            named: config.named_regions(),
            profile: config.profile.clone(),
            endpoint: config.endpoint.clone(),
            allow_plain_http: config.allow_plain_http,
            base: Attempt::default(),
            ec2: Mutex::default(),
        }
    }

    /// The regions where machines are launched, in order: those of the table, else the one of the AWS
    /// tools' own settings.
    pub(super) async fn regions(&self) -> Result<Vec<String>> {
        if !self.named.is_empty() {
            return Ok(self.named.clone());
        }
        let base = self.base().await?;
        let region = base.region().map(ToString::to_string);
        region.map(|region| vec![region]).ok_or_else(|| {
            Error::setting("region", "no AWS region is set")
                .because("looked at `$AWS_REGION`, `$AWS_DEFAULT_REGION`, the profile in `~/.aws/config`, and the instance this runs on")
                .hinted("set `region` or `$AWS_REGION`")
        })
    }

    /// Finds out whether there is a region and there are credentials; what they may do is not asked.
    pub(super) async fn resolve(&self) -> Result<()> {
        self.regions().await?;
        let base = self.base().await?;
        let Some(provider) = base.credentials_provider() else {
            return Err(Diagnosis::none(&Env::real()).error());
        };
        match provider.provide_credentials().await {
            Err(error @ CredentialsError::CredentialsNotLoaded(_)) => Err(no_credentials(&error)),
            // Credentials that are there and cannot be had just now: whoever is asked will say so.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Refuses to send boot scripts to EC2 unencrypted.
    pub(super) async fn encrypted(&self) -> Result<()> {
        if self.allow_plain_http {
            return Ok(());
        }
        let base = self.base().await?;
        let endpoint = ambient::endpoint(&base, "EC2")?;
        endpoint.map_or(Ok(()), |endpoint| {
            ambient::encrypted(&endpoint, self.endpoint.is_some())
        })
    }

    /// What requests to a region are sent with.
    pub(super) fn origin(&self, region: &str) -> Origin {
        Origin {
            region: Some(region.to_owned()),
            profile: self.profile.clone(),
        }
    }

    /// EC2 in a region.
    pub(super) async fn ec2(&self, region: &str) -> Result<aws_sdk_ec2::Client> {
        let base = self.base().await?;
        let endpoint = ambient::endpoint(&base, "EC2")?;
        let mut clients = lock(&self.ec2);
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            let region = Region::new(region.to_owned());
            let mut config = aws_sdk_ec2::config::Builder::from(&base).region(region);
            config.set_endpoint_url(endpoint);
            aws_sdk_ec2::Client::from_conf(config.build())
        });
        Ok(client.clone())
    }

    /// Who answers as EC2.
    pub(super) async fn server(&self) -> Result<Server> {
        let base = self.base().await?;
        let endpoint = ambient::endpoint(&base, "EC2")?;
        Ok(Server::at(endpoint.as_deref()))
    }

    /// The parameters of a region.
    pub(super) async fn ssm(&self, region: &str) -> Result<aws_sdk_ssm::Client> {
        let base = self.base().await?;
        let region = Region::new(region.to_owned());
        let mut config = aws_sdk_ssm::config::Builder::from(&base).region(region);
        config.set_endpoint_url(ambient::endpoint(&base, "SSM")?);
        Ok(aws_sdk_ssm::Client::from_conf(config.build()))
    }

    /// Whoever tells whose the credentials are.
    pub(super) async fn sts(&self, region: &str) -> Result<aws_sdk_sts::Client> {
        let base = self.base().await?;
        let region = Region::new(region.to_owned());
        let mut config = aws_sdk_sts::config::Builder::from(&base).region(region);
        config.set_endpoint_url(ambient::endpoint(&base, "STS")?);
        Ok(aws_sdk_sts::Client::from_conf(config.build()))
    }

    async fn base(&self) -> Result<SdkConfig> {
        self.base.get(async || self.load().await).await
    }

    async fn load(&self) -> Result<SdkConfig> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(TRY)
            .operation_timeout(OPERATION)
            .build();
        // Elsewhere nobody answers there, and the SDK would try four times.
        let instance = imds::Client::builder()
            .max_attempts(1)
            .connect_timeout(INSTANCE)
            .read_timeout(INSTANCE)
            .build();
        let region = self.region(&instance).await;
        let retries = RetryConfig::standard().with_max_attempts(TRIES);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts.clone())
            .retry_config(retries.clone())
            // One for all regions, so that a command that gives credentials is run once.
            .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS).build());
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        let sources = Sources {
            profile: self.profile.as_deref(),
            endpoint: self.endpoint.as_deref(),
            region: region.clone(),
            timeouts,
            retries,
            instance,
        };
        sources.agree().await?;
        let source = Explained::new(Trimmed(sources.provider().await), self.profile.clone());
        loader = loader.credentials_provider(source).region(region);
        tokio::time::timeout(LOAD, loader.load())
            .await
            .map_err(|_| {
                Error::new(
                    ErrorKind::Unavailable,
                    "timed out reading the configuration of the AWS tools",
                )
                .hinted(
                    "set `region` or `$AWS_REGION`; outside EC2, set \
                     `$AWS_EC2_METADATA_DISABLED=true`",
                )
            })
    }

    /// The region of the table, else the one that the AWS tools' settings give. A variable that is empty is not set.
    async fn region(&self, instance: &imds::Client) -> Option<Region> {
        if let Some(region) = self.named.first() {
            return Some(Region::new(region.clone()));
        }
        let env = Env::real();
        let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter();
        let mut set = variables.filter_map(|name| env.get(name).ok());
        if let Some(region) = set.find(|region| !region.trim().is_empty()) {
            return Some(Region::new(region.trim().to_owned()));
        }
        let mut profile = ProfileFileRegionProvider::builder();
        if let Some(name) = &self.profile {
            profile = profile.profile_name(name);
        }
        let of_instance = ImdsRegionProvider::builder().imds_client(instance.clone());
        RegionProviderChain::first_try(profile.build())
            .or_else(of_instance.build())
            .region()
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_is_told_from_servers_of_its_kind() {
        for (endpoint, server) in [
            (None, Server::Aws),
            (Some("https://ec2.eu-west-1.amazonaws.com"), Server::Aws),
            (
                Some("https://vpce-1-x.ec2.us-east-1.vpce.amazonaws.com"),
                Server::Aws,
            ),
            (
                Some("https://ec2.cn-north-1.amazonaws.com.cn/"),
                Server::Aws,
            ),
            (Some("http://127.0.0.1:5000"), Server::Other),
            (Some("https://ec2.example.com"), Server::Other),
            (Some("https://amazonaws.com.example.com"), Server::Other),
        ] {
            assert_eq!(Server::at(endpoint), server, "{endpoint:?}");
        }
    }
}
