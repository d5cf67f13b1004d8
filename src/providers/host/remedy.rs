//! Which setting of a host's slots helps against what a machine there died of.

use super::Layout;
use super::spelling::folder_for_people;
use crate::model::BootCause;

/// What to write or type; `there` says where the slots are (`on this machine`, `on the host`).
pub(super) fn of(layout: &Layout, there: &str, cause: BootCause) -> Option<String> {
    let folder = folder_for_people(&layout.work_dir);
    Some(match cause {
        BootCause::DiskFull => format!(
            "`df -h {folder}{}` {there} shows the room; free some, or set `work_dir`{} to a folder on another disk",
            match &layout.cache {
                Some(cache) => format!(" {}", folder_for_people(cache)),
                None => String::new(),
            },
            match &layout.cache {
                // On a host that is reached by ssh it is below the work folder.
                Some(_) if layout.address.is_none() => " and `cache`",
                _ => "",
            }
        ),
        BootCause::Sudo => format!(
            "let the user whom jobs run as use sudo without a password {there}: `sudo visudo`, and add the line \
             `USER ALL=(ALL) NOPASSWD: ALL`; or install there once what the script needs"
        ),
        BootCause::NotExecutable => format!(
            "set `work_dir` to a folder on a disk that is not mounted `noexec`: `findmnt -T {folder}` {there} shows its mount options"
        ),
        BootCause::OutOfMemory if layout.slots.get() > 1 => format!(
            "its {} slots share the memory {there}: set `slots` lower, or end what else uses it (`free -m`)",
            layout.slots
        ),
        BootCause::OutOfMemory => {
            format!(
                "make what it runs smaller, or end what else uses the memory {there}: `free -m` and `top` show it"
            )
        }
        BootCause::NoNetwork => format!(
            "`curl -sS https://api.github.com/zen` must work {there}; where a proxy is needed, set it there"
        ),
        BootCause::MissingProgram => {
            format!("install it {there}: `sudo apt-get install -y curl tar gzip`")
        }
        BootCause::WrongPlatform => format!(
            "the runner needs glibc, and a processor that GitHub has a runner for: `ldd --version` and `uname -m` {there} show both"
        ),
        BootCause::RunnerTooOld => format!(
            "the runner is one that is installed {there} (`$RUNNER_HOME`, `/home/runner` or `/actions-runner`): \
             update it, or remove it to have the newest fetched"
        ),
        BootCause::Clock => format!("set the clock {there}: `sudo timedatectl set-ntp true`"),
        _ => return None,
    })
}
