//! HTTP/1.1, one request on each connection, so that any of them can be broken where a test wants it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::calls;
use super::conditions::Deed;
use super::inner::Inner;
use super::lock::lock;
use super::refusal::Refusal;
use super::rows::Asked;

const HTML: &str = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";

/// Takes connections until the end, and leaves no thread behind.
pub(super) fn listen(listener: &TcpListener, inner: &Arc<Inner>) {
    let mut threads = Vec::new();
    for client in listener.incoming() {
        if inner.over() {
            break;
        }
        let Ok(client) = client else { continue };
        let inner = Arc::clone(inner);
        threads.push(std::thread::spawn(move || {
            // A client that goes away in the middle is no failure of the stand-in.
            let _ = serve(client, &inner);
        }));
        threads.retain(|thread| !thread.is_finished());
    }
    for thread in threads {
        // What it panicked with is on stderr already.
        let _ = thread.join();
    }
}

/// What came: verb, target, headers, body.
struct Request {
    verb: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

fn serve(mut client: TcpStream, inner: &Arc<Inner>) -> std::io::Result<()> {
    client.set_read_timeout(Some(Duration::from_millis(20)))?;
    let Some(request) = read(&mut client, inner)? else {
        return Ok(());
    };
    let form = request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let authorization = request.header("authorization").map(str::to_owned);
    let mut asked = calls::read(&request.verb, &request.target, &request.body, form);
    asked.idempotency = request.header("x-idempotency-key").map(str::to_owned);
    asked.authorization = authorization;
    asked.metadata = request.header("metadata").map(str::to_owned);
    let latency = {
        let mut world = inner.world();
        asked.number = world.asked.len() + 1;
        world.begin(&asked);
        world.conditions.latency
    };
    let deed = (lock(&inner.judge))(&asked);
    inner.wait(latency);
    let outcome = carry_out(&mut client, inner, &asked, deed);
    inner.world().end(asked.call);
    outcome
}

fn carry_out(
    client: &mut TcpStream,
    inner: &Arc<Inner>,
    asked: &Asked,
    deed: Deed,
) -> std::io::Result<()> {
    let done = || calls::carry_out(inner, asked);
    let answer = match deed {
        Deed::Answer => done(),
        Deed::Drop => return Ok(()),
        Deed::Lose => {
            done();
            return Ok(());
        }
        Deed::Late(after) => {
            // Shut for the client; this thread goes on.
            client.shutdown(std::net::Shutdown::Both)?;
            if !inner.wait(after) {
                done();
            }
            return Ok(());
        }
        Deed::Hang => return hang(client, inner),
        Deed::HangAfter => {
            done();
            return hang(client, inner);
        }
        Deed::Refuse(refusal) => Answer::refused(&refusal),
        Deed::Throttle(after) => {
            let mut answer = Answer::refused(&Refusal::too_many());
            answer.retry_after = after;
            answer
        }
        Deed::Status(status) => Answer::text(status, "text/plain", ""),
        Deed::Html => Answer::text(502, "text/html", HTML),
        Deed::Page(status) => Answer::text(status, "text/html", HTML),
        Deed::HtmlAfter => {
            done();
            Answer::text(502, "text/html", HTML)
        }
        Deed::Body(body) => Answer { body, ..done() },
        Deed::Pretend(body) => Answer::text(200, "application/json", &body),
    };
    let mut head = format!(
        "HTTP/1.1 {} X\r\ncontent-type: {}\r\ncontent-length: {}\r\nx-request-id: req-{:08}\r\nconnection: close\r\n",
        answer.status,
        answer.kind,
        answer.body.len(),
        asked.number,
    );
    if let Some(after) = answer.retry_after {
        head.push_str("retry-after: ");
        head.push_str(&after.to_string());
        head.push_str("\r\n");
    }
    client.write_all(format!("{head}\r\n{}", answer.body).as_bytes())?;
    client.shutdown(std::net::Shutdown::Write)
}

/// Says nothing until the client gives up, or the end.
fn hang(client: &mut TcpStream, inner: &Inner) -> std::io::Result<()> {
    while !inner.over() {
        match client.read(&mut [0; 64]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if waits(error.kind()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn waits(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// Reads a request; `None` when the client goes away before it is whole.
fn read(client: &mut TcpStream, inner: &Inner) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    let mut more = |bytes: &mut Vec<u8>| loop {
        if inner.over() {
            return Ok(false);
        }
        match client.read(&mut chunk) {
            Ok(0) => return Ok(false),
            Ok(read) => {
                bytes.extend_from_slice(&chunk[..read]);
                return Ok(true);
            }
            Err(error) if waits(error.kind()) => {}
            Err(error) => return Err(error),
        }
    };
    let begun = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        if !more(&mut bytes)? {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..begun]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let verb = first.next().unwrap_or_default().to_owned();
    let target = first.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse::<usize>().ok())
        .unwrap_or(0);
    while bytes.len() < begun + length {
        if !more(&mut bytes)? {
            return Ok(None);
        }
    }
    Ok(Some(Request {
        verb,
        target,
        headers,
        body: bytes[begun..begun + length].to_vec(),
    }))
}
