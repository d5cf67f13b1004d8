//! How a table of this kind is opened: what it takes from the environment, and which hosts it means.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::choice::{HostSurvey, worst};
use super::client_config::{OpenSshConfig, refuse_strange_names};
use super::config::SshProviderConfig;
use super::route::Route;
use super::session::{Newcomers, SessionOptions};
use super::target::HostTarget;
use super::{Member, Ssh};
use crate::model::KeySetting;
use crate::providers::host::{Host, Layout};
use crate::providers::{Error, Lookup, ProviderKind, Result};

/// The variables that paths of the ssh configuration may name.
const VARIABLES: [&str; 8] = [
    "HOME",
    "LOGNAME",
    "SSH_AUTH_SOCK",
    "TMPDIR",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
];

/// Those of them that are set.
fn variables(env: Lookup<'_>) -> BTreeMap<String, String> {
    let named = VARIABLES.iter();
    named
        .filter_map(|name| Some(((*name).to_owned(), env(name)?)))
        .collect()
}

impl ProviderKind for Ssh {
    const KIND: &'static str = "ssh";
    const ABOUT: &'static str = "Slots on machines that are already there, reached by ssh";
    const REHEARSES: bool = true;
    const IS_RENTED: bool = false;
    type Config = SshProviderConfig;

    fn env_defaults(env: Lookup<'_>) -> Vec<(&'static str, &'static str, Value)> {
        let absolute = |name: &str| env(name).filter(|value| Path::new(value).is_absolute());
        let dir = absolute("HOME").map(|home| ("HOME", "ssh_dir", format!("{home}/.ssh").into()));
        dir.into_iter().collect()
    }

    fn look_around(config: &mut SshProviderConfig, env: Lookup<'_>) {
        config.variables = variables(env);
    }

    fn named_in_files(env: Lookup<'_>) -> Result<Vec<String>> {
        let home = env("HOME").filter(|home| Path::new(home).is_absolute());
        let dir = home.map(|home| Path::new(&home).join(".ssh"));
        OpenSshConfig::of(dir.as_deref(), variables(env)).names()
    }

    fn fits(config: &SshProviderConfig) -> Result<()> {
        config.check()
    }

    async fn open(config: SshProviderConfig) -> Result<Self> {
        config.check()?;
        refuse_strange_names(&config)?;
        let client = OpenSshConfig::of(config.ssh_dir.as_deref(), config.variables.clone());
        let newcomers = Newcomers::default();
        let manner = SessionOptions {
            newcomers: newcomers.clone(),
            key: match &config.identity {
                Some(KeySetting::Text(key)) => Some(key.clone()),
                Some(KeySetting::File(_)) | None => None,
            },
            check: config.host_key_check,
        };
        let work_dir = config.folder()?;
        let mut ways = Routes::default();
        let mut members: Vec<Member> = Vec::new();
        for name in &config.hosts {
            // One that the ssh configuration leaves open does not take the others with it.
            let (target, refused) = match client.target(name, &config) {
                Ok(target) => (target, None),
                Err(error) if config.hosts.len() > 1 => (HostTarget::unknown(name), Some(error)),
                Err(error) => return Err(error),
            };
            let place = target.place(&work_dir, config.sudo);
            if let Some(same) = members.iter().find(|member| member.place == place) {
                let message = format!("`{name}` and `{}` are the same host", same.name());
                return Err(Error::setting("hosts", message));
            }
            let way = match refused {
                Some(error) => Route::refused(target, manner.clone(), error),
                None => ways.to(&target, &manner, config.sudo),
            };
            let layout = Layout {
                address: Some(place.clone()),
                cache: config.cache.then(|| format!("{work_dir}/cache")),
                work_dir: work_dir.clone(),
                slots: config.slots_of(name),
                grace: config.grace.get(),
                env: Vec::new(),
                gpus: config.gpus_of(name),
                waits: !config.wait_for_slot.get().is_zero(),
                run_as: config.run_as.clone(),
            };
            members.push(Member {
                host: Host::new(way.clone(), layout),
                way,
                place,
                slots: config.slots_of(name),
                ours: Mutex::default(),
                seen: Mutex::default(),
                queued: Mutex::default(),
                reaches: AtomicBool::new(false),
                said: AtomicBool::new(false),
            });
        }
        let refused = members.iter().filter_map(|member| member.way.refusal());
        let refused: Vec<Error> = refused.cloned().collect();
        if refused.len() == members.len() {
            return Err(worst(refused, "could not use any host".into()));
        }
        Ok(Self {
            members,
            newcomers,
            config,
            survey: HostSurvey::default(),
            reached: AtomicBool::new(false),
        })
    }
}

/// Makes ways, one for each host, hosts on the way included.
#[derive(Default)]
struct Routes(Vec<(HostTarget, Route)>);

impl Routes {
    fn to(&mut self, target: &HostTarget, manner: &SessionOptions, sudo: bool) -> Route {
        let jump = target.jump.as_deref().map(|jump| {
            let known = self.0.iter().find(|(known, _)| known == jump);
            if let Some((_, way)) = known {
                return way.clone();
            }
            let way = self.to(jump, manner, false);
            self.0.push((jump.clone(), way.clone()));
            way
        });
        Route::to(target.clone(), manner.clone(), sudo, jump)
    }
}
