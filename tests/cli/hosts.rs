//! How GitHub is reached: an authority of one's own, and proxies.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::world::World;

/// A host that no name server knows.
const NOWHERE: &str = "github.invalid";

/// What runs beside a test, on a thread of its own that ends with it.
struct Beside {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Beside {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            // A sender that was dropped means the same as one that has sent.
            let _ = runtime.block_on(stopped);
        });
        Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Serves every connection to a free port of this computer.
    fn serve<F>(&self, serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a socket");
        self.handle.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a socket");
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust us hangs up, and that is what it is about.
                tokio::spawn(serve(stream));
            }
        });
        address
    }

    /// TLS before the stand-in, with a certificate of an authority that nobody knows; its address,
    /// and the authority's own certificate.
    fn tls(&self, world: &World) -> (SocketAddr, String) {
        let mut authority = CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "an authority of our own");
        let key = KeyPair::generate().expect("a key");
        let root = authority.self_signed(&key).expect("a certificate");
        let issuer = Issuer::new(authority, key);
        let names = [NOWHERE.to_owned(), "localhost".to_owned()];
        let server_key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(names)
            .and_then(|names| names.signed_by(&server_key, &issuer))
            .expect("a certificate");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![server.der().clone()],
                PrivatePkcs8KeyDer::from(server_key.serialize_der()).into(),
            )
            .expect("key and certificate fit");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let port = world.stub.port();
        let address = self.serve(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream = acceptor.accept(stream).await?;
                let mut inner = TcpStream::connect(("127.0.0.1", port)).await?;
                copy_bidirectional(&mut stream, &mut inner).await.map(drop)
            }
        });
        (address, root.pem())
    }

    /// A proxy that leads everything to one place, and what it was asked for.
    fn proxy(&self, to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let address = self.serve(move |mut stream| {
            let log = Arc::clone(&log);
            async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await?);
                }
                let text = String::from_utf8_lossy(&head).into_owned();
                let line = text.lines().next().unwrap_or_default().to_owned();
                let tunnel = line.starts_with("CONNECT ");
                log.lock().expect("no panic").push(line);
                let mut inner = TcpStream::connect(to).await?;
                if tunnel {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                } else {
                    inner.write_all(&head).await?;
                }
                copy_bidirectional(&mut stream, &mut inner).await.map(drop)
            }
        });
        (address, asked)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.stop.take());
        let thread = self.thread.take().expect("it is dropped once");
        thread.join().expect("nothing panics on it");
    }
}

/// The list of runners was asked for, and nothing else failed.
#[track_caller]
fn reaches(world: &World) {
    let listed = world
        .run("list --provider local --output json")
        .exits(0)
        .json();
    assert_eq!(listed["unknown"], serde_json::json!([]), "{listed}");
    assert!(world.github.count("actions/runners") > 0);
}

#[test]
fn a_server_with_an_authority_of_its_own_is_trusted_through_its_bundle() {
    let (world, beside) = (World::new(), Beside::new());
    let (address, bundle) = beside.tls(&world);
    let world = world.env(
        "GITHUB_API_URL",
        &format!("https://localhost:{}", address.port()),
    );
    let said = world.run("start local").exits(1);
    let told = said.stderr.replace(&address.port().to_string(), "[PORT]");
    assert_eq!(world.github.count(""), 0);
    for part in [
        "`GET localhost:[PORT]/repos/",
        "was not sent: the server's certificate is not trusted",
        "UnknownIssuer",
        "`ca_bundle` under [github], or `$GHARUN_CA_BUNDLE`",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    assert!(!told.contains("tries"), "it was tried again:\n{told}");

    std::fs::write(world.path("ca.pem"), format!("# ours\n{bundle}")).expect("a file");
    let world = world.env("GHARUN_CA_BUNDLE", "ca.pem");
    reaches(&world);
    let config = "[github]\nca_bundle = \"ca.pem\"\n";
    std::fs::write(world.path("providers.toml"), config).expect("a file");
    reaches(&world.env("GHARUN_CA_BUNDLE", ""));
}

#[test]
fn a_bundle_that_cannot_be_used_is_exit_code_two_and_names_its_place() {
    let world = World::new();
    std::fs::write(world.path("ca.pem"), "hello\n").expect("a file");
    let config = "[github]\nca_bundle = \"ca.pem\"\n";
    std::fs::write(world.path("providers.toml"), config).expect("a file");
    let said = world.run("start local").exits(2);
    insta::assert_snapshot!(said.stderr, @"
    error: `github.ca_bundle` (providers.toml:2) cannot be `ca.pem`: it holds no `BEGIN CERTIFICATE`

    hint: name a file with certificates in PEM format: they begin with `-----BEGIN CERTIFICATE-----`
    ");
    let said = world
        .env("GHARUN_CA_BUNDLE", "missing.pem")
        .run("list")
        .exits(2);
    insta::assert_snapshot!(said.stderr, @"
    error: `$GHARUN_CA_BUNDLE` cannot be `missing.pem`: No such file or directory (os error 2)

    hint: name a file with certificates in PEM format: they begin with `-----BEGIN CERTIFICATE-----`
    ");
}

#[test]
fn a_proxy_is_gone_through_unless_it_is_not_to_be() {
    let (world, beside) = (World::new(), Beside::new());
    let (proxy, asked) = beside.proxy(([127, 0, 0, 1], world.stub.port()).into());
    let allowed = "[github]\nallow_plain_http = true\n";
    std::fs::write(world.path("providers.toml"), allowed).expect("a file");
    let world = world
        .env("GITHUB_API_URL", &format!("http://{NOWHERE}"))
        .env("HTTP_PROXY", &format!("http://{proxy}"));
    reaches(&world);
    let line = asked.lock().expect("no panic")[0].clone();
    assert!(
        line.starts_with(&format!("GET http://{NOWHERE}/repos/octo/")),
        "{line}"
    );
    asked.lock().expect("no panic").clear();
    for (variable, value) in [("NO_PROXY", NOWHERE), ("no_proxy", "example.com,.invalid")] {
        let mut command = world.command("list --provider local --output json");
        let output = command.env(variable, value).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("could not be sent"), "{said}");
    }
    assert!(asked.lock().expect("no panic").is_empty());
}

#[test]
fn a_proxy_is_gone_through_with_tls_to_the_other_end() {
    let (world, beside) = (World::new(), Beside::new());
    let (address, bundle) = beside.tls(&world);
    let (proxy, asked) = beside.proxy(address);
    std::fs::write(world.path("ca.pem"), bundle).expect("a file");
    let world = world
        .env("GITHUB_API_URL", &format!("https://{NOWHERE}/api/v3"))
        .env("HTTPS_PROXY", &format!("http://{proxy}"))
        .env("GHARUN_CA_BUNDLE", "ca.pem");
    reaches(&world);
    // The proxy learns whom it leads to, and nothing that is said.
    let asked = asked.lock().expect("no panic").clone();
    let line = format!("CONNECT {NOWHERE}:443 HTTP/1.1");
    assert!(asked.iter().all(|asked| *asked == line), "{asked:?}");
    assert!(!asked.is_empty());
}
