//! A server on loopback that has the archive of a runner for this computer.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Package;
use super::machine::members;

/// A server, and how it is to fail.
pub(super) struct Server {
    pub(super) package: Package,
    asked: Arc<Mutex<usize>>,
    faults: Arc<Mutex<VecDeque<Fault>>>,
}

/// What goes wrong with one answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// Status 503.
    Unavailable,
    /// The connection ends in the middle.
    Cut,
    /// Another file is sent.
    Other,
    /// Status 403.
    Forbidden,
    /// Status 404.
    Missing,
    /// Status 401, unless the token `hush-4711` is shown.
    Locked,
}

impl Server {
    pub(super) async fn start() -> Self {
        let archive = archive();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, faults) = <(Arc<Mutex<usize>>, Arc<Mutex<VecDeque<Fault>>>)>::default();
        let package = Package {
            os: if cfg!(target_os = "macos") {
                "osx"
            } else {
                "linux"
            }
            .into(),
            architecture: match std::env::consts::ARCH {
                "x86_64" => "x64",
                "aarch64" => "arm64",
                other => other,
            }
            .into(),
            version: "9.9.1".into(),
            url: format!("http://{address}/runner.tar.gz?a=*&b='c'"),
            sha256: Sha256::digest(&archive)
                .iter()
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02X}")),
            token: None,
        };
        let server = Self {
            package,
            asked: asked.clone(),
            faults: faults.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *asked.lock().expect("nobody panicked") += 1;
                let fault = faults.lock().expect("nobody panicked").pop_front();
                // A client that hangs up is its own affair: the test looks at what it does then.
                drop(answer(stream, &archive, fault).await);
            }
        });
        server
    }

    pub(super) fn fail(&self, faults: &[Fault]) {
        self.faults.lock().expect("nobody panicked").extend(faults);
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        *self.asked.lock().expect("nobody panicked")
    }
}

async fn answer(
    mut stream: TcpStream,
    archive: &[u8],
    fault: Option<Fault>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let is_let_in = request.contains("authorization: bearer hush-4711");
    let fault = fault.filter(|fault| !(matches!(fault, Fault::Locked) && is_let_in));
    let (status, body, length) = match fault {
        Some(Fault::Locked) => ("401 Unauthorized", &b"<html>"[..], 6),
        None => ("200 OK", archive, archive.len()),
        Some(Fault::Unavailable) => ("503 Service Unavailable", &b"<html>"[..], 6),
        Some(Fault::Cut) => ("200 OK", &archive[..archive.len() / 2], archive.len()),
        Some(Fault::Forbidden) => ("403 Forbidden", &b"<html>"[..], 6),
        Some(Fault::Missing) => ("404 Not Found", &b"<html>"[..], 6),
        Some(Fault::Other) => ("200 OK", &b"<html>"[..], 6),
    };
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}

fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::default(),
    ));
    for (path, mode, text) in members() {
        let mut member = tar::Header::new_gnu();
        member.set_size(text.len() as u64);
        member.set_mode(mode);
        tar.append_data(&mut member, path, text.as_bytes())
            .expect("memory takes it");
    }
    let mut gzip = tar.into_inner().expect("memory takes it");
    gzip.flush().expect("memory takes it");
    gzip.finish().expect("memory takes it")
}
