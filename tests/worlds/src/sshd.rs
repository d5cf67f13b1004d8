//! Real hosts for tests: `sshd` on ports of loopback, each with keys and a home of its own.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::write_program;

/// Where `sshd` is, if it can be run here; else why not.
pub fn program() -> Result<PathBuf, String> {
    let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];
    let found = places.iter().map(Path::new).find(|path| path.exists());
    let found = found.ok_or("`sshd` is not installed")?;
    let keygen = Command::new("ssh-keygen").arg("-?").output();
    keygen.map_err(|error| format!("`ssh-keygen` cannot be run: {error}"))?;
    // As root it wants this folder to be there, empty or not.
    if whoami() == "root" {
        fs::create_dir_all("/run/sshd").map_err(|error| format!("/run/sshd: {error}"))?;
    }
    Ok(found.to_owned())
}

/// The user that runs the tests.
pub fn whoami() -> String {
    let output = Command::new("id").arg("-un").output();
    let output = output.expect("a tool of every system");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Makes a pair of keys at a path.
pub fn keygen(path: &Path, kind: &str, phrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", phrase, "-C", kind, "-f"])
        .arg(path)
        .output();
    let made = made.expect("it is there");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// Lets an authority vouch for the public half of a user's key: the certificate comes to lie beside it.
pub fn certify(authority: &Path, public: &Path, principal: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-I", "test", "-n", principal, "-s"])
        .args([authority, public])
        .output();
    let made = made.expect("it is there");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A port that nobody listens at.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
    listener.local_addr().expect("it is bound").port()
}

/// A host.
#[derive(Debug)]
pub struct Sshd {
    /// Its folder: keys, configuration, log, home.
    pub dir: PathBuf,
    /// Where it listens.
    pub address: String,
    /// Its port.
    pub port: u16,
    child: Child,
}

impl Sshd {
    /// Starts a host in a folder that `public` may log in to; `more` goes into its configuration.
    pub fn start(dir: &Path, public: &Path, more: &str) -> Self {
        Self::start_by(dir, public, more, "127.0.0.1", &[])
    }

    /// The same at another address, started by a command (`ip netns exec NAME`).
    pub fn start_by(dir: &Path, public: &Path, more: &str, address: &str, by: &[&str]) -> Self {
        let program = program().expect("looked for before");
        fs::create_dir_all(dir.join("home")).expect("a folder");
        if !dir.join("key").exists() {
            keygen(&dir.join("key"), "ed25519", "");
        }
        fs::copy(public, dir.join("authorized_keys")).expect("a file");
        for _ in 0..10 {
            let port = free_port();
            let text = format!(
                "Port {port}\nListenAddress {address}\nHostKey {0}/key\nPidFile none\n\
                 AuthorizedKeysFile {0}/authorized_keys\nStrictModes no\nUsePAM no\n\
                 PasswordAuthentication no\nKbdInteractiveAuthentication no\n\
                 PermitRootLogin yes\nSetEnv HOME={0}/home\nLogLevel VERBOSE\n{more}\n",
                dir.display()
            );
            let config = dir.join("sshd_config");
            fs::write(&config, text).expect("a file");
            let log = fs::File::create(dir.join("log")).expect("a file");
            let mut words: Vec<&std::ffi::OsStr> = by.iter().map(std::ffi::OsStr::new).collect();
            words.push(program.as_os_str());
            let mut command = Command::new(words[0]);
            command
                .args(&words[1..])
                .args(["-D", "-e", "-f"])
                .arg(&config);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log);
            let mut host = Self {
                dir: dir.to_owned(),
                address: address.to_owned(),
                port,
                child: command.spawn().expect("it is there"),
            };
            if host.listens() {
                return host;
            }
        }
        panic!(
            "no sshd came up: {}",
            fs::read_to_string(dir.join("log")).unwrap_or_default()
        );
    }

    fn listens(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if self.log().contains("Server listening on") {
                return true;
            }
            if self.child.try_wait().expect("it is ours").is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// The home of whoever logs in.
    pub fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    /// The folder of its slots.
    pub fn slots(&self) -> PathBuf {
        self.home().join(".gharun")
    }

    /// As settings name it.
    pub fn spec(&self) -> String {
        format!("{}@{}:{}", whoami(), self.address, self.port)
    }

    /// The line by which it is known.
    pub fn known(&self) -> String {
        let public = fs::read_to_string(self.dir.join("key.pub")).expect("it was made");
        format!("[{}]:{} {public}", self.address, self.port)
    }

    /// Lets every command of whoever logs in with another key go through a script, which finds it in
    /// `$SSH_ORIGINAL_COMMAND`.
    pub fn force(&self, public: &Path, script: &str) {
        let path = public.with_extension("sh");
        write_program(&path, &format!("#!/bin/sh\n{script}\n"), 0o700);
        let key = fs::read_to_string(public).expect("it was made");
        let line = format!("command=\"{}\" {key}", path.display());
        let keys = self.dir.join("authorized_keys");
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(keys)
            .expect("it is there");
        file.write_all(line.as_bytes()).expect("it takes a line");
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Those it has let in go with their connections.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An agent of its own.
#[derive(Debug)]
pub struct Agent {
    /// Where it listens, for `SSH_AUTH_SOCK`.
    pub socket: PathBuf,
    child: Child,
}

impl Agent {
    /// Starts an agent and gives it an unlocked key.
    pub fn with(dir: &Path, key: &Path, phrase: &str) -> Self {
        let socket = dir.join("agent");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it comes with ssh");
        let agent = Self { socket, child };
        let end = Instant::now() + Duration::from_secs(20);
        while !agent.socket.exists() {
            assert!(Instant::now() < end, "the agent does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        agent.take(key, phrase);
        agent
    }

    /// Gives it one more key, which is not encrypted.
    pub fn add(&self, key: &Path) {
        self.take(key, "");
    }

    fn take(&self, key: &Path, phrase: &str) {
        // It asks a program for the phrase where there is no terminal.
        let ask = self.socket.with_extension("ask");
        write_program(&ask, &format!("#!/bin/sh\necho '{phrase}'\n"), 0o700);
        let added = Command::new("ssh-add")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .env("SSH_ASKPASS", &ask)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .output()
            .expect("it comes with ssh");
        assert!(
            added.status.success(),
            "{}",
            String::from_utf8_lossy(&added.stderr)
        );
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Several hosts, a key that they let in, and a file that knows them.
#[derive(Debug)]
pub struct Rack {
    /// The hosts.
    pub hosts: Vec<Sshd>,
    /// The folder of them all.
    pub dir: tempfile::TempDir,
}

impl Rack {
    /// Starts some hosts; `more` goes into their configuration.
    pub fn of(number: usize, more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder for tests");
        keygen(&dir.path().join("id"), "ed25519", "");
        let public = dir.path().join("id.pub");
        let hosts =
            (0..number).map(|n| Sshd::start(&dir.path().join(format!("host{n}")), &public, more));
        let rack = Self {
            hosts: hosts.collect(),
            dir,
        };
        rack.know();
        rack
    }

    /// Writes down the keys of all hosts.
    pub fn know(&self) {
        let lines: String = self.hosts.iter().map(Sshd::known).collect();
        fs::write(self.known_hosts(), lines).expect("a file");
    }

    /// The file that knows the hosts.
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.path().join("known_hosts")
    }

    /// The private key that the hosts let in.
    pub fn identity(&self) -> PathBuf {
        self.dir.path().join("id")
    }

    /// The hosts as settings name them.
    pub fn specs(&self) -> Vec<String> {
        self.hosts.iter().map(Sshd::spec).collect()
    }
}

/// A port before another one, whose connections can be cut.
#[derive(Debug)]
pub struct Gap {
    /// Where to connect instead.
    pub port: u16,
    inner: std::sync::Arc<Cut>,
}

#[derive(Debug, Default)]
struct Cut {
    /// After how many bytes towards the host connections are cut; 0 is never.
    after: std::sync::atomic::AtomicU64,
    /// How many have been passed on.
    passed: std::sync::atomic::AtomicU64,
    open: std::sync::Mutex<Vec<TcpStream>>,
}

use std::sync::atomic::Ordering::SeqCst;

impl Gap {
    /// Stands before a port of loopback.
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let own = listener.local_addr().expect("it is bound").port();
        let inner = std::sync::Arc::new(Cut::default());
        let cut = std::sync::Arc::clone(&inner);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
                    continue;
                };
                let twin = |stream: &TcpStream| stream.try_clone().expect("a file is left");
                let ends = [twin(&near), twin(&far)];
                cut.open.lock().expect("no panics").extend(ends);
                let (near2, far2) = (twin(&near), twin(&far));
                let (one, other) = (std::sync::Arc::clone(&cut), std::sync::Arc::clone(&cut));
                std::thread::spawn(move || one.carry(near, far, true));
                std::thread::spawn(move || other.carry(far2, near2, false));
            }
        });
        Self { port: own, inner }
    }

    /// Cuts all connections once so many more bytes have gone towards the host.
    pub fn cut_after(&self, bytes: u64) {
        self.inner.after.store(self.passed() + bytes, SeqCst);
    }

    /// Cuts nothing any more.
    pub fn mend(&self) {
        self.inner.after.store(0, SeqCst);
    }

    /// Cuts what is open.
    pub fn cut(&self) {
        self.inner.cut();
    }

    /// How many bytes have gone towards the host.
    pub fn passed(&self) -> u64 {
        self.inner.passed.load(SeqCst)
    }
}

impl Cut {
    fn carry(&self, mut from: TcpStream, mut to: TcpStream, counts: bool) {
        use std::io::Read as _;
        let mut buffer = [0; 512];
        while let Ok(read) = from.read(&mut buffer) {
            if read == 0 || to.write_all(&buffer[..read]).is_err() {
                break;
            }
            if counts {
                let passed = self.passed.fetch_add(read as u64, SeqCst) + read as u64;
                let after = self.after.load(SeqCst);
                if after != 0 && passed >= after {
                    self.cut();
                }
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Write);
    }

    fn cut(&self) {
        for stream in self.open.lock().expect("no panics").drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}
