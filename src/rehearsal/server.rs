//! From the wire to an answer and back.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Handle as Runtime;

use super::answer::StubResponse;
use super::call::StubRequest;
use super::interceptor::{Handler, Interceptor};
use super::routes;
use super::shared::Shared;

/// The largest body that is read: a request to GitHub is far smaller.
const LARGEST: usize = 1 << 20;
/// How long no connection is taken in after one could not be: there may be no descriptor left.
const BREATH: Duration = Duration::from_millis(100);

/// Listens on an address, for connections that are taken in on `runtime`.
pub(super) fn listen(address: SocketAddr, runtime: &Runtime) -> io::Result<TcpListener> {
    taken_in(std::net::TcpListener::bind(address)?, runtime)
}

/// The same on an address that this computer does not have yet: Podman makes its bridge with the first container.
#[cfg(all(target_os = "linux", feature = "docker"))]
pub(super) fn listen_ahead(address: SocketAddr, runtime: &Runtime) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};

    const BACKLOG: i32 = 1024;
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_freebind_v4(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    taken_in(socket.into(), runtime)
}

/// The same where no system or kind knows of such addresses.
#[cfg(not(all(target_os = "linux", feature = "docker")))]
pub(super) fn listen_ahead(address: SocketAddr, runtime: &Runtime) -> io::Result<TcpListener> {
    listen(address, runtime)
}

fn taken_in(listener: std::net::TcpListener, runtime: &Runtime) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    let _runtime = runtime.enter();
    TcpListener::from_std(listener)
}

/// Serves for ever.
pub(super) async fn serve(listener: TcpListener, answering: Answering) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        // Without it small answers wait for the other side; with it failing they come late.
        let _ = stream.set_nodelay(true);
        let answering = answering.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answering.answer(request));
            let mut server = http1::Builder::new();
            let serving = server
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(stream), service);
            // A client that went away is no concern of the server's.
            let _ = serving.await;
        });
    }
}

/// What answers requests.
#[derive(Clone)]
pub(super) struct Answering {
    stub: Handler,
    interceptor: Option<Interceptor>,
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}

/// Nothing is answered: the connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct ConnectionClosed;

impl Answering {
    pub(super) fn new(shared: Shared, interceptor: Option<Interceptor>) -> Self {
        let stub: Handler = Arc::new(move |request| {
            let shared = shared.clone();
            Box::pin(async move {
                let call = StubRequest::new(&request);
                routes::answer(&shared, &call).await.into_response()
            })
        });
        Self { stub, interceptor }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, ConnectionClosed> {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST).collect().await else {
            let answer = StubResponse::error(413, "Payload Too Large").into_response();
            return Ok(answer.map(Full::new));
        };
        let request = Request::from_parts(parts, body.to_bytes());
        let answer = match &self.interceptor {
            Some(interceptor) => interceptor(request, Arc::clone(&self.stub)).await,
            None => Some((self.stub)(request).await),
        };
        answer
            .map(|answer| answer.map(Full::new))
            .ok_or(ConnectionClosed)
    }
}
