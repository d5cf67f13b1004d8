//! A proxy before a daemon, that has moods.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::providers::contract::Mood;
use crate::providers::docker::SOCKET;

/// The address of a port at which nobody listens.
pub(super) async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("tcp://{}", listener.local_addr().expect("an address"))
}

/// Starts a proxy before the daemon, and tells its address; `deed` judges the first line of each
/// request.
pub(super) async fn proxy(deed: impl Fn(&str) -> Deed + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = format!("tcp://{}", listener.local_addr().expect("an address"));
    let deed = Arc::new(deed);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let deed = Arc::clone(&deed);
            tokio::spawn(async move {
                // A client may hang up at any time: the proxy has not failed then.
                let _ = serve(client, &*deed).await;
            });
        }
    });
    host
}

/// What a proxy does with a request.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    /// The daemon answers.
    Forward,
    /// The connection breaks before the daemon hears of it.
    Drop,
    /// It is carried out, and nobody hears of it.
    Lose,
    /// The proxy answers: status, type, body.
    Answer(u16, &'static str, &'static str),
}

/// What a mood makes of a request; `first` is for the first end.
pub(super) fn deed(mood: Mood, request: &str, first: &AtomicBool) -> Deed {
    const JSON: &str = "application/json";
    const BUSY: &str = r#"{"message":"unable to remove filesystem: device or resource busy"}"#;
    let ends = request.starts_with("DELETE ");
    let creates = request.starts_with("POST ") && request.contains("/containers/create");
    let starts = request.starts_with("POST ") && request.contains("/start");
    match mood {
        Mood::AnswerLost if creates || starts => Deed::Lose,
        Mood::Denied => Deed::Answer(403, JSON, r#"{"message":"authorization denied"}"#),
        Mood::EndBusy | Mood::EndIgnored | Mood::EndLost | Mood::EndRefused
            if ends && first.swap(false, Ordering::SeqCst) =>
        {
            match mood {
                Mood::EndBusy => Deed::Answer(500, JSON, BUSY),
                Mood::EndIgnored => Deed::Answer(204, JSON, ""),
                Mood::EndLost => Deed::Lose,
                _ => Deed::Answer(503, "text/html", "<html>503</html>"),
            }
        }
        Mood::Halfway if starts => Deed::Answer(
            500,
            JSON,
            r#"{"message":"driver failed programming external connectivity"}"#,
        ),
        Mood::Html => Deed::Answer(502, "text/html", "<html><h1>502 Bad Gateway</h1></html>"),
        Mood::NoCapacity if creates => Deed::Answer(
            500,
            JSON,
            r#"{"message":"mkdir /var/lib/docker/overlay2/x: no space left on device"}"#,
        ),
        Mood::RateLimited => Deed::Answer(429, JSON, r#"{"message":"too many requests"}"#),
        _ => Deed::Forward,
    }
}

/// Serves one connection, which carries one request: bollard keeps none open.
async fn serve(mut client: TcpStream, deed: impl Fn(&str) -> Deed) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    match deed(text.lines().next().unwrap_or_default()) {
        Deed::Drop => {}
        Deed::Forward => {
            let mut daemon = UnixStream::connect(SOCKET).await?;
            daemon.write_all(&head).await?;
            copy_bidirectional(&mut client, &mut daemon).await?;
        }
        Deed::Lose => {
            let mut daemon = UnixStream::connect(SOCKET).await?;
            daemon.write_all(&head).await?;
            let (mut from, mut to) = daemon.split();
            let mut first = [0];
            tokio::select! {
                // The daemon's first byte says that it is done.
                read = from.read(&mut first) => { read?; }
                sent = tokio::io::copy(&mut client, &mut to) => { sent?; }
            }
        }
        Deed::Answer(status, kind, body) => {
            let length = text
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.trim().parse::<usize>().ok())
                .unwrap_or(0);
            // What is left unread would make the kernel reset the connection, and lose the answer.
            let begun = head.windows(4).position(|end| end == b"\r\n\r\n");
            let mut left = length - (head.len() - begun.map_or(0, |at| at + 4)).min(length);
            let mut chunk = [0; 4096];
            while left > 0 {
                left -= client.read(&mut chunk).await?.clamp(1, left);
            }
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await?;
        }
    }
    Ok(())
}
