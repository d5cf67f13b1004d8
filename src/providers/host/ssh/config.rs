//! The settings of `ssh`, and what they come to for each host.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU16;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::model::{ExistingPath, HumanDuration, KeySetting, PathSetting, RunAs};
use crate::providers::schema::{backticked, dotted};
use crate::providers::{Error, OneOrMany, Result};

/// The settings of `ssh`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshProviderConfig {
    /// The hosts, in order of preference: `[user@]host[:port]`, or names of `~/.ssh/config`; a list, or one as text
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(with = "OneOrMany")]
    #[schemars(extend("x-harmless" = false))]
    pub hosts: Vec<String>,
    /// How many runners may be on a host at a time: a number, or a table by host (1 for those it leaves out)
    #[serde(default)]
    #[schemars(extend("x-harmless" = true))]
    pub slots: Slots,
    /// The ids of GPUs that the slots of a host share out, seen by jobs as `CUDA_VISIBLE_DEVICES`: a list, or a table by host
    #[serde(default)]
    #[schemars(extend("x-harmless" = true))]
    pub gpus: HostGpus,
    /// Labels that runners on a host get, a table by host; added once a runner has its slot
    #[serde(default)]
    #[schemars(extend("x-harmless" = true))]
    pub labels: BTreeMap<String, Vec<String>>,
    /// The user to log in as where neither the host nor `~/.ssh/config` names one; the one who starts gharun when left out
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub user: Option<String>,
    /// The private key: the path of its file, or the source of its text; those of `~/.ssh/config`, or else `id_ed25519`, `id_ecdsa` and `id_rsa`, when left out
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub identity: Option<KeySetting>,
    /// Whether to use the keys of the ssh agent; an encrypted key needs it
    #[serde(default = "yes")]
    #[schemars(extend("x-harmless" = false))]
    pub agent: bool,
    /// The socket of the agent; `IdentityAgent` of `~/.ssh/config`, or else `$SSH_AUTH_SOCK`, when left out
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub agent_socket: Option<ExistingPath>,
    /// Which host keys are accepted: `strict`, only those in `known_hosts`; `accept-new` also adds the key of a host that is not in it
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub host_key_check: HostKeyCheck,
    /// The file of known hosts; that of `~/.ssh/config`, or else `~/.ssh/known_hosts`, when left out
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub known_hosts: Option<PathSetting>,
    /// The jump hosts, separated by commas; those of `~/.ssh/config` when left out; `none` for none
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub jump: Option<String>,
    /// The folder of `config`, keys and known hosts; `.ssh` in the user's home when left out
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub ssh_dir: Option<ExistingPath>,
    /// The time limit for each step of a connection: answer, host key, login; `ConnectTimeout` of `~/.ssh/config`, or else 10s, when left out
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub connect_timeout: Option<HumanDuration>,
    /// The folder of the slots on a host: absolute, or `~/FOLDER`
    #[serde(default = "below_home")]
    #[schemars(extend("x-harmless" = false))]
    pub work_dir: String,
    /// Whether runner archives are kept on the host between starts
    #[serde(default = "yes")]
    #[schemars(extend("x-harmless" = false))]
    pub cache: bool,
    /// Whether to run everything there as root, with `sudo -n`
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub sudo: bool,
    /// Whom the runner and its jobs run as: `runner`, `root`, or a user of the host; where gharun is not root there (`sudo`, or a login as root), they run as the user who is logged in
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub run_as: Option<RunAs>,
    /// Which host comes first: `order` is that of `hosts`, `least-used` the one with the most room, `random` any
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub prefer: Prefer,
    /// How long a start waits for a free slot, first come, first served, before it goes on to the next provider
    #[serde(default)]
    #[schemars(extend("x-harmless" = true))]
    pub wait_for_slot: HumanDuration,
    /// How long the slot of a runner that ended by itself is kept for its log to be read, in whole minutes, rounded up
    #[serde(default = "ten_minutes")]
    #[schemars(extend("x-harmless" = false))]
    pub grace: HumanDuration,
    /// Variables of the environment that the ssh configuration may name.
    #[serde(skip)]
    pub(super) variables: BTreeMap<String, String>,
}

/// Slots: the same number everywhere, or by host.
#[derive(Debug, Deserialize, JsonSchema, serde::Serialize)]
#[serde(untagged)]
pub enum Slots {
    /// Everywhere as many.
    All(NonZeroU16),
    /// By host.
    By(BTreeMap<String, NonZeroU16>),
}

impl Default for Slots {
    fn default() -> Self {
        Self::All(NonZeroU16::MIN)
    }
}

/// GPUs: the same ids everywhere, or by host.
#[derive(Debug, Deserialize, JsonSchema, serde::Serialize)]
#[serde(untagged)]
pub enum HostGpus {
    /// Everywhere the same.
    All(Vec<String>),
    /// By host.
    By(BTreeMap<String, Vec<String>>),
}

impl Default for HostGpus {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

/// What a host's key must be. It is always checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeyCheck {
    /// One that is known.
    #[default]
    Strict,
    /// Of a host that is not known: any, and it is known from then on.
    AcceptNew,
}

/// Which host comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prefer {
    /// As they are listed.
    #[default]
    Order,
    /// The one with the most room.
    LeastUsed,
    /// Any.
    Random,
}

fn yes() -> bool {
    true
}

fn below_home() -> String {
    "~/.gharun".into()
}

fn ten_minutes() -> HumanDuration {
    HumanDuration::from_mins(10)
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(OneOrMany::deserialize(deserializer)?.all().to_vec())
}

impl SshProviderConfig {
    /// Looks whether the settings fit together.
    pub(super) fn check(&self) -> Result<()> {
        if self.hosts.is_empty() {
            let error = Error::unfit("hosts", "at least one host", "an empty array");
            return Err(error.hinted("`--set hosts=pi@pi4.local`, or a table in providers.toml"));
        }
        let mut names = BTreeSet::new();
        for (number, host) in self.hosts.iter().enumerate() {
            let key = format!("hosts[{number}]");
            if host.trim().is_empty() {
                return Err(Error::unfit(key, "a host", "an empty string"));
            }
            if !names.insert(host) {
                return Err(Error::setting(key, format!("`{host}` is named twice")));
            }
        }
        let known = |setting: &str, keys: Vec<&String>| {
            let stranger = keys.into_iter().find(|key| !names.contains(key));
            stranger.map_or(Ok(()), |key| {
                let message = format!("`{key}` is not one of `hosts`");
                let key = dotted(&[setting.to_owned(), key.clone()]);
                let known: Vec<String> =
                    self.hosts.iter().map(|host| format!("{host:?}")).collect();
                Err(Error::setting(key, message).hinted(format!(
                    "write it as `hosts` does, in quotes: `{setting} = {{ {} = … }}`",
                    known.join(" = …, ")
                )))
            })
        };
        if let Slots::By(table) = &self.slots {
            known("slots", table.keys().collect())?;
        }
        if let HostGpus::By(table) = &self.gpus {
            known("gpus", table.keys().collect())?;
        }
        known("labels", self.labels.keys().collect())?;
        let odd_label = |label: &&String| label.trim().is_empty() || label.contains([',', '\n']);
        if let Some(label) = self.labels.values().flatten().find(odd_label) {
            let expected = "labels without commas and line breaks";
            return Err(Error::unfit("labels", expected, backticked(label)));
        }
        let odd = |id: &&String| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:/.".contains(&byte);
            id.is_empty() || !id.bytes().all(plain)
        };
        let ids: Vec<&String> = match &self.gpus {
            HostGpus::All(ids) => ids.iter().collect(),
            HostGpus::By(table) => table.values().flatten().collect(),
        };
        if let Some(id) = ids.into_iter().find(odd) {
            let expected = "IDs of letters, digits, `-`, `_`, `:`, `/` and `.`";
            return Err(Error::unfit("gpus", expected, backticked(id)));
        }
        if let Some(time) = &self.connect_timeout
            && time.get() < Duration::from_millis(100)
        {
            let found = backticked(&time.to_string());
            return Err(Error::unfit("connect_timeout", "at least 100ms", found));
        }
        // With `accept-new` it is made when the first key is added.
        if let (HostKeyCheck::Strict, Some(file)) = (self.host_key_check, &self.known_hosts)
            && let Err(error) = fs::metadata(&**file)
        {
            let message = format!("`{}`: {error}", file.display());
            return Err(Error::setting("known_hosts", message)
                .hinted("set `host_key_check = \"accept-new\"` to create it"));
        }
        self.folder().map(drop)
    }

    /// The folder of the slots as scripts can use it.
    pub(super) fn folder(&self) -> Result<String> {
        let folder = self.work_dir.trim_end_matches('/');
        let rest = folder.strip_prefix("~/").or(folder.strip_prefix('/'));
        match rest {
            Some(rest) if !rest.is_empty() && !folder.contains(['\n', '\0']) => Ok(folder.into()),
            _ => {
                let found = match self.work_dir.as_str() {
                    "" => "an empty string".to_owned(),
                    folder => backticked(folder),
                };
                let expected = "an absolute path or `~/FOLDER`";
                Err(Error::unfit("work_dir", expected, found)
                    .hinted("write it as `work_dir = \"~/.gharun\"`, which is the default"))
            }
        }
    }

    pub(super) fn slots_of(&self, host: &str) -> NonZeroU16 {
        match &self.slots {
            Slots::All(number) => *number,
            Slots::By(table) => table.get(host).copied().unwrap_or(NonZeroU16::MIN),
        }
    }

    pub(super) fn gpus_of(&self, host: &str) -> Vec<String> {
        match &self.gpus {
            HostGpus::All(ids) => ids.clone(),
            HostGpus::By(table) => table.get(host).cloned().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(settings: Value) -> Result<SshProviderConfig> {
        let config: SshProviderConfig =
            serde_json::from_value(settings).expect("it has the right form");
        config.check().map(|()| config)
    }

    #[test]
    fn slots_and_gpus_are_the_same_everywhere_or_by_host() {
        let config = read(json!({ "hosts": ["a", "b"], "slots": 3, "gpus": ["0", "1"] })).unwrap();
        assert_eq!(config.slots_of("b").get(), 3);
        assert_eq!(config.gpus_of("a"), ["0", "1"]);
        let by = json!({ "hosts": ["a", "b"], "slots": { "a": 4 }, "gpus": { "b": ["GPU-1f"] } });
        let config = read(by).unwrap();
        assert_eq!(
            (config.slots_of("a").get(), config.slots_of("b").get()),
            (4, 1)
        );
        assert_eq!(config.gpus_of("b"), ["GPU-1f"]);
        assert!(config.gpus_of("a").is_empty());
    }

    #[test]
    fn settings_that_do_not_fit_together_name_their_key() {
        for (settings, key) in [
            (json!({ "hosts": [] }), "hosts"),
            (json!({ "hosts": ["a", "a"] }), "hosts[1]"),
            (json!({ "hosts": ["a", ""] }), "hosts[1]"),
            (json!({ "hosts": ["a"], "slots": { "b": 1 } }), "slots.b"),
            (
                json!({ "hosts": ["a"], "slots": { "pi@b.local": 1 } }),
                "slots.\"pi@b.local\"",
            ),
            (
                json!({ "hosts": ["a"], "known_hosts": "/nonexistent/x" }),
                "known_hosts",
            ),
            (json!({ "hosts": ["a"], "gpus": { "b": [] } }), "gpus.b"),
            (json!({ "hosts": ["a"], "gpus": ["0'; id"] }), "gpus"),
            (json!({ "hosts": ["a"], "labels": { "b": [] } }), "labels.b"),
            (
                json!({ "hosts": ["a"], "labels": { "a": ["x,y"] } }),
                "labels",
            ),
            (json!({ "hosts": ["a"], "work_dir": "slots" }), "work_dir"),
            (json!({ "hosts": ["a"], "work_dir": "~" }), "work_dir"),
            (json!({ "hosts": ["a"], "work_dir": "~me/x" }), "work_dir"),
            (
                json!({ "hosts": ["a"], "connect_timeout": "0s" }),
                "connect_timeout",
            ),
        ] {
            let error = read(settings.clone()).expect_err("it is refused");
            assert_eq!(error.key(), Some(key), "{settings}");
        }
    }

    #[test]
    fn the_check_of_host_keys_cannot_be_switched_off() {
        for value in ["off", "no", "none", "false"] {
            let settings = json!({ "hosts": ["a"], "host_key_check": value });
            assert!(
                serde_json::from_value::<SshProviderConfig>(settings).is_err(),
                "{value}"
            );
        }
    }
}
