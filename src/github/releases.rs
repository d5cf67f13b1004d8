//! The runner's archives: those that GitHub names for a scope, and those of a version.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Deserialize;

use super::client::Client;
use super::{ErrorKind, RequiredPermission, Result, scope};
use crate::model::{RunnerVersion, Secret, server};

/// An archive on offer for a scope.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Download {
    /// `linux`, `osx` or `win`.
    pub os: String,
    /// `x64`, `arm64` or `arm`.
    pub architecture: String,
    /// Where it is.
    pub download_url: String,
    /// Its file name, which tells its version.
    pub filename: String,
    /// Its checksum.
    pub sha256_checksum: Option<String>,
    /// A bearer token for the download, where it wants one; it ends soon.
    #[serde(default)]
    pub temp_download_token: Option<Secret>,
}

impl Download {
    /// The runner's version, without `v`, as the file name tells it.
    pub fn version(&self) -> Option<&str> {
        let prefix = format!("actions-runner-{}-{}-", self.os, self.architecture);
        version_in(self.filename.strip_prefix(&prefix)?)
    }
}

/// A release of `actions/runner`.
#[derive(Deserialize)]
struct Release {
    assets: Vec<Asset>,
    #[serde(default)]
    published_at: Option<Timestamp>,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    browser_download_url: String,
    /// `sha256:HEX`; releases of before 2025 have none.
    #[serde(default)]
    digest: Option<String>,
}

impl Client {
    pub(super) async fn own_downloads(&self) -> Result<Vec<Download>> {
        let message = format!("could not list the runner downloads for `{}`", self.scope());
        let right = RequiredPermission::Runners {
            scope: self.scope(),
            group: None,
        };
        let operation = self.begin(message, right);
        let url = self.in_scope(&["actions", "runners", "downloads"])?;
        let answer = operation.fetch(&url).await?;
        let read = operation.read_at(&url, &answer);
        if read.is_ok() {
            self.shared.sees_runners.store(true, Ordering::Relaxed);
        }
        // It is the first thing that is asked: what it is refused for, everything is refused for.
        read.map_err(|error| match error.kind {
            ErrorKind::Unauthorized => error.saying("GitHub does not accept the token"),
            ErrorKind::Forbidden | ErrorKind::NotFound => {
                error.saying(format!("no access to the runners of `{}`", self.scope()))
            }
            _ => error,
        })
    }

    /// The archives of a version of the runner, one for each platform; the checksum is missing only
    /// where GitHub tells none.
    ///
    /// `Latest` is what GitHub names for the scope. A GHES has its own versions and offers no others;
    /// elsewhere any release of `actions/runner` will do.
    pub async fn packages(&self, version: &RunnerVersion) -> Result<Vec<Download>> {
        let ghes = server::is_ghes(self.api_url());
        match version {
            RunnerVersion::Exact(version) if ghes => {
                let own = self.own_downloads().await?;
                let named: Vec<_> = of_version(&own, version).cloned().collect();
                if named.is_empty() {
                    return Err(self.not_offered(version, &own));
                }
                Ok(named)
            }
            RunnerVersion::Exact(version) => self.archives(&["tags", &format!("v{version}")]).await,
            // What anybody can know; a GHES tells nothing to strangers.
            RunnerVersion::Latest if self.token().await?.is_none() && !ghes => {
                self.archives(&["latest"]).await
            }
            RunnerVersion::Latest => {
                let mut own = self.own_downloads().await?;
                if own.is_empty() && !ghes {
                    return self.archives(&["latest"]).await;
                }
                if !ghes {
                    self.complete(&mut own).await?;
                }
                Ok(own)
            }
        }
    }

    /// Takes checksums that the scope's list lacks from the release.
    async fn complete(&self, own: &mut [Download]) -> Result<()> {
        let bare = own.iter().find(|own| own.sha256_checksum.is_none());
        let Some(version) = bare.and_then(Download::version).map(str::to_owned) else {
            return Ok(());
        };
        let release = match self.archives(&["tags", &format!("v{version}")]).await {
            Ok(release) => release,
            // Nothing is run unverified: the caller sees that the checksum is missing.
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for bare in own.iter_mut().filter(|own| own.sha256_checksum.is_none()) {
            let same = release.iter().find(|of| of.filename == bare.filename);
            bare.sha256_checksum = same.and_then(|same| same.sha256_checksum.clone());
        }
        Ok(())
    }

    /// When a version was released; `None` where there is no such release.
    pub(super) async fn released(&self, version: &str) -> Result<Option<Timestamp>> {
        match self.release(&["tags", &format!("v{version}")]).await {
            Ok(release) => Ok(release.published_at),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The archives of a release.
    async fn archives(&self, which: &[&str]) -> Result<Vec<Download>> {
        let downloads = self.release(which).await?.downloads();
        if downloads.is_empty() {
            let why = "the release has no runner downloads";
            return Err(super::Error::new(ErrorKind::NotFound, looking_up(which)).because(why));
        }
        Ok(downloads)
    }

    async fn release(&self, which: &[&str]) -> Result<Release> {
        let operation = self.begin(looking_up(which), RequiredPermission::Public);
        let path = ["repos", "actions", "runner", "releases"];
        let url = scope::join(self.api_url(), path.iter().chain(which).copied())?;
        let answer = operation.fetch(&url).await?;
        if answer.status.as_u16() == 404 {
            return Err(operation.refused(&answer).hinted(
                "leave `--runner-version` out, or choose one from \
                     https://github.com/actions/runner/releases",
            ));
        }
        operation.read_at(&url, &answer)
    }

    fn not_offered(&self, version: &str, own: &[Download]) -> super::Error {
        let mut versions: Vec<&str> = own.iter().filter_map(Download::version).collect();
        versions.sort_unstable();
        versions.dedup();
        let host = self.api_url().host_str().unwrap_or_default();
        super::Error::new(
            ErrorKind::NotFound,
            format!("`{host}` does not offer version {version} of the runner"),
        )
        .hinted(format!(
            "leave `--runner-version` out; it offers {}",
            versions.join(", ")
        ))
    }
}

fn looking_up(which: &[&str]) -> String {
    let which = which.last().unwrap_or(&"latest");
    format!("could not look up the runner's release `{which}`")
}

fn of_version<'a>(own: &'a [Download], version: &'a str) -> impl Iterator<Item = &'a Download> {
    own.iter().filter(move |own| own.version() == Some(version))
}

impl Release {
    fn downloads(self) -> Vec<Download> {
        let body = self.body.unwrap_or_default();
        let archive = |asset: Asset| {
            let rest = asset.name.strip_prefix("actions-runner-")?;
            let (os, rest) = rest.split_once('-')?;
            let (architecture, rest) = rest.split_once('-')?;
            // Variants without a part of the runner have more words before the version.
            version_in(rest)?;
            let digest = asset.digest.as_deref();
            let sum = digest.and_then(|digest| sum(digest.strip_prefix("sha256:")?));
            let sum = sum.or_else(|| marked(&body, &format!("{os}-{architecture}")));
            Some(Download {
                os: os.to_owned(),
                architecture: architecture.to_owned(),
                download_url: asset.browser_download_url,
                sha256_checksum: sum,
                temp_download_token: None,
                filename: asset.name,
            })
        };
        self.assets.into_iter().filter_map(archive).collect()
    }
}

/// The checksum that the notes of a release hold between two comments.
fn marked(body: &str, platform: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<!-- BEGIN SHA {platform} -->"))?;
    let (text, _) = rest.split_once(&format!("<!-- END SHA {platform} -->"))?;
    sum(text.trim())
}

fn sum(text: &str) -> Option<String> {
    let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| text.to_ascii_lowercase())
}

fn version_in(rest: &str) -> Option<&str> {
    let version = rest
        .strip_suffix(".tar.gz")
        .or_else(|| rest.strip_suffix(".zip"))?;
    RunnerVersion::is_number(version).then_some(version)
}
