//! What gharun's settings and the ssh configuration together make of a host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config::SshProviderConfig;
use super::openssh::{
    Doubt, Flaw, Found, HostOptions, Line, OpenSshFiles, Proxy, Query, Surroundings, Tokens,
};
use super::target::{HostTarget, spec};
use crate::model::KeySetting;
use crate::providers::{Error, Result};

/// How many hosts may lie on the way to one.
const MOST_JUMPS: usize = 8;

/// How long each step of a connection may take, where nothing says.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files that a host's key is looked for in, where nothing says, below the user's folder and the system's.
const KNOWN_HOSTS: [&str; 2] = ["known_hosts", "known_hosts2"];
const GLOBAL_KNOWN_HOSTS: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/// The variable of the agent's socket.
const AGENT: &str = "SSH_AUTH_SOCK";

/// What the ssh configuration says, and where its folder is.
#[derive(Debug)]
pub(super) struct OpenSshConfig {
    dir: Option<PathBuf>,
    files: OpenSshFiles,
}

/// A host with what the ssh configuration says of it.
struct Asked<'a> {
    /// The setting that names it.
    setting: &'static str,
    name: &'a str,
    /// The name without user and port.
    alias: &'a str,
    options: HostOptions,
}

impl Asked<'_> {
    /// The error for a line that cannot be used.
    fn wrong(&self, at: &Line, what: &str) -> Error {
        wrong(self.setting, self.name, at, what)
    }
}

fn wrong(setting: &str, name: &str, at: &Line, what: &str) -> Error {
    Error::setting(setting, format!("`{name}`: {at}: {what}"))
}

impl OpenSshConfig {
    /// That of a folder and of the system, with the variables that paths may name. Files are read when a host is asked for.
    pub(super) fn of(dir: Option<&Path>, variables: BTreeMap<String, String>) -> Self {
        Self {
            dir: dir.map(Path::to_owned),
            files: OpenSshFiles::of(dir, Surroundings::of(dir, variables)),
        }
    }

    /// The hosts that the user's own files name one by one, and that `hosts` takes.
    ///
    /// # Errors
    ///
    /// A file, or a line that counts for every host, cannot be used.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let names = self.files.names();
        let mut names = names.map_err(|Flaw { at, what }| {
            let place = at.to_string();
            let place = if at.number() == 0 {
                String::new()
            } else {
                place + ": "
            };
            Error::setting("hosts", format!("{place}{what}"))
        })?;
        names.retain(|name| parts("hosts", name).is_ok());
        Ok(names)
    }

    /// Finds out where a host is.
    pub(super) fn target(&self, name: &str, config: &SshProviderConfig) -> Result<HostTarget> {
        let asked = self.asked("hosts", name, config)?;
        let mut target = self.direct(&asked, config)?;
        match (&config.jump, asked.options.proxy()) {
            (Some(jump), _) => {
                let hops: Vec<String> = jump.split(',').map(|hop| hop.trim().to_owned()).collect();
                target.jump = self.way(&hops, config, 0)?;
            }
            (None, Some(proxy)) => self.lead(&mut target, &asked, proxy, config, 0)?,
            (None, None) => {}
        }
        Ok(target)
    }

    /// Takes over how a host is reached.
    fn lead(
        &self,
        target: &mut HostTarget,
        asked: &Asked<'_>,
        (proxy, at): (&Proxy, &Line),
        config: &SshProviderConfig,
        depth: usize,
    ) -> Result<()> {
        match proxy {
            Proxy::Jump(hops) => {
                let tokens = self.tokens(asked, target);
                let hops = hops.iter().map(|hop| tokens.command(hop));
                let hops: std::result::Result<Vec<String>, String> = hops.collect();
                let hops = hops.map_err(|what| asked.wrong(at, &what))?;
                target.jump = self.way(&hops, config, depth)?;
            }
            Proxy::Command(command) => {
                if let Some(passes) = &asked.options.pass_socket
                    && passes.value
                {
                    let what = "gharun does not use `ProxyUseFdpass`: leave it out, or set `jump`";
                    return Err(asked.wrong(&passes.at, what));
                }
                let command = self.tokens(asked, target).command(command);
                target.proxy = Some(command.map_err(|what| asked.wrong(at, &what))?);
            }
        }
        Ok(())
    }

    /// The last of some hosts, reached by those before it.
    fn way(
        &self,
        hops: &[String],
        config: &SshProviderConfig,
        depth: usize,
    ) -> Result<Option<Box<HostTarget>>> {
        let [before @ .., last] = hops else {
            return Ok(None);
        };
        if hops == ["none"] {
            return Ok(None);
        }
        if depth > MOST_JUMPS {
            let message = format!("`ProxyJump` by `{last}` is too long or circular");
            return Err(Error::setting("jump", message));
        }
        let asked = self.asked("jump", last, config)?;
        let mut target = self.direct(&asked, config)?;
        // The first one may have a way of its own.
        if !before.is_empty() {
            target.jump = self.way(before, config, depth + 1)?;
        } else if let Some(proxy) = asked.options.proxy() {
            self.lead(&mut target, &asked, proxy, config, depth + 1)?;
        }
        Ok(Some(Box::new(target)))
    }

    /// What the files say of a host, as long as that is sure.
    fn asked<'a>(
        &self,
        setting: &'static str,
        name: &'a str,
        config: &SshProviderConfig,
    ) -> Result<Asked<'a>> {
        let (user, alias, port) = parts(setting, name)?;
        let options = self.files.options(&Query {
            host: alias,
            user,
            port,
            fallback: &self.own_user(config).unwrap_or_default(),
        });
        let options = options.map_err(|Flaw { at, what }| wrong(setting, name, &at, &what))?;
        let asked = Asked {
            setting,
            name,
            alias,
            options,
        };
        let mut doubts = asked.options.doubts.iter();
        match doubts.find(|doubt| decides(doubt, setting, config)) {
            Some(doubt) => Err(doubtful(&asked, doubt)),
            None => Ok(asked),
        }
    }

    /// The user where neither a host nor the files name one: that of the table, else the one who runs this process, by the
    /// name that `ssh` logs in with, whatever `$USER` says.
    fn own_user(&self, config: &SshProviderConfig) -> Option<String> {
        let ours = Some(&self.files.around.user).filter(|user| !user.is_empty());
        config.user.as_ref().or(ours).cloned()
    }

    /// A host without what lies before it.
    fn direct(&self, asked: &Asked<'_>, config: &SshProviderConfig) -> Result<HostTarget> {
        let options = &asked.options;
        let named = options.user.as_ref().map(|found| found.value.clone());
        let Some(user) = named.or_else(|| self.own_user(config)) else {
            let message = format!("no user is set for `{}`", asked.name);
            return Err(Error::setting("user", message).hinted("write `user@host`"));
        };
        let host = options.hostname.as_ref();
        let of_config = options.connect_timeout.as_ref().map(|found| found.value);
        let patience = match config.connect_timeout {
            Some(time) => time.get(),
            None => of_config.filter(|time| !time.is_zero()).unwrap_or(PATIENCE),
        };
        let unused = options.unused.iter();
        let mut target = HostTarget {
            name: asked.name.to_owned(),
            user,
            host: host.map_or(asked.alias, |found| &found.value).to_owned(),
            port: options.port.as_ref().map_or(22, |found| found.value),
            named_keys_only: options
                .identities_only
                .as_ref()
                .is_some_and(|found| found.value),
            key_alias: options
                .host_key_alias
                .as_ref()
                .map(|found| found.value.clone()),
            patience,
            unused: unused
                .map(
                    |Found {
                         value: (key, instead),
                         at,
                     }| format!("`{key}` ({at}): {instead}"),
                )
                .collect(),
            ..HostTarget::default()
        };
        let tokens = self.tokens(asked, &target);
        let path = |found: &Found<String>| {
            let path = tokens.path(&found.value);
            path.map_err(|what| asked.wrong(&found.at, &what))
        };
        let paths = |all: &[Found<String>]| -> Result<Vec<PathBuf>> {
            let all = all.iter().filter(|found| !is_none(&found.value));
            all.map(path).collect()
        };
        let files = |found: &Found<Vec<String>>| -> Result<Vec<PathBuf>> {
            let files = found.value.iter().filter(|file| !is_none(file));
            let paths = files.map(|file| tokens.path(file));
            paths
                .map(|path| path.map_err(|what| asked.wrong(&found.at, &what)))
                .collect()
        };
        let identities = match (&config.identity, options.identity_files.as_slice()) {
            (Some(KeySetting::File(own)), _) => vec![self.path(own)],
            // It is tried as it is, and no other.
            (Some(KeySetting::Text(_)), _) => Vec::new(),
            (None, []) => ["id_ed25519", "id_ecdsa", "id_rsa"]
                .iter()
                .filter_map(|file| Some(self.dir.as_ref()?.join(file)))
                .filter(|file| file.exists())
                .collect(),
            (None, named) => paths(named)?,
        };
        let certificates = match config.identity {
            Some(_) => Vec::new(),
            None => paths(&options.certificate_files)?,
        };
        let known_hosts = match (&config.known_hosts, &options.user_known_hosts) {
            (Some(own), _) => vec![self.path(own)],
            (None, Some(found)) => files(found)?,
            (None, None) => {
                let dir = self.dir.as_ref();
                let files = KNOWN_HOSTS.iter();
                files.filter_map(|file| Some(dir?.join(file))).collect()
            }
        };
        let global_known_hosts = match &options.global_known_hosts {
            Some(found) => files(found)?,
            None => GLOBAL_KNOWN_HOSTS.map(PathBuf::from).into(),
        };
        let agent = match (&config.agent_socket, &options.identity_agent) {
            _ if !config.agent => None,
            (Some(socket), _) => Some(socket.to_path_buf()),
            (None, Some(found)) => match found.value.as_str() {
                "none" => None,
                AGENT => self.variable(AGENT),
                text => match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                    Some(name) => self.variable(name),
                    None => Some(path(found)?),
                },
            },
            (None, None) => self.variable(AGENT),
        };
        target.identities = identities;
        target.certificates = certificates;
        target.known_hosts = known_hosts;
        target.global_known_hosts = global_known_hosts;
        target.agent = agent.filter(|socket| !socket.as_os_str().is_empty());
        Ok(target)
    }

    fn tokens<'a>(&'a self, asked: &'a Asked<'_>, target: &HostTarget) -> Tokens<'a> {
        Tokens {
            around: &self.files.around,
            host: target.host.clone(),
            original: asked.alias,
            alias: target.key_alias.clone(),
            port: target.port,
            user: target.user.clone(),
        }
    }

    fn variable(&self, name: &str) -> Option<PathBuf> {
        let value = self.files.around.variables.get(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    }

    /// A path of the settings.
    fn path(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.files.around.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

/// Makes sure that the settings' own words are what they must be, whatever the ssh configuration says.
pub(super) fn refuse_strange_names(config: &SshProviderConfig) -> Result<()> {
    for name in &config.hosts {
        parts("hosts", name)?;
    }
    match config.user.as_deref().filter(|user| !is_plain_user(user)) {
        Some(user) => {
            let message = format!("`{user}` is not a valid user");
            Err(Error::setting("user", message))
        }
        None => Ok(()),
    }
}

/// User, host and port of a name.
fn parts<'a>(
    setting: &'static str,
    name: &'a str,
) -> Result<(Option<&'a str>, &'a str, Option<u16>)> {
    let refused = |what: String| Err(Error::setting(setting, what));
    let (user, host, port) = spec(name);
    if !is_plain_host(host) || !user.is_none_or(is_plain_user) {
        return refused(format!(
            "`{name}` is not a valid host: write `[user@]host[:port]`"
        ));
    }
    match port.map(str::parse) {
        Some(Ok(0) | Err(_)) => refused(format!("`{name}` has an invalid port")),
        Some(Ok(port)) => Ok((user, host, Some(port))),
        None => Ok((user, host, None)),
    }
}

/// Whether a name of a host can stand in a command for a shell, as a `ProxyCommand` is one (`valid_hostname` in OpenSSH's ssh.c).
fn is_plain_host(text: &str) -> bool {
    let is_special = |c| "'`\"$\\;&<>|(){}/".contains(c);
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || is_special(c);
    !text.is_empty() && !text.starts_with('-') && !text.contains(is_bad)
}

/// The same for a user (`valid_ruser` there), who may belong to a domain (`LAB\ann`) or be a machine (`PI$`). No spaces either.
fn is_plain_user(text: &str) -> bool {
    let (domain, name) = text.split_once('\\').unwrap_or(("", text));
    let name = name.strip_suffix('$').unwrap_or(name);
    !text.starts_with('-')
        && !text.starts_with('\\')
        && is_plain_host(name)
        && (domain.is_empty() || is_plain_host(domain))
}

/// Whether a value is `none`.
fn is_none(value: &str) -> bool {
    value.eq_ignore_ascii_case("none")
}

/// Whether a key that a block may set would change how a host is reached, with settings that come before it.
fn decides(doubt: &Doubt, setting: &str, config: &SshProviderConfig) -> bool {
    match doubt.key {
        "ProxyCommand" | "ProxyJump" | "ProxyUseFdpass" => {
            setting == "jump" || config.jump.is_none()
        }
        "CertificateFile" | "IdentityFile" => config.identity.is_none(),
        "IdentitiesOnly" => config.agent,
        "IdentityAgent" => config.agent && config.agent_socket.is_none(),
        "UserKnownHostsFile" => config.known_hosts.is_none(),
        _ => true,
    }
}

/// The error for a host of which only `ssh` can tell what counts.
fn doubtful(asked: &Asked<'_>, doubt: &Doubt) -> Error {
    let key = doubt.key;
    let what = format!(
        "this `Match` block may set `{key}` (line {}), but gharun does not run commands to find out",
        doubt.at.number()
    );
    let instead = match key {
        "HostName" => "write the host's real name in `hosts` instead of this one",
        "Port" => "write the port, too: `HOST:PORT`",
        "User" => "write the user, too: `USER@HOST`",
        "ProxyCommand" | "ProxyJump" | "ProxyUseFdpass" => "set `jump`",
        "CertificateFile" | "IdentityFile" => "set `identity`",
        "IdentitiesOnly" => "set `agent = false`",
        "IdentityAgent" => "set `agent_socket`",
        "UserKnownHostsFile" => "set `known_hosts`",
        _ => "write the host in a file of its own",
    };
    asked.wrong(&doubt.block, &what).hinted(format!(
        "{instead}; or set `{key}` for this host above that block"
    ))
}

#[cfg(test)]
mod tests;
