//! What can be known of a start before anything is created: daemon, network, runtime, image.

use std::time::Duration;

use bollard::models::ImageInspect;
use bollard::query_parameters::InspectNetworkOptions;
use jiff::Timestamp;
use tokio::time::timeout;

use super::answers::Step;
use super::config::{DockerConfig, Pull};
use super::daemon::{Daemon, look};
use super::{credentials, image};
use crate::providers::{Error, ErrorKind, Result};

/// How long a registry may take to say whether it has an image; after that the pull has to find out.
const REGISTRY: Duration = Duration::from_secs(15);

/// The first version of the API that has all that a container is made of (`Init`), see
/// <https://docs.docker.com/reference/api/engine/version-history/>.
const OLDEST: (usize, usize) = (1, 25);

/// From which age on a runner in an image may be too old: GitHub takes jobs from a runner for 30 days after a newer
/// release, see <https://docs.github.com/en/actions/reference/runners/self-hosted-runners>.
const OLD_DAYS: i64 = 30;

/// Images that are made the same again and again bear a date of no meaning, such as 1970 or 1980.
const NO_DATE_BEFORE: i64 = 1_420_070_400; // 2015

/// Looks whether a container of these settings can be made at all.
///
/// # Errors
///
/// Finds what every launch would fail with. If the daemon or the registry does not tell, nothing is reported.
pub(super) async fn settings(daemon: &Daemon, config: &DockerConfig) -> Result<()> {
    version(daemon)?;
    runtime(daemon, config)?;
    processors(daemon, config)?;
    network(daemon, config).await?;
    has_image(daemon, config).await
}

fn version(daemon: &Daemon) -> Result<()> {
    let version = daemon.client.client_version();
    if (version.major_version, version.minor_version) >= OLDEST {
        return Ok(());
    }
    let (major, minor) = OLDEST;
    let message = format!(
        "{} speaks version {version} of Docker's API, and {major}.{minor} is needed",
        daemon.whose()
    );
    Err(Error::new(ErrorKind::Config, message).hinted("install a newer Docker on its host"))
}

fn runtime(daemon: &Daemon, config: &DockerConfig) -> Result<()> {
    let (Some(wanted), Some(known)) = (config.runtime.as_deref(), daemon.info.runtimes.as_ref())
    else {
        return Ok(());
    };
    // Runtimes of containerd are named as such, or by their path, and are not listed.
    if known.is_empty() || known.contains_key(wanted) || wanted.contains(['.', '/']) {
        return Ok(());
    }
    let mut names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
    names.sort_unstable();
    let message = format!("{} has no runtime `{wanted}`", daemon.whose());
    Err(Error::setting("runtime", message).hinted(format!(
        "set `runtime` to one that it has ({}), or add it to `/etc/docker/daemon.json` on its host",
        names.join(", ")
    )))
}

fn processors(daemon: &Daemon, config: &DockerConfig) -> Result<()> {
    let (Some(wanted), Some(has)) = (config.cpus, daemon.info.ncpu.filter(|has| *has > 0)) else {
        return Ok(());
    };
    #[expect(clippy::cast_precision_loss, reason = "no host has so many processors")]
    let most = has as f64;
    if wanted <= most {
        return Ok(());
    }
    let message = format!(
        "`cpus` must be at most {has}, as many as {} has, not `{wanted}`",
        daemon.whose()
    );
    Err(Error::setting("cpus", message).hinted(format!("write `cpus = {has}`, or leave it out")))
}

async fn network(daemon: &Daemon, config: &DockerConfig) -> Result<()> {
    let Some(name) = config.network.as_deref() else {
        return Ok(());
    };
    if matches!(name, "bridge" | "host" | "none" | "default") || name.starts_with("container:") {
        return Ok(());
    }
    let asked = look(
        daemon
            .client
            .inspect_network(name, None::<InspectNetworkOptions>),
    )
    .await;
    let Err(error) = asked else {
        return Ok(());
    };
    let doing = format!("could not find the network `{name}` at {}", daemon.endpoint);
    let refused = daemon.refused(config, Step::Run, doing, &error);
    match refused.key() {
        Some("network") => Err(refused),
        _ => Ok(()),
    }
}

/// Whether the image is there, or its registry says that it does not have it for us.
async fn has_image(daemon: &Daemon, config: &DockerConfig) -> Result<()> {
    let is_there = image::present(daemon, config).await?.is_some();
    match config.pull {
        Pull::Missing | Pull::Never if is_there => return Ok(()),
        Pull::Never => return Err(image::absent(config, daemon)),
        Pull::Missing | Pull::Always => {}
    }
    let registry = credentials::registry(&config.image);
    let login = credentials::login(config.config_dir.as_deref(), registry).await;
    let name = image::tagged(&config.image);
    let asked = daemon
        .client
        .inspect_registry_image(&name, login.known.clone());
    let Ok(Err(error)) = timeout(REGISTRY, asked).await else {
        return Ok(());
    };
    let doing = format!("could not pull the image `{}`", config.image);
    let refused = login.explain(daemon.refused(config, Step::Pull, doing, &error));
    match refused.key() {
        Some("image") if matches!(refused.kind, ErrorKind::Config | ErrorKind::Denied) => {
            Err(refused)
        }
        _ => Ok(()),
    }
}

/// Whether an image seems to hold a runner, where gharun uses it (`/home/runner`, `/actions-runner`, `$RUNNER_HOME`);
/// into another one the runner is downloaded, and how old that image is does not matter.
pub(super) fn holds_runner(config: &DockerConfig, image: &ImageInspect) -> bool {
    let name = config.image.to_ascii_lowercase();
    let Some(inside) = &image.config else {
        return name.contains("runner");
    };
    let folder = inside.working_dir.as_deref().unwrap_or_default();
    let mut env = inside.env.iter().flatten();
    let labels = inside.labels.iter().flatten();
    name.contains("runner")
        || folder.starts_with("/home/runner")
        || folder.starts_with("/actions-runner")
        || env.any(|variable| variable.starts_with("RUNNER_HOME="))
        || labels
            .into_iter()
            .any(|(_, value)| value.contains("actions/runner"))
}

/// What to say of an image that is so old that a runner in it may get no jobs; nothing of one that each start pulls.
pub(super) fn age(
    daemon: &Daemon,
    config: &DockerConfig,
    created: Option<&str>,
    now: Timestamp,
) -> Option<String> {
    let created: Timestamp = created?.parse().ok()?;
    let days = now.duration_since(created).as_hours() / 24;
    if created.as_second() < NO_DATE_BEFORE || days <= OLD_DAYS || config.pull == Pull::Always {
        return None;
    }
    let image = &config.image;
    let docker = daemon.endpoint.command();
    let next = if image.contains('@') {
        "write the digest of a newer one into `image`".to_owned()
    } else if config.pull == Pull::Never {
        format!("`{docker} pull {image}`")
    } else {
        format!("`{docker} pull {image}`, or set `pull = \"always\"`")
    };
    Some(format!(
        "the image `{image}` is {days} days old, and GitHub gives no jobs to a runner that is more than {OLD_DAYS} \
         days behind: {next}"
    ))
}

#[cfg(test)]
mod tests {
    use bollard::models::ImageConfig;

    use super::*;

    #[test]
    fn only_an_image_that_holds_a_runner_can_have_an_old_one() {
        let named = |image: &str| DockerConfig {
            image: image.to_owned(),
            ..DockerConfig::default()
        };
        let in_folder = |folder: &str| ImageInspect {
            config: Some(ImageConfig {
                working_dir: Some(folder.to_owned()),
                ..ImageConfig::default()
            }),
            ..ImageInspect::default()
        };
        for (name, folder, expected) in [
            ("ubuntu:22.04", "/", false),
            ("nvidia/cuda:12.4.1-runtime-ubuntu22.04", "", false),
            (
                "ghcr.io/actions/actions-runner:latest",
                "/home/runner",
                true,
            ),
            ("octo/ci:1", "/home/runner", true),
            ("octo/ci:1", "/actions-runner", true),
            ("octo/ci:1", "/work", false),
        ] {
            let found = holds_runner(&named(name), &in_folder(folder));
            assert_eq!(found, expected, "{name} {folder}");
        }
        let image = ImageInspect {
            config: Some(ImageConfig {
                env: Some(vec!["RUNNER_HOME=/opt/runner".to_owned()]),
                ..ImageConfig::default()
            }),
            ..ImageInspect::default()
        };
        assert!(holds_runner(&named("octo/ci:1"), &image));
    }
}
