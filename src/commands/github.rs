//! GitHub as the settings give it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use crate::actions::Actions;
use crate::bootstrap::Package;
use crate::error::{Exit, Failure};
use crate::github::{
    self, AppKey, Client, ClientConfig, ClientEvent, DEFAULT_GROUP, Download, GitHubApp, Observer,
    TokenSource,
};
use crate::model::server::api_url;
use crate::model::text::span;
use crate::model::{RunnerVersion, Secret, SecretSource};
use crate::settings::{self, GitHubCredential};
use crate::ui::Ui;

impl Context {
    /// What a client of GitHub is made of here, but for its token.
    pub(super) fn config(&self) -> Result<ClientConfig, Failure> {
        let github = &self.settings.github;
        let named = github.api_url.as_ref();
        let api_url = named.map_or_else(|| api_url(&github.server), |named| named.value.clone());
        github.encrypted(&api_url)?;
        Ok(ClientConfig {
            api_url,
            scope: github.scope()?.clone(),
            token: None,
            group: DEFAULT_GROUP,
            bounds: crate::http::Bounds::default(),
            roots: github
                .ca_bundle
                .as_ref()
                .map(|setting| setting.value.clone()),
            observer: self.observer(),
        })
    }

    /// GitHub for the scope and the token of the settings; the token is masked before its first use.
    pub(super) async fn github(&self) -> Result<Client, Failure> {
        let client = self.github.get_or_try_init(|| self.open_github()).await?;
        // A source that gives none is found out before anything is done: the setting that names it is wrong.
        client.token().await.map_err(|error| {
            let given = self.settings.github.token.as_ref();
            let kept = given.is_some_and(|given| matches!(given.value, GitHubCredential::Token(_)));
            let unread = kept && error.kind == github::ErrorKind::Unauthorized;
            let failure = Failure::from(error);
            if unread {
                failure.map(|_| Exit::Usage)
            } else {
                failure
            }
        })?;
        Ok(client.clone())
    }

    async fn open_github(&self) -> Result<Client, Failure> {
        let config = self.config()?;
        let token = match self.settings.github.token() {
            Ok(given) => match &given.value {
                GitHubCredential::App(app) => TokenSource::App(self.app(app).await?),
                GitHubCredential::Token(source) => TokenSource::Source {
                    source: source.clone(),
                    called: Some(given.subject("github.token")),
                },
            },
            Err(none) => self.token_of_gh().await.ok_or(none)?,
        };
        Ok(Client::new(ClientConfig {
            token: Some(token),
            ..config
        })?)
    }

    /// The token of `gh`, where it may be asked and has one for this server; it is said that it is used.
    async fn token_of_gh(&self) -> Option<TokenSource> {
        let github = &self.settings.github;
        let host = github.host();
        if !github.asks_gh {
            return None;
        }
        let token = super::gh::token(&host).await?;
        self.ui
            .status(&format!("Using the token of `gh` for {host}"));
        Some(TokenSource::Source {
            source: SecretSource::Literal(token),
            called: Some(format!("`{}`", super::gh::asked(&host))),
        })
    }

    /// The app with its key, which is masked before anything is done with it.
    async fn app(&self, given: &settings::AppSetting) -> Result<GitHubApp, Failure> {
        let what = "the private key of the GitHub App";
        let settings::Setting { value, origin } = &given.key;
        let text = value
            .text(&given.key.subject("github.app.private_key"))
            .await;
        let text = text.map_err(|error| error.map(|()| Exit::Usage))?;
        let key = AppKey::read(text.expose())
            .map_err(|why| Failure::usage(format!("{what} ({origin}) {why}")).hinted(why.hint()))?;
        self.actions.mask(key.secret())?;
        // The first and the last line of a PEM are no secrets, but a key in one line is one as it is.
        if text.expose().trim().lines().count() == 1 {
            self.actions.mask(&Secret::new(text.expose().trim()))?;
        }
        Ok(GitHubApp {
            id: given.id.value.clone(),
            installation: given.installation,
            key_from: Some(given.key.subject("github.app.private_key")),
            key,
        })
    }

    /// Masks what comes into being at GitHub, and shows what it waits for.
    fn observer(&self) -> Observer {
        let (actions, ui) = (Arc::clone(&self.actions), self.ui.clone());
        Observer::new(move |notice| match notice {
            ClientEvent::Secret(secret) => actions.mask(secret),
            ClientEvent::Waiting {
                reason,
                until,
                lasts,
            } => {
                let until = until.round(jiff::Unit::Second).unwrap_or(until);
                let lasts = span(lasts);
                ui.status(&format!("Waiting until {until}, in {lasts}: {reason}"));
                Ok(())
            }
            ClientEvent::ClockDiffers { ahead } => {
                let side = if ahead.is_positive() {
                    "ahead of"
                } else {
                    "behind"
                };
                let far = span(ahead.unsigned_abs());
                warn(
                    &ui,
                    &actions,
                    &format!(
                        "GitHub's clock is {far} {side} this computer's: check the time here; until both \
                         agree, gharun ends nothing that is overdue by only one of them"
                    ),
                )
            }
            ClientEvent::Moved { scope } => warn(
                &ui,
                &actions,
                &format!(
                    "`{scope}` was renamed or transferred; update it to the new name before \
                         someone else claims the old one"
                ),
            ),
        })
    }
}

/// Says a warning where it is seen: in a step as an annotation.
fn warn(ui: &Ui, actions: &Actions, text: &str) -> std::io::Result<()> {
    if actions.listens() {
        return actions.warn(text);
    }
    ui.warning(text);
    Ok(())
}

/// GitHub's limits are waited for as long as a command may take.
pub(super) fn patient(github: &Client, at_most: Duration) -> Client {
    // Where no clock reaches that far, an operation's own bound is long enough.
    let end = Instant::now().checked_add(at_most);
    end.map_or_else(|| github.clone(), |end| github.patient(end))
}

/// The archives that machines may need; one without a checksum is none.
pub(super) async fn packages(
    github: &Client,
    version: &RunnerVersion,
) -> Result<Vec<Package>, Failure> {
    let downloads = github.packages(version).await?;
    let package = |download: Download| {
        let version = download.version()?.to_owned();
        let unix = download.os == "linux" || download.os == "osx";
        unix.then_some(Package {
            version,
            os: download.os,
            architecture: download.architecture,
            url: download.download_url,
            sha256: download.sha256_checksum?,
            // It is a word of the script; GitHub's are of such characters.
            token: download.temp_download_token.filter(|token| {
                let token = token.expose();
                let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\'".contains(&byte);
                !token.is_empty() && token.bytes().all(is_plain)
            }),
        })
    };
    let packages: Vec<Package> = downloads.into_iter().filter_map(package).collect();
    if packages.is_empty() {
        return Err(Failure::new(
            Exit::Failed,
            "GitHub lists no runner download with a checksum; refusing to run one unverified",
        ));
    }
    Ok(packages)
}
