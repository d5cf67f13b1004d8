//! What resolvers, hosts, login shells and `sudo` answer, and what each answer means: one table.

use super::target::HostTarget;
use crate::providers::Error;

/// Who answered. The same words may mean something else from somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Whoever turns a name into an address.
    Resolver,
    /// The network, when a connection was opened.
    Network,
    /// The other side, before anybody logged in.
    Handshake,
    /// The login shell.
    Shell,
    /// `sudo`.
    Sudo,
}

/// One row: an answer that has one of the words, in small letters.
struct Meaning {
    voice: Voice,
    words: &'static [&'static str],
    /// The setting at fault, where one is.
    key: Option<&'static str>,
    /// What to do; `{host}`, `{port}`, `{user}` and `{ssh}`, the command that logs in, are filled in.
    next: &'static str,
}

const fn row(
    voice: Voice,
    words: &'static [&'static str],
    key: Option<&'static str>,
    next: &'static str,
) -> Meaning {
    Meaning {
        voice,
        words,
        key,
        next,
    }
}

const NO_SHELL: &str = "give `{user}` a login shell there: `sudo chsh -s /bin/sh {user}`; or log in as a user who has one";

const NO_PASSWORD: &str = "allow `{user}` there to use `sudo` without a password: \
     `echo '{user} ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/gharun`; or leave `sudo` out";

/// The table; the first row that fits counts. The source of each group stands before it.
const MEANINGS: &[Meaning] = &[
    // glibc and musl, `gai_strerror`; macOS.
    row(
        Voice::Resolver,
        &["not known", "no address", "nodename", "does not resolve"],
        Some("hosts"),
        "check the name in `hosts`, or `HostName` of it in `~/.ssh/config`: `getent hosts {host}` must print an address",
    ),
    row(
        Voice::Resolver,
        &["temporary failure", "try again"],
        None,
        "the name server does not answer: check this computer's network with `getent hosts {host}`",
    ),
    // errno: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH.
    row(
        Voice::Network,
        &["connection refused"],
        None,
        "no sshd listens at port {port} of `{host}`: start it there, or correct the port; `{ssh}` must log in",
    ),
    row(
        Voice::Network,
        &[
            "timed out",
            "no route to host",
            "unreachable",
            "host is down",
        ],
        None,
        "check that the host is on, that this computer is in its network or VPN, and that no firewall blocks port {port}; \
         try `{ssh}`",
    ),
    // libssh2, `kex.c` and `session.c`.
    row(
        Voice::Handshake,
        &[
            "exchange encryption keys",
            "key exchange",
            "unable to agree",
            "negotiate",
        ],
        None,
        "its sshd and gharun have no algorithm in common: `{ssh} -vv` shows what it offers",
    ),
    row(
        Voice::Handshake,
        &["banner", "did not respond"],
        None,
        "something other than sshd may listen at port {port}: `{ssh} -v` shows what it says",
    ),
    // shadow and util-linux, `nologin`; OpenSSH, `sftp-server` as a forced command.
    row(
        Voice::Shell,
        &["account is currently not available", "not available"],
        None,
        NO_SHELL,
    ),
    row(
        Voice::Shell,
        &["sftp connections only", "sftp only"],
        None,
        "its sshd lets `{user}` use sftp only (`ForceCommand`): allow commands, or log in as another user",
    ),
    // Linux-PAM, `pam_unix`.
    row(
        Voice::Shell,
        &[
            "password has expired",
            "password expired",
            "change your password",
            "account has expired",
        ],
        None,
        "log in once with `{ssh}` and set a new password",
    ),
    row(
        Voice::Shell,
        &[
            "no such file or directory",
            "command not found",
            "not found",
        ],
        None,
        NO_SHELL,
    ),
    // sudo, `plugins/sudoers`.
    row(
        Voice::Sudo,
        &[
            "password is required",
            "a terminal is required",
            "not in the sudoers",
            "not allowed",
        ],
        Some("sudo"),
        NO_PASSWORD,
    ),
    row(
        Voice::Sudo,
        &["must have a tty"],
        Some("sudo"),
        "run `sudo visudo` on that host and remove `requiretty`; or leave `sudo` out of this table",
    ),
    // POSIX shells.
    row(
        Voice::Sudo,
        &["not found", "no such file"],
        Some("sudo"),
        "install `sudo` there, or leave `sudo` out",
    ),
];

/// Adds to an error what an answer means; an answer that is in no row adds nothing.
pub(super) fn explained(error: Error, voice: Voice, answer: &str, target: &HostTarget) -> Error {
    let lower = answer.to_ascii_lowercase();
    let fits =
        |row: &&Meaning| row.voice == voice && row.words.iter().any(|word| lower.contains(word));
    let Some(found) = MEANINGS.iter().find(fits) else {
        return error;
    };
    let next = found
        .next
        .replace("{host}", &target.host)
        .replace("{port}", &target.port.to_string())
        .replace("{user}", &target.user)
        .replace("{ssh}", &target.log_in());
    let error = error.hinted(next);
    match found.key {
        Some(key) => error.about(key),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::host::ssh::failure::unavailable;

    fn target() -> HostTarget {
        HostTarget {
            name: "pi@pi4.local:2222".into(),
            user: "pi".into(),
            host: "pi4.local".into(),
            port: 2222,
            ..HostTarget::default()
        }
    }

    #[test]
    fn each_answer_names_a_step_that_can_be_typed_for_this_host() {
        for (voice, answer, key, next) in [
            (
                Voice::Resolver,
                "failed to lookup address information: Name or service not known",
                Some("hosts"),
                "getent hosts pi4.local",
            ),
            (
                Voice::Network,
                "Connection refused (os error 111)",
                None,
                "port 2222",
            ),
            (
                Voice::Network,
                "connection timed out",
                None,
                "ssh -p 2222 pi@pi4.local",
            ),
            (
                Voice::Handshake,
                "Unable to exchange encryption keys",
                None,
                "-vv",
            ),
            (
                Voice::Shell,
                "This account is currently not available.",
                None,
                "chsh -s /bin/sh pi",
            ),
            (
                Voice::Shell,
                "This service allows sftp connections only.",
                None,
                "ForceCommand",
            ),
            (
                Voice::Sudo,
                "sudo: a password is required",
                Some("sudo"),
                "NOPASSWD",
            ),
            (
                Voice::Sudo,
                "sudo: sorry, you must have a tty to run sudo",
                Some("sudo"),
                "requiretty",
            ),
            (
                Voice::Sudo,
                "sh: 1: exec: sudo: not found",
                Some("sudo"),
                "install `sudo`",
            ),
        ] {
            let error = explained(unavailable("x"), voice, answer, &target());
            assert_eq!(error.key(), key, "{answer}");
            let hint = error.hints().join("\n");
            assert!(
                hint.contains(next) && !hint.contains('{'),
                "{answer}: {hint}"
            );
        }
    }

    #[test]
    fn an_answer_that_is_in_no_row_gets_no_guess() {
        for voice in [Voice::Resolver, Voice::Network, Voice::Shell, Voice::Sudo] {
            let error = explained(unavailable("x"), voice, "the moon is full", &target());
            assert_eq!((error.hints().len(), error.key()), (0, None), "{voice:?}");
        }
    }
}
