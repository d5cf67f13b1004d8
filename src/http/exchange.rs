//! One try: a request, what it is led to, and what is answered.

use reqwest::header::LOCATION;
use reqwest::{Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::{Answer, Error, HttpClient, Request};
use crate::model::{causes, chain};

/// An answer longer than this is not what we asked for; a page of a hundred runners has 60 KB.
const LONGEST_BODY: usize = 16 << 20;
pub(super) const REDIRECTS: usize = 5;

/// What one try came to.
pub(super) enum Try {
    Answered(Answer),
    /// The request surely was not sent.
    NotSent(reqwest::Error),
    /// It may have been sent, and there is no whole answer.
    Lost(reqwest::Error),
    /// Neither a repetition nor the caller can mend it.
    Broken(Error),
}

impl HttpClient {
    /// One try, redirects included.
    pub(super) async fn once(&self, request: &Request, by: Instant) -> Try {
        let mut hop = request.clone();
        let mut trusted = true;
        let mut moved = false;
        for _ in 0..=REDIRECTS {
            // Once led away, a request is never trusted again, even when it is led back.
            trusted &= hop.url.origin() == self.home;
            let answer = match self.exchange(&hop, trusted, by).await {
                Try::Answered(answer) => answer,
                failed => return failed,
            };
            let Some(next) = redirect(&hop, &answer) else {
                return Try::Answered(answer.moved(moved));
            };
            let away = next.origin() != hop.url.origin();
            let bare = hop.url.scheme() == "https" && next.scheme() != "https";
            let reads = matches!(hop.method, Method::GET | Method::HEAD);
            if bare || (away && !reads) || !matches!(next.scheme(), "http" | "https") {
                return Try::Broken(answer.led_away(&next));
            }
            // GitHub moves what is not read with a 307, as no client changes the verb for that one.
            let for_good = match answer.status.as_u16() {
                301 | 308 => true,
                status => status == 307 && !reads,
            };
            moved |= trusted && !away && for_good;
            if answer.status == StatusCode::SEE_OTHER && !reads {
                hop.method = Method::GET;
                hop.body = None;
            }
            hop.url = next;
        }
        Try::Broken(Error::redirects(request.what()))
    }

    async fn exchange(&self, request: &Request, trusted: bool, by: Instant) -> Try {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Try::Broken(Error::no_time(request.what()));
        }
        let headers = request
            .headers
            .iter()
            .filter(|(_, value)| trusted || !value.is_sensitive())
            .map(|(name, value)| (name.clone(), value.clone()));
        let mut builder = self
            .inner
            .request(request.method.clone(), request.url.clone())
            .headers(headers.collect())
            .timeout(left.min(self.bounds.request));
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let begin = Instant::now();
        let answer = async {
            let mut response = builder.send().await?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > LONGEST_BODY {
                    return Ok(Err(Error::too_long(request.what())));
                }
            }
            Ok(Ok(Answer::new(request, &response, body)))
        };
        let tried = match answer.await.map_err(reqwest::Error::without_url) {
            Ok(Ok(answer)) => Try::Answered(answer),
            Ok(Err(error)) => Try::Broken(error),
            Err(error) if error.is_builder() => Try::Broken(Error::setup(error)),
            Err(error) if error.is_connect() && is_distrust(&error) => {
                Try::Broken(Error::distrusted(request.what(), error))
            }
            Err(error) if error.is_connect() => Try::NotSent(error),
            Err(error) => Try::Lost(error),
        };
        let ms = begin.elapsed().as_millis();
        let (method, path) = (&request.method, request.url.path());
        match &tried {
            Try::Answered(answer) => {
                let (status, id) = (answer.status.as_u16(), answer.request_id());
                tracing::debug!(id, "{method} {path} {status}, {ms} ms");
            }
            Try::Broken(error) => tracing::debug!("{method} {path}, {ms} ms: {error}"),
            Try::NotSent(error) => {
                tracing::debug!("{method} {path} was not sent, {ms} ms: {}", chain(error));
            }
            Try::Lost(error) => {
                tracing::debug!(
                    "{method} {path} was not answered, {ms} ms: {}",
                    chain(error)
                );
            }
        }
        tried
    }
}

/// Where an answer leads to. The verb stays what it was, as GitHub's REST documentation asks for.
fn redirect(request: &Request, answer: &Answer) -> Option<Url> {
    match answer.status.as_u16() {
        301 | 302 | 303 | 307 | 308 => request.url.join(answer.header(LOCATION)?).ok(),
        _ => None,
    }
}

/// Whether it was the certificate: no repetition mends that. The TLS library's own error is not to be
/// had through reqwest but as text.
fn is_distrust(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string().contains("invalid peer certificate"))
}
