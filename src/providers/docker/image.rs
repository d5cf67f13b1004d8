//! The image that runners are made of: found, or pulled.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

use super::answers::Step;
use super::config::{DockerConfig, Pull};
use super::credentials;
use super::daemon::{Daemon, look};
use super::failure::is_missing;
use crate::providers::{Error, ErrorKind, Result};

/// How long a pull may say nothing; it has no other limit but the operation's own.
const SILENCE: Duration = Duration::from_mins(3);

/// How often a pull is reported.
const REPORT: Duration = Duration::from_secs(5);

/// Looks for the image; `None` when the daemon does not have it for the wanted platform.
pub(super) async fn present(
    daemon: &Daemon,
    config: &DockerConfig,
) -> Result<Option<ImageInspect>> {
    match look(daemon.client.inspect_image(&config.image)).await {
        Ok(found) if fits(&found, config.platform.as_deref()) => Ok(Some(found)),
        Ok(_) => Ok(None),
        Err(error) if is_missing(&error, "image") => Ok(None),
        Err(error) => Err(daemon.refused(
            config,
            Step::Run,
            format!("could not look for the image `{}`", config.image),
            &error,
        )),
    }
}

/// Whether an image is of a platform, written `os/architecture/variant` and shorter.
fn fits(image: &ImageInspect, platform: Option<&str>) -> bool {
    let Some(platform) = platform else {
        return true;
    };
    // One word alone may be either.
    let whole = match platform.split_once('/') {
        None if !matches!(platform, "linux" | "windows") => format!("linux/{platform}"),
        _ => platform.to_owned(),
    };
    let has = [&image.os, &image.architecture, &image.variant];
    let mut parts = whole.split('/').zip(has);
    parts.all(|(wanted, has)| {
        // Other names that the daemon takes.
        let wanted = match wanted {
            "x86_64" | "x86-64" => "amd64",
            "aarch64" => "arm64",
            wanted => wanted,
        };
        let has = has.as_deref().unwrap_or_default();
        // What an image leaves out fits; the daemon decides.
        has.is_empty() || has.eq_ignore_ascii_case(wanted)
    })
}

/// Finds the image or pulls it, as `pull` says.
pub(super) async fn ensure(daemon: &Daemon, config: &DockerConfig) -> Result<()> {
    if config.pull != Pull::Always && present(daemon, config).await?.is_some() {
        return Ok(());
    }
    match config.pull {
        Pull::Always | Pull::Missing => pull(daemon, config).await,
        Pull::Never => Err(absent(config, daemon)),
    }
}

/// The error for an image that is missing and will not be pulled.
pub(super) fn absent(config: &DockerConfig, daemon: &Daemon) -> Error {
    let message = format!(
        "the daemon at {} does not have the image `{}`, and `pull` is `never`",
        daemon.endpoint, config.image
    );
    Error::setting("image", message).hinted(format!(
        "pull it with `{} pull {}`, or set `pull = \"missing\"`",
        daemon.endpoint.command(),
        config.image
    ))
}

async fn pull(daemon: &Daemon, config: &DockerConfig) -> Result<()> {
    let registry = credentials::registry(&config.image);
    let login = credentials::login(config.config_dir.as_deref(), registry).await;
    tracing::info!("pulling `{}` from {registry}", config.image);
    let options = CreateImageOptionsBuilder::default()
        .from_image(&tagged(&config.image))
        .platform(config.platform.as_deref().unwrap_or_default())
        .build();
    let mut lines = daemon
        .client
        .create_image(Some(options), None, login.known.clone());
    let (mut progress, mut reported) = (PullProgress::default(), Instant::now());
    loop {
        let line = match timeout(SILENCE, lines.next()).await {
            Ok(None) => break,
            Ok(Some(line)) => line,
            Err(_) => Err(bollard::errors::Error::RequestTimeoutError),
        };
        progress.take(&line.map_err(|error| {
            let doing = format!("could not pull the image `{}`", config.image);
            login.explain(daemon.refused(config, Step::Pull, doing, &error))
        })?);
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            tracing::info!("pulling `{}`: {progress}", config.image);
        }
    }
    // A broken connection can look like the end of a pull that went well.
    if present(daemon, config).await?.is_none() {
        return Err(Error::new(
            ErrorKind::Unavailable,
            format!("could not pull the image `{}`", config.image),
        )
        .because("the pull ended without the image"));
    }
    tracing::info!("pulled `{}`", config.image);
    Ok(())
}

/// The image with a tag: without one the daemon would pull all there are.
pub(super) fn tagged(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) {
        image.to_owned()
    } else {
        format!("{image}:latest")
    }
}

/// How far a pull is, over all layers.
#[derive(Debug, Default)]
struct PullProgress(HashMap<String, Layer>);

#[derive(Clone, Copy, Debug, Default)]
struct Layer {
    current: u64,
    total: u64,
    done: bool,
}

impl PullProgress {
    fn take(&mut self, line: &CreateImageInfo) {
        let (Some(id), Some(status)) = (&line.id, line.status.as_deref()) else {
            return;
        };
        // The first line bears the tag in the place of a layer.
        if status.starts_with("Pulling from") {
            return;
        }
        let layer = self.0.entry(id.clone()).or_default();
        if matches!(status, "Pull complete" | "Already exists") {
            layer.done = true;
            layer.current = layer.total;
        } else if status == "Downloading"
            && let Some(detail) = &line.progress_detail
        {
            let bytes = |n: Option<i64>| u64::try_from(n.unwrap_or(0)).unwrap_or(0);
            layer.current = bytes(detail.current);
            layer.total = bytes(detail.total).max(layer.current);
        } else if status == "Download complete" {
            layer.current = layer.total;
        }
    }
}

impl std::fmt::Display for PullProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MIB: u64 = 1 << 20;
        let sum = |part: fn(&Layer) -> u64| self.0.values().map(part).sum::<u64>() / MIB;
        let done = self.0.values().filter(|layer| layer.done).count();
        write!(
            f,
            "{} of {} MiB, {done} of {} layers",
            sum(|layer| layer.current),
            sum(|layer| layer.total),
            self.0.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, status: &str, current: i64, total: i64) -> CreateImageInfo {
        serde_json::from_value(serde_json::json!({
            "id": id, "status": status, "progressDetail": { "current": current, "total": total }
        }))
        .expect("a line of a pull")
    }

    #[test]
    fn progress_is_told_over_all_layers() {
        const MIB: i64 = 1 << 20;
        let mut progress = PullProgress::default();
        for line in [
            line("latest", "Pulling from actions/actions-runner", 0, 0),
            line("a", "Pulling fs layer", 0, 0),
            line("b", "Already exists", 0, 0),
            line("a", "Downloading", 3 * MIB, 8 * MIB),
            line("c", "Downloading", 2 * MIB, 2 * MIB),
            line("c", "Download complete", 0, 0),
            line("c", "Extracting", MIB, 2 * MIB),
            line("c", "Pull complete", 0, 0),
        ] {
            progress.take(&line);
        }
        assert_eq!(progress.to_string(), "5 of 10 MiB, 2 of 3 layers");
    }

    #[test]
    fn an_image_without_a_tag_is_not_all_its_tags() {
        for (image, expected) in [
            ("ubuntu", "ubuntu:latest"),
            ("host:5000/x", "host:5000/x:latest"),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
            ("a/b@sha256:00", "a/b@sha256:00"),
        ] {
            assert_eq!(tagged(image), expected);
        }
    }

    #[test]
    fn an_image_of_another_platform_is_not_the_one() {
        let image = ImageInspect {
            os: Some("linux".into()),
            architecture: Some("arm".into()),
            variant: Some("v7".into()),
            ..ImageInspect::default()
        };
        for (platform, expected) in [
            (None, true),
            (Some("linux"), true),
            (Some("linux/arm"), true),
            (Some("linux/arm/v7"), true),
            (Some("linux/arm/v6"), false),
            (Some("linux/amd64"), false),
            (Some("arm"), true),
            (Some("aarch64"), false),
        ] {
            assert_eq!(fits(&image, platform), expected, "{platform:?}");
        }
    }
}
