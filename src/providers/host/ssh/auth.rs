//! Proving to a host who we are: by keys of the agent and by files of private keys.

use std::path::Path;

use ssh2::{Agent, ErrorCode, PublicKey, Session};

use super::failure::{denied, unavailable};
use super::keys::{Contents, Identity, is_certificate_of};
use super::target::HostTarget;
use crate::model::Secret;
use crate::model::text::typed;
use crate::providers::{Error, ErrorKind};

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

/// Codes of libssh2 that mean that the connection is gone: `LIBSSH2_ERROR_SOCKET_DISCONNECT`, `_SEND`,
/// `_RECV`, `_TIMEOUT`, see `libssh2.h`.
const GONE: [i32; 4] = [-13, -7, -43, -9];

/// `LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED`: the host would take the key, and then did not let us in with it.
const UNVERIFIED: i32 = -19;

/// A login under way.
struct Login<'a> {
    session: &'a Session,
    user: &'a str,
    /// What was tried in vain, for people.
    tried: Vec<String>,
}

/// Logs in, with as few keys as will do: a host turns away who has tried too many.
pub(super) fn log_in(
    session: &Session,
    target: &HostTarget,
    key: Option<&Secret>,
) -> Result<(), LoginError> {
    let user = target.user.as_str();
    let methods = session.auth_methods(user).map(str::to_owned);
    if session.authenticated() {
        return Ok(());
    }
    takes_keys(user, methods)?;
    let identities = Identity::all(&target.identities, &target.certificates);
    let mut login = Login {
        session,
        user,
        tried: Vec::new(),
    };
    let mut unused = Vec::new();
    let mut agent = None;
    if let Some(socket) = &target.agent {
        match asked(session, socket) {
            Ok((found, keys)) => {
                // Those that the settings name come first, and the others last.
                let (named, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| {
                    let mut identities = identities.iter();
                    identities.any(|identity| identity.is(key.blob()))
                });
                if login.by_agent(&found, &named)? {
                    return Ok(());
                }
                if !target.named_keys_only {
                    unused = others;
                }
                agent = Some((found, named));
            }
            Err(why) => login.tried.push(format!("the agent ({why})")),
        }
    }
    if let Some(key) = key {
        let attempt = session.userauth_pubkey_memory(user, None, key.expose(), None);
        if login.accepted(attempt, "the key of `identity`".to_owned())? {
            return Ok(());
        }
    }
    let held: &[PublicKey] = agent.as_ref().map_or(&[], |(_, keys)| keys);
    for identity in &identities {
        if login.by_file(identity, held)? {
            return Ok(());
        }
    }
    if let Some((agent, _)) = &agent
        && login.by_agent(agent, &unused)?
    {
        return Ok(());
    }
    Err(refused(target, &login.tried, &identities).into())
}

impl Login<'_> {
    /// Tries keys that the agent holds; whether one was accepted.
    fn by_agent(&mut self, agent: &Agent, keys: &[PublicKey]) -> Result<bool, LoginError> {
        for key in keys {
            let name = format!("`{}` of the agent", key.comment());
            if self.accepted(agent.userauth(self.user, key), name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tries a file, with its certificates first; whether it was accepted. `held` are the keys of the agent that were tried.
    fn by_file(&mut self, identity: &Identity, held: &[PublicKey]) -> Result<bool, LoginError> {
        let name = format!("`{}`", identity.file.display());
        let (session, user) = (self.session, self.user);
        if identity.contents == Contents::Key {
            for certificate in &identity.certificates {
                let file = Some(certificate.file.as_path());
                let attempt = session.userauth_pubkey_file(user, file, &identity.file, None);
                if self.accepted(attempt, format!("`{}`", certificate.file.display()))? {
                    return Ok(true);
                }
            }
            let attempt = session.userauth_pubkey_file(user, None, &identity.file, None);
            return self.accepted(attempt, name);
        }
        // The agent signs for a certificate only if it holds that, too.
        for certificate in &identity.certificates {
            let is_held = |key: &PublicKey| key.blob() == certificate.blob;
            let has_key = |key: &PublicKey| is_certificate_of(&certificate.blob, key.blob());
            if !held.iter().any(is_held) && held.iter().any(has_key) {
                let file = certificate.file.display();
                self.tried.push(format!(
                    "`{file}` (the agent has its key without the certificate)"
                ));
            }
        }
        let is_tried = held.iter().any(|key| identity.is(key.blob()));
        match identity.contents {
            _ if is_tried => {}
            Contents::Locked => self
                .tried
                .push(format!("{name} (encrypted, and not in the agent)")),
            Contents::Public => self
                .tried
                .push(format!("{name} (a public key, and not in the agent)")),
            _ => self
                .tried
                .push(format!("{name} (could not read a private key from it)")),
        }
        Ok(false)
    }

    /// Whether a key was taken; a connection that is gone is a failure.
    fn accepted(
        &mut self,
        attempt: Result<(), ssh2::Error>,
        name: String,
    ) -> Result<bool, LoginError> {
        match attempt {
            Ok(()) if self.session.authenticated() => Ok(true),
            Ok(()) => {
                self.tried.push(format!(
                    "{name} (accepted, but more than a key is required)"
                ));
                Ok(false)
            }
            Err(error) if is_cut(&error) => {
                self.tried.push(name);
                let said = format!("{} after {}", error.message(), self.tried.join(", "));
                let lost =
                    unavailable(format!("it closed the connection during the login: {said}"));
                Err(LoginError::Cut(self.tried.len(), lost))
            }
            Err(error) if error.code() == ErrorCode::Session(UNVERIFIED) => {
                self.wants_no_more(&name)?;
                self.tried.push(format!("{name} ({})", error.message()));
                Ok(false)
            }
            Err(error) => {
                // The usual words for a key that the host refused (libssh2, `userauth.c`) say no more than that.
                if error.message().contains("combination invalid") {
                    self.tried.push(name);
                } else {
                    self.tried.push(format!("{name} ({})", error.message()));
                }
                Ok(false)
            }
        }
    }

    /// Makes sure that a host which did not let us in with a key does not want something else besides: libssh2 tells both in the
    /// same way, and only the methods that are left tell them apart.
    fn wants_no_more(&self, name: &str) -> Result<(), LoginError> {
        let left = self.session.auth_methods(self.user);
        let left = left.map_err(|error| LoginError::Cut(self.tried.len(), lost(&error)))?;
        if left.split(',').any(|method| method == "publickey") {
            return Ok(());
        }
        let user = self.user;
        let message = format!(
            "it accepted {name} for `{user}`, and requires another factor as well (`{left}`), which gharun cannot answer"
        );
        Err(denied(message)
            .hinted(format!(
                "let a key be enough for `{user}` there, by `AuthenticationMethods publickey` under `Match User {user}` in its \
                 sshd_config; or log in as a user for whom it is"
            ))
            .into())
    }
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

fn refused(target: &HostTarget, tried: &[String], identities: &[Identity]) -> Error {
    let user = &target.user;
    let tried = match tried {
        [] => "no key to try".to_owned(),
        tried => format!("tried {}", tried.join(", ")),
    };
    let failure = denied(format!("it refused the login of `{user}`: {tried}"));
    let locked = identities
        .iter()
        .find(|identity| identity.contents == Contents::Locked);
    let failure = match locked {
        Some(identity) => {
            let file = typed(&identity.file.to_string_lossy());
            failure.hinted(format!("`ssh-add {file}`"))
        }
        None => failure.hinted("set `identity`, or start an agent that holds the key"),
    };
    let key = target.identities.first().map(|key| {
        let key = typed(&key.to_string_lossy());
        format!("-i {key} ")
    });
    failure.hinted(format!(
        "or allow a key there: `ssh-copy-id {}{}`",
        key.unwrap_or_default(),
        target.whom()
    ))
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
    cut.map(|_| ErrorKind::Denied).hinted(
        "set `identity` to try fewer keys, or write `IdentityFile` and `IdentitiesOnly yes` for it in `~/.ssh/config`",
    )
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
