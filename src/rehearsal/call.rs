//! A request, taken apart.

use hyper::Request;
use hyper::body::Bytes;
use url::form_urlencoded;

/// Where the stub runner talks to: no path of GitHub's begins so.
pub(super) const RUNNER_SERVICE: &str = "/runner-service/";

/// See the module.
#[derive(Debug)]
pub(super) struct StubRequest {
    pub(super) method: String,
    pub(super) path: String,
    query: String,
    pub(super) body: Bytes,
}

impl StubRequest {
    pub(super) fn new(request: &Request<Bytes>) -> Self {
        Self {
            method: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            body: request.body().clone(),
        }
    }

    /// A value of the query.
    pub(super) fn query(&self, wanted: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    }
}
