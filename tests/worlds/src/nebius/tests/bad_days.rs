//! Lost answers, one request too many, a proxy's page: what comes is what was set.

use std::time::Duration;

use super::client::{Client, job};
use crate::nebius::{Deed, Refusal};

const KEY: (&str, &str) = ("x-idempotency-key", "0b8f4a4e-1b7c-4f6e-9a51-0c2f8f6f7c11");

#[test]
fn a_connection_breaks_before_and_after_the_deed() {
    let client = Client::new();
    client.standin.judge(|_| Deed::Drop);
    assert!(
        client
            .try_ask("POST", "/ai/v1/jobs", Some(&job("one")))
            .is_none()
    );
    assert!(client.standin.jobs().is_empty());
    client.standin.judge(|_| Deed::Lose);
    assert!(
        client
            .try_ask("POST", "/ai/v1/jobs", Some(&job("one")))
            .is_none()
    );
    assert_eq!(client.standin.jobs().len(), 1);
    client
        .standin
        .judge(|_| Deed::Late(Duration::from_millis(300)));
    assert!(
        client
            .try_ask("POST", "/ai/v1/jobs", Some(&job("two")))
            .is_none()
    );
    client
        .standin
        .until("the deed is done late", |standin| standin.jobs().len() == 2);
    assert_eq!(client.standin.asked_for("jobs.create").len(), 3);
}

#[test]
fn refusals_are_spelled_as_they_are_set() {
    let client = Client::new();
    let get = || client.get("/iam/v1/tenants");
    client.standin.judge(|_| Deed::Throttle(Some(7)));
    let reply = get();
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("7"))
    );
    assert_eq!(reply.code(), "TooManyRequests");
    client.standin.judge(|_| Deed::Html);
    let reply = get();
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (502, Some("text/html"))
    );
    client
        .standin
        .judge(|_| Deed::Refuse(Refusal::unavailable()));
    assert_eq!(get().status, 503);
    client.standin.judge(|_| Deed::Status(504));
    assert_eq!((get().status, get().text.as_str()), (504, ""));
    client.standin.judge(|_| Deed::Body("[1".to_owned()));
    assert_eq!((get().status, get().text.as_str()), (200, "[1"));
    client.standin.judge(|_| Deed::Answer);
    client.standin.set(|world| world.forbidden = true);
    assert_eq!(
        (get().status, get().code().as_str()),
        (403, "PermissionDenied")
    );
}

#[test]
fn nobody_hangs_beyond_the_end() {
    let client = Client::new();
    client.standin.judge(|_| Deed::HangAfter);
    let address = client.standin.url.trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /iam/v1/tenants HTTP/1.1\r\n\r\n").unwrap();
    client
        .standin
        .until("it is asked", |standin| standin.open() == 1);
    drop(client);
    let mut rest = Vec::new();
    // Whether it is closed or reset, it is over.
    let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
    assert!(rest.is_empty());
}

#[test]
fn a_key_makes_a_request_one_request_where_it_is_honoured() {
    let client = Client::new();
    client.standin.set(|world| world.unique_names = false);
    let bearer = format!("Bearer {}", client.token);
    let headers = [("authorization", bearer.as_str()), KEY];
    let ask = |name: &str| {
        let body = job(name).to_string();
        client
            .ask_with("POST", "/ai/v1/jobs", &headers, &body)
            .unwrap()
    };
    let first = ask("one").json()["resourceId"].clone();
    assert_eq!(ask("one").json()["resourceId"], first);
    assert_eq!(client.standin.jobs().len(), 1);
    client.clean();
    assert_eq!(ask("two").status, 400, "a key is for one request");
    client.standin.set(|world| world.idempotency = false);
    assert_ne!(ask("one").json()["resourceId"], first);
    assert_eq!(client.standin.jobs().len(), 2);
}
