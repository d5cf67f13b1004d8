//! Requests off the wire and answers onto it: HTTP/1.1 with connections that are kept.

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The largest body that `RunPod` takes.
const LARGEST: usize = 102_400;

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its number, from 1.
    pub number: usize,
    /// `GET`…
    pub method: String,
    /// Percent-decoded, without the query.
    pub path: String,
    /// The pairs of the query, decoded.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, where it is JSON.
    pub body: Option<Value>,
    /// The body, as it came.
    pub text: String,
    /// What was answered; 0 while nothing is, and where nothing ever was.
    pub status: u16,
}

impl Asked {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A value of the query.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter();
        all.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The key that it came with.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.text.len() > LARGEST
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Beside those of every answer.
    pub headers: Vec<(String, String)>,
    /// `application/json`…
    pub kind: &'static str,
    /// The body.
    pub body: String,
    /// Whether the connection stays open behind the body, as a stream of events does.
    pub(super) stays: bool,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub(super) fn nothing() -> Self {
        Self::text(204, "", String::new())
    }

    /// An answer of another kind than JSON.
    pub fn text(status: u16, kind: &'static str, body: String) -> Self {
        Self {
            status,
            headers: Vec::new(),
            kind,
            body,
            stays: false,
        }
    }

    /// An error in `RunPod`'s form.
    pub fn problem(status: u16, detail: &str) -> Self {
        Self::problems(status, detail, &[])
    }

    pub(super) fn problems(status: u16, detail: &str, errors: &[String]) -> Self {
        let title = match status {
            400 => "Bad Request",
            401 => "Unauthorized",
            402 => "Payment Required",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            410 => "Gone",
            413 => "Payload Too Large",
            422 => "Unprocessable Entity",
            429 => "Too Many Requests",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        };
        let mut body = json!({"title": title, "status": status, "detail": detail});
        if !errors.is_empty() {
            body["errors"] = json!(errors);
        }
        Self {
            kind: "application/problem+json",
            ..Self::json(status, &body)
        }
    }

    /// The same with one more line in its head.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Reads one request; `None` where the client has gone.
pub(super) async fn read(client: &mut TcpStream) -> io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let target = first.next().unwrap_or_default();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |name: &str| headers.iter().find(|(key, _)| key == name);
    let length = header("content-length").map_or(Ok(0), |(_, value)| value.parse::<usize>());
    let length = length.map_err(|_| io::ErrorKind::InvalidData)?;
    if header("expect").is_some() && body.len() < length {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    if header("transfer-encoding").is_some() {
        body = chunks(client, body).await?;
    }
    while body.len() < length {
        if client.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = |text: &str| -> Vec<(String, String)> {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        pairs.into_owned().collect()
    };
    // A plus is itself in a path.
    let path = pairs(
        &path
            .replace('+', "%2B")
            .replace('=', "%3D")
            .replace('&', "%26"),
    );
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Asked {
        number: 0,
        method,
        path: path.into_iter().next().unwrap_or_default().0,
        query: pairs(query),
        headers,
        body: serde_json::from_str(&text).ok(),
        text,
        status: 0,
    }))
}

/// Reads a body that comes in pieces.
async fn chunks(client: &mut TcpStream, mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = find(&bytes, b"\r\n") {
                break end;
            }
            if client.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let size = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16);
        let size = size.map_err(|_| io::ErrorKind::InvalidData)?;
        while bytes.len() < end + 2 + size + 2 {
            if client.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        body.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes.drain(..end + 2 + size + 2);
        if size == 0 {
            return Ok(body);
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|part| part == what)
}

/// Writes one answer.
pub(super) async fn write(client: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Said\r\n", answer.status);
    let mut put = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    };
    for (name, value) in &answer.headers {
        put(name, value);
    }
    if !answer.kind.is_empty() {
        put("content-type", answer.kind);
    }
    if answer.stays {
        put("connection", "keep-alive");
        put("transfer-encoding", "chunked");
        head.push_str("\r\n");
        if !answer.body.is_empty() {
            let body = &answer.body;
            let chunk = format!("{:x}\r\n{body}\r\n", body.len());
            head.push_str(&chunk);
        }
    } else {
        if answer.status != 204 {
            put("content-length", &answer.body.len().to_string());
        }
        head.push_str("\r\n");
        head.push_str(&answer.body);
    }
    client.write_all(head.as_bytes()).await?;
    client.flush().await
}
