//! What is sent, word for word.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::model::{Order, Secret};
use crate::providers::Provider;
use crate::providers::contract::{ends, order};
use crate::providers::nebius::tests::place::{Place, unpacked_user_data};
use crate::providers::nebius::{Product, jobs, vms};
use gharun_worlds::nebius::{CancelPath, Deletion};

/// An order whose every word is known.
fn known() -> Order {
    let mut order = order("k3x9");
    order.name = "gharun-7000000001-2-0-tp0a1babcdefgh".parse().unwrap();
    order.boot = Secret::new("#!/bin/sh\necho hello\n");
    let tags = &mut order.tags;
    tags.name = order.name.clone();
    let at = |seconds| jiff::Timestamp::from_second(seconds).unwrap();
    (tags.created, tags.ready_by, tags.expires) =
        (at(1_795_507_200), at(1_795_508_100), at(1_795_510_800));
    order
}

/// The body of a creation, as people read it; what is packed is named.
async fn sent(place: &Place, call: &str) -> String {
    place
        .provider()
        .launch(&known())
        .await
        .expect("it is taken");
    place.is_well();
    let mut body = place.standin.bodies(call).pop().expect("it was sent");
    if let Some(data) = body["spec"].get_mut("cloudInitUserData") {
        *data = Value::from(unpacked_user_data(data.as_str().unwrap()));
    }
    serde_json::to_string_pretty(&body).unwrap()
}

#[tokio::test]
async fn a_job_with_nothing_said() {
    let place = Place::with(Product::Job, &json!({}));
    insta::assert_snapshot!(sent(&place, "jobs.create").await, @r#"
    {
      "metadata": {
        "parentId": "project-e00acme",
        "name": "gharun-7000000001-2-0-tp0a1babcdefgh",
        "labels": {
          "gharun-attempt": "2",
          "gharun-created": "1795507200",
          "gharun-expires": "1795510800",
          "gharun-group": "it_27s_20a_20_22group_22_20of_20_24_48_4f_4d_45",
          "gharun-idle-limit": "1800",
          "gharun-name": "gharun-7000000001-2-0-tp0a1babcdefgh",
          "gharun-ready-by": "1795508100",
          "gharun-repository": "acme_2fapp",
          "gharun-run-id": "7000000001",
          "gharun-runner-id": "42",
          "gharun-scope": "acme_2fapp",
          "gharun-server": "github.com",
          "gharun-start": "k3x9",
          "managed-by": "gharun"
        }
      },
      "spec": {
        "image": "ghcr.io/actions/actions-runner:latest",
        "containerCommand": "/bin/sh",
        "args": "/gharun/boot",
        "platform": "gpu-l40s-a",
        "preset": "1gpu-8vcpu-32gb",
        "disk": {
          "type": "NETWORK_SSD",
          "sizeBytes": "107374182400"
        },
        "subnetId": "vpcsubnet-e00default",
        "restartAttempts": "0",
        "timeout": "3600s",
        "injectedFiles": [
          {
            "containerPath": "/gharun/boot",
            "content": "IyEvYmluL3NoCmVjaG8gaGVsbG8K"
          }
        ]
      }
    }
    "#);
}

#[tokio::test]
async fn a_job_with_everything_said() {
    let place = Place::with(
        Product::Job,
        &json!({
            "platform": "gpu-h100-sxm", "preset": "1gpu-16vcpu-200gb",
            "subnet": "vpcsubnet-e00apps", "image": "cr.example.com/runner:1",
            "disk": { "type": "network_ssd_io_m3", "size": 250 },
            "preemptible": true, "pricing_policy": "pricingpolicy-e00cheap",
            "registry": { "username": "bot" }, "registry_password": "hunter2",
            "env": { "CACHE": "on" }, "shm_size": 16, "public_ip": true,
            "labels": { "team": "Core" },
        }),
    );
    insta::assert_snapshot!(sent(&place, "jobs.create").await, @r#"
    {
      "metadata": {
        "parentId": "project-e00acme",
        "name": "gharun-7000000001-2-0-tp0a1babcdefgh",
        "labels": {
          "gharun-attempt": "2",
          "gharun-created": "1795507200",
          "gharun-expires": "1795510800",
          "gharun-group": "it_27s_20a_20_22group_22_20of_20_24_48_4f_4d_45",
          "gharun-idle-limit": "1800",
          "gharun-name": "gharun-7000000001-2-0-tp0a1babcdefgh",
          "gharun-ready-by": "1795508100",
          "gharun-repository": "acme_2fapp",
          "gharun-run-id": "7000000001",
          "gharun-runner-id": "42",
          "gharun-scope": "acme_2fapp",
          "gharun-server": "github.com",
          "gharun-start": "k3x9",
          "managed-by": "gharun",
          "team": "x___43ore"
        }
      },
      "spec": {
        "image": "cr.example.com/runner:1",
        "environmentVariables": [
          {
            "name": "CACHE",
            "value": "on"
          }
        ],
        "containerCommand": "/bin/sh",
        "args": "/gharun/boot",
        "registryCredentials": {
          "username": "bot",
          "password": "hunter2"
        },
        "platform": "gpu-h100-sxm",
        "preset": "1gpu-16vcpu-200gb",
        "shmSizeBytes": "17179869184",
        "disk": {
          "type": "NETWORK_SSD_IO_M3",
          "sizeBytes": "268435456000"
        },
        "subnetId": "vpcsubnet-e00apps",
        "publicIp": true,
        "preemptible": true,
        "pricingModel": {
          "spotPricingPolicy": {
            "id": "pricingpolicy-e00cheap"
          }
        },
        "restartAttempts": "0",
        "timeout": "3600s",
        "injectedFiles": [
          {
            "containerPath": "/gharun/boot",
            "content": "IyEvYmluL3NoCmVjaG8gaGVsbG8K"
          }
        ]
      }
    }
    "#);
}

#[tokio::test]
async fn a_preemptible_job_follows_the_spot_price() {
    let place = Place::with(
        Product::Job,
        &json!({ "preemptible": true, "registry": { "secret": "mbsecver-e00x" } }),
    );
    sent(&place, "jobs.create").await;
    let spec = &place.standin.bodies("jobs.create")[0]["spec"];
    assert_eq!(spec["pricingModel"], json!({ "followsSpotPrice": {} }));
    assert_eq!(
        spec["registryCredentials"],
        json!({ "mysteryboxSecretVersion": "mbsecver-e00x" })
    );
}

#[tokio::test]
async fn a_vm_with_nothing_said() {
    let place = Place::with(Product::Vm, &json!({}));
    insta::assert_snapshot!(sent(&place, "instances.create").await, @r##"
    {
      "metadata": {
        "parentId": "project-e00acme",
        "name": "gharun-7000000001-2-0-tp0a1babcdefgh",
        "labels": {
          "gharun-attempt": "2",
          "gharun-created": "1795507200",
          "gharun-expires": "1795510800",
          "gharun-group": "it_27s_20a_20_22group_22_20of_20_24_48_4f_4d_45",
          "gharun-idle-limit": "1800",
          "gharun-name": "gharun-7000000001-2-0-tp0a1babcdefgh",
          "gharun-ready-by": "1795508100",
          "gharun-repository": "acme_2fapp",
          "gharun-run-id": "7000000001",
          "gharun-runner-id": "42",
          "gharun-scope": "acme_2fapp",
          "gharun-server": "github.com",
          "gharun-start": "k3x9",
          "managed-by": "gharun"
        }
      },
      "spec": {
        "resources": {
          "platform": "gpu-l40s-a",
          "preset": "1gpu-8vcpu-32gb"
        },
        "networkInterfaces": [
          {
            "name": "eth0",
            "subnetId": "vpcsubnet-e00default",
            "ipAddress": {}
          }
        ],
        "bootDisk": {
          "attachMode": "READ_WRITE",
          "managedDisk": {
            "name": "gharun-7000000001-2-0-tp0a1babcdefgh",
            "labels": {
              "gharun-attempt": "2",
              "gharun-created": "1795507200",
              "gharun-expires": "1795510800",
              "gharun-group": "it_27s_20a_20_22group_22_20of_20_24_48_4f_4d_45",
              "gharun-idle-limit": "1800",
              "gharun-name": "gharun-7000000001-2-0-tp0a1babcdefgh",
              "gharun-ready-by": "1795508100",
              "gharun-repository": "acme_2fapp",
              "gharun-run-id": "7000000001",
              "gharun-runner-id": "42",
              "gharun-scope": "acme_2fapp",
              "gharun-server": "github.com",
              "gharun-start": "k3x9",
              "managed-by": "gharun"
            },
            "spec": {
              "type": "NETWORK_SSD",
              "sizeGibibytes": "100",
              "sourceImageFamily": {
                "imageFamily": "ubuntu24.04-cuda13.0"
              }
            }
          }
        },
        "cloudInitUserData": "#!/bin/sh\necho hello\n",
        "recoveryPolicy": "FAIL"
      }
    }
    "##);
}

#[tokio::test]
async fn a_vm_with_everything_said() {
    let place = Place::with(
        Product::Vm,
        &json!({
            "image": "computeimage-e00mine", "disk": { "size": 64 }, "preemptible": true,
            "pricing_policy": "pricingpolicy-e00cheap", "public_ip": true,
            "service_account": "serviceaccount-e00ends", "subnet": "vpcsubnet-e00apps",
        }),
    );
    insta::assert_snapshot!(sent(&place, "instances.create").await, @r##"
    {
      "metadata": {
        "parentId": "project-e00acme",
        "name": "gharun-7000000001-2-0-tp0a1babcdefgh",
        "labels": {
          "gharun-attempt": "2",
          "gharun-created": "1795507200",
          "gharun-expires": "1795510800",
          "gharun-group": "it_27s_20a_20_22group_22_20of_20_24_48_4f_4d_45",
          "gharun-idle-limit": "1800",
          "gharun-name": "gharun-7000000001-2-0-tp0a1babcdefgh",
          "gharun-ready-by": "1795508100",
          "gharun-repository": "acme_2fapp",
          "gharun-run-id": "7000000001",
          "gharun-runner-id": "42",
          "gharun-scope": "acme_2fapp",
          "gharun-server": "github.com",
          "gharun-start": "k3x9",
          "managed-by": "gharun"
        }
      },
      "spec": {
        "serviceAccountId": "serviceaccount-e00ends",
        "resources": {
          "platform": "gpu-l40s-a",
          "preset": "1gpu-8vcpu-32gb"
        },
        "networkInterfaces": [
          {
            "name": "eth0",
            "subnetId": "vpcsubnet-e00apps",
            "ipAddress": {},
            "publicIpAddress": {}
          }
        ],
        "bootDisk": {
          "attachMode": "READ_WRITE",
          "managedDisk": {
            "name": "gharun-7000000001-2-0-tp0a1babcdefgh",
            "labels": {
              "gharun-attempt": "2",
              "gharun-created": "1795507200",
              "gharun-expires": "1795510800",
              "gharun-group": "it_27s_20a_20_22group_22_20of_20_24_48_4f_4d_45",
              "gharun-idle-limit": "1800",
              "gharun-name": "gharun-7000000001-2-0-tp0a1babcdefgh",
              "gharun-ready-by": "1795508100",
              "gharun-repository": "acme_2fapp",
              "gharun-run-id": "7000000001",
              "gharun-runner-id": "42",
              "gharun-scope": "acme_2fapp",
              "gharun-server": "github.com",
              "gharun-start": "k3x9",
              "managed-by": "gharun"
            },
            "spec": {
              "type": "NETWORK_SSD",
              "sizeGibibytes": "64",
              "sourceImageId": "computeimage-e00mine"
            }
          }
        },
        "cloudInitUserData": "#!/bin/sh\necho hello\n",
        "recoveryPolicy": "FAIL",
        "preemptible": {
          "onPreemption": "STOP"
        },
        "spotPricingPolicy": {
          "id": "pricingpolicy-e00cheap"
        }
      }
    }
    "##);
}

#[tokio::test]
async fn ends_and_cancellations() {
    for (cancel, body) in [
        (CancelPath::Body(404), "jobs.cancel"),
        (CancelPath::Colon(404), "jobs.cancel-colon"),
        (CancelPath::Colon(405), "jobs.cancel-colon"),
    ] {
        let place = Place::with(Product::Job, &json!({}));
        place.standin.set(|world| {
            world.cancel = cancel;
            world.deletion = Deletion::Refused(400);
        });
        let provider = Arc::new(place.provider());
        let machine = provider.launch(&known()).await.unwrap();
        ends(&provider, &machine.id).await.unwrap();
        let asked = place.standin.asked_for(body);
        let told = asked[0].body.to_string().replace(&machine.id.id, "ID");
        let expected = if body == "jobs.cancel" {
            r#"{"id":"ID"}"#
        } else {
            "{}"
        };
        assert_eq!(told, expected);
        for deletion in place.standin.asked_for("jobs.delete") {
            assert_eq!((deletion.body, deletion.query.len()), (Value::Null, 0));
        }
        place.is_well();
    }
}

#[test]
fn user_data_is_a_script_that_unpacks_another() {
    let gateway = "https://api.nebius.cloud/a'b".parse().unwrap();
    let data = vms::user_data("#!/bin/sh\necho hello\n", &gateway, None).unwrap();
    let lines: Vec<&str> = data.lines().collect();
    let shown = [&lines[..5], &lines[lines.len() - 2..]].concat().join("\n");
    insta::assert_snapshot!(shown, @r#"
    #!/bin/sh
    export GHARUN_NEBIUS='https://api.nebius.cloud/a%27b'
    umask 077
    f=$(mktemp /run/gharun.XXXXXX || mktemp) || exec poweroff
    base64 -d <<'END' | gzip -dc >"$f" || exec poweroff
    END
    exec sh "$f"
    "#);
}

/// Runs a script in a shell of its own.
fn run(script: &str, env: &[(&str, &str)]) -> String {
    use std::io::Write as _;
    let mut shell = std::process::Command::new("sh")
        .envs(env.iter().copied())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = shell.stdin.take().expect("it is piped");
    stdin.write_all(script.as_bytes()).expect("it reads");
    drop(stdin);
    let output = shell.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn user_data_runs_what_it_carries() {
    let gateway = "https://api.nebius.cloud/".parse().unwrap();
    let script = "#!/bin/sh\necho \"it's $GHARUN_NEBIUS ä\"\nrm -f \"$0\"\n";
    let data = vms::user_data(script, &gateway, None).unwrap();
    assert_eq!(run(&data, &[]), "it's https://api.nebius.cloud ä\n");
}

#[test]
fn a_packed_script_of_a_job_is_unpacked_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("boot.gz");
    std::fs::write(
        &file,
        crate::providers::common::pack::pack("echo hello\nrm -f \"$0\"\n").unwrap(),
    )
    .unwrap();
    let script = jobs::UNPACK.replace("/gharun/boot.gz", file.to_str().unwrap());
    assert_eq!(run(&script, &[]), "hello\n");
    assert!(!file.exists(), "no copy is left to be read");
}
