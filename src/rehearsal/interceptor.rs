//! What may answer in place of the stub.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::body::Bytes;
use hyper::{Request, Response};

/// How a server answers a request.
pub type Handler = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> + Send + Sync>;

/// What answers requests in place of a [`StubServer`](super::StubServer): it is given each of them, and the stub's own
/// way to answer it. `None` closes the connection without an answer.
pub type Interceptor = Arc<
    dyn Fn(Request<Bytes>, Handler) -> BoxFuture<'static, Option<Response<Bytes>>> + Send + Sync,
>;
