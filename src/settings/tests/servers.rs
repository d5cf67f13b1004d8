//! Which server is asked, and which one machines are marked with: never two.

use super::*;

const GHES: &str = "[github]\napi_url = \"http://10.0.0.1:8917/api/v3\"\n";

#[track_caller]
fn host(world: &World) -> String {
    let (settings, _) = world.settings().expect("it resolves");
    settings.github.host()
}

#[test]
fn the_server_of_the_tags_is_the_one_that_is_asked() {
    let said = |variable, value| host(&World::new("list").env(variable, value));
    assert_eq!(host(&World::new("list")), "github.com");
    assert_eq!(host(&World::new("list").file(GHES)), "10.0.0.1:8917");
    for (variable, value, name) in [
        (
            "GITHUB_API_URL",
            "https://git.acme.test/api/v3",
            "git.acme.test",
        ),
        ("GITHUB_API_URL", "https://api.acme.ghe.com", "acme.ghe.com"),
        ("GITHUB_API_URL", "https://api.github.com", "github.com"),
        (
            "GITHUB_API_URL",
            "http://127.0.0.1:28919",
            "127.0.0.1:28919",
        ),
        (
            "GITHUB_SERVER_URL",
            "https://git.acme.test",
            "git.acme.test",
        ),
        ("GITHUB_SERVER_URL", "https://www.github.com", "github.com"),
    ] {
        assert_eq!(said(variable, value), name, "{variable}={value}");
    }
}

#[test]
fn a_server_and_an_api_that_agree_are_both_taken() {
    let both = |server, api| {
        let world = World::new("list").env("GITHUB_SERVER_URL", server);
        host(&world.env("GITHUB_API_URL", api))
    };
    let github = "https://github.com";
    assert_eq!(both(github, "https://api.github.com"), "github.com");
    assert_eq!(
        both("https://git.acme.test", "https://git.acme.test/api/v3"),
        "git.acme.test"
    );
    // A proxy is whose the server says.
    assert_eq!(both(github, "http://proxy.test:3128/github"), "github.com");
}

#[test]
fn two_servers_are_refused() {
    let ghes = "https://git.acme.test/api/v3";
    let world = World::new("start local --repo octo/app");
    let world = world.env("GITHUB_SERVER_URL", "https://github.com");
    insta::assert_snapshot!(world.env("GITHUB_API_URL", ghes).error(), @"
    `$GITHUB_API_URL` cannot be `https://git.acme.test/api/v3`: it is the API of `https://git.acme.test/`, and `$GITHUB_SERVER_URL` is `https://github.com/`
    the API of `https://github.com/` is `https://api.github.com/`: set one of the two to the server that is meant, or leave one out
    ");
    let world = World::new("start local --repo octo/app").file(GHES);
    insta::assert_snapshot!(world.env("GITHUB_SERVER_URL", "https://github.com").error(), @"
    `github.api_url` (DIR/p.toml:2) cannot be `http://10.0.0.1:8917/api/v3`: it is the API of `http://10.0.0.1:8917/`, and `$GITHUB_SERVER_URL` is `https://github.com/`
    the API of `https://github.com/` is `https://api.github.com/`: set one of the two to the server that is meant, or leave one out
    ");
}
