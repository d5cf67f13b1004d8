//! Sources of credentials that say why they have none, within seconds.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};
use aws_types::os_shim_internal::Env;

use super::Diagnosis;

/// How long credentials may take: a role's are asked for at an address that only AWS's machines have.
const LIMIT: Duration = Duration::from_secs(8);

/// A source of credentials whose failures say what they mean.
#[derive(Debug)]
pub(in crate::providers::aws) struct Explained<P> {
    source: P,
    /// The profile of the settings.
    profile: Option<String>,
}

impl<P> Explained<P> {
    pub(in crate::providers::aws) fn new(source: P, profile: Option<String>) -> Self {
        Self { source, profile }
    }
}

impl<P: ProvideCredentials> Explained<P> {
    async fn explained(&self) -> Provided {
        let asked = tokio::time::timeout(LIMIT, self.source.provide_credentials()).await;
        let late = |_| Err(CredentialsError::provider_timed_out(LIMIT));
        asked.unwrap_or_else(late).map_err(|error| {
            let found = Diagnosis::of(&error, self.profile.as_deref(), &Env::real());
            tracing::debug!("{}", crate::model::chain(&error));
            match error {
                CredentialsError::CredentialsNotLoaded(_) => CredentialsError::not_loaded(found),
                _ if found.is_none => CredentialsError::not_loaded(found),
                CredentialsError::InvalidConfiguration(_) => {
                    CredentialsError::invalid_configuration(found)
                }
                _ => CredentialsError::provider_error(found),
            }
        })
    }
}

impl<P: ProvideCredentials> ProvideCredentials for Explained<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.explained())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.source.fallback_on_interrupt()
    }
}
