//! The bodies that are sent, and the shell code in them, which is really run.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::{Child, Command};

use super::super::tier::Tier;
use super::*;
use crate::model::Secret;
use crate::poll::{Pace, until};
use crate::providers::contract::{order, plain_order, skipped};
use crate::providers::runpod::tests::account::config;
use gharun_worlds::scripted_server::{Reply, Server};

const SOON: Pace = Pace {
    every: Duration::from_millis(50),
    at_most: Duration::from_mins(1),
};

fn candidate(chip: Chip, count: u32, cloud: Tier, data_centers: &[&str]) -> Candidate {
    Candidate {
        chip,
        count,
        cloud,
        data_centers: data_centers.iter().map(ToString::to_string).collect(),
        price: None,
        stock: None,
    }
}

/// A body as it is sent, with what differs from run to run left out.
fn sent(settings: Value, candidate: &Candidate) -> String {
    let config = config(settings);
    config.check().expect("settings that can be meant");
    let mut order = plain_order("k3x9");
    let at = jiff::Timestamp::from_second(1_795_507_200).expect("a time");
    order.tags.created = at;
    order.tags.ready_by = at + Duration::from_mins(15);
    order.tags.expires = at + Duration::from_hours(1);
    let env = env(&config, "https://api.runpod.io/v2", &order).expect("variables");
    let body = create_pod(&config, &env, &order, candidate).expect("a body");
    let mut body = serde_json::to_value(body).expect("JSON");
    assert!(
        body["env"][BOOT]
            .as_str()
            .is_some_and(|boot| boot.len() > 20)
    );
    body["env"][BOOT] = "BOOT".into();
    assert_eq!(body["cmd"][0], first_process());
    body["cmd"][0] = "FIRST PROCESS".into();
    let body = serde_json::to_string_pretty(&body).expect("JSON");
    body.replace(order.name.as_str(), "NAME")
}

#[test]
fn a_gpu_pod_is_asked_for_with_its_count_even_where_it_is_one() {
    let one = candidate(Chip::Gpu("NVIDIA L40S".into()), 1, Tier::Secure, &[]);
    insta::assert_snapshot!(sent(json!({ "gpu": "L40S" }), &one), @r#"
    {
      "name": "NAME",
      "image": "ghcr.io/actions/actions-runner:latest",
      "entrypoint": [
        "/bin/sh",
        "-c"
      ],
      "cmd": [
        "FIRST PROCESS"
      ],
      "gpu": {
        "id": "NVIDIA L40S",
        "count": 1
      },
      "cloud": "SECURE",
      "disk": 20,
      "env": {
        "GHARUN_BOOT": "BOOT",
        "GHARUN_RUNPOD_API": "https://api.runpod.io/v2",
        "GHARUN_TAGS": "{\"managed-by\":\"gharun\",\"gharun-name\":\"NAME\",\"gharun-server\":\"github.com\",\"gharun-scope\":\"acme/app\",\"gharun-start\":\"k3x9\",\"gharun-created\":\"1795507200\",\"gharun-ready-by\":\"1795508100\",\"gharun-expires\":\"1795510800\",\"gharun-idle-limit\":\"0\"}"
      }
    }
    "#);
}

#[test]
fn every_setting_of_a_gpu_pod_is_sent() {
    let settings = json!({
        "gpu": "4090", "gpu_count": 2, "cloud": "any", "image": "runpod/pytorch:1", "registry": "cred1",
        "disk": 50, "volume": { "size": 40, "path": "/data" }, "min_cuda": "12.4", "min_ram_per_gpu": 16,
        "min_vcpu_per_gpu": 4, "ports": ["22/tcp", "8888/http"],
        "env": { "HF_TOKEN": "{{ RUNPOD_SECRET_hf }}" },
    });
    let chip = Chip::Gpu("NVIDIA GeForce RTX 4090".into());
    let one = candidate(chip, 2, Tier::Community, &["EU-RO-1", "EU-SE-1"]);
    let body = sent(settings, &one);
    let (body, _) = body.split_once("\"GHARUN_BOOT\"").expect("variables");
    insta::assert_snapshot!(body.trim_end(), @r#"
    {
      "name": "NAME",
      "image": "runpod/pytorch:1",
      "entrypoint": [
        "/bin/sh",
        "-c"
      ],
      "cmd": [
        "FIRST PROCESS"
      ],
      "gpu": {
        "id": "NVIDIA GeForce RTX 4090",
        "count": 2,
        "minCudaVersion": "12.4",
        "minRamPerGpu": 16,
        "minVcpuCountPerGpu": 4
      },
      "cloud": "COMMUNITY",
      "dataCenterIds": [
        "EU-RO-1",
        "EU-SE-1"
      ],
      "disk": 50,
      "mounts": {
        "persistent": {
          "size": 40,
          "path": "/data"
        }
      },
      "registry": "cred1",
      "ports": [
        "22/tcp",
        "8888/http"
      ],
      "env": {
    "#);
}

#[test]
fn a_cpu_pod_is_asked_for_with_its_virtual_cpus_and_a_network_volume() {
    let settings = json!({ "cpu": "cpu5c", "vcpus": 8, "network_volume": "vol_1" });
    let one = candidate(Chip::Cpu("cpu5c".into()), 8, Tier::Secure, &[]);
    let body = sent(settings, &one);
    let from = body.find("\"cpu\"").expect("a CPU");
    let to = body.find("\"env\"").expect("variables");
    insta::assert_snapshot!(body[from..to].trim_end(), @r#"
    "cpu": {
        "id": "cpu5c",
        "vcpuCount": 8
      },
      "cloud": "SECURE",
      "disk": 20,
      "mounts": {
        "network": [
          {
            "volumeId": "vol_1",
            "path": "/workspace"
          }
        ]
      },
    "#);
}

#[test]
fn a_body_that_runpod_would_not_take_is_refused_before_anything_is_asked() {
    let config = config(json!({ "gpu": "L40S" }));
    let mut order = order("k3x9");
    order.boot = Secret::new(crate::model::random(180_000));
    let env = env(&config, "https://api.runpod.io/v2", &order).unwrap();
    let one = candidate(Chip::Gpu("NVIDIA L40S".into()), 1, Tier::Secure, &[]);
    let error = create_pod(&config, &env, &order, &one).expect_err("100 KB of noise");
    assert_eq!(error.key(), Some("setup"), "{error}");
    // It is known before anything is registered, too.
    let error = takes(&config, order.boot.expose()).expect_err("the same noise");
    assert_eq!(error.key(), Some("setup"), "{error}");
    takes(&config, "echo short").expect("it fits");
}

/// A folder with these programs and nothing else.
fn path(programs: &[(&str, &Path)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, program) in programs {
        symlink(program, dir.path().join(name)).expect("a link");
    }
    dir
}

fn program(name: &str) -> Option<PathBuf> {
    let dirs = ["/usr/local/bin", "/usr/bin", "/bin"].map(Path::new);
    let mut paths = dirs.iter().map(|dir| dir.join(name));
    paths.find(|path| path.exists())
}

/// Runs shell code as a pod would, with these programs only.
fn run(code: &str, api: &str, boot: &str, programs: &tempfile::TempDir, sh: &[&str]) -> Child {
    Command::new(sh[0])
        .args(&sh[1..])
        .args(["-c", code])
        .env_clear()
        .env("PATH", programs.path())
        .env("RUNPOD_API_KEY", "rpa_pod")
        .env("RUNPOD_POD_ID", "7h9k2m4n6p")
        .env(API, api)
        .env(BOOT, boot)
        .env("GHARUN_LINGER", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a shell")
}

#[test]
fn the_ending_needs_none_of_its_comments() {
    assert!(!ENDING.contains("\n#") && !ENDING.contains('\t'));
    assert!(ENDING.contains(API), "the pod is told where the API is");
}

/// What every shell does with the first process of a pod, whose script does `script`.
async fn first_process_of(sh: &[&str], script: &str, server: &Server, expected: usize) -> Child {
    let tools = ["base64", "gzip", "curl", "sleep", "sh", "touch"];
    let found: Vec<(&str, PathBuf)> = tools
        .iter()
        .filter_map(|tool| Some((*tool, program(tool)?)))
        .collect();
    let links: Vec<(&str, &Path)> = found.iter().map(|(n, p)| (*n, p.as_path())).collect();
    let programs = path(&links);
    let api = format!("{}v2", server.url());
    let boot = packed(script).expect("a script");
    let child = run(&first_process(), &api, &boot, &programs, sh);
    let asked = until(SOON, async || {
        (server.seen().len() >= expected).then_some(())
    });
    assert!(asked.await.is_some(), "{sh:?}: {:?}", server.lines());
    // The links are not needed any more once `sleep` runs, and it may be the last to be found there.
    std::mem::forget(programs);
    child
}

#[tokio::test]
async fn the_first_process_runs_the_script_once_and_then_deletes_its_pod() {
    if program("curl").is_none() {
        skipped("there is no curl");
        return;
    }
    let mut shells = vec![vec!["/bin/sh"]];
    let (bash, busybox) = (program("bash"), program("busybox"));
    let path = |path: &'_ PathBuf| path.to_str().expect("a path of letters").to_owned();
    let (bash, busybox) = (bash.as_ref().map(path), busybox.as_ref().map(path));
    shells.extend(bash.as_deref().map(|bash| vec![bash, "--posix"]));
    shells.extend(busybox.as_deref().map(|busybox| vec![busybox, "sh"]));
    for sh in shells {
        let dir = tempfile::tempdir().expect("a folder");
        let ran = dir.path().join("ran");
        let script = format!(
            "#!/bin/sh\n[ -n \"$GHARUN_BOOT\" ] && exit 1\nmkdir_() {{ echo x >>'{}'; }}\nmkdir_\nexit 70\n",
            ran.display()
        );
        let mut tries = 0;
        let server = Server::serve(move |_| {
            tries += 1;
            let reply = match tries {
                1 => Reply::json(503, "{}"),
                _ => Reply::empty(204),
            };
            reply.with("connection", "close")
        })
        .await;
        let mut child = first_process_of(&sh, &script, &server, 2).await;
        assert!(child.try_wait().expect("a child").is_none(), "{sh:?}");
        let lines = server.lines();
        // The two take turns, and busybox's shell has a wget of its own.
        let fine = [
            "DELETE /v2/pods/7h9k2m4n6p",
            "POST /v2/pods/7h9k2m4n6p/action",
        ];
        let strange = lines.iter().find(|line| !fine.contains(&line.as_str()));
        assert_eq!(strange, None, "{sh:?}");
        assert_eq!(std::fs::read_to_string(&ran).unwrap(), "x\n", "{sh:?}");
        child.kill().await.expect("a child that lives");
    }
}

#[tokio::test]
async fn a_script_that_cannot_be_unpacked_is_the_end_of_its_pod_too() {
    if program("curl").is_none() {
        skipped("there is no curl");
        return;
    }
    let server = Server::serve(|_| Reply::empty(204)).await;
    let programs = path(&[
        ("curl", &program("curl").expect("it was found")),
        ("sleep", &program("sleep").expect("every system has it")),
        ("sh", &program("sh").expect("every system has it")),
    ]);
    let api = format!("{}v2", server.url());
    let mut child = run(&first_process(), &api, "x", &programs, &["/bin/sh"]);
    let asked = until(SOON, async || (!server.seen().is_empty()).then_some(()));
    assert!(asked.await.is_some());
    child.kill().await.expect("a child that lives");
}
