//! Which of a RunPod table's settings helps against what.

use super::config::RunPodConfig;
use crate::model::BootCause;

/// What to write against a cause that the boot script or the pod's host named.
pub(super) fn remedy(config: &RunPodConfig, cause: BootCause) -> Option<String> {
    Some(match cause {
        BootCause::DiskFull => {
            let disk = u64::from(config.disk()) * 2;
            format!("set `disk = {disk}` (GB; it is {} now)", config.disk())
        }
        BootCause::OutOfMemory if config.cpu.is_some() => {
            format!(
                "set `vcpus = {}`: memory grows with them",
                config.vcpus() * 2
            )
        }
        BootCause::OutOfMemory => match config.min_ram_per_gpu {
            Some(now) => format!("set `min_ram_per_gpu = {}` (GB)", now.saturating_mul(2)),
            None => "set `min_ram_per_gpu` (GB) to what the job needs, or another `gpu`".to_owned(),
        },
        BootCause::MissingProgram => {
            "set `image` to one that has `curl` or `wget`, `tar` and `gzip`".to_owned()
        }
        BootCause::WrongPlatform => {
            "set `image` to one for linux/amd64 with glibc (Ubuntu or Debian, not Alpine)"
                .to_owned()
        }
        BootCause::RunnerTooOld => format!(
            "set `image` to a newer one than `{}`: its runner is too old for GitHub",
            config.image
        ),
        BootCause::NotExecutable
        | BootCause::NoNetwork
        | BootCause::Setup
        | BootCause::Sudo
        | BootCause::Unregistered
        | BootCause::SessionConflict
        | BootCause::Clock => return None,
    })
}
