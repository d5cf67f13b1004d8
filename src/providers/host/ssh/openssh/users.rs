//! The users of this computer, as its files name them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The fields of the lines of `/etc/passwd`.
fn lines() -> Vec<Vec<String>> {
    lines_of("/etc/passwd")
}

fn lines_of(file: &str) -> Vec<Vec<String>> {
    // Where it cannot be read, the environment has to do, and no group is known to be private.
    fields(&fs::read_to_string(file).unwrap_or_default())
}

fn fields(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines();
    lines
        .map(|line| line.split(':').map(str::to_owned).collect())
        .collect()
}

/// The name of the user who runs this process, which `ssh` asks `getpwuid` for. No variable can change it.
pub(super) fn name() -> Option<String> {
    let us = rustix::process::getuid().as_raw().to_string();
    let lines = lines().into_iter();
    let mut ours = lines.filter(|line| line.get(2) == Some(&us));
    let written = ours.next().and_then(|line| line.into_iter().next());
    written.or_else(|| answer_of("id", &["-un"]))
}

/// What a command prints, on one line: it knows the users of a directory, who are in no file.
fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    // It needs nothing of our environment, which has tokens.
    command.args(arguments).env_clear().stdin(Stdio::null());
    let output = command.output().ok().filter(|done| done.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let name = text.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The home of a user.
pub(super) fn home(user: &str) -> Option<PathBuf> {
    let lines = lines().into_iter();
    let mut theirs = lines.filter(|line| line.first().is_some_and(|name| name == user));
    theirs.next()?.into_iter().nth(5).map(PathBuf::from)
}

/// Whether a group is known to have no other member than a user.
pub(super) fn is_alone_in(user: u32, group: u32) -> bool {
    let (people, groups) = (lines(), lines_of("/etc/group"));
    is_alone(&people, &groups, &user.to_string(), &group.to_string())
}

/// The same by these users and groups: nobody else is listed in the group, and no other user has it as the first one.
fn is_alone(people: &[Vec<String>], groups: &[Vec<String>], user: &str, group: &str) -> bool {
    let has =
        |line: &&Vec<String>, at: usize, id: &str| line.get(at).is_some_and(|field| field == id);
    let of_user = people.iter().find(|line| has(line, 2, user));
    let listed = groups.iter().find(|line| has(line, 2, group));
    let (Some([name, ..]), Some([_, _, _, listed, ..])) =
        (of_user.map(Vec::as_slice), listed.map(Vec::as_slice))
    else {
        return false;
    };
    let mut members = listed.split(',').filter(|member| !member.is_empty());
    let mut first = people.iter().filter(|line| has(line, 3, group));
    members.all(|member| member == name) && first.all(|line| line.first() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_private_where_its_user_is_its_only_member() {
        let people = fields(
            "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:100::/home/bob:/bin/sh\n",
        );
        let groups = fields("ann:x:1000:\nowned:x:7:ann\nusers:x:100:\nlab:x:8:ann,bob\n");
        for (user, group, is_private) in [
            ("1000", "1000", true),
            ("1000", "7", true),
            // It is the first group of somebody else, or has another member.
            ("1000", "100", false),
            ("1000", "8", false),
            // Nothing is known of them.
            ("1000", "9", false),
            ("5000", "1000", false),
        ] {
            assert_eq!(
                is_alone(&people, &groups, user, group),
                is_private,
                "{user} {group}"
            );
        }
    }
}
