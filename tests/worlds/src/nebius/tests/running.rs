//! Containers and boot scripts that are really run.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::client::{Client, job, vm};
use crate::nebius::read_user_data;
use crate::skipped;

const IMAGE: &str = "gharun-test-program:1";
const VMS: &str = "/compute/v1/instances";

/// Whether a daemon answers and has the image; says so where it does not.
fn ready() -> bool {
    static READY: OnceLock<bool> = OnceLock::new();
    *READY.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../image.sh");
        let made = Command::new("sh").arg(script).arg(IMAGE).output().unwrap();
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr);
            skipped(&format!("nebius' stand-in: {}", why.trim()));
        }
        made.status.success()
    })
}

fn client() -> Option<Client> {
    ready().then(|| {
        let client = Client::new();
        client
            .standin
            .set(|world| world.image = Some(IMAGE.to_owned()));
        client
    })
}

/// The containers of this process' stand-ins that run now and whose command holds a word.
fn containers(word: &str) -> usize {
    let label = format!("label=gharun-standin={}", std::process::id());
    let output = Command::new("docker")
        .args(["ps", "--all", "--no-trunc", "--filter", &label])
        .args(["--format", "{{.Command}}"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| line.contains(word)).count()
}

fn running(name: &str, script: &str) -> serde_json::Value {
    let mut body = job(name);
    let file = &mut body["spec"]["injectedFiles"][0];
    file["content"] = json!(STANDARD.encode(script));
    body
}

#[test]
fn a_job_s_container_is_run_to_its_end() {
    let Some(client) = client() else { return };
    let mut body = running("good", "echo \"$A $# $1\"\n");
    body["spec"]["args"] = json!("/opt/boot 'two  words'");
    let good = client.make("/ai/v1/jobs", &body);
    let bad = client.make("/ai/v1/jobs", &running("bad", "exit 3\n"));
    client.standin.until("both have ended", |standin| {
        let jobs = standin.jobs();
        jobs.iter()
            .all(|job| ["COMPLETED", "FAILED"].contains(&job.state))
    });
    assert_eq!(client.job_state(&good), "COMPLETED");
    assert_eq!(client.job_state(&bad), "FAILED");
    client.standin.until("its words have come", |standin| {
        !standin.log(&good).is_empty()
    });
    assert_eq!(client.standin.log(&good), "1 2 'two\n", "nothing quotes");
    assert!(client.standin.billed().is_empty());
    client.clean();
}

#[test]
fn what_is_deleted_runs_no_longer() {
    let Some(client) = client() else { return };
    let mut body = running("one", "echo up; exec sleep 1000\n");
    body["spec"]["args"] = json!("/opt/boot deleted-job");
    let id = client.make("/ai/v1/jobs", &body);
    client
        .standin
        .until("it runs", |standin| standin.log(&id) == "up\n");
    assert_eq!(containers("deleted-job"), 1);
    client.ask("DELETE", &format!("/ai/v1/jobs/{id}"), None);
    client
        .standin
        .until("it is gone", |_| containers("deleted-job") == 0);
}

#[test]
fn nothing_runs_after_the_stand_in() {
    let Some(client) = client() else { return };
    let mut body = running("one", "trap '' TERM; echo up; while :; do sleep 1; done\n");
    body["spec"]["args"] = json!("/opt/boot dropped-job");
    let id = client.make("/ai/v1/jobs", &body);
    client
        .standin
        .until("it runs", |standin| standin.log(&id) == "up\n");
    drop(client);
    assert_eq!(containers("dropped-job"), 0);
}

#[test]
fn the_server_s_timeout_ends_what_runs() {
    let Some(client) = client() else { return };
    client
        .standin
        .set(|world| world.hour = Duration::from_millis(400));
    let mut body = running("one", "exec sleep 1000\n");
    body["spec"]["args"] = json!("/opt/boot late-job");
    client.make("/ai/v1/jobs", &body);
    client.standin.until("it has failed", |standin| {
        standin.jobs()[0].state == "FAILED"
    });
    client
        .standin
        .until("it is gone", |_| containers("late-job") == 0);
}

#[test]
fn a_vm_powers_itself_off() {
    let Some(client) = client() else { return };
    let mut body = vm("one");
    let script = "#!/bin/sh\necho \"home=$HOME\"; id -u; poweroff; sleep 1000\n";
    body["spec"]["cloudInitUserData"] = json!(script);
    let id = client.make(VMS, &body);
    client
        .standin
        .until("it is off", |standin| standin.vms()[0].state == "STOPPED");
    client
        .standin
        .until("it has spoken", |standin| standin.log(&id) == "home=\n0\n");
    client.clean();
}

#[test]
fn a_vm_stays_when_its_script_has_ended() {
    let Some(client) = client() else { return };
    let mut body = vm("one");
    body["spec"]["cloudInitUserData"] = json!("#!/bin/sh\necho done\n");
    let id = client.make(VMS, &body);
    client
        .standin
        .until("it has run", |standin| standin.log(&id) == "done\n");
    assert_eq!(client.standin.vms()[0].state, "RUNNING");
}

#[test]
fn a_vm_deletes_itself() {
    let Some(client) = client() else { return };
    client.standin.set(|world| {
        world.boot_env = vec![("METADATA".to_owned(), "{metadata}".to_owned())];
    });
    let mut body = vm("one");
    let url = &client.standin.url;
    let script = format!(
        "#!/bin/sh
ask() {{ curl -fsS -H 'Metadata: true' \"$METADATA/v1/$1\"; }}
curl -s -o /dev/null -w '%{{http_code}}\\n' \"$METADATA/v1/instance-data/id\"
token=$(ask iam/sa/token/access_token) || exec echo none
curl -fsS -o /dev/null -X DELETE -H \"Authorization: Bearer $token\" {url}/compute/v1/instances/$(ask instance-data/id)
sleep 1000
"
    );
    body["spec"]["cloudInitUserData"] = json!(script);
    let id = client.make(VMS, &body);
    client.standin.until("it got no token", |standin| {
        standin.log(&id).contains("none")
    });
    // Two streams make the log: which of them came first is open.
    assert!(client.standin.log(&id).contains("400\n"));
    body["metadata"]["name"] = json!("two");
    body["spec"]["bootDisk"]["managedDisk"]["name"] = json!("two-boot");
    body["spec"]["serviceAccountId"] = json!("serviceaccount-e00acme");
    client.make(VMS, &body);
    client
        .standin
        .until("it is gone", |standin| standin.vms().len() == 1);
    client.clean();
}

#[test]
fn user_data_is_read_as_cloud_init_reads_it() {
    let script = b"#!/bin/sh\ntrue\n".to_vec();
    let plain = read_user_data(&script).unwrap();
    assert_eq!(plain.scripts, std::slice::from_ref(&script));
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, &script).unwrap();
    let bytes = packer.finish().unwrap();
    assert_eq!(read_user_data(&bytes).unwrap(), plain);
    let parts = format!(
        "MIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"x\"\n\n--x\n\
         Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n{}\n--x\n\
         Content-Type: text/cloud-config\n\n{}\n--x--\n",
        STANDARD.encode(&bytes),
        json!({
            "write_files": [{"path": "/a", "permissions": "0600", "encoding": "b64", "content": "QQ=="}],
            "runcmd": [["echo", "it's"], "true"],
        }),
    );
    let boot = read_user_data(parts.as_bytes()).unwrap();
    assert_eq!(boot.files, [("/a".to_owned(), 0o600, b"A".to_vec())]);
    let commands = b"#!/bin/sh\n'echo' 'it'\\''s'\ntrue\n".to_vec();
    assert_eq!(boot.scripts, [script, commands]);
    for wrong in [
        "true\n",
        "#cloud-config\npackages: [jq]\n",
        "#cloud-config\n{\"packages\": []}",
    ] {
        assert!(read_user_data(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
