//! What of the settings cannot be meant.

use super::super::candidates::candidates;
use super::{LEAST_DISK, NebiusConfig, Product};
use crate::model::{MANAGED_BY, is_reserved};
use crate::providers::common::words::check_word;
use crate::providers::schema::backticked;
use crate::providers::{Error, Result};

impl NebiusConfig {
    /// Refuses what cannot be meant; nothing is asked of Nebius.
    ///
    /// # Errors
    ///
    /// A `Config` error that names the key and what to write.
    pub(in crate::providers::nebius) fn check(&self) -> Result<()> {
        if self.start_deadline.get().is_zero() {
            let expected = "a duration above zero, such as `\"10m\"`";
            return Err(Error::unfit("start_deadline", expected, "`0s`"));
        }
        self.gateway()?;
        self.exchange()?;
        self.check_ids()?;
        self.check_names()?;
        self.check_money()?;
        self.check_container()?;
        self.check_ssh_key()?;
        if let Some(key) = self.labels.keys().find(|key| {
            is_reserved(key)
                || key.is_empty()
                || key.len() > 63
                || !key.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
                })
        }) {
            return Err(Error::setting(
                "labels",
                format!(
                    "`{key}` is not a valid label key: use lower-case letters, digits, `-`, `_` \
                     and `.`; `{}` and `gharun-…` are reserved",
                    MANAGED_BY.0
                ),
            ));
        }
        Ok(())
    }

    fn check_ids(&self) -> Result<()> {
        for (key, begins, id) in [
            ("project", "project-", &self.project),
            ("tenant", "tenant-", &self.tenant),
            ("subnet", "vpcsubnet-", &self.subnet),
            ("service_account", "serviceaccount-", &self.service_account),
        ] {
            // It becomes part of addresses and, some of it, of a script.
            if let Some(id) = id
                && !(id.starts_with(begins)
                    && id
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
            {
                let expected = format!("an ID that begins with `{begins}`");
                return Err(Error::unfit(key, &expected, backticked(id)));
            }
        }
        if self.service_account.is_some() && self.product == Product::Job {
            return Err(Error::setting(
                "service_account",
                "`service_account` needs `product = \"vm\"`: a job ends by itself",
            ));
        }
        Ok(())
    }

    fn check_names(&self) -> Result<()> {
        let fine = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte)
                })
        };
        for (key, names) in [("platform", &self.platform), ("preset", &self.preset)] {
            let Some(names) = names else { continue };
            if names.all().is_empty() {
                let expected = format!("at least one {key}");
                return Err(Error::unfit(key, &expected, "an empty array"));
            }
            for name in names.all() {
                let spelled = match (key, name.split_once('/')) {
                    ("preset", Some((platform, preset))) => fine(platform) && fine(preset),
                    _ => fine(name),
                };
                if !spelled {
                    let expected = format!("the name of a {key}");
                    let error = Error::unfit(key, &expected, backticked(name));
                    return Err(
                        error.hinted("list what is available with `gharun providers offers`")
                    );
                }
            }
        }
        if candidates(self, None).is_empty() {
            return Err(Error::setting(
                "preset",
                "none of the presets is for a platform in `platform`",
            ));
        }
        Ok(())
    }

    fn check_money(&self) -> Result<()> {
        if self.pricing_policy.is_some() && !self.preemptible {
            return Err(Error::setting(
                "pricing_policy",
                "`pricing_policy` needs `preemptible = true`: set it, or leave the policy out",
            ));
        }
        let least = match self.product {
            Product::Job => 1,
            Product::Vm => LEAST_DISK,
        };
        if self.disk.size < least {
            let (expected, found) = (format!("at least {least} GiB"), self.disk.size);
            let found = format!("`{found}`");
            return Err(Error::unfit("disk.size", &expected, found));
        }
        Ok(())
    }

    fn check_ssh_key(&self) -> Result<()> {
        let Some(key) = &self.ssh_key else {
            return Ok(());
        };
        // It becomes part of a script.
        let plain = |c: char| c.is_ascii_graphic() && !"'\"`$\\".contains(c) || c == ' ';
        let kinds = ["ssh-", "ecdsa-", "sk-"];
        let is_key = kinds.iter().any(|kind| key.starts_with(kind));
        if !is_key || !key.contains(' ') || !key.chars().all(plain) {
            let expected = "an SSH public key such as `\"ssh-ed25519 AAAA… me\"`";
            // A private key is not to be quoted.
            return Err(Error::unfit("ssh_key", expected, "another value"));
        }
        if self.product == Product::Job {
            return Err(Error::setting(
                "ssh_key",
                "`ssh_key` needs `product = \"vm\"`: a job ends with its container",
            ));
        }
        if !self.public_ip {
            return Err(Error::setting(
                "ssh_key",
                "`ssh_key` needs `public_ip = true`: a VM without a public address cannot be reached",
            ));
        }
        Ok(())
    }

    fn check_container(&self) -> Result<()> {
        check_word("image", self.image.as_deref())?;
        if self.product == Product::Vm {
            for (key, set) in [
                ("env", !self.env.is_empty()),
                ("registry", self.registry.is_some()),
                ("registry_password", self.registry_password.is_some()),
                ("shm_size", self.shm_size.is_some()),
            ] {
                if set {
                    return Err(Error::setting(
                        key,
                        format!("`{key}` needs `product = \"job\"`: a VM has no container"),
                    ));
                }
            }
        }
        let registry = self.registry.clone().unwrap_or_default();
        match (
            &registry.username,
            &registry.secret,
            &self.registry_password,
        ) {
            (None, None | Some(_), None) | (Some(_), None, Some(_)) => Ok(()),
            (user, secret, _) => {
                let what = match (user, secret) {
                    (Some(_), None) => {
                        "`registry` has a `username`, and `registry_password` is not set"
                    }
                    (_, Some(_)) => {
                        "`registry` has a `secret`, which needs neither `username` nor `registry_password`"
                    }
                    (None, None) => "`registry_password` needs a `username` in `registry`",
                };
                let user = user.as_deref().unwrap_or("octo");
                Err(Error::setting("registry", what).hinted(format!(
                    "write two lines, `registry = {{ username = \"{user}\" }}` and \
                     `registry_password = {{ env = \"REGISTRY_PASSWORD\" }}`; or \
                     `registry = {{ secret = \"mbsecver-…\" }}` alone"
                )))
            }
        }
    }
}
