//! Which daemon is meant: `host`, contexts, certificates.
//!
//! The rules are those of the `docker` command, see
//! <https://docs.docker.com/engine/manage-resources/contexts/>.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::config::DockerConfig;
use crate::model::digest::sha256;
use crate::model::text::typed;
use crate::providers::schema::backticked;
use crate::providers::{Error, Result};

/// Where a daemon listens when nobody says otherwise.
const DEFAULT: &str = "unix:///var/run/docker.sock";

/// How the daemon is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// HTTP over a socket of this computer.
    Unix(PathBuf),
    /// HTTP over TCP: `HOST:PORT`.
    Tcp(String),
    /// HTTP over TLS: `HOST:PORT`, and the directory of the certificates.
    Tls(String, PathBuf),
    /// `docker system dial-stdio` over ssh: `USER@HOST:PORT`, and `/PATH` of a socket there that is not the usual one.
    Ssh(String),
}

/// One daemon, and how a person would name it to the `docker` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) way: Transport,
    /// The context that told it.
    context: Option<String>,
    /// The client's directory, where it matters for that context.
    config_dir: Option<PathBuf>,
    /// Whether the `docker` command finds it without being told.
    usual: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Transport::Unix(path) => write!(f, "unix://{}", path.display()),
            Transport::Tcp(address) | Transport::Tls(address, _) => write!(f, "tcp://{address}"),
            Transport::Ssh(address) => write!(f, "ssh://{address}"),
        }
    }
}

impl Endpoint {
    /// Decides which daemon the settings mean, without asking it.
    ///
    /// # Errors
    ///
    /// `Config` errors that name the key: an address or a context that cannot be used.
    pub(super) fn resolve(config: &DockerConfig) -> Result<Self> {
        let set = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let (host, context) = (set(&config.host), set(&config.context));
        if let (Some(host), Some(context)) = (&host, &context) {
            return Err(Error::setting(
                "host",
                format!("both the host `{host}` and the context `{context}` are set"),
            )
            .hinted(
                "keep one; `host = \"\"` ignores `$DOCKER_HOST`, `context = \"\"` ignores `$DOCKER_CONTEXT`",
            ));
        }
        if let Some(host) = host {
            return Self::at(&host, config);
        }
        // An empty `host` says: not what the client's file calls current, either.
        let silent = config.host.is_none() && config.context.is_none();
        let context = match context {
            None if silent => current_context(config)?,
            named => named,
        };
        match (context, &config.config_dir) {
            (Some(context), Some(dir)) if context != "default" => Self::of(&context, dir),
            (Some(context), None) if context != "default" => Err(Error::setting(
                "context",
                format!("could not find the directory that holds the context `{context}`"),
            )
            .hinted("set `config_dir`, `$DOCKER_CONFIG` or `$HOME`")),
            _ => Ok(Self {
                usual: silent,
                ..Self::at(DEFAULT, config)?
            }),
        }
    }

    fn at(host: &str, config: &DockerConfig) -> Result<Self> {
        let certificates = config.cert_path.as_deref();
        let certificates = certificates.or(config.config_dir.as_deref());
        let tls = Tls {
            wanted: config.tls_verify,
            certificates: certificates.map(Path::to_owned),
        };
        let way = way(host, "host", tls)?;
        Ok(Self {
            way,
            context: None,
            config_dir: None,
            usual: false,
        })
    }

    fn of(context: &str, dir: &Path) -> Result<Self> {
        let id = sha256(context);
        let file = dir.join("contexts/meta").join(&id).join("meta.json");
        let meta: Meta = read(&file, "context")?.ok_or_else(|| {
            Error::setting(
                "context",
                format!("the Docker context `{context}` does not exist"),
            )
            .hinted("`docker context ls` lists the contexts")
        })?;
        let Some(docker) = meta.endpoints.docker else {
            return Err(Error::setting(
                "context",
                format!("the context `{context}` has no Docker endpoint"),
            ));
        };
        let host = docker.host.filter(|host| !host.is_empty());
        let host = host.as_deref().unwrap_or(DEFAULT);
        if docker.skip_tls_verify && !host.starts_with("unix:") && !host.starts_with("ssh:") {
            return Err(Error::setting(
                "context",
                format!(
                    "the context `{context}` turns off the verification of the daemon's \
                     certificate, which gharun requires"
                ),
            ));
        }
        let certificates = dir.join("contexts/tls").join(&id).join("docker");
        let certificates = certificates.is_dir().then_some(certificates);
        let tls = Tls {
            wanted: certificates.is_some(),
            certificates,
        };
        let way = way(host, "context", tls)?;
        Ok(Self {
            way,
            context: Some(context.to_owned()),
            // The usual place needs no word: `docker` finds it by itself.
            config_dir: (!dir.ends_with(".docker")).then(|| dir.to_owned()),
            usual: false,
        })
    }

    /// The `docker` command that reaches this daemon, up to the subcommand.
    pub(super) fn command(&self) -> String {
        let mut words = vec!["docker".to_owned()];
        let path = |path: &Path| path.display().to_string();
        if let Some(context) = &self.context {
            if let Some(dir) = &self.config_dir {
                words.extend(["--config".to_owned(), path(dir)]);
            }
            words.extend(["--context".to_owned(), context.clone()]);
        } else if !self.usual {
            words.extend(["-H".to_owned(), self.to_string()]);
            if let Transport::Tls(_, dir) = &self.way {
                words.push("--tlsverify".to_owned());
                for (option, file) in [
                    ("--tlscacert", "ca.pem"),
                    ("--tlscert", "cert.pem"),
                    ("--tlskey", "key.pem"),
                ] {
                    words.extend([option.to_owned(), path(&dir.join(file))]);
                }
            }
        }
        let words: Vec<String> = words.iter().map(|word| typed(word)).collect();
        words.join(" ")
    }

    /// Whether the daemon is asked through a socket of this computer.
    pub(super) fn socket(&self) -> Option<&Path> {
        match &self.way {
            Transport::Unix(path) => Some(path),
            _ => None,
        }
    }
}

/// Whether TLS is wanted where an address does not say, and the certificates' directory.
struct Tls {
    wanted: bool,
    certificates: Option<PathBuf>,
}

/// Reads an address.
fn way(host: &str, key: &str, tls: Tls) -> Result<Transport> {
    let bad = |why: &str| {
        Error::setting(
            key,
            format!(
                "{} is not a valid address of a Docker daemon: {why}",
                backticked(host)
            ),
        )
        .hinted(
            "write `unix:///PATH`, `tcp://HOST:PORT`, `ssh://USER@HOST` or `ssh://USER@HOST/PATH`",
        )
    };
    let Some((scheme, rest)) = host.split_once("://") else {
        return Err(bad("it has no scheme"));
    };
    if scheme == "unix" {
        return if rest.starts_with('/') {
            Ok(Transport::Unix(rest.into()))
        } else {
            Err(bad("its path must be absolute"))
        };
    }
    let wanted = match scheme {
        "https" => true,
        "tcp" | "http" => tls.wanted,
        "ssh" => false,
        _ => return Err(bad(&format!("the scheme `{scheme}` is not supported"))),
    };
    let url = Url::parse(host).map_err(|error| bad(&error.to_string()))?;
    let Some(name) = url.host_str().filter(|name| !name.is_empty()) else {
        return Err(bad("it has no host"));
    };
    // `ssh` would take it for an option.
    if name.starts_with('-') || url.username().starts_with('-') {
        return Err(bad("a name must not begin with `-`"));
    }
    // The `docker` command, too, takes a socket's path behind an ssh host.
    let socket = match url.path() {
        "" | "/" => "",
        path if scheme == "ssh" && !path.contains('%') => path,
        _ => return Err(bad("nothing may follow the host")),
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("nothing may follow the host"));
    }
    if url.password().is_some() {
        return Err(bad("it must not hold a password"));
    }
    // The ports that the docker command takes.
    let port = url.port_or_known_default();
    if scheme == "ssh" {
        let user = match url.username() {
            "" => String::new(),
            user => format!("{user}@"),
        };
        let port = url.port().map(|port| format!(":{port}"));
        let port = port.unwrap_or_default();
        return Ok(Transport::Ssh(format!("{user}{name}{port}{socket}")));
    }
    if !wanted {
        return Ok(Transport::Tcp(format!("{name}:{}", port.unwrap_or(2375))));
    }
    let address = format!("{name}:{}", port.unwrap_or(2376));
    match tls.certificates {
        Some(dir) => Ok(Transport::Tls(address, dir)),
        None => Err(Error::setting(
            "cert_path",
            "could not find the directory with the certificates",
        )
        .hinted("set `cert_path` to the directory with `ca.pem`, `cert.pem` and `key.pem`")),
    }
}

/// The file that the client keeps for a context.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    #[serde(default)]
    endpoints: Endpoints,
}

#[derive(Default, Deserialize)]
struct Endpoints {
    docker: Option<DockerEndpoint>,
}

#[derive(Deserialize)]
struct DockerEndpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

fn current_context(config: &DockerConfig) -> Result<Option<String>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct File {
        current_context: Option<String>,
    }
    let Some(dir) = &config.config_dir else {
        return Ok(None);
    };
    let file: Option<File> = read(&dir.join("config.json"), "config_dir")?;
    Ok(file
        .and_then(|file| file.current_context)
        .filter(|context| !context.is_empty()))
}

/// Reads a JSON file of the Docker client; `None` when there is none.
///
/// # Errors
///
/// `Config`, about `key`, when it is there and cannot be read; nothing of what it holds is told.
pub(super) fn read<T: DeserializeOwned>(file: &Path, key: &str) -> Result<Option<T>> {
    let unreadable = || Error::setting(key, format!("could not read `{}`", file.display()));
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable().because(error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        // The error's own words may hold a value of the file, which may be a password.
        let (line, column) = (error.line(), error.column());
        unreadable().because(format!("invalid JSON at line {line}, column {column}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolve(value: serde_json::Value) -> Result<Endpoint> {
        Endpoint::resolve(&serde_json::from_value(value).expect("a table"))
    }

    fn context(dir: &Path, name: &str, meta: &serde_json::Value) -> PathBuf {
        let id = sha256(name);
        let folder = dir.join("contexts/meta").join(&id);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("meta.json"), meta.to_string()).expect("a file");
        dir.join("contexts/tls").join(id).join("docker")
    }

    #[test]
    fn hosts_are_read_in_all_their_forms() {
        for (host, expected) in [
            ("unix:///run/d.sock", Transport::Unix("/run/d.sock".into())),
            ("tcp://build:2375", Transport::Tcp("build:2375".into())),
            ("tcp://build", Transport::Tcp("build:2375".into())),
            ("tcp://[::1]:99/", Transport::Tcp("[::1]:99".into())),
            ("http://build:80", Transport::Tcp("build:80".into())),
            ("ssh://me@build", Transport::Ssh("me@build".into())),
            ("ssh://build:2222", Transport::Ssh("build:2222".into())),
            (
                "ssh://me@build/run/user/1000/docker.sock",
                Transport::Ssh("me@build/run/user/1000/docker.sock".into()),
            ),
        ] {
            let found = resolve(json!({ "host": host })).map(|endpoint| endpoint.way);
            assert_eq!(found.unwrap(), expected, "{host}");
        }
        for host in [
            "build",
            "unix://x",
            "tcp://",
            "tcp://build/path",
            "ssh://me:pw@build",
            "ssh://-oProxyCommand=x@build",
            "ssh://-build",
            "ftp://x",
        ] {
            let error = resolve(json!({ "host": host })).expect_err(host);
            assert_eq!(error.key(), Some("host"), "{host}");
        }
    }

    #[test]
    fn tls_takes_its_certificates_from_where_it_is_told() {
        let tls = |value| resolve(value).map(|endpoint| endpoint.way);
        let host = "tcp://build:2376";
        assert_eq!(
            tls(json!({ "host": host, "tls_verify": true, "cert_path": "/c" })).unwrap(),
            Transport::Tls("build:2376".into(), "/c".into())
        );
        assert_eq!(
            tls(json!({ "host": "tcp://build", "tls_verify": true, "config_dir": "/d" })).unwrap(),
            Transport::Tls("build:2376".into(), "/d".into())
        );
        let error = tls(json!({ "host": host, "tls_verify": true })).expect_err("no certificates");
        assert_eq!(error.key(), Some("cert_path"));
    }

    #[test]
    fn nothing_said_is_the_usual_socket() {
        let endpoint = resolve(json!({})).unwrap();
        assert_eq!(endpoint.to_string(), DEFAULT);
        assert_eq!(endpoint.command(), "docker");
    }

    #[test]
    fn the_current_context_tells_the_daemon_unless_something_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let meta = json!({ "Name": "far", "Metadata": {}, "Endpoints": {
            "docker": { "Host": "ssh://me@far", "SkipTLSVerify": false } } });
        context(dir.path(), "far", &meta);
        let file = dir.path().join("config.json");
        std::fs::write(&file, r#"{"currentContext": "far"}"#).unwrap();
        let with = |value: serde_json::Value| {
            let mut table = json!({ "config_dir": dir.path() });
            table
                .as_object_mut()
                .unwrap()
                .extend(value.as_object().unwrap().clone());
            resolve(table)
        };
        let endpoint = with(json!({})).unwrap();
        assert_eq!(endpoint.way, Transport::Ssh("me@far".into()));
        let command = endpoint.command();
        assert!(command.ends_with(" --context far"), "{command}");
        assert!(command.starts_with("docker --config "), "{command}");
        for nearer in [json!({ "context": "default" }), json!({ "host": "" })] {
            assert_eq!(with(nearer).unwrap().to_string(), DEFAULT);
        }
        let error = with(json!({ "context": "gone" })).expect_err("no such context");
        assert_eq!(error.key(), Some("context"));
        let error = with(json!({ "context": "far", "host": "tcp://x" })).expect_err("both");
        assert_eq!(error.key(), Some("host"));
        std::fs::write(&file, r#"{"auths": {"x": "hunter2"}"#).unwrap();
        let error = with(json!({})).expect_err("cut short");
        let said = crate::providers::contract::chain(&error);
        assert!(
            said.contains("config.json") && !said.contains("hunter2"),
            "{said}"
        );
    }

    #[test]
    fn a_contexts_certificates_mean_tls() {
        let dir = tempfile::tempdir().unwrap();
        let meta = json!({ "Endpoints": { "docker": { "Host": "tcp://far:2376" } } });
        let certificates = context(dir.path(), "far", &meta);
        let table = json!({ "config_dir": dir.path(), "context": "far" });
        assert_eq!(
            resolve(table.clone()).unwrap().way,
            Transport::Tcp("far:2376".into())
        );
        std::fs::create_dir_all(&certificates).unwrap();
        assert_eq!(
            resolve(table.clone()).unwrap().way,
            Transport::Tls("far:2376".into(), certificates)
        );
        let meta = json!({ "Endpoints": { "docker": {
            "Host": "tcp://far:2376", "SkipTLSVerify": true } } });
        context(dir.path(), "far", &meta);
        let error = resolve(table).expect_err("it is not verified");
        assert_eq!(error.key(), Some("context"));
    }

    #[test]
    fn a_context_is_found_under_the_digest_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        // printf desktop-linux | sha256sum
        let id = "fe9c6bd7a66301f49ca9b6a70b217107cd1284598bfc254700c989b916da791e";
        let folder = dir.path().join("contexts/meta").join(id);
        std::fs::create_dir_all(&folder).unwrap();
        let meta = r#"{"Endpoints": {"docker": {"Host": "unix:///home/me/.docker/run/d.sock"}}}"#;
        std::fs::write(folder.join("meta.json"), meta).unwrap();
        let table = json!({ "config_dir": dir.path(), "context": "desktop-linux" });
        let path = PathBuf::from("/home/me/.docker/run/d.sock");
        assert_eq!(resolve(table).unwrap().way, Transport::Unix(path));
    }

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        let table = json!({ "host": "unix:///tmp/it's here.sock" });
        assert_eq!(
            resolve(table).unwrap().command(),
            r"docker -H 'unix:///tmp/it'\''s here.sock'"
        );
    }
}
