//! What stands between the program and one of its servers: it numbers the requests of a flow, and strikes one.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::http::{Asked, answer, read_answer, read_closing_head, read_request};
use crate::strike::{Side, Strikes, Verdict};

/// Where a gate leads to.
#[derive(Clone, Debug)]
pub(crate) enum Upstream {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// How the requests that come through a gate are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// One request for each connection: answers say that it is closed.
    Http,
    /// Whatever the program says before the other side speaks again is one request.
    Bursts,
}

/// A gate that is open until the end of the process.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
}

#[derive(Debug)]
struct Work {
    upstream: Upstream,
    side: Side,
    strikes: Arc<Strikes>,
}

impl Gate {
    /// Opens a gate on a port of loopback.
    pub(crate) fn open(upstream: Upstream, speech: Speech, strikes: &Arc<Strikes>) -> Self {
        Self::open_for(Side::Place, upstream, speech, strikes)
    }

    /// Opens the gate before GitHub.
    pub(crate) fn before_github(url: &str, strikes: &Arc<Strikes>) -> Self {
        Self::open_for(Side::GitHub, tcp(url), Speech::Http, strikes)
    }

    fn open_for(side: Side, upstream: Upstream, speech: Speech, strikes: &Arc<Strikes>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let work = Arc::new(Work {
            upstream,
            side,
            strikes: Arc::clone(strikes),
        });
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if work.strikes.is_down(work.side) {
                    // What was sent stays unread: the connection is reset.
                    continue;
                }
                let work = Arc::clone(&work);
                std::thread::spawn(move || {
                    // A side that goes away is no failure of the gate.
                    let _ = match speech {
                        Speech::Http => work.serve_request(client),
                        Speech::Bursts => work.serve_bursts(client),
                    };
                });
            }
        });
        Self { address }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Where a URL such as `http://127.0.0.1:PORT` leads to.
pub(crate) fn tcp(url: &str) -> Upstream {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    Upstream::Tcp(address.parse().expect("an address"))
}

/// A connection to either kind of server.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn open(upstream: &Upstream) -> io::Result<Self> {
        match upstream {
            Upstream::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
            Upstream::Unix(path) => UnixStream::connect(path).map(Self::Unix),
        }
    }

    fn twin(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
        }
    }

    fn close(&self) {
        // It may be closed already.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Work {
    /// Serves one connection, which carries one request.
    fn serve_request(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let Some(asked) = read_request(&mut client)? else {
            return Ok(());
        };
        match self.strikes.judge(self.side, &asked.line()) {
            Verdict::Pass => self.pass(client, &asked),
            Verdict::Drop => Ok(()),
            Verdict::Answer(status, body) => client.write_all(&answer(status, body)),
            Verdict::Hang => hang(&mut client),
            Verdict::Lose => self.carry_out(&asked).map(drop),
            Verdict::Later(after) => {
                std::thread::sleep(after);
                let done = self.carry_out(&asked).map(drop);
                self.strikes.late_is_done();
                done
            }
            Verdict::Spoil(spoil) => {
                let whole = self.carry_out(&asked)?;
                client.write_all(&spoil.apply(&whole))
            }
        }
    }

    /// Lets the server answer, as long as it takes and the client listens.
    fn pass(&self, mut client: TcpStream, asked: &Asked) -> io::Result<()> {
        let mut server = Stream::open(&self.upstream)?;
        server.write_all(&asked.forwarded())?;
        let (mut ears, other) = (client.try_clone()?, server.twin()?);
        let upgrades = asked.upgrades();
        let mut onward = server.twin()?;
        std::thread::spawn(move || {
            if upgrades {
                // Whoever closes first ends both.
                let _ = io::copy(&mut ears, &mut onward);
            } else {
                let mut rest = [0; 64];
                while ears.read(&mut rest).is_ok_and(|read| read > 0) {}
            }
            other.close();
        });
        if !asked.upgrades() {
            client.write_all(&read_closing_head(&mut server)?)?;
        }
        // Either side may go away in the middle.
        let _ = io::copy(&mut server, &mut client);
        client.shutdown(Shutdown::Both)
    }

    /// Lets the server answer, and returns all that it says.
    fn carry_out(&self, asked: &Asked) -> io::Result<Vec<u8>> {
        let mut server = Stream::open(&self.upstream)?;
        server.write_all(&asked.forwarded())?;
        read_answer(&mut server)
    }

    /// Serves a connection on which both sides speak in turn.
    fn serve_bursts(&self, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let server = Stream::open(&self.upstream)?;
        let answered = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let (mut from_server, mut to_client) = (server.twin()?, client.try_clone()?);
        let heard = Arc::clone(&answered);
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = from_server.read(&mut buffer) {
                heard.store(true, std::sync::atomic::Ordering::SeqCst);
                if to_client.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            // The other side may be gone already.
            let _ = to_client.shutdown(Shutdown::Both);
        });
        let done = self.bursts(client, &server, &answered);
        server.close();
        done
    }

    fn bursts(
        &self,
        mut client: TcpStream,
        server: &Stream,
        answered: &std::sync::atomic::AtomicBool,
    ) -> io::Result<()> {
        let mut onward = server.twin()?;
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = client.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let begins = answered.swap(false, std::sync::atomic::Ordering::SeqCst);
            let verdict = if begins {
                self.strikes.judge(self.side, "a burst of bytes")
            } else {
                Verdict::Pass
            };
            match verdict {
                Verdict::Pass => onward.write_all(&buffer[..read])?,
                Verdict::Hang => return hang(&mut client),
                Verdict::Lose => {
                    onward.write_all(&buffer[..read])?;
                    // Long enough for the other side to have read it.
                    std::thread::sleep(Duration::from_millis(300));
                    return client.shutdown(Shutdown::Both);
                }
                Verdict::Later(after) => {
                    std::thread::sleep(after);
                    let done = onward.write_all(&buffer[..read]);
                    self.strikes.late_is_done();
                    return done;
                }
                // No other stroke is one that a connection of this sort can suffer.
                _ => return client.shutdown(Shutdown::Both),
            }
        }
    }
}

/// Says nothing until the client gives up.
fn hang(client: &mut TcpStream) -> io::Result<()> {
    let mut rest = [0; 64];
    while client.read(&mut rest)? > 0 {}
    Ok(())
}
