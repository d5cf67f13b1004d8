//! Where the credentials of EC2 come from: every kind of profile, asked where everything else is asked.

use std::time::Duration;

use crate::aws::{REGION, moto};
use crate::world::World;
use gharun_worlds::moto::{Deed, Proxy, Server};

/// A profile of each kind. `{home}` is where the files are.
const CONFIG: &str = "\
[profile base]
aws_access_key_id = testing
aws_secret_access_key = testing
[profile ci]
role_arn = arn:aws:iam::123456789012:role/ci
source_profile = base
[profile over]
role_arn = arn:aws:iam::123456789012:role/over
source_profile = ci
[profile by-variables]
role_arn = arn:aws:iam::123456789012:role/by-variables
credential_source = Environment
[profile web]
role_arn = arn:aws:iam::123456789012:role/web
web_identity_token_file = {home}/token
[profile process]
credential_process = cat {home}/credentials.json
[profile by-process]
role_arn = arn:aws:iam::123456789012:role/by-process
source_profile = process
[profile sso]
sso_session = work
sso_account_id = 123456789012
sso_role_name = dev
[sso-session work]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
";
/// What the portal of an SSO session answers.
const OF_PORTAL: &str = r#"{"roleCredentials":{"accessKeyId":"ASIATESTING","secretAccessKey":"s","sessionToken":"t","expiration":4102444800000}}"#;
/// What a command that gives credentials prints.
const OF_PROCESS: &str = r#"{"Version":1,"AccessKeyId":"testing","SecretAccessKey":"testing"}"#;
/// The session `work`, opened; the file is called by the SHA-1 of that.
const SESSION: (&str, &str) = (
    "home/.aws/sso/cache/e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json",
    r#"{"accessToken":"t","expiresAt":"2100-01-01T00:00:00Z","region":"us-east-1","startUrl":"https://example.awsapps.com/start"}"#,
);

/// A proxy that is also the portal of SSO, whose requests name no action.
fn proxy(server: &Server) -> Proxy {
    Proxy::start(server, Duration::ZERO, |asked| {
        if asked.action.is_empty() {
            Deed::Answer(OF_PORTAL)
        } else {
            Deed::Forward
        }
    })
}

/// A computer whose one word on region and endpoint is the table, which has these further lines.
fn world(proxy: &Proxy, lines: &str) -> World {
    let world = World::new();
    let home = world.path("home").display().to_string();
    let table = format!(
        "[providers.aws]\nregion = \"{REGION}\"\nsearch_regions = []\nendpoint = \"{}\"\n{lines}\n",
        proxy.url
    );
    std::fs::create_dir_all(world.path("home/.aws/sso/cache")).expect("a folder");
    for (file, text) in [
        ("providers.toml", table.as_str()),
        ("home/.aws/config", &CONFIG.replace("{home}", &home)),
        ("home/token", "a-token"),
        ("home/credentials.json", OF_PROCESS),
        SESSION,
    ] {
        std::fs::write(world.path(file), text).expect("a file");
    }
    world
}

/// What each profile asks of STS.
const PROFILES: [(&str, &[&str]); 7] = [
    ("base", &[]),
    ("ci", &["AssumeRole"]),
    ("over", &["AssumeRole", "AssumeRole"]),
    ("web", &["AssumeRoleWithWebIdentity"]),
    ("process", &[]),
    ("by-process", &["AssumeRole"]),
    ("sso", &[""]),
];

/// The requests for credentials that a proxy saw.
fn asked(proxy: &Proxy) -> Vec<String> {
    let seen = proxy.seen();
    let of_credentials = |action: &&String| action.is_empty() || action.starts_with("AssumeRole");
    let actions = seen.asked.iter().map(|one| &one.action);
    actions.filter(of_credentials).cloned().collect()
}

#[test]
fn a_profile_of_any_kind_is_asked_for_at_the_endpoint_and_in_the_region_of_the_table() {
    let Some(server) = moto() else { return };
    for (profile, actions) in PROFILES {
        for named in [true, false] {
            let proxy = proxy(&server);
            let world = if named {
                world(&proxy, &format!("profile = \"{profile}\""))
            } else {
                world(&proxy, "").env("AWS_PROFILE", profile)
            };
            let said = world.run("providers check aws").exits(0);
            assert_eq!(asked(&proxy), actions, "{profile}: {}", said.stderr);
            let roles = proxy.asked("AssumeRole");
            assert!(roles.iter().all(|one| one.region == REGION), "{profile}");
            if let Some(last) = roles.last() {
                let role = last.value("RoleArn").unwrap_or_default();
                assert_eq!(role.rsplit('/').next(), Some(profile));
            }
        }
    }
}

#[test]
fn a_role_and_a_web_identity_of_variables_are_asked_for_there_as_well() {
    let Some(server) = moto() else { return };
    let proxy_of_role = proxy(&server);
    let world_of_role = world(&proxy_of_role, "profile = \"by-variables\"")
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing");
    world_of_role.run("providers check aws").exits(0);
    assert_eq!(asked(&proxy_of_role), ["AssumeRole"]);
    let proxy_of_token = proxy(&server);
    let world_of_token = world(&proxy_of_token, "");
    let token = world_of_token.path("home/token").display().to_string();
    let world_of_token = world_of_token
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/oidc")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    world_of_token.run("providers check aws").exits(0);
    assert_eq!(asked(&proxy_of_token), ["AssumeRoleWithWebIdentity"]);
}
