//! Who may ask what.

use std::collections::BTreeMap;

use super::wire::Answer;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is none: 401.
    Bad,
    /// Everything.
    Full,
    /// A workflow's own token or an app without the permission: 403 on runners, and it is named.
    Integration,
    /// The token of somebody who is no administrator: 403 on runners.
    NoAdmin,
    /// A fine-grained token without the permission: 403 on runners, and it is named.
    PersonalAccess,
    /// The token of somebody who does not see the repository or the organization: 404.
    Unseen,
}

/// What a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: runner releases, `/meta`.
    Nothing,
    /// To be an app, or one of its tokens: whoever answers looks into that.
    Own,
    /// To be somebody, and to see the place.
    Sight,
    /// To read the runs of a repository.
    Runs,
    /// To administer runners; the permission by GitHub's name, where it has one.
    Runners(Option<String>),
}

/// The tokens that are known.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    known: BTreeMap<String, Standing>,
    /// The scopes of those that have scopes.
    scopes: BTreeMap<String, String>,
    closed: bool,
}

impl Tokens {
    pub(super) fn set(&mut self, token: &str, standing: Standing) {
        self.known.insert(token.to_owned(), standing);
    }

    pub(super) fn set_scopes(&mut self, token: &str, scopes: &[&str]) {
        self.scopes.insert(token.to_owned(), scopes.join(", "));
    }

    /// The headers that tell a token's scopes, and which would do; none where it has permissions.
    pub(super) fn scope_headers(
        &self,
        token: Option<&str>,
        need: &Need,
    ) -> Vec<(&'static str, String)> {
        let Some(scopes) = token.and_then(|token| self.scopes.get(token)) else {
            return Vec::new();
        };
        let accepted = match need {
            Need::Runners(Some(permission)) if permission.starts_with("organization") => {
                "admin:org"
            }
            Need::Runners(Some(_)) | Need::Runs => "repo",
            Need::Runners(None) => "manage_runners:enterprise",
            Need::Nothing | Need::Own | Need::Sight => "",
        };
        vec![
            ("x-oauth-scopes", scopes.clone()),
            ("x-accepted-oauth-scopes", accepted.to_owned()),
        ]
    }

    /// From now on, what is not known is refused.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Refuses, or lets pass.
    pub(super) fn judge(&self, token: Option<&str>, need: &Need) -> Option<Answer> {
        if *need == Need::Own {
            return None;
        }
        let Some(token) = token else {
            return (*need != Need::Nothing).then(|| Answer::error(401, "Requires authentication"));
        };
        let unknown = if self.closed || token.is_empty() {
            Standing::Bad
        } else {
            Standing::Full
        };
        let standing = self.known.get(token).copied().unwrap_or(unknown);
        let integration = "Resource not accessible by integration";
        let personal = "Resource not accessible by personal access token";
        match (standing, need) {
            (Standing::Bad, _) => Some(Answer::error(401, "Bad credentials")),
            (Standing::Unseen, Need::Sight | Need::Runs | Need::Runners(_)) => {
                Some(Answer::not_found())
            }
            (Standing::Integration, Need::Runners(_)) => Some(Answer::error(403, integration)),
            (Standing::PersonalAccess, Need::Runners(_)) => Some(Answer::error(403, personal)),
            (Standing::NoAdmin, Need::Runners(_)) => {
                Some(Answer::error(403, "Must have admin rights to Repository."))
            }
            _ => None,
        }
    }
}
