//! What settings become, and what is refused.

use serde_json::{Value, json};

use super::*;
use crate::providers::schema;

fn read(value: Value) -> Result<HostConfig> {
    host_config(&serde_json::from_value(value).expect("a table"))
}

#[track_caller]
fn refused(value: Value) -> Error {
    let error = read(value).expect_err("it cannot be meant");
    assert_eq!(error.kind, crate::providers::ErrorKind::Config);
    error
}

#[test]
fn sizes_are_read_as_docker_reads_them() {
    for (text, bytes) in [
        ("4g", 4 << 30),
        ("512M", 512 << 20),
        ("1GiB", 1 << 30),
        ("8 kb", 8 << 10),
        ("1048576", 1 << 20),
        ("2t", 2 << 40),
    ] {
        assert_eq!(parse_bytes(text), Some(bytes), "{text}");
    }
    for text in ["", "g", "4x", "-1", "1.5g", "99999999999t"] {
        assert_eq!(parse_bytes(text), None, "{text}");
    }
}

#[test]
fn settings_become_the_containers_share_of_its_host() {
    let host = read(json!({
        "cpus": 1.5, "memory": "4g", "shm_size": 1_048_576, "gpus": "all",
        "devices": ["/dev/a", "/dev/b:/dev/c", "/dev/d:r", "/dev/e:/dev/f:rw"],
        "volumes": ["/a:/b:ro", "cache:/c"], "network": "host", "runtime": "runc",
        "extra_hosts": ["db:10.0.0.1", "me:host-gateway"], "privileged": true, "init": false,
    }))
    .unwrap();
    assert_eq!(host.nano_cpus, Some(1_500_000_000));
    assert_eq!(host.memory, Some(4 << 30));
    assert_eq!(host.shm_size, Some(1 << 20));
    let gpus = &host.device_requests.unwrap()[0];
    assert_eq!((gpus.count, &gpus.device_ids), (Some(-1), &None));
    let devices: Vec<String> = host
        .devices
        .unwrap()
        .into_iter()
        .map(|d| {
            [d.path_on_host, d.path_in_container, d.cgroup_permissions]
                .map(Option::unwrap)
                .join(" ")
        })
        .collect();
    assert_eq!(
        devices,
        [
            "/dev/a /dev/a rwm",
            "/dev/b /dev/c rwm",
            "/dev/d /dev/d r",
            "/dev/e /dev/f rw"
        ]
    );
    assert_eq!(host.binds.unwrap(), ["/a:/b:ro", "cache:/c"]);
    assert_eq!((host.privileged, host.init), (Some(true), Some(false)));
    assert_eq!(host.extra_hosts.unwrap().len(), 2);
}

#[test]
fn gpus_are_all_or_a_number_or_ids() {
    for (value, count, ids) in [
        (json!(2), Some(2), None),
        (json!("2"), Some(2), None),
        (json!("all"), Some(-1), None),
        (json!(["0", "GPU-1"]), None, Some(2)),
    ] {
        let host = read(json!({ "gpus": value })).unwrap();
        let request = &host.device_requests.unwrap()[0];
        let found = (request.count, request.device_ids.as_ref().map(Vec::len));
        assert_eq!(found, (count, ids), "{value}");
    }
}

#[test]
fn what_cannot_be_meant_names_its_setting() {
    for (key, value) in [
        ("cpus", json!(0)),
        ("cpus", json!(-1.0)),
        ("devices[0]", json!(["x"])),
        ("devices[0]", json!(["/dev/x:/dev/y:q"])),
        ("extra_hosts[0]", json!(["host"])),
        ("gpus", json!("some")),
        ("gpus", json!(0)),
        ("gpus", json!([])),
        ("image", json!("")),
        ("memory", json!("4 gigs")),
        ("memory", json!("1k")),
        ("memory", json!(u64::MAX)),
        ("shm_size", json!(0)),
        ("user", json!("a b")),
        ("volumes[0]", json!(["./here:/there"])),
        ("volumes[0]", json!(["/here"])),
    ] {
        let error = refused(json!({ key.trim_end_matches("[0]"): value }));
        assert_eq!(error.key(), Some(key), "{error}");
    }
}

#[test]
fn labels_cannot_take_the_place_of_tags() {
    for label in ["managed-by", "gharun-expires"] {
        let error = refused(json!({ "labels": { label: "x" } }));
        assert_eq!(error.key(), Some(&*format!("labels.{label}")));
    }
    assert!(read(json!({ "labels": { "team": "x" } })).is_ok());
}

#[test]
fn defaults_are_shown() {
    let schema = schemars::schema_for!(DockerConfig);
    let shown = |key: &str| schema.get("properties").unwrap()[key]["default"].clone();
    assert_eq!(shown("image"), json!(IMAGE));
    assert_eq!(shown("pull"), json!("missing"));
    assert_eq!(shown("init"), json!(true));
    assert_eq!(shown("docker_socket"), json!(false));
}

#[test]
fn a_value_of_another_type_says_what_to_write() {
    for (key, said) in [("memory", "4g"), ("gpus", "all")] {
        let table = json!({ key: true });
        let read = schema::read_value::<DockerConfig>(&table).map(drop);
        let misfit = read.expect_err("it is no such value");
        assert_eq!(misfit.key(), key);
        let error = misfit.fault.to_string();
        assert!(
            error.contains(said) && error.ends_with(", not a boolean"),
            "{error}"
        );
    }
}

#[test]
fn a_user_who_cannot_become_the_one_that_jobs_are_to_run_as_is_refused() {
    let with = |user: &str, run_as: &str| {
        let table = serde_json::json!({ "user": user, "run_as": run_as });
        host_config(&serde_json::from_value(table).expect("a table"))
    };
    let error = with("1000:1000", "root").expect_err("it cannot be");
    assert_eq!(error.key(), Some("run_as"));
    assert!(error.to_string().contains("1000:1000"), "{error}");
    for (user, run_as) in [("root", "runner"), ("0:0", "octo"), ("octo:1", "octo")] {
        assert!(with(user, run_as).is_ok(), "{user} {run_as}");
    }
}
