//! What a token lacks, in words that fit its kind.

use std::fmt;

use super::refusals::{Place, is_about_permissions, said};
use super::{DEFAULT_GROUP, RequiredPermission};
use crate::http::Answer;
use crate::model::{Scope, Secret, text};

/// The group of GitHub's own runners, in every organization.
const HOSTED_GROUP: u64 = 2;
/// Headers beyond this are not shown; an address for single sign-on has about 200 characters.
const LONGEST: usize = 500;

/// What a token is, as its first letters tell (GitHub's documentation, "About authentication to
/// GitHub", token formats). It decides what is advised, and nothing is refused by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenKind {
    /// `ghp_`: a personal access token with scopes.
    Classic,
    /// `github_pat_`: a personal access token with permissions.
    FineGrained,
    /// `ghs_`: that of an app's installation; `GITHUB_TOKEN` is one as well.
    Installation,
    /// `gho_`: a person's, through an OAuth app such as GitHub's command line; it has scopes.
    OAuth,
    /// `ghu_`: a person's, through a GitHub App.
    Person,
    /// Anything else: those of before 2021, and of other servers.
    #[default]
    Unknown,
}

impl TokenKind {
    /// What a token is.
    pub fn of(token: &Secret) -> Self {
        let kinds = [
            ("ghp_", Self::Classic),
            ("github_pat_", Self::FineGrained),
            ("ghs_", Self::Installation),
            ("gho_", Self::OAuth),
            ("ghu_", Self::Person),
        ];
        let found = kinds
            .into_iter()
            .find(|(prefix, _)| token.expose().starts_with(prefix));
        found.map_or(Self::Unknown, |(_, kind)| kind)
    }

    /// What GitHub itself lets on, where it does: its words are believed before the first letters.
    fn as_told(self, answer: &Answer) -> Self {
        let said = String::from_utf8_lossy(&answer.body);
        match self {
            Self::Person => self,
            _ if said.contains("by integration") => Self::Installation,
            _ if said.contains("by personal access token") => Self::FineGrained,
            _ if self == Self::Unknown && answer.header("x-oauth-scopes").is_some() => {
                Self::Classic
            }
            _ => self,
        }
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic => "a classic personal access token",
            Self::FineGrained => "a fine-grained personal access token",
            Self::Installation => "the token of an app or of a workflow",
            Self::OAuth => "an OAuth token, such as that of `gh`",
            Self::Person => "a person's token through a GitHub App",
            Self::Unknown => "a token of unknown type",
        })
    }
}

/// What to do about a 403 that no row of the table explains. Only where GitHub's words, or what it tells of the
/// token's scopes, are about a permission, it is known that one is missing.
pub(super) fn forbidden(
    right: &RequiredPermission<'_>,
    kind: TokenKind,
    place: &Place<'_>,
    answer: &Answer,
) -> Vec<String> {
    if let Some(sso) = shown(answer, "x-github-sso") {
        let at = sso.strip_prefix("required; url=").unwrap_or(&sso);
        return vec![format!(
            "the organization asks for single sign-on: authorize the token at {at}"
        )];
    }
    let mut hints = Vec::new();
    if let Some(group) = right.other_group() {
        if group == HOSTED_GROUP {
            return vec![
                "runner group 2 is reserved for GitHub's own runners: leave `--runner-group` out, \
                 or name another"
                    .to_owned(),
            ];
        }
        hints.push(format!(
            "this token may not be allowed to use runner group {group}: see `gharun providers \
             check --runner-group {group}`"
        ));
    }
    let said = said(answer);
    let lacks_scope = right
        .table()
        .is_some_and(|(_, scope)| lacks(answer, scope).is_some());
    if is_about_permissions(&said) || lacks_scope {
        hints.extend(missing(right, kind, place, answer));
    } else if said.is_empty()
        && let RequiredPermission::Runners {
            scope: Scope::Repo { owner, .. },
            group: Some(_),
        } = right
    {
        // runs-on/runs-on#416: nothing is said, and listings work.
        hints.push(format!(
            "self-hosted runners may be disabled for this repository: see its Settings > Actions > \
             Runners, or register with the organization: `--org {owner}`"
        ));
    }
    hints
}

/// What to do about a 404: GitHub hides what a token may not see.
pub(super) fn not_found(
    right: &RequiredPermission<'_>,
    kind: TokenKind,
    place: &Place<'_>,
    answer: &Answer,
) -> Vec<String> {
    let mut hints = Vec::new();
    let name = match right {
        RequiredPermission::Public => return hints,
        RequiredPermission::Runners { scope, .. } => {
            if let Some(group) = right.other_group() {
                hints.push(format!("or runner group {group} does not exist"));
            }
            format!("the name `{scope}`")
        }
        RequiredPermission::Runs | RequiredPermission::Sight => "the repository's name".to_owned(),
    };
    let mut missing = missing(right, kind, place, answer).into_iter();
    let first = missing.next();
    let first = first.unwrap_or_else(|| format!("{} has no access to it", place.called()));
    hints.insert(0, format!("check {name}; if it is right, {first}"));
    hints.extend(missing);
    hints
}

impl RequiredPermission<'_> {
    /// The runner group that was asked for, where it is not the one that everybody has.
    fn other_group(&self) -> Option<u64> {
        match self {
            Self::Runners { group, .. } => group.filter(|group| *group != DEFAULT_GROUP),
            _ => None,
        }
    }

    /// The permission and the scope that it takes (GitHub's REST documentation of each endpoint).
    /// An enterprise's runners are managed with a scope only.
    fn table(&self) -> Option<(Option<&'static str>, &'static str)> {
        match self {
            Self::Public | Self::Sight => None,
            Self::Runs => Some((Some("`Actions: read`"), "repo")),
            Self::Runners { scope, .. } => Some(match scope {
                Scope::Enterprise(_) => (None, ENTERPRISE),
                Scope::Org(_) => (Some("`Self-hosted runners: write`"), "admin:org"),
                Scope::Repo { .. } => (Some("`Administration: write`"), "repo"),
            }),
        }
    }
}

/// What is said of the token that every workflow has.
const OF_WORKFLOW: &str = "is the workflow's own, which can never manage runners: put a personal access token into a \
    secret, and pass it as `GH_PAT` (`env: GH_PAT: ${{ secrets.GH_PAT }}`)";
const ENTERPRISE: &str = "manage_runners:enterprise";

/// What this kind of token lacks for this right.
fn missing(
    right: &RequiredPermission<'_>,
    kind: TokenKind,
    whose: &Place<'_>,
    answer: &Answer,
) -> Vec<String> {
    let Some((permission, scope)) = right.table() else {
        return Vec::new();
    };
    let Some(permission) = permission else {
        return for_enterprise(right, kind, whose, answer);
    };
    let permission = looked_for(answer).map_or_else(
        || permission.to_owned(),
        // To look is not enough in the end: whoever gave that alone would be told again.
        |wanted| match wanted.replace(": read`", ": write`") {
            enough if enough == permission => enough,
            _ => wanted,
        },
    );
    let place = match right {
        RequiredPermission::Runners { scope, .. } => {
            format!(" of the {} `{scope}`", sort_of(scope))
        }
        _ => " of the repository".to_owned(),
    };
    let permission = format!("{permission}{place}");
    match kind.as_told(answer) {
        TokenKind::Classic => vec![by_scope(right, scope, whose, answer)],
        TokenKind::OAuth => {
            let mut hints = vec![by_scope(right, scope, whose, answer)];
            if lacks(answer, scope).is_some() {
                hints.push(format!(
                    "add it to the token of `gh` with `gh auth refresh --scopes {scope}`"
                ));
            }
            hints
        }
        kind => by_permission(right, kind, whose, (&permission, scope)),
    }
}

/// What a token with permissions lacks, where it may be one; `scope` is what a classic one would need.
fn by_permission(
    right: &RequiredPermission<'_>,
    kind: TokenKind,
    whose: &Place<'_>,
    (permission, scope): (&str, &str),
) -> Vec<String> {
    let token = whose.called();
    let runners = matches!(right, RequiredPermission::Runners { .. });
    let admin = match right {
        RequiredPermission::Runners { scope, .. } => {
            format!(", and must belong to {}", admin_of(scope))
        }
        _ => String::new(),
    };
    match kind {
        TokenKind::FineGrained => vec![
            format!("{token} needs the permission {permission}"),
            "if it has the permission, an owner of the organization may have to approve the token \
             first"
                .to_owned(),
        ],
        TokenKind::Installation if runners => vec![
            format!(
                "if {token} is of a GitHub App, the app needs the permission {permission}, and its \
                 installation must have accepted it (Settings > GitHub Apps)"
            ),
            format!("if it {OF_WORKFLOW}"),
        ],
        TokenKind::Installation => vec![
            "a workflow's token needs `permissions: actions: read`".to_owned(),
            format!("a GitHub App needs the permission {permission}"),
        ],
        TokenKind::Person => vec![format!(
            "the app behind {token} needs the permission {permission}{admin}"
        )],
        TokenKind::Classic | TokenKind::OAuth | TokenKind::Unknown => vec![format!(
            "{token} needs the permission {permission} where it is fine-grained or an app's, and the \
             scope `{scope}` where it is classic{admin}"
        )],
    }
}

/// The permission that GitHub looked for: it knows best.
fn looked_for(answer: &Answer) -> Option<String> {
    permissions(answer.header("x-accepted-github-permissions")?)
}

fn for_enterprise(
    right: &RequiredPermission<'_>,
    kind: TokenKind,
    whose: &Place<'_>,
    answer: &Answer,
) -> Vec<String> {
    match kind.as_told(answer) {
        TokenKind::Classic | TokenKind::OAuth => vec![by_scope(right, ENTERPRISE, whose, answer)],
        TokenKind::Installation => vec![format!(
            "{} is of an app or of a workflow, which cannot manage the runners of an enterprise: \
                 use a classic token with the scope `{ENTERPRISE}`",
            whose.called()
        )],
        _ => vec![format!(
            "the runners of an enterprise need a classic token with the scope `{ENTERPRISE}`"
        )],
    }
}

/// What a token with scopes lacks.
fn by_scope(
    right: &RequiredPermission<'_>,
    scope: &str,
    whose: &Place<'_>,
    answer: &Answer,
) -> String {
    let token = whose.called();
    let admin = match right {
        RequiredPermission::Runners { scope, .. } => Some(admin_of(scope)),
        _ => None,
    };
    match (lacks(answer, scope), shown(answer, "x-oauth-scopes"), admin) {
        (Some(lacking), Some(has), _) => {
            format!("{token} has the scopes `{has}` and lacks `{lacking}`")
        }
        (Some(lacking), None, _) => format!("{token} has no scopes and lacks `{lacking}`"),
        (None, Some(_), Some(admin)) => {
            format!("the scopes of {token} are sufficient, but it must belong to {admin}")
        }
        (None, _, Some(admin)) => {
            format!("{token} needs the scope `{scope}`, and must belong to {admin}")
        }
        (None, _, None) => format!("{token} needs the scope `{scope}`"),
    }
}

/// The scope that a token lacks; `None` where it has one that will do, or where nothing is told.
fn lacks(answer: &Answer, scope: &str) -> Option<String> {
    let has = answer.header("x-oauth-scopes")?;
    let accepted = shown(answer, "x-accepted-oauth-scopes");
    let wanted = accepted.as_deref().unwrap_or(scope);
    let enough = words(wanted).any(|wanted| words(has).any(|has| has == wanted));
    let names: Vec<&str> = words(wanted).collect();
    (!enough).then(|| names.join("` or `"))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn sort_of(scope: &Scope) -> &'static str {
    match scope {
        Scope::Enterprise(_) => "enterprise",
        Scope::Org(_) => "organization",
        Scope::Repo { .. } => "repository",
    }
}

fn admin_of(scope: &Scope) -> String {
    match scope {
        Scope::Enterprise(name) | Scope::Org(name) => format!("an owner of `{name}`"),
        Scope::Repo { .. } => format!("an admin of `{scope}`"),
    }
}

/// A header of GitHub's, fit to be shown; `None` where it is absent, empty or too long.
fn shown(answer: &Answer, name: &'static str) -> Option<String> {
    let text = text::one_line(answer.header(name)?);
    (!text.is_empty() && text.len() <= LONGEST).then_some(text)
}

/// `administration=write` as people read it on GitHub's pages: `Administration: write`. Commas stand
/// between permissions that are needed together, semicolons between sets of which one will do
/// (GitHub's documentation, "Troubleshooting the REST API"). `None` where it is not of that form.
pub(super) fn permissions(header: &str) -> Option<String> {
    let set = |text: &str| -> Option<String> {
        let all: Option<Vec<String>> = words(text).map(permission).collect();
        all.filter(|all| !all.is_empty())
            .map(|all| all.join(" and "))
    };
    let sets: Option<Vec<String>> = header.split(';').map(set).collect();
    let text = sets?.join(", or ");
    (text.len() <= LONGEST).then_some(text)
}

fn permission(text: &str) -> Option<String> {
    let (key, access) = text.split_once('=')?;
    let plain =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if !plain(key) || !plain(access) {
        return None;
    }
    let key = key.strip_prefix("organization_").unwrap_or(key);
    // The page writes a hyphen where the name cannot have one.
    let key = key.replace("self_hosted", "self-hosted").replace('_', " ");
    let (first, rest) = key.split_at_checked(1)?;
    Some(format!("`{}{rest}: {access}`", first.to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_its_kind_by_its_first_letters() {
        for (text, kind) in [
            ("ghp_x", TokenKind::Classic),
            ("github_pat_x", TokenKind::FineGrained),
            ("ghs_12_a.b-c", TokenKind::Installation),
            ("gho_x", TokenKind::OAuth),
            ("ghu_x", TokenKind::Person),
            (
                "0123456789abcdef0123456789abcdef01234567",
                TokenKind::Unknown,
            ),
            ("", TokenKind::Unknown),
        ] {
            assert_eq!(TokenKind::of(&Secret::new(text)), kind, "{text}");
        }
    }

    #[test]
    fn permissions_read_as_on_githubs_pages() {
        for (header, told) in [
            ("administration=write", "`Administration: write`"),
            (
                "organization_self_hosted_runners=write",
                "`Self-hosted runners: write`",
            ),
            (
                "pull_requests=write, contents=read; issues=read",
                "`Pull requests: write` and `Contents: read`, or `Issues: read`",
            ),
        ] {
            assert_eq!(permissions(header).as_deref(), Some(told));
        }
        for header in ["", "administration", "=write", "a=b;", "A=\u{1b}[31m"] {
            assert_eq!(permissions(header), None, "{header}");
        }
    }
}
