//! Whom gharun is on a host, and whom jobs can run as there.

use crate::model::RunAs;
use crate::providers::{Error, Result};

/// Whom scripts run as on a host.
#[derive(Debug)]
pub(super) struct HostUser {
    name: String,
    is_root: bool,
}

impl HostUser {
    /// Reads what a script said: its number and its name.
    pub(super) fn read(lines: &[String]) -> Option<Self> {
        let said = lines.iter().find_map(|line| line.strip_prefix("user "))?;
        let (number, name) = said.split_once(' ')?;
        Some(Self {
            name: name.to_owned(),
            is_root: number == "0",
        })
    }

    /// Whether it can run jobs as somebody: only root can become another user.
    pub(super) fn fits(&self, run_as: Option<&RunAs>, host: &str) -> Result<()> {
        let Some(run_as) = run_as else {
            return Ok(());
        };
        let wanted = run_as.to_string();
        if self.is_root || self.name == wanted {
            return Ok(());
        }
        let me = &self.name;
        let message = format!(
            "`run_as` cannot be `{wanted}` on {host}: gharun is `{me}` there, and only root can become another user"
        );
        Err(Error::setting("run_as", message)
            .hinted(format!("leave `run_as` out to run jobs as `{me}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(said: &str) -> HostUser {
        HostUser::read(&[said.to_owned()]).expect("it is said")
    }

    #[test]
    fn only_root_can_become_another_user() {
        let root = user("user 0 root");
        let me = user("user 1000 me");
        for run_as in ["runner", "root", "octo"] {
            let wanted: RunAs = run_as.parse().expect("a user");
            assert!(root.fits(Some(&wanted), "this machine").is_ok());
            let error = me.fits(Some(&wanted), "pi@pi4").expect_err("it cannot be");
            assert_eq!(error.key(), Some("run_as"));
            let said = error.to_string();
            assert!(
                said.contains(run_as) && said.contains("`me`") && said.contains("pi@pi4"),
                "{said}"
            );
        }
        let own = RunAs::Named("me".into());
        assert!(me.fits(Some(&own), "x").is_ok() && me.fits(None, "x").is_ok());
    }
}
