//! The repositories that the git remotes of the current folder name, at one server.
//!
//! Only files are read. No git runs: in a folder that somebody else prepared it would run what its configuration says.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use url::Url;

use super::Env;
use super::found::{self, Owners};
use super::values::{Repo, SettingText as _};
use crate::model::{Scope, server};

mod config;

use config::{Entry, entries};

/// A repository that a remote names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    /// What git calls it: `origin`.
    pub(super) name: String,
    /// The repository.
    pub(super) scope: Scope,
}

/// The repositories at `server` that remotes of the checkout around `folder` name, each once, in the order of the
/// configuration. What cannot be read, belongs to another user, or is at another server names none.
pub(super) fn repositories(folder: &Path, server: &Url, env: &Env) -> Vec<Remote> {
    // Git would look elsewhere.
    if env.get("GIT_DIR").is_some() {
        return Vec::new();
    }
    let Some(owners) = Owners::of(env) else {
        return Vec::new();
    };
    configuration(folder, owners).map_or_else(Vec::new, |text| of_configuration(&text, server))
}

/// The repositories that a configuration names.
fn of_configuration(text: &str, server: &Url) -> Vec<Remote> {
    let Some(entries) = entries(text) else {
        return Vec::new();
    };
    let mut found: Vec<Remote> = Vec::new();
    for (name, url) in urls(&entries) {
        let Some(scope) = repository(&rewritten(&url, &entries), server) else {
            continue;
        };
        let spelled = scope.to_string();
        let known = |other: &Remote| other.scope.to_string().eq_ignore_ascii_case(&spelled);
        if !found.iter().any(known) {
            found.push(Remote { name, scope });
        }
    }
    found
}

/// The first address of each remote, which is the one that git fetches from; an empty one takes back those before it.
fn urls(entries: &[Entry]) -> Vec<(String, String)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for entry in entries {
        let (Some(name), Some(value)) = (entry.of("remote", "url"), &entry.value) else {
            continue;
        };
        let at = found.iter().position(|(other, _)| other == name);
        let at = at.unwrap_or_else(|| {
            found.push((name.to_owned(), None));
            found.len() - 1
        });
        let url = &mut found[at].1;
        if value.is_empty() {
            *url = None;
        } else {
            url.get_or_insert_with(|| value.clone());
        }
    }
    let found = found.into_iter();
    found.filter_map(|(name, url)| Some((name, url?))).collect()
}

/// An address as `url.BASE.insteadOf` of the same file rewrites it: the longest beginning wins.
fn rewritten(url: &str, entries: &[Entry]) -> String {
    let rules = entries.iter().filter_map(|entry| {
        let base = entry.of("url", "insteadof")?;
        let prefix = entry.value.as_deref().filter(|prefix| !prefix.is_empty())?;
        Some((base, prefix, url.strip_prefix(prefix)?))
    });
    let longest = rules.max_by_key(|(_, prefix, _)| prefix.len());
    longest.map_or_else(|| url.to_owned(), |(base, _, rest)| format!("{base}{rest}"))
}

/// The repository of an address, where it is at this server.
fn repository(address: &str, server: &Url) -> Option<Scope> {
    let path = if address.contains("://") {
        let url = Url::parse(address).ok()?;
        let same = match url.scheme() {
            "http" | "https" => server::name(&url) == server::name(server),
            "ssh" | "git+ssh" | "ssh+git" => is_ssh_of(url.host_str()?, server),
            _ => false,
        };
        same.then(|| url.path().to_owned())?
    } else {
        // `[USER@]HOST:PATH`; with a slash before the colon it is a path of this computer.
        let (host, path) = address.split_once(':')?;
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        (!host.contains('/') && is_ssh_of(host, server)).then(|| path.to_owned())?
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    Repo::read(path).map(|repo| repo.0)
}

/// Whether a host of SSH is that of a server; its port is another one than that of the server's pages.
fn is_ssh_of(host: &str, server: &Url) -> bool {
    let name = server::name(server);
    let server = name
        .rsplit_once(':')
        .map_or(name.as_str(), |(host, _)| host);
    // Where port 22 is closed: docs.github.com, "Using SSH over the HTTPS port".
    let host = match host {
        "ssh.github.com" => "github.com",
        host => host.strip_prefix("www.").unwrap_or(host),
    };
    host.eq_ignore_ascii_case(server)
}

/// The text of the configuration of the checkout around a folder, where all of it is this user's, as
/// git's `safe.directory` has it.
fn configuration(folder: &Path, owners: Owners) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let device = std::fs::metadata(&folder).ok()?.dev();
    for folder in folder.ancestors() {
        let about = std::fs::metadata(folder).ok()?;
        // Like git, not across file systems.
        if about.dev() != device {
            return None;
        }
        let dot_git = folder.join(".git");
        let Some(git) = git_folder(&dot_git) else {
            continue;
        };
        let common = common_folder(&git);
        let config = common.join("config");
        let all = [folder, &dot_git, &git, &common, &config];
        let ours = all.iter().all(|path| {
            let link = std::fs::symlink_metadata(path).map(|about| about.uid());
            let target = std::fs::metadata(path).map(|about| about.uid());
            [link, target]
                .into_iter()
                .all(|uid| uid.is_ok_and(|uid| owners.are(uid)))
        });
        if !ours {
            return None;
        }
        // Nobody asked for it: what cannot be read is as what is not there.
        return found::read(&config, Some(&owners)).ok().flatten();
    }
    None
}

/// The folder of git that a `.git` is or names; `None` where it is neither.
fn git_folder(dot_git: &Path) -> Option<PathBuf> {
    let about = std::fs::metadata(dot_git).ok()?;
    let folder = if about.is_dir() {
        dot_git.to_owned()
    } else if about.is_file() {
        // A work tree of `git worktree`, or a submodule.
        let text = found::read(dot_git, None).ok().flatten()?;
        let path = text.strip_prefix("gitdir:")?.trim();
        dot_git.parent()?.join(path)
    } else {
        return None;
    };
    folder.join("HEAD").exists().then_some(folder)
}

/// Where the configuration is: a work tree of `git worktree` shares that of its repository.
fn common_folder(git: &Path) -> PathBuf {
    let shared = found::read(&git.join("commondir"), None).ok().flatten();
    shared.map_or_else(|| git.to_owned(), |path| git.join(path.trim()))
}

#[cfg(test)]
mod tests;
