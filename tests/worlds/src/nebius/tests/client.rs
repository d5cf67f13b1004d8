//! The smallest client: one request on one connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::nebius::{PROJECT, SUBNET, Schema, Standin};

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The code of the `ServiceError`.
    pub(super) fn code(&self) -> String {
        let body = self.json();
        let code = body["details"][0]["code"].as_str();
        code.unwrap_or_default().to_owned()
    }
}

/// A stand-in with a token.
pub(super) struct Client {
    pub(super) standin: Standin,
    pub(super) token: String,
}

impl Client {
    pub(super) fn new() -> Self {
        let standin = Standin::start();
        let token = standin.token();
        Self { standin, token }
    }

    /// Asks; `None` when the connection breaks.
    pub(super) fn ask_with(
        &self,
        verb: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Reply> {
        let address = self.standin.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the stand-in listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a timeout");
        let mut request = format!("{verb} {target} HTTP/1.1\r\nhost: {address}\r\n");
        for (name, value) in headers {
            request = format!("{request}{name}: {value}\r\n");
        }
        request = format!("{request}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).expect("it is read");
        let mut answer = String::new();
        // Broken off counts as no answer.
        stream.read_to_string(&mut answer).ok()?;
        let (head, text) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Reply {
            status,
            head: head.to_owned(),
            text: text.to_owned(),
        })
    }

    pub(super) fn try_ask(&self, verb: &str, target: &str, body: Option<&Value>) -> Option<Reply> {
        let bearer = format!("Bearer {}", self.token);
        let body = body.map(Value::to_string).unwrap_or_default();
        self.ask_with(verb, target, &[("authorization", &bearer)], &body)
    }

    pub(super) fn ask(&self, verb: &str, target: &str, body: Option<&Value>) -> Reply {
        self.try_ask(verb, target, body).expect("an answer")
    }

    pub(super) fn get(&self, target: &str) -> Reply {
        self.ask("GET", target, None)
    }

    pub(super) fn post(&self, target: &str, body: &Value) -> Reply {
        self.ask("POST", target, Some(body))
    }

    /// Makes something; its id.
    pub(super) fn make(&self, target: &str, body: &Value) -> String {
        let reply = self.post(target, body);
        assert_eq!(reply.status, 200, "{}", reply.text);
        let id = reply.json()["resourceId"].as_str().map(str::to_owned);
        id.expect("the operation names what it made")
    }

    pub(super) fn job_state(&self, id: &str) -> String {
        let job = self.get(&format!("/ai/v1/jobs/{id}")).json();
        job["status"]["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// That the stand-in kept to the description itself, and blames nobody.
    pub(super) fn clean(&self) {
        assert_eq!(self.standin.slips(), [""; 0]);
        assert_eq!(self.standin.violations(), [""; 0]);
    }
}

/// The description, where it is there.
pub(super) fn described() -> Option<Schema> {
    Schema::load()
}

pub(super) fn job(name: &str) -> Value {
    json!({
        "metadata": {"parentId": PROJECT, "name": name, "labels": {"gharun": "1"}},
        "spec": {
            "image": "ghcr.io/actions/actions-runner:latest",
            "containerCommand": "/bin/sh",
            "args": "/opt/boot",
            "environmentVariables": [{"name": "A", "value": "1"}],
            "platform": "gpu-h100-sxm",
            "preset": "1gpu-16vcpu-200gb",
            "disk": {"type": "NETWORK_SSD", "sizeBytes": "268435456000"},
            "subnetId": SUBNET,
            "timeout": "3600s",
            "injectedFiles": [{"containerPath": "/opt/boot", "content": "ZXhpdCAwCg=="}],
        },
    })
}

pub(super) fn vm(name: &str) -> Value {
    json!({
        "metadata": {"parentId": PROJECT, "name": name, "labels": {"gharun": "1"}},
        "spec": {
            "resources": {"platform": "gpu-l40s-a", "preset": "1gpu-8vcpu-32gb"},
            "bootDisk": {"attachMode": "READ_WRITE", "managedDisk": {
                "name": format!("{name}-boot"),
                "spec": {
                    "type": "NETWORK_SSD",
                    "sizeGibibytes": "64",
                    "sourceImageFamily": {"imageFamily": "ubuntu24.04-cuda12"},
                },
            }},
            "networkInterfaces": [{"name": "eth0", "subnetId": SUBNET, "ipAddress": {}}],
            "recoveryPolicy": "FAIL",
            "cloudInitUserData": "#!/bin/sh\nexit 0\n",
        },
    })
}
