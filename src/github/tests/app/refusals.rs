//! What a user reads when GitHub gives an app no token.

use super::*;

/// What a user reads of a first question.
async fn refusal(play: &Play, scope: Scope, app: GitHubApp) -> (ErrorKind, String) {
    let error = play.client_of(scope, app).runners().await.unwrap_err();
    let port = format!(":{}", play.stub.port());
    let told = told(&error).replace(&port, "");
    let (before, rest) = told.split_once("(request ").expect("a request id");
    let (_, after) = rest.split_once("):").expect("its end");
    (error.kind, format!("{before}(request ID):{after}"))
}

#[tokio::test]
async fn the_key_of_another_app_is_asked_about_once_and_told() {
    let play = Play::new();
    let app = GitHubApp {
        key: AppKey::read(&keys::make().pkcs8).unwrap(),
        ..Play::app()
    };
    let (kind, told) = refusal(&play, repo(), app).await;
    assert_eq!(kind, ErrorKind::Unauthorized);
    insta::assert_snapshot!(told, @"
    could not get a token for `acme/app` as the GitHub App `Iv23liPretend`
      caused by: `GET 127.0.0.1/repos/acme/app/installation` answered 401 Unauthorized (request ID): A JSON web token could not be decoded
    hint: the private key in `$APP_KEY` does not belong to the app `Iv23liPretend`: compare the ID on the app's page (see http://127.0.0.1/settings/apps, or the settings of the organization that owns it), and make a new key there
    ");
    assert_eq!(play.lines().len(), 1);
}

#[tokio::test]
async fn a_missing_permission_is_named_and_who_grants_it() {
    let play = Play::new();
    play.change(|app| {
        app.permissions = permissions(&[("actions", "write"), ("administration", "read")]);
    });
    let (kind, told) = refusal(&play, repo(), Play::app()).await;
    assert_eq!(kind, ErrorKind::Unauthorized);
    insta::assert_snapshot!(told, @r#"
    could not get a token for `acme/app` as the GitHub App `Iv23liPretend`
      caused by: `POST 127.0.0.1/app/installations/77/access_tokens` answered 422 Unprocessable Entity (request ID): The permissions requested are not granted to this installation.
    hint: the app `Iv23liPretend` lacks the permission `administration: write`
    hint: the app's owner must add it on the app's settings page, Permissions & events: "Repository permissions: Administration: Read and write"
    hint: then the owner of `acme/app` must accept it at https://github.com/organizations/acme/settings/installations/77
    "#);
    let given = GitHubApp {
        installation: Some(ID),
        ..Play::app()
    };
    let (_, told) = refusal(&play, org(), given).await;
    insta::assert_snapshot!(told, @r#"
    could not get a token for `acme` as the GitHub App `Iv23liPretend`
      caused by: `POST 127.0.0.1/app/installations/77/access_tokens` answered 422 Unprocessable Entity (request ID): The permissions requested are not granted to this installation.
    hint: the app `Iv23liPretend` lacks the permission `organization_self_hosted_runners: write`
    hint: the app's owner must add it on the app's settings page, Permissions & events: "Organization permissions: Self-hosted runners: Read and write"
    hint: then the owner of `acme` must accept it at https://github.com/organizations/acme/settings/installations/77
    "#);
}

#[tokio::test]
async fn an_app_that_is_not_installed_there_is_told() {
    let play = Play::new();
    play.change(|app| {
        app.scopes = vec!["acme/other".to_owned()];
    });
    let (kind, told) = refusal(&play, repo(), Play::app()).await;
    assert_eq!(kind, ErrorKind::Unauthorized);
    insta::assert_snapshot!(told, @r#"
    could not get a token for `acme/app` as the GitHub App `Iv23liPretend`
      caused by: `GET 127.0.0.1/repos/acme/app/installation` answered 404 Not Found (request ID): Not Found
    hint: the app `Iv23liPretend` is not installed on `acme/app` (see "Install App" on the app's settings page), or the app or `acme/app` does not exist
    "#);
    // The installation is there, and does not reach as far.
    let given = GitHubApp {
        installation: Some(ID),
        ..Play::app()
    };
    let (kind, same) = refusal(&play, repo(), given).await;
    assert_eq!((kind, same), (ErrorKind::Unauthorized, told));
}

#[tokio::test]
async fn an_installation_of_somebody_else_is_told_with_the_right_one() {
    let play = Play::new();
    let given = GitHubApp {
        installation: Some(5),
        ..Play::app()
    };
    let (kind, told) = refusal(&play, repo(), given).await;
    assert_eq!(kind, ErrorKind::Unauthorized);
    insta::assert_snapshot!(told, @"
    could not get a token for `acme/app` as the GitHub App `Iv23liPretend`
      caused by: `POST 127.0.0.1/app/installations/5/access_tokens` answered 404 Not Found (request ID): Not Found
    hint: `5` is not the installation for `acme/app`: leave it out to use `77`
    ");
}

#[tokio::test]
async fn a_suspended_app_is_told() {
    let play = Play::new();
    play.change(|app| app.suspended = true);
    let (kind, told) = refusal(&play, repo(), Play::app()).await;
    assert_eq!(kind, ErrorKind::Unauthorized);
    insta::assert_snapshot!(told, @"
    could not get a token for `acme/app` as the GitHub App `Iv23liPretend`
      caused by: `POST 127.0.0.1/app/installations/77/access_tokens` answered 403 Forbidden (request ID): This installation has been suspended
    hint: the owner of that account must unsuspend the app at https://github.com/organizations/acme/settings/installations/77
    ");
}

#[tokio::test]
async fn an_enterprise_is_told_to_be_beyond_an_app() {
    let play = Play::new();
    let client = play.client_of(Scope::Enterprise("acme".into()), Play::app());
    let error = client.runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    insta::assert_snapshot!(told(&error), @"
    could not get a token for `enterprises/acme` as the GitHub App `Iv23liPretend`
      caused by: a GitHub App cannot manage the runners of an enterprise
    hint: use a classic token with the scope `manage_runners:enterprise`
    ");
    assert_eq!(play.lines().len(), 0);
}

#[tokio::test]
async fn a_repository_that_github_does_not_grant_is_asked_to_be_checked() {
    let play = Play::new();
    let refusal_of_name =
        Kind::status(422, "There is at least one repository that does not exist.");
    play.github
        .fault(Fault::once("POST", "/access_tokens", refusal_of_name).times(2));
    let (kind, told) = refusal(&play, repo(), Play::app()).await;
    assert_eq!(kind, ErrorKind::Unauthorized);
    insta::assert_snapshot!(told, @"
    could not get a token for `acme/app` as the GitHub App `Iv23liPretend`
      caused by: `POST 127.0.0.1/app/installations/77/access_tokens` answered 422 Unprocessable Entity (request ID): There is at least one repository that does not exist.
    hint: check that `acme/app` is the current name: a former name gets no token
    ");
}

#[tokio::test]
async fn a_policy_that_keeps_an_app_out_is_told_by_its_words() {
    for (message, helps) in [
        (
            "the `acme` organization has an IP allow list enabled",
            Some("IP allow list at"),
        ),
        ("Something that nobody has seen yet", None),
    ] {
        let play = Play::new();
        play.github
            .fault(Fault::once("POST", "/access_tokens", Kind::status(403, message)).times(2));
        let (kind, told) = refusal(&play, repo(), Play::app()).await;
        assert_eq!(kind, ErrorKind::Unauthorized);
        let hint = told.split_once("hint: ").map(|(_, hint)| hint.to_owned());
        match helps {
            Some(helps) => assert!(hint.is_some_and(|hint| hint.contains(helps)), "{told}"),
            None => assert_eq!(hint, None, "{told}"),
        }
    }
}
