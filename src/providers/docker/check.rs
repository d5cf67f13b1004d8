//! What `providers check` says of a daemon.

use jiff::Timestamp;

use super::config::Pull;
use super::daemon::Daemon;
use super::{Docker, image, preflight};
use crate::providers::{Health, Result};

/// Tells who the daemon is and what a start would find there.
pub(super) async fn health(docker: &Docker, daemon: &Daemon) -> Result<Health> {
    let info = &daemon.info;
    let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let mut health = Health {
        facts: vec![
            format!(
                "daemon {} (API {}) at {}",
                told(&info.server_version),
                daemon.version(),
                daemon.endpoint
            ),
            format!(
                "{}/{} on {}",
                told(&info.os_type),
                told(&info.architecture),
                told(&info.operating_system)
            ),
        ],
        warnings: info.warnings.clone().unwrap_or_default(),
    };
    health
        .warnings
        .extend(daemon.clock.and_then(|clock| clock.warning()));
    docker.linux(daemon)?;
    let config = &docker.config;
    let name = &config.image;
    match image::present(daemon, config).await {
        Ok(Some(found)) => {
            health.facts.push(match config.pull {
                Pull::Always => format!("image `{name}`, pulled by each start"),
                Pull::Missing | Pull::Never => format!("image `{name}`"),
            });
            if preflight::holds_runner(config, &found) {
                let created = found.created.as_deref();
                let age = preflight::age(daemon, config, created, Timestamp::now());
                health.warnings.extend(age);
            }
        }
        Ok(None) if config.pull == Pull::Never => {}
        Ok(None) => health
            .facts
            .push(format!("image `{name}`, pulled by the first start")),
        // Of a setting that cannot be used more is said below.
        Err(error) if error.key().is_some() => {}
        Err(error) => return Err(error),
    }
    preflight::settings(daemon, config).await?;
    Ok(health)
}
