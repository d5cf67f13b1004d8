//! Where the credentials of EC2 come from: every kind of profile, asked where everything else is asked.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::aws::{REGION, moto};
use crate::world::{World, wait_for};
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
[profile elsewhere]
role_arn = arn:aws:iam::123456789012:role/elsewhere
source_profile = base
services = nowhere
[services nowhere]
sts =
  endpoint_url = http://127.0.0.1:9
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

/// A proxy for whatever is encrypted: it notes whom it was to lead to, and leads nowhere.
pub(crate) struct Tunnel {
    /// Its address.
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    /// Starts one, until the end of the process.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 4096];
                // A client that goes away in the middle asked for nothing.
                let read = stream.read(&mut head).unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let line = head.lines().next().unwrap_or_default();
                let line = line.trim_end_matches(" HTTP/1.1").to_owned();
                log.lock().expect("no panic").push(line);
                // Whoever has gone needs no answer.
                let _ = stream.write_all(
                    b"HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                );
            }
        });
        Self { url, asked }
    }

    /// What it was asked for so far: `CONNECT host:443`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// A computer whose one word on region and endpoint is the table, which has these further lines.
fn world(proxy: &Proxy, lines: &str) -> World {
    world_of(&format!("endpoint = \"{}\"\n{lines}", proxy.url))
}

/// The same with the services of AWS itself.
fn world_of(lines: &str) -> World {
    let world = World::new();
    let home = world.path("home").display().to_string();
    let table = format!("[providers.aws]\nregion = \"{REGION}\"\nsearch_regions = []\n{lines}\n");
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
const PROFILES: [(&str, &[&str]); 8] = [
    ("base", &[]),
    ("ci", &["AssumeRole"]),
    ("over", &["AssumeRole", "AssumeRole"]),
    ("elsewhere", &["AssumeRole"]),
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

#[test]
fn requests_for_credentials_go_through_the_proxy_of_the_environment() {
    for (profile, asked) in [
        ("ci", "CONNECT sts.us-east-1.amazonaws.com:443"),
        ("web", "CONNECT sts.us-east-1.amazonaws.com:443"),
        ("sso", "CONNECT portal.sso.us-east-1.amazonaws.com:443"),
    ] {
        let tunnel = Tunnel::start();
        let world = world_of(&format!("profile = \"{profile}\"")).env("HTTPS_PROXY", &tunnel.url);
        world.run("providers check aws").exits(1);
        let all = tunnel.asked();
        assert!(all.contains(&asked.to_owned()), "{profile}: {all:?}");
    }
}

#[test]
fn a_place_that_never_gives_credentials_is_waited_for_no_longer_than_any_other() {
    let nobody = Server::new("http://127.0.0.1:9");
    for command in [
        "providers check aws",
        "start aws --set image=ami-0123456789abcdef0",
    ] {
        let proxy = Proxy::start(&nobody, Duration::ZERO, |_| Deed::Hang);
        let world = world(&proxy, "profile = \"ci\"");
        let mut child = world.spawn(command);
        let ended = wait_for("the end of the command", || {
            child.try_wait().expect("it can be asked")
        });
        assert_eq!(ended.code(), Some(1), "{command}");
        let asked = proxy.asked("AssumeRole").len();
        assert!((1..=3).contains(&asked), "{command}: asked {asked} times");
    }
}

#[test]
fn an_endpoint_of_the_table_beside_another_of_a_variable_is_refused_where_credentials_are_asked_for()
 {
    let nobody = Server::new("http://127.0.0.1:9");
    let mut refuses = Vec::new();
    for (profile, variable, is_refused) in [
        ("ci", "AWS_ENDPOINT_URL", true),
        ("ci", "AWS_ENDPOINT_URL_STS", true),
        ("web", "AWS_ENDPOINT_URL", true),
        ("sso", "AWS_ENDPOINT_URL_SSO", true),
        ("ci", "AWS_ENDPOINT_URL_EC2", false),
        ("base", "AWS_ENDPOINT_URL", false),
        ("process", "AWS_ENDPOINT_URL", false),
    ] {
        let refuse = |_: &gharun_worlds::moto::Asked| Deed::Refuse(403, "AccessDenied");
        let (there, elsewhere) = (
            Proxy::start(&nobody, Duration::ZERO, refuse),
            Proxy::start(&nobody, Duration::ZERO, refuse),
        );
        let world = world(&there, &format!("profile = \"{profile}\""));
        let said = world
            .env(variable, &elsewhere.url)
            .run("list --provider aws");
        let place = format!("{profile} {variable}: {}", said.stderr);
        assert_eq!(elsewhere.seen().asked.len(), 0, "{place}");
        assert_eq!(there.seen().asked.is_empty(), is_refused, "{place}");
        if is_refused {
            refuses.push(
                said.stderr
                    .replace(&there.url, "[TABLE]")
                    .replace(&elsewhere.url, "[VARIABLE]"),
            );
        }
        // The same address twice is one.
        let world = self::world(&there, &format!("profile = \"{profile}\""));
        world
            .env(variable, &format!("{}/", there.url))
            .run("list --provider aws");
        assert!(!there.seen().asked.is_empty(), "{place}");
    }
    insta::assert_snapshot!(refuses[0], @"
    error: could not read everything: there may be more than is listed
        could not read aws: `endpoint` and `$AWS_ENDPOINT_URL` are different addresses, and requests for credentials would be sent to that of the variable

    hint: unset `$AWS_ENDPOINT_URL`, or leave `endpoint` out
    ");
}
