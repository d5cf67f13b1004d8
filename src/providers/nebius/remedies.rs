//! Which of a Nebius table's settings helps against what.

use super::config::{NebiusConfig, Product};
use crate::model::BootCause;

/// What to write against a cause that the boot script named.
pub(super) fn remedy(config: &NebiusConfig, cause: BootCause) -> Option<String> {
    let is_job = config.product == Product::Job;
    Some(match cause {
        BootCause::DiskFull => {
            let size = u64::from(config.disk.size) * 2;
            format!(
                "set `disk = {{ size = {size} }}` (GiB; it is {} now)",
                config.disk.size
            )
        }
        BootCause::OutOfMemory => format!(
            "set a larger `preset`: `gharun providers offers {}` lists them",
            config.table
        ),
        BootCause::NoNetwork if config.public_ip => return None,
        BootCause::NoNetwork => {
            "set `public_ip = true`, or give the subnet a route to the internet".to_owned()
        }
        BootCause::MissingProgram if is_job => {
            "set `image` to one that has `curl` or `wget`, `tar` and `gzip`".to_owned()
        }
        BootCause::WrongPlatform if is_job => {
            "set `image` to one for linux/amd64 with glibc (Ubuntu or Debian, not Alpine)"
                .to_owned()
        }
        BootCause::RunnerTooOld if is_job => format!(
            "set `image` to a newer one than `{}`: its runner is too old for GitHub",
            config.image()
        ),
        BootCause::MissingProgram
        | BootCause::RunnerTooOld
        | BootCause::WrongPlatform
        | BootCause::NotExecutable
        | BootCause::Setup
        | BootCause::Sudo
        | BootCause::Unregistered
        | BootCause::SessionConflict
        | BootCause::Clock => return None,
    })
}
