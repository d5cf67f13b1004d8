//! From the wire to an answer and back: connections, faults, headers, conditional requests.

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use super::answer::{Answer, Content};
use super::faults::{Kind, Page};
use super::record::Exchange;
use super::routes::{self, Call};
use super::world::{Scene, World};

/// The largest body that is read: a request to GitHub is far smaller.
const LARGEST: usize = 1 << 20;

/// Listens on an address, for connections that are taken in on `runtime`.
pub(super) fn listen(address: SocketAddr, runtime: &Handle) -> io::Result<tokio::net::TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let _runtime = runtime.enter();
    tokio::net::TcpListener::from_std(listener)
}

/// Serves for ever.
pub(super) async fn serve(listener: tokio::net::TcpListener, world: World) {
    let app = Router::new().fallback(answer).with_state(world);
    let app = app.into_make_service_with_connect_info::<Cord>();
    // It never returns: `Door::accept` has no error.
    let _ = axum::serve(Door(listener), app).await;
}

/// Takes connections in.
struct Door(tokio::net::TcpListener);

impl Listener for Door {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Without it small answers wait for the other side; with it failing they come late.
        let _ = stream.set_nodelay(true);
        let cord = Cord(Arc::new(AtomicBool::new(false)));
        (Wire { stream, cord }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// What a connection can be cut by: once pulled, not one more byte is written to it.
#[derive(Clone, Debug)]
struct Cord(Arc<AtomicBool>);

impl Cord {
    fn pull(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn whole(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl Connected<IncomingStream<'_, Door>> for Cord {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().cord.clone()
    }
}

/// A connection that can be cut.
struct Wire {
    stream: TcpStream,
    cord: Cord,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.cord.whole()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Answers one request.
async fn answer(
    State(world): State<World>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return respond(&Answer::error(413, "Payload Too Large"));
    };
    let call = Call::new(&parts, body);
    if call.is_runners_talk() {
        return runners_talk(&world, &cord, call).await;
    }
    let mut exchange = call.exchange();
    let patience = world.latency_now();
    if !patience.is_zero() {
        tokio::time::sleep(patience).await;
    }
    let fault = world.take_fault(&call.method, &call.target);
    match &fault {
        Some(Kind::Delay(late)) => tokio::time::sleep(*late).await,
        Some(Kind::Refuse) => {
            world.keep(exchange);
            return cut(&cord);
        }
        Some(Kind::Hang) => {
            world.keep(exchange);
            return pending().await;
        }
        _ => {}
    }
    let answer = if let Some(Kind::Status {
        code,
        body,
        headers,
    }) = &fault
    {
        refusal(*code, body, headers)
    } else {
        let (route, answer) = world.change(|scene| routes::answer(scene, &call));
        exchange.route = route;
        answer
    };
    let withheld = matches!(fault, Some(Kind::LostAnswer | Kind::HangAfter));
    let answer = world.change(|scene| dress(scene, &call, answer));
    if withheld {
        world.keep(exchange);
        if fault == Some(Kind::HangAfter) {
            return pending().await;
        }
        return cut(&cord);
    }
    keep(&world, exchange, &answer);
    respond(&answer)
}

/// The stub runner's own talk: held questions, plain text, and faults only where they name it.
async fn runners_talk(world: &World, cord: &Cord, call: Call) -> Response {
    match world.take_fault(&call.method, &call.target) {
        Some(Kind::Delay(late)) => tokio::time::sleep(late).await,
        Some(Kind::Refuse) => return cut(cord),
        Some(Kind::Hang) => return pending().await,
        Some(Kind::Status {
            code,
            body,
            headers,
        }) => return respond(&refusal(code, &body, &headers)),
        Some(Kind::LostAnswer) => {
            routes::listener::talk(world, &call).await;
            return cut(cord);
        }
        Some(Kind::HangAfter) => {
            routes::listener::talk(world, &call).await;
            return pending().await;
        }
        None => {}
    }
    respond(&routes::listener::talk(world, &call).await)
}

fn keep(world: &World, mut exchange: Exchange, answer: &Answer) {
    let body = match &answer.body {
        Content::Json(_) => answer.bytes(),
        _ => axum::body::Bytes::new(),
    };
    exchange.answered(answer.status, &body);
    world.keep(exchange);
}

fn refusal(code: u16, body: &Page, headers: &[(String, String)]) -> Answer {
    let content = match body {
        Page::Html(text) => Content::Html(text.clone()),
        Page::Json(value) => Content::Json(value.clone()),
    };
    Answer {
        headers: headers.to_vec(),
        ..Answer::of(code, content)
    }
}

/// Adds what every answer of the API has, and turns what the client has already into a 304.
fn dress(scene: &mut Scene, call: &Call, mut answer: Answer) -> Answer {
    if matches!(answer.body, Content::Archive(_)) {
        return answer;
    }
    let mut unchanged = false;
    if call.method == "GET" && answer.status == 200 {
        // As GitHub's: weak, and another one for each token.
        let mut hash = Sha256::new();
        hash.update(answer.bytes());
        hash.update(call.token.as_deref().unwrap_or_default());
        let tag = format!("W/\"{:x}\"", hash.finalize());
        unchanged = call
            .header("if-none-match")
            .is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
        if unchanged {
            answer.status = 304;
            answer.body = Content::Nothing;
        }
        answer = answer.with("etag", tag);
    }
    let free = unchanged || call.path == "/rate_limit";
    for (name, value) in scene.common_headers(call.token.as_deref(), !free) {
        if !answer.headers.iter().any(|(known, _)| *known == name) {
            answer.headers.push((name, value));
        }
    }
    answer
}

fn cut(cord: &Cord) -> Response {
    cord.pull();
    // It is never written: the connection ends at its first byte.
    Response::new(Body::empty())
}

fn respond(answer: &Answer) -> Response {
    let mut response = Response::new(Body::from(answer.bytes()));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(kind) = answer.content_type() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in &answer.headers {
        // A header that HTTP cannot carry is one that a test has made up: it is left out.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            headers.insert(name, value);
        }
    }
    response
}
