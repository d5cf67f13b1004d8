//! What GitHub's refusals mean, by their own words, and what to do next. An answer that is in no row is quoted by
//! the error itself, and nothing is guessed beside it.

use url::Url;

use crate::http::Answer;
use crate::model::{Scope, server};

/// What to do if GitHub refuses the token.
pub(super) const TOKEN: &str = "set `GHARUN_GITHUB_TOKEN` or `GH_PAT` to a token that is valid";

/// What GitHub says in words; empty where it says nothing.
pub(super) fn said(answer: &Answer) -> String {
    let body = answer.object().unwrap_or_default();
    body["message"].as_str().unwrap_or_default().to_owned()
}

/// Words of GitHub's, and what they mean.
struct Refusal {
    status: u16,
    /// All of them stand in the message, in lower case.
    says: &'static [&'static str],
    means: Meaning,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    AccountSuspended,
    Archived,
    ClassicForbidden,
    Clock,
    Full,
    FineGrainedForbidden,
    InstallationSuspended,
    IpAllowList,
    Lifetime,
    ManagedUser,
    NoApp,
    OAuthApp,
    Plan,
    RunnersDisabled,
    SingleSignOn,
}

const fn row(status: u16, says: &'static [&'static str], means: Meaning) -> Refusal {
    Refusal {
        status,
        says,
        means,
    }
}

/// The first row that fits holds. Beside each is where its words were seen.
const TABLE: [Refusal; 19] = [
    // databricks/cli#2702, aquasecurity/trivy#10567
    row(403, &["ip allow list"], Meaning::IpAllowList),
    // NixOS/org#247; classic tokens are told the same way
    row(403, &["forbids access", "lifetime"], Meaning::Lifetime),
    // machulav/ec2-github-runner#160, git-town/git-town#4609
    row(
        403,
        &["forbids access", "(classic)"],
        Meaning::ClassicForbidden,
    ),
    // os-climate/os_c_data_commons#366
    row(403, &["(classic) are forbidden"], Meaning::ClassicForbidden),
    // GitHub's documentation, "Setting a personal access token policy for your organization"
    row(
        403,
        &["forbids access", "fine-grained"],
        Meaning::FineGrainedForbidden,
    ),
    // runs-on/runs-on#416; the wording is from memory, so that parts are looked for
    row(
        403,
        &["self-hosted runners", "disabled"],
        Meaning::RunnersDisabled,
    ),
    // GitHub's documentation, "Authorizing a personal access token for use with single sign-on"
    row(403, &["saml"], Meaning::SingleSignOn),
    // aeonfun/aeon#1083, gitbutlerapp/gitbutler#8594
    row(403, &["oauth app access restrictions"], Meaning::OAuthApp),
    // google-gemini/gemini-cli#12033, octokit/octokit.rb#1307
    row(
        403,
        &["installation has been suspended"],
        Meaning::InstallationSuspended,
    ),
    // GitHub's documentation, "Abilities and restrictions of managed user accounts"
    row(403, &["enterprise managed user"], Meaning::ManagedUser),
    // GitHub's documentation, "Archiving repositories"; atlassian/github-for-jira#2456
    row(403, &["was archived"], Meaning::Archived),
    row(403, &["account was suspended"], Meaning::AccountSuspended),
    row(403, &["account is suspended"], Meaning::AccountSuspended),
    // GitHub's documentation, "Managing access to self-hosted runners using groups": by plan
    row(403, &["upgrade to github"], Meaning::Plan),
    // GitHub's documentation, "Generating a JSON Web Token for a GitHub App"
    row(401, &["expiration time"], Meaning::Clock),
    row(401, &["issued at"], Meaning::Clock),
    row(401, &["integration not found"], Meaning::NoApp),
    row(404, &["integration not found"], Meaning::NoApp),
    // ggml-org/llama.cpp#7893
    row(422, &["max limit", "runners"], Meaning::Full),
];

/// Where a refusal was met.
pub(super) struct Place<'a> {
    pub(super) api_url: &'a Url,
    pub(super) scope: &'a Scope,
    /// Where the token is from, where that is known.
    pub(super) token: Option<&'a Whereabouts>,
}

/// Where a token is from, as people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whereabouts {
    /// Where it is kept: `` `$GH_PAT` ``.
    pub(super) kept: String,
    /// Which setting says so, where that is another place: `` `github.token` (providers.toml:2) ``.
    pub(super) named: Option<String>,
}

impl Place<'_> {
    /// What helps with a refusal; `None` where its words are in no row.
    pub(super) fn hints(&self, status: u16, message: &str) -> Option<Vec<String>> {
        let said = message.to_lowercase();
        let fits = |row: &&Refusal| {
            row.status == status && row.says.iter().all(|part| said.contains(part))
        };
        TABLE.iter().find(fits).map(|row| self.advise(row.means))
    }

    /// The token, with the place that it is from.
    pub(super) fn called(&self) -> String {
        let token = self.token;
        token.map_or_else(
            || "the token".to_owned(),
            |token| format!("the token in {}", token.kept),
        )
    }

    /// What helps where a token is not taken at all.
    pub(super) fn refused_token(&self) -> String {
        let Some(Whereabouts { kept, named }) = self.token else {
            return TOKEN.to_owned();
        };
        let named = named.as_ref();
        let named = named.map_or_else(String::new, |named| format!(" that {named} names"));
        format!(
            "the token in {kept}{named} has expired, was revoked or is incomplete: put a new one \
             there, from {}",
            self.web("settings/tokens")
        )
    }

    fn advise(&self, means: Meaning) -> Vec<String> {
        let owner = self.owner();
        let token = self.token.map_or("`$GH_PAT`", |token| &token.kept);
        let settings = |page: &str| self.settings(page);
        let hints: Vec<String> = match means {
            Meaning::IpAllowList => vec![
                format!(
                    "add this computer's public address (`curl https://ifconfig.me`) to the IP \
                     allow list at {}: only an owner of `{owner}` can",
                    settings("security")
                ),
                "or run gharun where the address is on the list, such as on a self-hosted runner"
                    .to_owned(),
            ],
            Meaning::Lifetime => vec![format!(
                "the token in {token} lasts longer than `{owner}` allows: shorten its \
                 expiration at {}, or use a GitHub App",
                self.web("settings/personal-access-tokens")
            )],
            Meaning::ClassicForbidden => vec![format!(
                "`{owner}` allows no classic tokens: set {token} to a fine-grained token with {}, \
                 from {}, or use a GitHub App",
                self.permission(),
                self.web("settings/personal-access-tokens/new")
            )],
            Meaning::FineGrainedForbidden => vec![format!(
                "`{owner}` allows no fine-grained tokens: set {token} to a classic token with the \
                 scope `{}`, or use a GitHub App",
                self.scope_of_classic()
            )],
            Meaning::RunnersDisabled => {
                let allow = format!(
                    "allow self-hosted runners for `{}` at {}: only an owner of `{owner}` can",
                    self.scope,
                    settings("actions")
                );
                let wider = matches!(self.scope, Scope::Repo { .. })
                    .then(|| format!("or register with the organization: `--org {owner}`"));
                [allow].into_iter().chain(wider).collect()
            }
            Meaning::SingleSignOn => vec![format!(
                "`{owner}` asks for single sign-on: authorize the token in {token} for it at {} \
                 (Configure SSO)",
                self.web("settings/tokens")
            )],
            Meaning::OAuthApp => vec![
                format!(
                    "the token in {token} was made by an OAuth app (such as `gh`) that `{owner}` has \
                     not approved: set it to a personal access token, from {}",
                    self.web("settings/tokens")
                ),
                format!(
                    "or an owner of `{owner}` approves the app at {}",
                    settings("oauth_application_policy")
                ),
            ],
            Meaning::InstallationSuspended => vec![format!(
                "an owner of `{owner}` must unsuspend the app at {}",
                settings("installations")
            )],
            Meaning::ManagedUser => vec![format!(
                "the token in {token} belongs to a managed user of an enterprise, who cannot \
                 reach `{}`: set it to the token of an account that can",
                self.scope
            )],
            Meaning::Archived => vec![format!(
                "unarchive `{0}` at {1}, or name another repository with `--repo OWNER/NAME`",
                self.scope,
                self.web(&format!("{}/settings", self.scope))
            )],
            Meaning::AccountSuspended => vec![format!(
                "the account that the token in {token} belongs to is suspended: set it to another \
                 account's token"
            )],
            Meaning::Plan => vec![format!(
                "the plan of `{owner}` does not include this: leave `--runner-group` out, or see {}",
                settings("billing")
            )],
            Meaning::Clock => vec![
                "this computer's clock is wrong: set it (`timedatectl set-ntp true`)".to_owned(),
            ],
            Meaning::NoApp => vec![
                "this app ID does not exist at GitHub: set `$GHARUN_APP_ID` to the client ID on the \
                 app's settings page"
                    .to_owned(),
            ],
            Meaning::Full => vec![format!(
                "remove those that are offline: gharun's own with `gharun stop --orphans`, others at {}",
                self.runners()
            )],
        };
        hints
    }

    fn owner(&self) -> &str {
        match self.scope {
            Scope::Enterprise(name) | Scope::Org(name) => name,
            Scope::Repo { owner, .. } => owner,
        }
    }

    /// A page of the server.
    pub(super) fn web(&self, path: &str) -> String {
        let server = server::server_url(self.api_url);
        format!("{}/{path}", server.as_str().trim_end_matches('/'))
    }

    /// A page of the settings of the organization or the enterprise.
    fn settings(&self, page: &str) -> String {
        match self.scope {
            Scope::Enterprise(name) => self.web(&format!("enterprises/{name}/settings/{page}")),
            Scope::Org(owner) | Scope::Repo { owner, .. } => {
                self.web(&format!("organizations/{owner}/settings/{page}"))
            }
        }
    }

    /// The page that lists the runners of the scope.
    fn runners(&self) -> String {
        match self.scope {
            Scope::Repo { .. } => self.web(&format!("{}/settings/actions/runners", self.scope)),
            _ => self.settings("actions/runners"),
        }
    }

    fn permission(&self) -> &'static str {
        match self.scope {
            Scope::Org(_) => "`Self-hosted runners: write`",
            _ => "`Administration: write`",
        }
    }

    fn scope_of_classic(&self) -> &'static str {
        match self.scope {
            Scope::Enterprise(_) => "manage_runners:enterprise",
            Scope::Org(_) => "admin:org",
            Scope::Repo { .. } => "repo",
        }
    }
}

/// Whether a refusal is about a permission, by its words: only then is it known what is missing.
pub(super) fn is_about_permissions(message: &str) -> bool {
    let said = message.to_lowercase();
    // GitHub's documentation, "Troubleshooting the REST API", and vbem/multi-runners#5
    let words = [
        "resource not accessible by",
        "must have admin rights",
        "must be an organization owner",
        "must be an org owner",
        "must be an enterprise owner",
        "required scopes",
    ];
    words.iter().any(|part| said.contains(part))
}
