//! Whom a container's processes run as, in numbers.
//!
//! The rules are runc's: a name is looked up in the container's own files, a number stands for
//! itself, and a user's group is the one in its entry, else 0.

use std::io::Read as _;

use super::daemon::Daemon;
use crate::providers::{Error, Result};

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u64,
    pub(super) gid: u64,
}

/// The largest number that the kernel takes.
const LARGEST: u64 = i32::MAX as u64;

/// Resolves what a container calls its user (`""`, `name`, `1000`, `name:group`, `1000:1000`).
///
/// # Errors
///
/// `Config`, about `user`, when the container knows no such user or group.
pub(super) fn resolve(user: &str, passwd: &str, group: &str) -> Result<Owner> {
    let (user, wanted) = match user.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
        None => (user, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let entry = entries(passwd)
        .filter_map(|fields| {
            Some((
                *fields.first()?,
                number(fields.get(2)?)?,
                number(fields.get(3)?)?,
            ))
        })
        .find(|(name, uid, _)| match number(user) {
            Some(number) => *uid == number,
            None => *name == user,
        });
    let owner = match (entry, number(user)) {
        (Some((_, uid, gid)), _) => Owner { uid, gid },
        (None, Some(uid)) => Owner { uid, gid: 0 },
        (None, None) => return Err(unknown("user", user)),
    };
    let Some(wanted) = wanted else {
        return Ok(owner);
    };
    let named = || {
        entries(group)
            .find(|fields| fields.first() == Some(&wanted))
            .and_then(|fields| number(fields.get(2)?))
    };
    let gid = number(wanted)
        .or_else(named)
        .ok_or_else(|| unknown("group", wanted))?;
    Ok(Owner { gid, ..owner })
}

fn unknown(what: &str, name: &str) -> Error {
    Error::setting("user", format!("the image has no {what} `{name}`"))
        .hinted("set `user` to one in its `/etc/passwd`, or to a number")
}

fn entries(file: &str) -> impl Iterator<Item = Vec<&str>> {
    file.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split(':').collect())
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten()?;
    (number <= LARGEST).then_some(number)
}

/// Resolves the user of a container that was created, by its own files.
pub(super) async fn owner(daemon: &Daemon, container: &str, user: &str) -> Result<Owner> {
    let (name, group) = user.split_once(':').unwrap_or((user, ""));
    let is_number = |text: &str| text.is_empty() || number(text).is_some();
    // Root needs no file; a number needs one only for its group, which the boot script's mode
    // does not depend on, yet jobs may look at it.
    if matches!(name, "" | "0" | "root") && is_number(group) {
        return resolve(&user.replacen("root", "0", 1), "", "");
    }
    let passwd = text(daemon, container, "/etc/passwd").await?;
    let groups = if is_number(group) {
        String::new()
    } else {
        text(daemon, container, "/etc/group").await?
    };
    resolve(user, &passwd, &groups)
}

/// Reads a text file out of a container; empty when there is none.
async fn text(daemon: &Daemon, container: &str, path: &str) -> Result<String> {
    let mut path = path.to_owned();
    // Some images (those of Nix) keep links in `/etc`.
    for _ in 0..8 {
        let archive = daemon.archive(container, &path).await.map_err(|error| {
            daemon.failed(format!("could not read `{path}` of the image"), &error)
        })?;
        let Some(archive) = archive else {
            return Ok(String::new());
        };
        match first(&archive) {
            Some(Entry::File(text)) => return Ok(text),
            Some(Entry::Link(target)) => path = join(&path, &target),
            None => return Ok(String::new()),
        }
    }
    Ok(String::new())
}

enum Entry {
    File(String),
    Link(String),
}

fn first(archive: &[u8]) -> Option<Entry> {
    let mut archive = tar::Archive::new(archive);
    let mut entry = archive.entries().ok()?.next()?.ok()?;
    let kind = entry.header().entry_type();
    if kind.is_symlink() {
        let target = entry.link_name().ok()??;
        return Some(Entry::Link(target.to_string_lossy().into_owned()));
    }
    if !kind.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).ok()?;
    Some(Entry::File(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Follows a link that stands at `path`.
fn join(path: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{target}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n# a comment\n\nbroken\n\
        runner:x:1001:127::/home/runner:/bin/bash\n1002:x:7:8::/:/bin/sh\n";
    const GROUP: &str = "root:x:0:\ndocker:x:127:runner\n";

    #[test]
    fn users_are_resolved_as_the_runtime_does() {
        for (user, uid, gid) in [
            ("", 0, 0),
            ("root", 0, 0),
            ("runner", 1001, 127),
            ("1001", 1001, 127),
            ("4242", 4242, 0),
            ("runner:root", 1001, 0),
            ("runner:", 1001, 127),
            ("runner:99", 1001, 99),
            ("4242:docker", 4242, 127),
            (":docker", 0, 127),
            // A number is never a name.
            ("1002", 1002, 0),
        ] {
            let owner = resolve(user, PASSWD, GROUP).unwrap();
            assert_eq!(owner, Owner { uid, gid }, "{user}");
        }
    }

    #[test]
    fn a_user_that_the_image_does_not_know_is_refused() {
        for user in ["nobody", "runner:wheel", "-1", "99999999999"] {
            let error = resolve(user, PASSWD, GROUP).expect_err(user);
            assert_eq!(error.key(), Some("user"), "{user}");
            assert!(!error.hints().is_empty());
        }
    }

    #[test]
    fn links_are_followed_from_where_they_stand() {
        assert_eq!(join("/etc/passwd", "static/passwd"), "/etc/static/passwd");
        assert_eq!(join("/etc/passwd", "/nix/passwd"), "/nix/passwd");
    }
}
