//! What a child process gets of our environment.

use std::collections::BTreeSet;
use std::sync::Mutex;

use tokio::process::Command;

use super::lock;

/// The variables that gharun, a workflow step and the commands of GitHub and of the clouds keep tokens in.
///
/// Those of AWS are not among them: a command that fetches a secret, a helper of Docker's and the proxy of an ssh
/// connection may all have to ask AWS with them.
const TOKENS: [&str; 12] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "GHARUN_ACTION_INPUTS",
    "GHARUN_APP_PRIVATE_KEY",
    "GHARUN_GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GH_PAT",
    "GH_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITHUB_TOKEN",
    "NEBIUS_IAM_TOKEN",
    "RUNPOD_API_KEY",
];

/// What a program may need to run at all: it is not withheld, whatever settings say.
const NEEDED: [&str; 8] = [
    "HOME",
    "LANG",
    "LOGNAME",
    "PATH",
    "SHELL",
    "SSH_AUTH_SOCK",
    "TMPDIR",
    "USER",
];

/// The variables that settings name as the homes of secrets. Children are started where nobody knows all settings, such
/// as those of other tables.
static NAMED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Withholds a variable from every child from now on, because settings name it as the home of a secret.
pub fn withhold(name: &str) {
    if !NEEDED.contains(&name) {
        lock(&NAMED).insert(name.to_owned());
    }
}

/// The variables that no child gets, unless they are its own.
pub fn withheld() -> BTreeSet<String> {
    let fixed = TOKENS.iter().map(ToString::to_string);
    lock(&NAMED).iter().cloned().chain(fixed).collect()
}

/// Keeps from a child all tokens but those of its own: every process of the same user can read its environment.
pub fn withhold_tokens(command: &mut Command) {
    let program = command.as_std().get_program();
    let program = std::path::Path::new(program).file_name();
    let own: &[&str] = match program.and_then(std::ffi::OsStr::to_str) {
        Some(name) if name == "gh" || name.starts_with("docker-credential-gh") => {
            &["GH_", "GITHUB_"]
        }
        Some("nebius") => &["NEBIUS_"],
        _ => &[],
    };
    // What has a name of the user's own is nobody else's, however it begins.
    let is_own = |name: &str| {
        let of_it = own.iter().any(|prefix| name.starts_with(prefix));
        name != "GH_PAT" && of_it && TOKENS.contains(&name)
    };
    for name in withheld() {
        if !is_own(&name) {
            command.env_remove(name);
        }
    }
}

/// Lets a child have nothing of our environment but some variables.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing is decided by what is passed on"
)]
pub fn pass_on(command: &mut Command, names: &[&str]) {
    command.env_clear();
    for name in names {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_no_tokens_but_its_own() {
        for name in ["NEBIUS_MINE", "PATH"] {
            withhold(name);
        }
        for (program, kept) in [
            ("sh", &[][..]),
            (
                "/usr/bin/gh",
                &[
                    "GH_ENTERPRISE_TOKEN",
                    "GH_TOKEN",
                    "GITHUB_ENTERPRISE_TOKEN",
                    "GITHUB_TOKEN",
                ],
            ),
            ("nebius", &["NEBIUS_IAM_TOKEN"]),
            ("docker-credential-pass", &[]),
        ] {
            let mut command = Command::new(program);
            withhold_tokens(&mut command);
            let removed = command.as_std().get_envs();
            let removed: Vec<_> = removed
                .map(|(name, value)| (name.to_str().expect("a name"), value))
                .collect();
            assert!(removed.iter().all(|(_, value)| value.is_none()));
            let named = removed.iter().any(|(removed, _)| *removed == "NEBIUS_MINE");
            assert!(named, "{program}");
            assert!(!removed.iter().any(|(removed, _)| *removed == "PATH"));
            for name in TOKENS {
                let is_kept = !removed.iter().any(|(removed, _)| *removed == name);
                assert_eq!(is_kept, kept.contains(&name), "{program}: {name}");
            }
        }
    }
}
