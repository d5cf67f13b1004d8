//! Proving to a host who we are: by keys of the agent and by files of private keys.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh2::{Agent, ErrorCode, PublicKey, Session};

use super::failure::{denied, unavailable};
use crate::model::Secret;
use crate::providers::{Error, ErrorKind};

/// What may be used.
#[derive(Clone, Debug)]
pub(super) struct SshCredentials {
    /// The agent's socket, if it may be asked.
    pub(super) agent: Option<PathBuf>,
    /// The text of a private key, where the settings give one.
    pub(super) key: Option<Secret>,
}

/// Why a login came to nothing.
#[derive(Debug)]
pub(super) enum LoginError {
    /// The connection was gone after so many keys: it was cut, or the host had seen too many.
    Cut(usize, Error),
    /// The host refused it.
    Refused(Error),
}

impl From<Error> for LoginError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What a file of a private key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PrivateKeyFile {
    Key,
    Locked,
    Nothing,
}

/// Codes of libssh2 that mean that the connection is gone: `LIBSSH2_ERROR_SOCKET_DISCONNECT`, `_SEND`,
/// `_RECV`, `_TIMEOUT`, see `libssh2.h`.
const GONE: [i32; 4] = [-13, -7, -43, -9];

/// Logs in, with as few keys as will do: a host turns away who has tried too many.
pub(super) fn log_in(
    session: &Session,
    user: &str,
    identities: &[PathBuf],
    credentials: &SshCredentials,
) -> Result<(), LoginError> {
    let mut tried = Vec::new();
    let methods = session.auth_methods(user).map(str::to_owned);
    if session.authenticated() {
        return Ok(());
    }
    takes_keys(user, methods)?;
    let files: Vec<(&PathBuf, PrivateKeyFile)> =
        identities.iter().map(|file| (file, held(file))).collect();
    let publics: Vec<Vec<u8>> = files.iter().filter_map(|(file, _)| public(file)).collect();
    let mut unused = Vec::new();
    let mut agent = None;
    if let Some(socket) = &credentials.agent {
        match asked(session, socket) {
            Ok((found, keys)) => {
                // Those that the settings name come first, and the others last.
                let (named, others): (Vec<_>, Vec<_>) = keys
                    .into_iter()
                    .partition(|key| publics.iter().any(|public| public == key.blob()));
                if agent_lets_in(session, user, &found, &named, &mut tried)? {
                    return Ok(());
                }
                unused = others;
                agent = Some(found);
            }
            Err(why) => tried.push(format!("the agent ({why})")),
        }
    }
    if let Some(key) = &credentials.key {
        let attempt = session.userauth_pubkey_memory(user, None, key.expose(), None);
        let name = "the key of `identity`".to_owned();
        if accepted(session, attempt, &mut tried, name)? {
            return Ok(());
        }
    }
    for (file, held) in &files {
        let name = format!("`{}`", file.display());
        match held {
            PrivateKeyFile::Key => {
                let attempt = session.userauth_pubkey_file(user, None, file, None);
                if accepted(session, attempt, &mut tried, name)? {
                    return Ok(());
                }
            }
            PrivateKeyFile::Locked => {
                tried.push(format!("{name} (encrypted, and not in the agent)"));
            }
            PrivateKeyFile::Nothing => {
                tried.push(format!("{name} (could not read a private key from it)"));
            }
        }
    }
    if let Some(agent) = &agent
        && agent_lets_in(session, user, agent, &unused, &mut tried)?
    {
        return Ok(());
    }
    Err(refused(user, &tried, &files).into())
}

/// Whether a host takes keys at all, by the methods that it names.
fn takes_keys(user: &str, methods: Result<String, ssh2::Error>) -> Result<(), LoginError> {
    let methods = methods.map_err(|error| LoginError::Cut(0, lost(&error)))?;
    if methods.split(',').any(|method| method == "publickey") {
        return Ok(());
    }
    let refused = denied(format!(
        "public-key authentication is not allowed for `{user}` (the server offers: {methods})"
    ));
    Err(refused.into())
}

/// Tries keys that the agent holds; whether one was accepted.
fn agent_lets_in(
    session: &Session,
    user: &str,
    agent: &Agent,
    keys: &[PublicKey],
    tried: &mut Vec<String>,
) -> Result<bool, LoginError> {
    for key in keys {
        let name = format!("`{}` of the agent", key.comment());
        if accepted(session, agent.userauth(user, key), tried, name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn refused(user: &str, tried: &[String], files: &[(&PathBuf, PrivateKeyFile)]) -> Error {
    let tried = match tried {
        [] => "no key to try".to_owned(),
        tried => format!("tried {}", tried.join(", ")),
    };
    let failure = denied(format!("it refused the login of `{user}`: {tried}"));
    match files
        .iter()
        .find(|(_, held)| *held == PrivateKeyFile::Locked)
    {
        Some((file, _)) => failure.hinted(format!("`ssh-add {}`", file.display())),
        None => failure.hinted("set `identity`, or start an agent that holds the key"),
    }
}

fn asked(
    session: &Session,
    socket: &Path,
) -> Result<(ssh2::Agent, Vec<ssh2::PublicKey>), ssh2::Error> {
    let mut agent = session.agent()?;
    agent.set_identity_path(socket)?;
    agent.connect()?;
    agent.list_identities()?;
    let keys = agent.identities()?;
    Ok((agent, keys))
}

/// What a login that was cut every time means: a host that has seen too many keys hangs up in the midst of it.
pub(super) fn too_many_keys(cut: Error) -> Error {
    cut.map(|_| ErrorKind::Denied)
        .hinted("set `identity` to try fewer keys")
}

/// Whether a key was taken; a connection that is gone is a failure.
fn accepted(
    session: &Session,
    attempt: Result<(), ssh2::Error>,
    tried: &mut Vec<String>,
    name: String,
) -> Result<bool, LoginError> {
    match attempt {
        Ok(()) if session.authenticated() => Ok(true),
        Ok(()) => {
            tried.push(format!(
                "{name} (accepted, but more than a key is required)"
            ));
            Ok(false)
        }
        Err(error) if is_cut(&error) => {
            tried.push(name);
            let said = format!("{} after {}", error.message(), tried.join(", "));
            let lost = unavailable(format!("it closed the connection during the login: {said}"));
            Err(LoginError::Cut(tried.len(), lost))
        }
        Err(error) => {
            // The usual words for a key that the host refused (libssh2, `userauth.c`) say no more than that.
            if error.message().contains("combination invalid") {
                tried.push(name);
            } else {
                tried.push(format!("{name} ({})", error.message()));
            }
            Ok(false)
        }
    }
}

/// Whether the connection was gone before the host judged a key: libssh2 then has the same code as for a key that the host
/// refused, and tells them apart by its words alone (`userauth.c`).
fn is_cut(error: &ssh2::Error) -> bool {
    is_gone(error) || error.message().starts_with("Waiting for ")
}

pub(super) fn is_gone(error: &ssh2::Error) -> bool {
    matches!(error.code(), ErrorCode::Session(code) if GONE.contains(&code))
}

fn lost(error: &ssh2::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("it did not report how to log in: {}", error.message()),
    )
}

/// What is in a file: libssh2 tells a locked key from a broken one by no code of its own.
fn held(file: &Path) -> PrivateKeyFile {
    let Ok(text) = fs::read_to_string(file) else {
        return PrivateKeyFile::Nothing;
    };
    if !text.contains("PRIVATE KEY-----") {
        return PrivateKeyFile::Nothing;
    }
    // See PROTOCOL.key of OpenSSH: the magic, and then the cipher's name.
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let body: String = lines.take(2).map(str::trim).collect();
    let head = STANDARD
        .decode(body.get(..32).unwrap_or_default())
        .unwrap_or_default();
    let openssh = head.starts_with(b"openssh-key-v1\0");
    let plain = head.get(15..23) == Some(b"\0\0\0\x04none".as_slice());
    if text.contains("ENCRYPTED") || openssh && !plain {
        PrivateKeyFile::Locked
    } else {
        PrivateKeyFile::Key
    }
}

/// The public half beside a private key's file, by which the agent's keys are told apart.
fn public(file: &Path) -> Option<Vec<u8>> {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    let text = fs::read_to_string(name).ok()?;
    STANDARD.decode(text.split_whitespace().nth(1)?).ok()
}
