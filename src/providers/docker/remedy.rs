//! Which setting of a docker provider helps against what a machine died of.

use super::config::{DockerConfig, Pull};
use crate::model::BootCause;

/// What to write or type; `docker` is the command that reaches the daemon.
pub(super) fn of(config: &DockerConfig, docker: &str, cause: BootCause) -> Option<String> {
    let image = &config.image;
    Some(match cause {
        BootCause::DiskFull => format!(
            "`{docker} system df` shows what uses the daemon's disk, `{docker} system prune` frees it"
        ),
        BootCause::OutOfMemory => match &config.memory {
            Some(memory) => format!("`memory` is `{memory}`: set it higher, or leave it out"),
            None => format!(
                "the daemon's host ran out, as `memory` sets no limit: start fewer runners there; \
                 `{docker} stats --no-stream` shows what uses it"
            ),
        },
        BootCause::RunnerTooOld if image.contains('@') => {
            "the runner is the image's: write the digest of a newer one into `image`".to_owned()
        }
        BootCause::RunnerTooOld if config.pull == Pull::Always => {
            format!(
                "the runner is the image's, and `{image}` is pulled by each start: name a newer tag in `image`"
            )
        }
        BootCause::RunnerTooOld => format!(
            "the runner is the image's: run `{docker} pull {image}`, or set `pull = \"always\"`"
        ),
        BootCause::NoNetwork => match config.network.as_deref() {
            Some("none") => {
                "`network = \"none\"` cuts the container off: leave `network` out".to_owned()
            }
            network => format!(
                "see what a container reaches: `{docker} run --rm --network {} busybox wget -T 5 -O - \
                 https://api.github.com/zen`",
                network.unwrap_or("bridge")
            ),
        },
        BootCause::Sudo => {
            "set `run_as = \"runner\"`: then the setup script runs as root, and needs no `sudo`"
                .to_owned()
        }
        BootCause::MissingProgram => {
            "name an image that has it in `image`, such as `ghcr.io/actions/actions-runner:latest`"
                .to_owned()
        }
        BootCause::WrongPlatform => format!(
            "the runner needs an image with glibc (Debian, Ubuntu, Fedora; not Alpine) for the processor that it \
             runs on; `{docker} image inspect -f '{{{{.Os}}}}/{{{{.Architecture}}}}' {image}` shows what it is for"
        ),
        BootCause::NotExecutable if !config.volumes.is_empty() => {
            "mount what is in `volumes` without `noexec` on the daemon's host".to_owned()
        }
        BootCause::Clock => {
            "set the clock of the daemon's host: `sudo timedatectl set-ntp true` there".to_owned()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(settings: serde_json::Value, cause: BootCause) -> String {
        let config = serde_json::from_value(settings).expect("a table");
        of(&config, "docker -H tcp://b:2375", cause).expect("there is one")
    }

    #[test]
    fn a_remedy_names_the_setting_and_its_value_and_the_daemon_that_is_meant() {
        use serde_json::json;
        for (settings, cause, parts) in [
            (
                json!({ "memory": "48m" }),
                BootCause::OutOfMemory,
                ["`memory`", "48m"],
            ),
            (
                json!({}),
                BootCause::OutOfMemory,
                ["fewer runners", "`memory`"],
            ),
            (
                json!({ "image": "octo/ci:1" }),
                BootCause::RunnerTooOld,
                ["docker -H tcp://b:2375 pull octo/ci:1", "pull = \"always\""],
            ),
            (
                json!({ "image": "octo/ci:1", "pull": "always" }),
                BootCause::RunnerTooOld,
                ["newer tag", "`image`"],
            ),
            (
                json!({ "network": "none" }),
                BootCause::NoNetwork,
                ["`network = \"none\"`", "leave"],
            ),
            (
                json!({}),
                BootCause::DiskFull,
                ["docker -H tcp://b:2375 system prune", "disk"],
            ),
        ] {
            let told = remedy(settings.clone(), cause);
            for part in parts {
                assert!(told.contains(part), "{settings}: {told}");
            }
        }
    }
}
