//! Beside what answers at the address of EC2's metadata service on machines that are not EC2's, and beside a container's
//! address that gives no credentials.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use super::REGION;
use crate::world::{Said, World, wait_for};

/// Answers every request of a line with what `answer` makes of it; says nothing where that is `None`. Returns its URL.
fn serve(answer: impl Fn(&str) -> Option<String> + Send + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let request = lines.next().unwrap_or_default();
            // Up to the blank line: who hangs up with unread bytes resets the connection.
            lines.find(String::is_empty);
            drop(lines);
            match answer(&request) {
                // Whoever hangs up before the answer has no need of it.
                Some(answer) => drop(stream.write_all(answer.as_bytes())),
                None => silent.push(stream),
            }
        }
    });
    format!("http://{address}")
}

fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}

/// The header of a token of EC2.
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds: 600\r\n";

/// Runs a command on a machine without credentials, with variables.
fn run(args: &str, variables: &[(&str, &str)]) -> Said {
    let world = World::new()
        .env("AWS_EC2_METADATA_DISABLED", "")
        .env("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9");
    let world = variables
        .iter()
        .fold(world, |world, (name, value)| world.env(name, value));
    let said = world.run(args);
    for word in ["panicked", "SDK", "TTL", "gharun itself failed"] {
        assert!(!said.stderr.contains(word), "{args}: {}", said.stderr);
    }
    said
}

/// The commands of a user with a region and without credentials.
const COMMANDS: [&str; 4] = [
    "start aws --set region=us-east-1 --set image=ami-0123456789abcdef0 --timeout 60s",
    "providers check aws --set region=us-east-1",
    "list --provider aws --set region=us-east-1",
    "stop --orphans --yes --provider aws --set region=us-east-1",
];

#[test]
fn a_metadata_service_that_is_not_ec2s_has_no_credentials_of_aws() {
    let page =
        "<html><title>400</title>\n<p>Bad request. Required metadata header not specified</html>";
    let statuses = [
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "405 Method Not Allowed",
        "200 OK",
    ];
    let mut urls: Vec<String> = statuses
        .into_iter()
        .map(|status| serve(move |_| Some(response(status, "content-type: text/html\r\n", page))))
        .collect();
    urls.push(serve(|_| None));
    urls.push(serve(|_| {
        Some("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf".to_owned())
    }));
    urls.push(serve(|_| Some("garbage\r\n\r\n".to_owned())));
    urls.push("http://127.0.0.1:9".to_owned());
    std::thread::scope(|all| {
        for url in &urls {
            all.spawn(move || {
                for args in COMMANDS {
                    let said =
                        run(args, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())]).exits(1);
                    let told = format!("{}{}", said.stdout, said.stderr);
                    assert!(
                        told.contains("no AWS credentials were found"),
                        "{args}: {told}"
                    );
                    assert!(told.contains("set `$AWS_ACCESS_KEY_ID`"), "{args}: {told}");
                }
            });
        }
    });
}

#[test]
fn a_search_that_names_no_provider_is_whole_beside_a_metadata_service_that_is_not_ec2s() {
    let url = serve(|_| Some(response("400 Bad Request", "", "Bad request")));
    let said = run(
        "list",
        &[
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
            ("AWS_REGION", REGION),
        ],
    );
    assert!(!said.stdout.contains("aws"), "{}", said.stdout);
    assert!(!said.stderr.contains("read aws"), "{}", said.stderr);
}

#[test]
fn a_metadata_service_that_is_ill_is_told_with_what_to_do() {
    let of_token = serve(|_| Some(response("503 Service Unavailable", "", "")));
    let of_role = serve(|request| {
        Some(match request.split(' ').next() {
            Some("PUT") => response("200 OK", TTL, "a-token"),
            _ => response("500 Internal Server Error", "", ""),
        })
    });
    for (url, status) in [(of_token, "503"), (of_role, "500")] {
        let answered = format!("metadata service answered {status}");
        for args in COMMANDS {
            // On a busy computer its answer may come later than the program waits for it.
            let told = wait_for("an answer in time", || {
                let said =
                    run(args, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())]).exits(1);
                let told = format!("{}{}", said.stdout, said.stderr);
                told.contains(&answered).then_some(told)
            });
            assert!(told.contains("AWS_EC2_METADATA_DISABLED"), "{args}: {told}");
        }
    }
}

#[test]
fn the_address_of_a_containers_credentials_that_gives_none_is_named_by_its_variable() {
    let urls = [
        serve(|_| Some(response("404 Not Found", "", "<html>"))),
        serve(|_| Some(response("200 OK", "", "<html>nonsense</html>"))),
        serve(|_| Some(response("200 OK", "", "{}"))),
        serve(|_| None),
        "http://127.0.0.1:9".to_owned(),
        "http://10.0.0.7/".to_owned(),
    ];
    std::thread::scope(|all| {
        for url in &urls {
            all.spawn(move || {
                for args in COMMANDS {
                    let variables = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str())];
                    let said = run(args, &variables).exits(1);
                    let told = format!("{}{}", said.stdout, said.stderr);
                    assert!(
                        told.contains("the address in `$AWS_CONTAINER_CREDENTIALS_FULL_URI`"),
                        "{url} {args}: {told}"
                    );
                    assert!(
                        told.contains("unset `$AWS_CONTAINER_CREDENTIALS_FULL_URI`"),
                        "{url} {args}: {told}"
                    );
                }
            });
        }
    });
}
