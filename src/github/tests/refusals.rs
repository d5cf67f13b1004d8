//! What a user reads when GitHub says no.

use super::*;
use crate::model::SecretSource;

/// What a user reads when GitHub refuses a registration in this way.
async fn read(scope: Scope, group: u64, reply: Reply) -> (ErrorKind, String) {
    let reply = reply.with("x-github-request-id", "8F0C:1");
    let server = Server::replies([reply]).await;
    let config = ClientConfig {
        scope,
        group,
        ..config(&server)
    };
    let client = Client::new(config).expect("a client");
    let error = register(&client).await.expect_err("a refusal");
    assert_eq!(server.seen().len(), 1, "{}", told(&error));
    let port = format!(":{}", server.port());
    (error.kind, told(&error).replace(&port, ""))
}

#[tokio::test]
async fn a_bad_token_is_told_with_the_variables_that_hold_one() {
    let (kind, told) = read(repo(), 1, refusal(401, "Bad credentials")).await;
    assert_eq!(kind, ErrorKind::Unauthorized);
    insta::assert_snapshot!(told, @"
    could not register `gharun-1-1-0-abcdefabcdefgh` with `acme/app`
      caused by: `POST 127.0.0.1/repos/acme/app/actions/runners/generate-jitconfig` answered 401 Unauthorized (request 8F0C:1): Bad credentials
    hint: set `GHARUN_GITHUB_TOKEN` or `GH_PAT` to a token that is valid
    ");
}

/// What helps where GitHub refuses a registration in this way, to a token that a setting names.
async fn hints(scope: Scope, source: SecretSource, reply: Reply) -> Vec<String> {
    let server = Server::replies([reply]).await;
    let called = match source {
        SecretSource::Literal(_) => "`$GH_PAT`",
        _ => "`github.token` (providers.toml:2)",
    };
    let config = ClientConfig {
        scope,
        token: Some(TokenSource::Source {
            source,
            called: Some(called.to_owned()),
        }),
        ..config(&server)
    };
    let client = Client::new(config).expect("a client");
    let error = register(&client).await.expect_err("a refusal");
    let address = server.url().to_string();
    let hints = error.hints().iter();
    hints
        .map(|hint| hint.replace(&address, "SERVER/"))
        .collect()
}

fn literal(token: &str) -> SecretSource {
    SecretSource::Literal(Secret::new(token))
}

#[tokio::test]
async fn a_bad_token_is_told_with_the_place_that_it_is_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tok.txt");
    std::fs::write(&file, "ghp_old").expect("a file");
    let variable = SecretSource::Variable {
        name: "CI_TOKEN".to_owned(),
        value: Some(Secret::new("ghp_old")),
    };
    let command = ["echo", "ghp_old"].map(str::to_owned).to_vec();
    let from_setting = "that `github.token` (providers.toml:2) names";
    for (source, from) in [
        (literal("ghp_old"), "`$GH_PAT`".to_owned()),
        (variable, format!("`$CI_TOKEN` {from_setting}")),
        (
            SecretSource::File(file.clone()),
            format!("`{}` {from_setting}", file.display()),
        ),
        (
            SecretSource::Command(command),
            format!("the output of the command `echo` {from_setting}"),
        ),
    ] {
        let told = hints(repo(), source, refusal(401, "Bad credentials")).await;
        let expected = format!(
            "the token in {from} has expired, was revoked or is incomplete: put a new one there, from SERVER/settings/tokens"
        );
        assert_eq!(told, [expected]);
    }
}

#[tokio::test]
async fn refusals_are_explained_by_githubs_words_and_an_unknown_one_by_nothing() {
    let allow_list = "Although you appear to have the correct authorization credentials, the `acme` organization has an \
                      IP allow list enabled, and your IP address is not permitted to access this resource.";
    let lifetime = "The 'acme' organization forbids access via a fine-grained personal access tokens if the token's \
                    lifetime is greater than 366 days. Please adjust your token's lifetime.";
    let classic =
        "`acme` forbids access via a personal access token (classic). Please use a GitHub App.";
    let oauth = "Although you appear to have the correct authorization credentials, the `acme` organization has enabled \
                 OAuth App access restrictions, meaning that data access to third-parties is limited.";
    let disabled = "Repository level self-hosted runners are disabled on this repository.";
    let full = "Invalid Argument - Runner group 1 has reached max limit of 10000 runners.";
    let mut told = String::new();
    for (status, message) in [
        (403, allow_list),
        (403, lifetime),
        (403, classic),
        (
            403,
            "`acme` forbids access via a fine-grained personal access token.",
        ),
        (403, oauth),
        (403, disabled),
        (403, ""),
        (403, "Resource protected by organization SAML enforcement."),
        (
            403,
            "As an Enterprise Managed User, you cannot access this content",
        ),
        (403, "Repository was archived so is read-only."),
        (403, "Sorry. Your account was suspended."),
        (403, "Something that nobody has seen yet."),
        (422, full),
    ] {
        for token in ["ghp_x", "github_pat_x", "ghs_x"] {
            let reply = refusal(status, message)
                .with("x-oauth-scopes", "repo, admin:org")
                .with("x-accepted-github-permissions", "administration=write");
            let hints = hints(repo(), literal(token), reply).await.join("\n  ");
            let said = if message.is_empty() {
                "(nothing)"
            } else {
                message
            };
            let entry = [said, &hints].join("\n  ").trim_end().to_owned() + "\n";
            if token == "ghp_x" {
                told += &entry;
            } else {
                assert!(told.ends_with(&entry), "{token}: {hints}");
            }
        }
    }
    insta::assert_snapshot!(told, @"
    Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.
      add this computer's public address (`curl https://ifconfig.me`) to the IP allow list at SERVER/organizations/acme/settings/security: only an owner of `acme` can
      or run gharun where the address is on the list, such as on a self-hosted runner
    The 'acme' organization forbids access via a fine-grained personal access tokens if the token's lifetime is greater than 366 days. Please adjust your token's lifetime.
      the token in `$GH_PAT` lasts longer than `acme` allows: shorten its expiration at SERVER/settings/personal-access-tokens, or use a GitHub App
    `acme` forbids access via a personal access token (classic). Please use a GitHub App.
      `acme` allows no classic tokens: set `$GH_PAT` to a fine-grained token with `Administration: write`, from SERVER/settings/personal-access-tokens/new, or use a GitHub App
    `acme` forbids access via a fine-grained personal access token.
      `acme` allows no fine-grained tokens: set `$GH_PAT` to a classic token with the scope `repo`, or use a GitHub App
    Although you appear to have the correct authorization credentials, the `acme` organization has enabled OAuth App access restrictions, meaning that data access to third-parties is limited.
      the token in `$GH_PAT` was made by an OAuth app (such as `gh`) that `acme` has not approved: set it to a personal access token, from SERVER/settings/tokens
      or an owner of `acme` approves the app at SERVER/organizations/acme/settings/oauth_application_policy
    Repository level self-hosted runners are disabled on this repository.
      allow self-hosted runners for `acme/app` at SERVER/organizations/acme/settings/actions: only an owner of `acme` can
      or register with the organization: `--org acme`
    (nothing)
      self-hosted runners may be disabled for this repository: see its Settings > Actions > Runners, or register with the organization: `--org acme`
    Resource protected by organization SAML enforcement.
      `acme` asks for single sign-on: authorize the token in `$GH_PAT` for it at SERVER/settings/tokens (Configure SSO)
    As an Enterprise Managed User, you cannot access this content
      the token in `$GH_PAT` belongs to a managed user of an enterprise, who cannot reach `acme/app`: set it to the token of an account that can
    Repository was archived so is read-only.
      unarchive `acme/app` at SERVER/acme/app/settings, or name another repository with `--repo OWNER/NAME`
    Sorry. Your account was suspended.
      the account that the token in `$GH_PAT` belongs to is suspended: set it to another account's token
    Something that nobody has seen yet.
    Invalid Argument - Runner group 1 has reached max limit of 10000 runners.
      remove those that are offline: gharun's own with `gharun stop --orphans`, others at SERVER/acme/app/settings/actions/runners
    ");
}

#[tokio::test]
async fn a_page_of_the_scope_is_named_for_what_it_is() {
    let reply = || refusal(403, "... has an IP allow list enabled ...");
    let org = hints(Scope::Org("acme".into()), literal("ghp_x"), reply()).await;
    assert!(
        org[0].contains("SERVER/organizations/acme/settings/security"),
        "{org:?}"
    );
    let enterprise = hints(Scope::Enterprise("acme".into()), literal("ghp_x"), reply()).await;
    assert!(
        enterprise[0].contains("SERVER/enterprises/acme/settings/security"),
        "{enterprise:?}"
    );
}

#[tokio::test]
async fn a_404_is_believed_where_the_runners_are_shown() {
    for sees in [true, false] {
        let server = Server::serve(move |seen| match seen.method.as_str() {
            "DELETE" => refusal(404, "Not Found"),
            _ if sees => Reply::json(200, runners(0, [])),
            _ => refusal(404, "Not Found"),
        })
        .await;
        let client = client(&server);
        for _ in 0..2 {
            let answer = client.deregister(7).await;
            if sees {
                assert_eq!(answer.expect("it is gone"), Deregistration::Gone);
            } else {
                let error = answer.expect_err("nobody knows");
                assert_eq!(error.kind, ErrorKind::NotFound);
                assert!(
                    error.hints()[0].starts_with("check the name `acme/app`"),
                    "{:?}",
                    error.hints()
                );
            }
        }
        // Where they are shown once, they are.
        assert_eq!(server.seen().len(), if sees { 3 } else { 4 });
    }
}

#[tokio::test]
async fn github_token_is_told_to_be_the_wrong_token() {
    let reply = refusal(403, "Resource not accessible by integration")
        .with("x-accepted-github-permissions", "administration=write");
    let (kind, told) = read(repo(), 1, reply).await;
    assert_eq!(kind, ErrorKind::Forbidden);
    insta::assert_snapshot!(told, @"
    could not register `gharun-1-1-0-abcdefabcdefgh` with `acme/app`
      caused by: `POST 127.0.0.1/repos/acme/app/actions/runners/generate-jitconfig` answered 403 Forbidden (request 8F0C:1): Resource not accessible by integration
    hint: if the token is of a GitHub App, the app needs the permission `Administration: write` of the repository `acme/app`, and its installation must have accepted it (Settings > GitHub Apps)
    hint: if it is the workflow's own, which can never manage runners: put a personal access token into a secret, and pass it as `GH_PAT` (`env: GH_PAT: ${{ secrets.GH_PAT }}`)
    ");
}

#[tokio::test]
async fn a_fine_grained_token_is_told_what_it_lacks() {
    let reply = refusal(403, "Resource not accessible by personal access token").with(
        "x-accepted-github-permissions",
        "organization_self_hosted_runners=write",
    );
    let (kind, told) = read(Scope::Org("acme".into()), 1, reply).await;
    assert_eq!(kind, ErrorKind::Forbidden);
    insta::assert_snapshot!(told, @"
    could not register `gharun-1-1-0-abcdefabcdefgh` with `acme`
      caused by: `POST 127.0.0.1/orgs/acme/actions/runners/generate-jitconfig` answered 403 Forbidden (request 8F0C:1): Resource not accessible by personal access token
    hint: the token needs the permission `Self-hosted runners: write` of the organization `acme`
    hint: if it has the permission, an owner of the organization may have to approve the token first
    ");
}

#[tokio::test]
async fn a_classic_token_is_told_its_scopes_and_where_to_sign_on() {
    let reply = refusal(403, "Resource protected by organization SAML enforcement.")
        .with(
            "x-github-sso",
            "required; url=https://github.com/orgs/acme/sso",
        )
        .with("x-oauth-scopes", "repo, workflow")
        .with("x-accepted-oauth-scopes", "manage_runners:enterprise");
    let (kind, told) = read(Scope::Enterprise("acme".into()), 1, reply).await;
    assert_eq!(kind, ErrorKind::Forbidden);
    insta::assert_snapshot!(told, @"
    could not register `gharun-1-1-0-abcdefabcdefgh` with `enterprises/acme`
      caused by: `POST 127.0.0.1/enterprises/acme/actions/runners/generate-jitconfig` answered 403 Forbidden (request 8F0C:1): Resource protected by organization SAML enforcement.
    hint: the organization asks for single sign-on: authorize the token at https://github.com/orgs/acme/sso
    ");
}

#[tokio::test]
async fn a_404_is_told_to_be_a_missing_right_or_a_missing_thing() {
    let (kind, told) = read(repo(), 1, refusal(404, "Not Found")).await;
    assert_eq!(kind, ErrorKind::NotFound);
    insta::assert_snapshot!(told, @"
    could not register `gharun-1-1-0-abcdefabcdefgh` with `acme/app`
      caused by: `POST 127.0.0.1/repos/acme/app/actions/runners/generate-jitconfig` answered 404 Not Found (request 8F0C:1): Not Found
    hint: check the name `acme/app`; if it is right, the token needs the scope `repo`, and must belong to an admin of `acme/app`
    ");
    let org = Scope::Org("acme".into());
    let (_, told) = read(org, 99, refusal(404, "Not Found")).await;
    assert!(
        told.contains("\nhint: or runner group 99 does not exist"),
        "{told}"
    );
}

#[tokio::test]
async fn every_status_has_its_kind() {
    let mut kinds = Vec::new();
    for status in [400, 401, 403, 404, 409, 410, 415, 422, 451] {
        let (kind, _) = read(repo(), 1, refusal(status, "no")).await;
        kinds.push(format!("{status} {kind:?}"));
    }
    insta::assert_snapshot!(kinds.join("\n"), @"
    400 Invalid
    401 Unauthorized
    403 Forbidden
    404 NotFound
    409 NameTaken
    410 Unexpected
    415 Invalid
    422 Invalid
    451 Invalid
    ");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let server = Server::replies([]).await;
    let config = ClientConfig {
        token: None,
        ..config(&server)
    };
    let client = Client::new(config).unwrap();
    let error = client.runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(told(&error).contains("`GHARUN_GITHUB_TOKEN` or `GH_PAT`"));
    assert_eq!(client.token().await.unwrap(), None);
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_token_that_ran_out_is_got_anew_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "old").unwrap();
    let server = Server::serve(|seen| match seen.header("authorization") {
        Some("Bearer new") => {
            Reply::json(201, json!({"runner": runner(7), "encoded_jit_config": "x"}))
        }
        _ => refusal(401, "Bad credentials"),
    })
    .await;
    let config = ClientConfig {
        token: Some(TokenSource::kept(crate::model::SecretSource::File(
            file.clone(),
        ))),
        ..config(&server)
    };
    let client = Client::new(config).unwrap();
    // The file holds the same token still.
    let error = register(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(server.seen().len(), 1);
    std::fs::write(&file, "new").unwrap();
    register(&client).await.unwrap();
    assert_eq!(server.seen().len(), 3);
    register(&client).await.unwrap();
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_limit_that_ends_too_late_says_when() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let limited = refusal(403, "API rate limit exceeded for user.").with("date", date);
    for (reply, end) in [
        (
            limited.clone().with("retry-after", 3600),
            "1994-11-06T09:49:37Z",
        ),
        (
            limited
                .clone()
                .with("x-ratelimit-remaining", 0)
                .with("x-ratelimit-reset", 784_115_377),
            "1994-11-06T09:49:38Z",
        ),
        // `Retry-After` goes before the rest.
        (
            limited
                .clone()
                .with("retry-after", 60)
                .with("x-ratelimit-remaining", 0)
                .with("x-ratelimit-reset", 784_115_377),
            "1994-11-06T08:50:37Z",
        ),
        // Nothing is said: a minute at least.
        (
            refusal(403, "You have exceeded a secondary Rate Limit.").with("date", date),
            "1994-11-06T08:50:37Z",
        ),
        (
            refusal(429, "Slow down").with("date", date),
            "1994-11-06T08:50:37Z",
        ),
    ] {
        let (kind, told) = read(repo(), 1, reply).await;
        assert_eq!(kind, ErrorKind::RateLimited, "{told}");
        assert!(
            told.ends_with(&format!("\nhint: GitHub accepts requests again at {end}")),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_limit_that_is_over_is_waited_for() {
    // The reset is past by the server's own clock, and a second is added to be sure.
    let limited = refusal(403, "API rate limit exceeded")
        .with("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .with("x-ratelimit-remaining", 0)
        .with("x-ratelimit-reset", 784_111_777);
    let server = Server::replies([limited, Reply::json(200, runner(7))]).await;
    client(&server).runner(7).await.unwrap().unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_deadline_from_outside_is_kept() {
    let server = Server::serve(|_| refusal(429, "wait").with("retry-after", 20)).await;
    let now = tokio::time::Instant::now();
    let hasty = client(&server).by(now + Duration::from_secs(10));
    let error = hasty.runner(7).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::RateLimited);
    let error = client(&server).by(now).runner(7).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_page_in_the_place_of_an_answer_is_told() {
    let server = Server::replies([Reply::html(200, "Sign in")]).await;
    let error = client(&server).runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);
    let port = format!(":{}", server.port());
    insta::assert_snapshot!(told(&error).replace(&port, ""), @"
    could not list the runners of `acme/app`
      caused by: `GET 127.0.0.1/repos/acme/app/actions/runners` answered with invalid JSON: an HTML page titled `Sign in`
      caused by: expected value at line 1 column 1
    hint: this is not GitHub's answer: a proxy or a gateway (see `HTTPS_PROXY`) must let requests to the API through, and `GITHUB_API_URL`, where it is set, must be the API's address
    ");
}

#[tokio::test]
async fn an_address_with_a_password_is_refused_unseen() {
    for address in [
        "https://me:hunter2@api.test",
        "file:///x",
        "https://api.test/?x=hunter2",
    ] {
        let server = Server::replies([]).await;
        let config = ClientConfig {
            api_url: address.parse().unwrap(),
            ..config(&server)
        };
        let error = Client::new(config).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
