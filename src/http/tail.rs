//! The end of an answer that has none: a stream that the server keeps open for what is yet to come.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Answer, Deadline, Error, HttpClient, Request, Result};

/// How much of a stream is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// So long nothing comes when all that there is has come.
    pub quiet: Duration,
    /// How long it is read at most.
    pub at_most: Duration,
    /// How many bytes of its end are kept.
    pub bytes: usize,
}

impl HttpClient {
    /// Reads a stream until it ends or falls silent, once: the answer's body is the end of what came,
    /// which may begin in the midst of a line. A connection that breaks ends it, too.
    ///
    /// Redirects are not followed. An answer that is no success is returned as it is.
    pub async fn tail(&self, request: &Request, tail: Tail) -> Result<Answer> {
        let end = Instant::now() + tail.at_most;
        let permit = self.limiter.enter(false, &Deadline::until(end)).await;
        let permit = permit.map_err(|full| super::no_room(request, &full, 0))?;
        let sent = self
            .inner
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .timeout(tail.at_most)
            .send();
        let mut response = sent.await.map_err(|error| {
            let error = error.without_url();
            if error.is_connect() {
                Error::not_sent(request.what(), error)
            } else {
                Error::lost(request.what(), error)
            }
        })?;
        permit.served();
        let mut body = Vec::new();
        // Until the first byte comes, the server may still be collecting.
        let mut patience = tail.at_most;
        while let Ok(Ok(Some(chunk))) = timeout(patience, response.chunk()).await {
            patience = tail.quiet;
            body.extend_from_slice(&chunk);
            // Not after each chunk: what is cut off is moved.
            if body.len() > 2 * tail.bytes {
                body.drain(..body.len() - tail.bytes);
            }
        }
        body.drain(..body.len().saturating_sub(tail.bytes));
        Ok(Answer::new(request, &response, body))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::http::{Bounds, too_many};

    /// A server that says all of `body` and then nothing, without hanging up.
    async fn tail_of(body: String, tail: Tail) -> Answer {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}/log", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await.unwrap();
            let head = "HTTP/1.1 200 -\r\ncontent-type: text/event-stream\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        let url = base.parse().unwrap();
        let client = HttpClient::new(&url, Bounds::default(), too_many).unwrap();
        let answer = client.tail(&Request::new(Method::GET, url), tail).await;
        server.abort();
        answer.unwrap()
    }

    #[tokio::test]
    async fn what_a_stream_has_said_is_read_though_it_never_ends() {
        let tail = Tail {
            quiet: Duration::from_millis(300),
            at_most: Duration::from_secs(20),
            bytes: 100,
        };
        let answer = tail_of("data: 1\n\n".to_owned(), tail).await;
        assert_eq!(answer.body, b"data: 1\n\n");
        let long = "0123456789abc\n".repeat(400);
        let answer = tail_of(long.clone(), tail).await;
        assert_eq!(answer.body, &long.as_bytes()[long.len() - 100..]);
    }

    #[tokio::test]
    async fn a_stream_that_says_nothing_is_given_up() {
        let tail = Tail {
            quiet: Duration::from_millis(10),
            at_most: Duration::from_millis(300),
            bytes: 100,
        };
        let answer = tail_of(String::new(), tail).await;
        assert!(answer.body.is_empty());
    }
}
