//! A repository, and what belongs to nobody: limits and addresses.

use serde_json::{Map, Value, json};

use crate::github::state::State;
use crate::github::wire::{Answer, Call};

/// A user as GitHub describes one in passing.
pub(in crate::github) fn user(base: &str, login: &str) -> Value {
    let at = format!("{base}/users/{login}");
    let mut user = Map::new();
    user.insert("login".to_owned(), json!(login));
    user.insert("id".to_owned(), json!(1));
    user.insert("node_id".to_owned(), json!("U_1"));
    user.insert("gravatar_id".to_owned(), json!(""));
    user.insert("type".to_owned(), json!("User"));
    user.insert("site_admin".to_owned(), json!(false));
    user.insert("url".to_owned(), json!(at));
    user.insert(
        "html_url".to_owned(),
        json!(format!("https://github.com/{login}")),
    );
    for (key, tail) in [
        ("avatar_url", "/avatar"),
        ("events_url", "/events{/privacy}"),
        ("followers_url", "/followers"),
        ("following_url", "/following{/other_user}"),
        ("gists_url", "/gists{/gist_id}"),
        ("organizations_url", "/orgs"),
        ("received_events_url", "/received_events"),
        ("repos_url", "/repos"),
        ("starred_url", "/starred{/owner}{/repo}"),
        ("subscriptions_url", "/subscriptions"),
    ] {
        user.insert(key.to_owned(), json!(format!("{at}{tail}")));
    }
    Value::Object(user)
}

/// The addresses that a repository's description is full of.
const ADDRESSES: [(&str, &str); 36] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

/// What there is none of.
const COUNTS: [&str; 10] = [
    "forks",
    "forks_count",
    "network_count",
    "open_issues",
    "open_issues_count",
    "size",
    "stargazers_count",
    "subscribers_count",
    "watchers",
    "watchers_count",
];

/// What is off.
const SWITCHES: [&str; 9] = [
    "archived",
    "disabled",
    "fork",
    "has_discussions",
    "has_downloads",
    "has_issues",
    "has_pages",
    "has_projects",
    "has_wiki",
];

/// A repository: any that is asked for.
pub(super) fn repository(state: &State, call: &Call, owner: &str, name: &str) -> Value {
    let known = state.repository(owner, name);
    let at = format!("{}/repos/{owner}/{name}", call.base);
    let site = format!("https://github.com/{owner}/{name}");
    let time = "2026-01-01T00:00:00Z";
    let Value::Object(mut repository) = json!({
        "id": 1,
        "node_id": "R_1",
        "name": name,
        "full_name": format!("{owner}/{name}"),
        "owner": user(&call.base, owner),
        "private": !known.public,
        "visibility": if known.public { "public" } else { "private" },
        "description": null,
        "url": at,
        "html_url": site,
        "clone_url": format!("{site}.git"),
        "git_url": format!("git://github.com/{owner}/{name}.git"),
        "ssh_url": format!("git@github.com:{owner}/{name}.git"),
        "svn_url": site,
        "homepage": null,
        "mirror_url": null,
        "language": null,
        "license": null,
        "default_branch": "main",
        "created_at": time,
        "pushed_at": time,
        "updated_at": time,
        "permissions": {
            "admin": known.admin, "maintain": known.admin, "pull": true, "push": true, "triage": true,
        },
    }) else {
        return Value::Null;
    };
    for key in COUNTS {
        repository.insert(key.to_owned(), json!(0));
    }
    for key in SWITCHES {
        repository.insert(key.to_owned(), json!(false));
    }
    for (key, tail) in ADDRESSES {
        repository.insert(key.to_owned(), json!(format!("{at}{tail}")));
    }
    Value::Object(repository)
}

/// How much of the limit is left; asking costs nothing.
pub(super) fn rate_limit(state: &mut State, call: &Call) -> Answer {
    let token = call.token.as_deref();
    let (limit, used) = (state.quota.limit(token), state.quota.used(token));
    let reset = state.quota.reset();
    let core = json!({
        "limit": limit,
        "remaining": limit.saturating_sub(used),
        "reset": reset,
        "used": used,
    });
    let other =
        |limit: u32| json!({ "limit": limit, "remaining": limit, "reset": reset, "used": 0 });
    Answer::json(json!({
        "resources": {
            "core": core,
            "search": other(30),
            "graphql": other(5000),
            "actions_runner_registration": other(10_000),
        },
        "rate": core,
    }))
}

/// Where GitHub's machines are: here.
pub(super) fn meta(_: &mut State, _: &Call) -> Answer {
    Answer::json(json!({
        "verifiable_password_authentication": false,
        "actions": ["127.0.0.1/32"],
        "api": ["127.0.0.1/32"],
        "git": ["127.0.0.1/32"],
        "web": ["127.0.0.1/32"],
    }))
}
