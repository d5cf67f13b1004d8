//! A proxy before a moto server, for tests: it adds what moto lacks (client tokens, small pages) and
//! what a bad day brings (latency, throttling, lost answers), and counts what is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use wire::{answer_of, read, refusal, request};

mod asking;
mod wire;

pub use asking::{alive, ask, make_instance_profile, texts, user_data};

/// A request, as far as a judge needs it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its number, from 1.
    pub number: usize,
    /// `RunInstances`, `GetCallerIdentity`…
    pub action: String,
    /// The region that it was signed for.
    pub region: String,
    /// Its parameters, as they came.
    pub body: String,
}

impl Asked {
    /// The value of a parameter.
    pub fn value(&self, key: &str) -> Option<String> {
        let pairs = url::form_urlencoded::parse(self.body.as_bytes());
        let mut values = pairs.filter_map(|(name, value)| (name == key).then_some(value));
        values.next().map(std::borrow::Cow::into_owned)
    }

    /// The values of all parameters whose names begin like this.
    pub fn values(&self, begin: &str) -> Vec<String> {
        let pairs = url::form_urlencoded::parse(self.body.as_bytes());
        pairs
            .filter_map(|(name, value)| name.starts_with(begin).then(|| value.into_owned()))
            .collect()
    }
}

/// What the proxy does with a request.
#[derive(Clone, Debug)]
pub enum Deed {
    /// The server answers.
    Forward,
    /// The server answers, and a text in its answer is replaced.
    Edit(&'static str, String),
    /// The connection breaks before the server hears of it.
    Drop,
    /// It is carried out, and nobody hears of it.
    Lose,
    /// The proxy answers this, and the server does not hear of it.
    Answer(&'static str),
    /// The proxy answers an error of AWS: status and code.
    Refuse(u16, &'static str),
    /// The proxy answers an error of AWS: status, code, and what it says.
    Say(u16, &'static str, &'static str),
    /// The proxy answers a page of HTML.
    Html,
    /// The proxy answers a page of HTML with this status.
    Page(u16),
    /// Nobody ever answers, and the server does not hear of it.
    Hang,
    /// It is carried out, and nobody ever answers.
    HangAfter,
}

/// How a proxy judges.
type Judge = Box<dyn Fn(&Asked) -> Deed + Send + Sync>;

/// A moto server, and an account of it that nobody else has.
#[derive(Clone, Debug)]
pub struct Server {
    host: String,
    /// Twelve digits.
    pub account: String,
    tokens: Arc<Tokens>,
}

/// What launches came to, by their tokens: moto ignores tokens.
type Tokens = Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Launch>>>>>;

impl Server {
    /// A fresh account of the server at `http://HOST:PORT`.
    pub fn new(url: &str) -> Self {
        let number = getrandom::u64().expect("the operating system gives random bytes");
        Self {
            host: url
                .trim_start_matches("http://")
                .trim_end_matches('/')
                .to_owned(),
            account: format!("{:012}", number % 1_000_000_000_000),
            tokens: Arc::default(),
        }
    }

    /// The lines of a request's head that say whose it is.
    pub fn identity(&self, region: &str) -> String {
        format!(
            "authorization: AWS4-HMAC-SHA256 Credential=testing/20260101/{region}/ec2/aws4_request, SignedHeaders=host, Signature=0\r\nx-moto-account-id: {}",
            self.account
        )
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }
}

#[derive(Clone, Debug)]
struct Launch {
    body: String,
    answer: Vec<u8>,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// All requests, in the order in which they came.
    pub asked: Vec<Asked>,
    /// How many are not answered yet.
    pub open: usize,
    /// How many launches were under way at one time.
    pub most_launches: usize,
    launches: usize,
}

/// A proxy at work, until the end of the process.
#[derive(Clone)]
pub struct Proxy {
    /// Its address.
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

struct Work {
    server: Server,
    latency: Duration,
    judge: Judge,
    seen: Arc<Mutex<Seen>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Starts a proxy before a server, in a thread of its own.
    pub fn start(
        server: &Server,
        latency: Duration,
        judge: impl Fn(&Asked) -> Deed + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let work = Arc::new(Work {
            server: server.clone(),
            latency,
            judge: Box::new(judge),
            seen: Arc::clone(&seen),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener
            .set_nonblocking(true)
            .expect("a listener that does not block");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                while let Ok((client, _)) = listener.accept().await {
                    let work = Arc::clone(&work);
                    tokio::spawn(async move {
                        // A client may hang up at any time: the proxy has not failed then.
                        let _ = work.serve(client).await;
                    });
                }
            });
        });
        Self { url, seen }
    }

    /// An address at which nobody listens.
    pub fn closed() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        Self {
            url: format!("http://{}", listener.local_addr().expect("an address")),
            seen: Arc::default(),
        }
    }

    /// What was seen so far.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    /// The requests of an action so far.
    pub fn asked(&self, action: &str) -> Vec<Asked> {
        let seen = self.seen();
        let asked = seen.asked.iter().filter(|asked| asked.action == action);
        asked.cloned().collect()
    }
}

impl Work {
    /// Serves one connection, which carries one request: each answer closes it.
    async fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some((head, body)) = read(&mut client).await? else {
            return Ok(());
        };
        let mut asked = request(&head, body);
        let launches = asked.action == "RunInstances" && asked.value("DryRun").is_none();
        let deed = {
            let mut seen = lock(&self.seen);
            asked.number = seen.asked.len() + 1;
            seen.asked.push(asked.clone());
            seen.open += 1;
            if launches {
                seen.launches += 1;
                seen.most_launches = seen.most_launches.max(seen.launches);
            }
            drop(seen);
            (self.judge)(&asked)
        };
        tokio::time::sleep(self.latency).await;
        let done = self.carry_out(&head, &asked, deed).await;
        {
            let mut seen = lock(&self.seen);
            seen.open -= 1;
            if launches {
                seen.launches -= 1;
            }
        }
        match done? {
            Reply::Bytes(bytes) => {
                client.write_all(&bytes).await?;
                client.shutdown().await
            }
            Reply::Nothing => Ok(()),
            Reply::Never => {
                // Until the client gives up.
                let mut rest = [0; 64];
                while client.read(&mut rest).await? > 0 {}
                Ok(())
            }
        }
    }

    async fn carry_out(&self, head: &str, asked: &Asked, deed: Deed) -> std::io::Result<Reply> {
        Ok(match deed {
            Deed::Forward => Reply::Bytes(self.forward(head, asked).await?),
            Deed::Edit(from, to) => {
                let answer = self.forward(head, asked).await?;
                let answer = String::from_utf8_lossy(&answer).into_owned();
                let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
                Reply::Bytes(answer_of(200, "text/xml", &body.replace(from, &to)))
            }
            Deed::Drop => Reply::Nothing,
            Deed::Lose => {
                self.forward(head, asked).await?;
                Reply::Nothing
            }
            Deed::Answer(body) => Reply::Bytes(answer_of(200, "text/xml", body)),
            Deed::Refuse(status, code) => {
                Reply::Bytes(refusal(asked, status, code, "said by the proxy"))
            }
            Deed::Say(status, code, message) => Reply::Bytes(refusal(asked, status, code, message)),
            Deed::Html => Reply::Bytes(answer_of(
                502,
                "text/html",
                "<html><h1>502 Bad Gateway</h1></html>",
            )),
            Deed::Page(status) => Reply::Bytes(answer_of(
                status,
                "text/html",
                "<html><h1>Access denied</h1></html>",
            )),
            Deed::Hang => Reply::Never,
            Deed::HangAfter => {
                self.forward(head, asked).await?;
                Reply::Never
            }
        })
    }

    /// Lets the server answer; a launch whose token was used gets the answer that it got then.
    async fn forward(&self, head: &str, asked: &Asked) -> std::io::Result<Vec<u8>> {
        let token = asked.value("ClientToken");
        let trial = asked.value("DryRun").is_some_and(|value| value == "true");
        let Some(token) = token.filter(|_| asked.action == "RunInstances" && !trial) else {
            return self.pass_on(head, &asked.body).await;
        };
        let slot = Arc::clone(lock(&self.server.tokens).entry(token).or_default());
        let mut slot = slot.lock().await;
        match &*slot {
            Some(launch) if launch.body == asked.body => Ok(launch.answer.clone()),
            Some(_) => Ok(refusal(
                asked,
                400,
                "IdempotentParameterMismatch",
                "said by the proxy",
            )),
            None => {
                let answer = self.pass_on(head, &asked.body).await?;
                let first = String::from_utf8_lossy(&answer[..answer.len().min(16)]).into_owned();
                if first.contains(" 200") {
                    *slot = Some(Launch {
                        body: asked.body.clone(),
                        answer: answer.clone(),
                    });
                }
                Ok(answer)
            }
        }
    }

    async fn pass_on(&self, head: &str, body: &str) -> std::io::Result<Vec<u8>> {
        // Pages of two.
        let body = body.replace("MaxResults=1000", "MaxResults=2");
        let mut lines = head.lines();
        let mut request = format!("{}\r\n", lines.next().unwrap_or_default());
        for line in lines.filter(|line| !line.is_empty()) {
            let name = line
                .split(':')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if !["connection", "content-length"].contains(&name.as_str()) {
                request.push_str(line);
                request.push_str("\r\n");
            }
        }
        request = format!(
            "{request}x-moto-account-id: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.server.account,
            body.len()
        );
        let mut server = TcpStream::connect(&self.server.host).await?;
        server.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

enum Reply {
    Bytes(Vec<u8>),
    Nothing,
    Never,
}
