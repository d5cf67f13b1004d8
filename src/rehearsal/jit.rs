//! Just-in-time configurations: what a runner connects with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::model::Secret;

/// What goes into one.
#[derive(Debug)]
pub(super) struct JitFiles<'a> {
    pub(super) agent_id: u64,
    pub(super) agent_name: &'a str,
    pub(super) client_id: &'a str,
    pub(super) server_url: &'a str,
    pub(super) work_folder: &'a str,
}

/// Writes one in the form of the real ones: base64 of a JSON object of three files, each base64,
/// one of which holds a private key of RSA.
pub(super) fn encode(contents: &JitFiles<'_>) -> Secret {
    let file = |value: &Value| STANDARD.encode(value.to_string());
    let files = json!({
        ".runner": file(&settings(contents)),
        ".credentials": file(&credentials(contents)),
        ".credentials_rsaparams": file(&key()),
    });
    Secret::new(STANDARD.encode(files.to_string()))
}

/// The file `.runner`. In these configurations numbers and truth values are written as texts.
fn settings(contents: &JitFiles<'_>) -> Value {
    json!({
        "AgentId": contents.agent_id.to_string(),
        "AgentName": contents.agent_name,
        "DisableUpdate": "False",
        "Ephemeral": "True",
        "PoolId": "1",
        "PoolName": "Default",
        "ServerUrl": contents.server_url,
        "ServerUrlV2": contents.server_url,
        "UseV2Flow": "True",
        "WorkFolder": contents.work_folder,
    })
}

fn credentials(contents: &JitFiles<'_>) -> Value {
    json!({
        "Data": {
            "AuthorizationUrl": format!("{}/oauth2/token", contents.server_url),
            "ClientId": contents.client_id,
            "RequireFipsCryptography": "True",
        },
        "Scheme": "OAuth",
    })
}

/// Random numbers of the sizes that a key of 2048 bits has: as large as a real one, and no key.
fn key() -> Value {
    let number = |bytes: usize| STANDARD.encode(crate::model::random(bytes));
    json!({
        "d": number(256),
        "dp": number(128),
        "dq": number(128),
        "exponent": "AQAB",
        "inverseQ": number(128),
        "modulus": number(256),
        "p": number(128),
        "q": number(128),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Value {
        serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap()
    }

    #[test]
    fn it_has_the_form_and_about_the_size_of_a_real_one() {
        let blob = encode(&JitFiles {
            agent_id: 73,
            agent_name: "gharun-x",
            client_id: "0b1c",
            server_url: "http://127.0.0.1:1/runner-service",
            work_folder: "_work",
        });
        assert!((3500..4700).contains(&blob.expose().len()));
        let files = open(blob.expose());
        let settings = open(files[".runner"].as_str().unwrap());
        assert_eq!(settings["AgentId"], "73");
        assert_eq!(settings["Ephemeral"], "True");
        let credentials = open(files[".credentials"].as_str().unwrap());
        assert_eq!(credentials["Data"]["ClientId"], "0b1c");
        assert!(open(files[".credentials_rsaparams"].as_str().unwrap())["d"].is_string());
    }
}
