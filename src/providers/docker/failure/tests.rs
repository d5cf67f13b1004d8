//! What a daemon and a connection say, and what is told of it.

use super::*;
use crate::providers::contract::chain;
use crate::providers::docker::config::DockerConfig;

fn said(status_code: u16, message: &str) -> Wire {
    Wire::DockerResponseServerError {
        status_code,
        message: message.to_owned(),
    }
}

fn explained(error: &Wire) -> Error {
    let config = DockerConfig::default();
    let endpoint = Endpoint::resolve(&config).unwrap();
    let asked = Asked {
        endpoint: &endpoint,
        config: Some(&config),
        step: Step::Run,
    };
    explain_of("could not launch `x`".to_owned(), &asked, error)
}

#[test]
fn every_failure_means_an_action() {
    use ErrorKind::{Config, Denied, NoCapacity, RateLimited, Unavailable, Unexpected};
    for (status, text, kind, key) in [
        (
            400,
            "Minimum memory limit allowed is 6MB",
            Config,
            Some("memory"),
        ),
        (401, "unauthorized", Denied, None),
        (403, "forbidden", Denied, None),
        (401, "<html>Unauthorized</html>", Unavailable, None),
        (403, "<html>Forbidden</html>", Unavailable, None),
        (404, "<html>Not Found</html>", Unavailable, None),
        (404, "No such image: x:latest", Config, Some("image")),
        (404, "network lan not found", Config, Some("network")),
        (418, "", Unexpected, None),
        (429, "slow down", RateLimited, None),
        (500, "write /x: no space left on device", NoCapacity, None),
        (
            500,
            "could not select device driver \"\" with capabilities: [[gpu]]",
            Config,
            Some("gpus"),
        ),
        (
            400,
            "exec: \"/bin/sh\": stat /bin/sh: no such file",
            Config,
            Some("image"),
        ),
        (
            400,
            "unknown or invalid runtime name: x",
            Config,
            Some("runtime"),
        ),
        (
            500,
            "error gathering device information while adding custom device \"/dev/x\"",
            Config,
            Some("devices"),
        ),
        (
            500,
            "driver failed programming external connectivity",
            Unexpected,
            None,
        ),
        (500, "<html>oops</html>", Unavailable, None),
        (502, "<html>Bad Gateway</html>", Unavailable, None),
        (503, "", Unavailable, None),
    ] {
        let error = explained(&said(status, text));
        assert_eq!((error.kind, error.key()), (kind, key), "{status} {text}");
        assert!(chain(&error).contains(text), "{}", chain(&error));
    }
}

#[test]
fn what_no_setting_can_have_spoiled_may_work_another_time() {
    for (status, text, kind) in [
        (400, "bad request", ErrorKind::Unavailable),
        (403, "forbidden", ErrorKind::Denied),
        (409, "network lan not found", ErrorKind::Unavailable),
        (500, "network lan not found", ErrorKind::Unavailable),
        (500, "device or resource busy", ErrorKind::Unavailable),
        (418, "", ErrorKind::Unexpected),
    ] {
        let error = said(status, text);
        let passing = passing(explained(&error), &error);
        assert_eq!(passing.kind, kind, "{status} {text}");
        assert!(chain(&passing).contains(text), "{}", chain(&passing));
        assert!(!passing.hints().join("\n").contains("network ls"));
    }
}

#[test]
fn a_page_is_told_on_one_line_and_not_whole() {
    let page = format!("<html>\n  <body>{}</body>", "x".repeat(9000));
    let said = chain(&explained(&said(502, &page)));
    assert!(said.len() < 700 && !said.contains('\n'), "{said}");
    assert!(said.contains("a web page: <html> <body>xxx"), "{said}");
}

#[test]
fn only_the_daemons_own_word_settles_a_request() {
    for (error, expected) in [
        (said(409, "Conflict"), Delivery::Rejected),
        (said(500, "no space left on device"), Delivery::Rejected),
        (said(502, "<html>"), Delivery::Unknown),
        (said(504, ""), Delivery::Unknown),
        (said(500, "<html>"), Delivery::Unknown),
        (Wire::RequestTimeoutError, Delivery::TimedOut),
        (Wire::SocketNotFoundError("x".into()), Delivery::Unsent),
        (
            Wire::from(io::Error::from(io::ErrorKind::ConnectionReset)),
            Delivery::Unknown,
        ),
    ] {
        assert_eq!(delivery(&error), expected, "{error}");
    }
    assert!(is_missing(&said(404, "No such container: x"), "container"));
    let removing = said(409, "removal of container x is already in progress");
    assert!(is_being_removed(&removing) && !is_being_removed(&said(409, "Conflict")));
    for (busy, error) in [
        (true, said(409, "Conflict")),
        (true, said(500, "unlinkat /x: device or resource busy")),
        (false, said(403, "forbidden")),
    ] {
        assert_eq!(is_busy(&error), busy, "{error}");
    }
    for (status, stranger) in [
        (404, "<html>Not Found</html>"),
        (404, "page not found"),
        (500, "No such container: x"),
    ] {
        assert!(
            !is_missing(&said(status, stranger), "container"),
            "{stranger}"
        );
    }
}

#[test]
fn a_socket_that_may_not_be_used_says_how_it_may() {
    let error = explained(&Wire::from(io::Error::from(
        io::ErrorKind::PermissionDenied,
    )));
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.hints().join("\n").contains("docker"));
}

#[tokio::test]
async fn a_connection_that_nobody_takes_is_told_in_words_of_people() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    // A socket whose daemon has ended, and a port that nobody has.
    drop(std::os::unix::net::UnixListener::bind(at("dead")).unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let (none, dead) = (at("none"), at("dead"));
    for (host, why, hint) in [
        (
            format!("unix://{none}"),
            format!("the socket `{none}` does not exist"),
            "start Docker: ",
        ),
        (
            format!("unix://{dead}"),
            format!("the socket `{dead}` is there, and no daemon listens at it"),
            "start Docker: ",
        ),
        (
            format!("tcp://{address}"),
            format!("nothing listens at {address} (connection refused)"),
            "check that the daemon is running: ",
        ),
    ] {
        let config = serde_json::json!({ "host": host, "allow_plain_http": true });
        let config = serde_json::from_value(config).unwrap();
        let endpoint = Endpoint::resolve(&config).unwrap();
        let error = crate::providers::docker::daemon::Daemon::reach(&endpoint)
            .await
            .unwrap_err();
        let told = crate::model::chain(&error);
        assert_eq!(
            told,
            format!("could not reach the Docker daemon at {host}: {why}")
        );
        assert!(error.nobody_listens(), "{error:?}");
        assert!(error.hints()[0].starts_with(hint), "{error:?}");
    }
}
