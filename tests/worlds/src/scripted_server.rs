//! A scripted HTTP/1.1 server on loopback: it answers, stays silent, hangs up, or stops halfway.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Its headers, in the order of their coming.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Seen {
    /// The first header of a name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// `METHOD path?query`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer with a status, headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection is closed with no answer.
    Close,
    /// The connection is closed in the middle of the body.
    Half,
    /// Nothing ever comes.
    Silence,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "literals of all kinds read best without a `&`"
)]
impl Reply {
    /// An answer of JSON.
    pub fn json(status: u16, body: impl ToString) -> Self {
        let kind = "application/json; charset=utf-8".to_owned();
        Self::Answer(status, vec![("content-type", kind)], body.to_string())
    }

    /// A page with a title, as proxies send.
    pub fn html(status: u16, title: &str) -> Self {
        let page = format!("<!DOCTYPE html><html><title>{title}</title><p>sorry</html>");
        Self::Answer(status, vec![("content-type", "text/html".into())], page)
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }

    /// The same answer with a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        if let Self::Answer(_, headers, _) = &mut self {
            headers.push((name, value.to_string()));
        }
        self
    }
}

type Script = dyn FnMut(&Seen) -> Reply + Send;

/// The server; it ends with this value.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers with these replies in turn, and with 418 when there are none left.
    pub async fn replies(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        Self::serve(move |seen| {
            let missing = || Reply::json(418, format!("no reply is left for {}", seen.line()));
            replies.pop_front().unwrap_or_else(missing)
        })
        .await
    }

    /// Answers with what `script` returns.
    pub async fn serve(script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        Self::serve_at(Ipv4Addr::LOCALHOST.into(), script).await
    }

    /// The same at another address of this computer.
    pub async fn serve_at(
        host: IpAddr,
        script: impl FnMut(&Seen) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((host, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(script));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&log), Arc::clone(&script)));
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    /// Its address.
    pub fn url(&self) -> Url {
        format!("http://{}", self.address).parse().expect("a URL")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics in here").clone()
    }

    /// The first lines of all requests so far.
    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }
}

async fn converse(stream: TcpStream, log: Arc<Mutex<Vec<Seen>>>, script: Arc<Mutex<Script>>) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream).await {
        let reply = (script.lock().expect("no script panics"))(&seen);
        log.lock().expect("no test panics in here").push(seen);
        match reply {
            Reply::Answer(status, headers, body) => {
                let last = headers.contains(&("connection", "close".to_owned()));
                let mut text = format!("HTTP/1.1 {status} -\r\n");
                for (name, value) in headers {
                    write!(text, "{name}: {value}\r\n").expect("a String takes it");
                }
                if !matches!(status, 204 | 304) {
                    write!(text, "content-length: {}\r\n", body.len()).expect("a String takes it");
                }
                text = format!("{text}\r\n{body}");
                if stream.write_all(text.as_bytes()).await.is_err() || last {
                    return;
                }
            }
            Reply::Close => return,
            Reply::Half => {
                // The client may be gone already, which is what it is about.
                let half = b"HTTP/1.1 201 -\r\ncontent-length: 100\r\n\r\n{\"half\":";
                let _ = stream.write_all(half).await;
                let _ = stream.flush().await;
                return;
            }
            Reply::Silence => std::future::pending().await,
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut seen = Seen {
        method,
        target,
        headers,
        body: String::new(),
    };
    let length = seen.header("content-length").unwrap_or("0").parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    seen.body = String::from_utf8(body).ok()?;
    Some(seen)
}
