//! `ssh_config(5)` as `ssh` reads it: the user's file, then the system's; of each key the first value counts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

mod condition;
mod files;
mod found;
mod options;
pub(super) mod patterns;
mod reader;
#[cfg(test)]
mod tests;
mod tokens;
mod users;
mod words;

pub(super) use found::{Doubt, Flaw, Found, Line};
pub(super) use options::{HostOptions, Proxy};
use reader::{Reader, Whose};
pub(super) use tokens::Tokens;

/// The file that counts after the user's.
const SYSTEM: &str = "/etc/ssh/ssh_config";

/// How many dots a name may have that `CanonicalizeHostname` completes, where nothing says.
const DOTS: usize = 1;

/// What is around a reader: whose computer it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) home: Option<PathBuf>,
    /// The user who runs this process.
    pub(super) user: String,
    /// The variables that paths may name.
    pub(super) variables: BTreeMap<String, String>,
}

impl Surroundings {
    /// The surroundings of this process; `dir` is the folder of the user's files.
    pub(super) fn of(dir: Option<&Path>, variables: BTreeMap<String, String>) -> Self {
        let mut named = ["USER", "LOGNAME"].into_iter();
        let user = users::name().or_else(|| named.find_map(|name| variables.get(name)).cloned());
        Self {
            home: dir.and_then(Path::parent).map(Path::to_owned),
            user: user.unwrap_or_default(),
            variables,
        }
    }
}

/// Who asks for a host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    /// The host as it was written.
    pub(super) host: &'a str,
    /// The user, where one was written with it.
    pub(super) user: Option<&'a str>,
    /// The port, where one was written with it.
    pub(super) port: Option<u16>,
    /// The user where nothing names one.
    pub(super) fallback: &'a str,
}

/// The files of `ssh_config`.
#[derive(Debug)]
pub(super) struct OpenSshFiles {
    dir: Option<PathBuf>,
    config: Option<PathBuf>,
    system: PathBuf,
    pub(super) around: Surroundings,
}

impl OpenSshFiles {
    /// Those of a folder, and the system's.
    pub(super) fn of(dir: Option<&Path>, around: Surroundings) -> Self {
        Self {
            dir: dir.map(Path::to_owned),
            config: dir.map(|dir| dir.join("config")),
            system: SYSTEM.into(),
            around,
        }
    }

    /// What they say of a host. The real name is filled in, and so is a port or a user that was written.
    pub(super) fn options(&self, query: &Query<'_>) -> Result<HostOptions, Flaw> {
        let written = Line {
            file: Path::new("").into(),
            number: 0,
        };
        let options = HostOptions {
            port: query.port.map(|value| Found {
                value,
                at: written.clone(),
            }),
            user: query.user.map(|user| Found {
                value: user.to_owned(),
                at: written.clone(),
            }),
            ..HostOptions::default()
        };
        let (mut options, mut wants_final) = self.read(query, query.host, options, false)?;
        let (name, at) = match &options.hostname {
            Some(found) => {
                let name = tokens::host_name(&found.value, query.host).map_err(|what| Flaw {
                    at: found.at.clone(),
                    what,
                })?;
                (name, found.at.clone())
            }
            None => (query.host.to_owned(), written),
        };
        let name = match name.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) if is_address(&name) => name,
            Err(_) => name.to_ascii_lowercase(),
        };
        if let Some(at) = completed(&name, &options) {
            let what =
                "gharun does not use `CanonicalizeHostname`: write the whole name as `HostName`";
            return Err(Flaw {
                at: at.clone(),
                what: what.to_owned(),
            });
        }
        wants_final |= canonicalizes(&options).is_some();
        options.hostname = Some(Found {
            value: name.clone(),
            at,
        });
        if wants_final {
            options = self.read(query, &name, options, true)?.0;
        }
        Ok(options)
    }

    /// The hosts that the user's files name one by one, those of `Include` with them.
    pub(super) fn names(&self) -> Result<Vec<String>, Flaw> {
        let nobody = Query {
            host: "",
            user: None,
            port: None,
            fallback: &self.around.user,
        };
        let mut reader = self.reader(&nobody, "", HostOptions::default(), false);
        if let Some(config) = &self.config {
            reader.file(config, Whose::User)?;
        }
        Ok(reader.names)
    }

    fn reader<'a>(
        &'a self,
        query: &Query<'a>,
        host: &'a str,
        options: HostOptions,
        is_final: bool,
    ) -> Reader<'a> {
        Reader {
            dir: self.dir.as_deref(),
            system: self.system.parent().unwrap_or(Path::new("/")),
            around: &self.around,
            host,
            original: query.host,
            user: query.fallback,
            is_final,
            wants_final: false,
            options,
            names: Vec::new(),
        }
    }

    /// Reads all files once; whether they ask for a second reading.
    fn read(
        &self,
        query: &Query<'_>,
        host: &str,
        options: HostOptions,
        is_final: bool,
    ) -> Result<(HostOptions, bool), Flaw> {
        let mut reader = self.reader(query, host, options, is_final);
        if let Some(config) = &self.config {
            reader.file(config, Whose::User)?;
        }
        reader.file(&self.system, Whose::System)?;
        Ok((reader.options, reader.wants_final))
    }
}

/// Whether `ssh` takes a name for an address by its looks.
fn is_address(name: &str) -> bool {
    name.contains(['%', ':'])
        || name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The line by which `ssh` would look for the whole name of a host, if it does so at all.
fn canonicalizes(options: &HostOptions) -> Option<&Found<String>> {
    let asked = options.canonicalize.as_ref();
    asked.filter(|found| !matches!(found.value.as_str(), "no" | "false"))
}

/// The same where it may find another name than this.
fn completed<'a>(name: &str, options: &'a HostOptions) -> Option<&'a Line> {
    let asked = canonicalizes(options)?;
    let domains = options.canonical_domains.as_ref()?;
    let dots = options.canonical_dots.as_ref();
    let is_short = name.matches('.').count() <= dots.map_or(DOTS, |found| found.value);
    let is_direct = options.proxy().is_none();
    let applies = domains.value.first().is_some_and(|domain| domain != "none")
        && !is_address(name)
        && is_short
        && (is_direct || asked.value == "always");
    applies.then_some(&asked.at)
}
