//! What answers mean, word for word as they are given.

use super::*;

fn meaning(settings: serde_json::Value, step: Step, answer: &str) -> Option<Error> {
    let config: DockerConfig = serde_json::from_value(settings).expect("a table");
    let endpoint = Endpoint::resolve(&DockerConfig::default()).expect("the usual one");
    let asked = Asked {
        endpoint: &endpoint,
        config: Some(&config),
        step,
    };
    asked.meaning("could not launch `x`", answer)
}

/// Answers word for word as daemons, runtimes and registries give them: what was being done, the answer, its kind, its
/// setting, and a part of the next step.
const CASES: &[(Step, &str, ErrorKind, Option<&str>, &str)] = {
    use ErrorKind::{Config, Denied, NoCapacity, RateLimited, Unavailable};
    &[
        (
            Step::Pull,
            "failed to register layer: write /usr/lib/x: no space left on device",
            NoCapacity,
            None,
            "docker system prune",
        ),
        (
            Step::Pull,
            "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
            Denied,
            Some("image"),
            "docker login",
        ),
        (
            Step::Pull,
            "toomanyrequests: retry-after: 229.027µs, allowed: 44000/minute",
            RateLimited,
            None,
            "docker login ghcr.io",
        ),
        (
            Step::Pull,
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            Config,
            Some("image"),
            "docker manifest inspect ghcr.io/octo/ci:1",
        ),
        (
            Step::Pull,
            "denied",
            Denied,
            Some("image"),
            "docker login ghcr.io",
        ),
        (
            Step::Pull,
            "manifest unknown",
            Config,
            Some("image"),
            "no such tag",
        ),
        (
            Step::Pull,
            "manifest for nginx:9.99 not found: manifest unknown: manifest unknown",
            Config,
            Some("image"),
            "no such tag",
        ),
        (
            Step::Pull,
            "pull access denied for octo/nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
            Denied,
            Some("image"),
            "docker login ghcr.io",
        ),
        (
            Step::Pull,
            "Head \"https://ghcr.io/v2/octo/ci/manifests/1\": unauthorized: authentication required",
            Denied,
            Some("image"),
            "docker login ghcr.io",
        ),
        (
            Step::Pull,
            "Get \"https://ghcr.io/v2/\": x509: certificate signed by unknown authority",
            Config,
            Some("image"),
            "/etc/docker/certs.d/ghcr.io/ca.crt",
        ),
        (
            Step::Pull,
            "Get \"https://ghcr.io/v2/\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
            Config,
            Some("image"),
            "`date`",
        ),
        (
            Step::Pull,
            "Get \"https://ghcr.io/v2/\": http: server gave HTTP response to HTTPS client",
            Config,
            Some("image"),
            "insecure-registries",
        ),
        (
            Step::Pull,
            "Get \"https://ghcr.io/v2/\": dial tcp: lookup ghcr.io on 127.0.0.53:53: no such host",
            Unavailable,
            Some("image"),
            "docker pull ghcr.io/octo/ci:1",
        ),
        (
            Step::Pull,
            "Get \"https://ghcr.io/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
            Unavailable,
            None,
            "docker pull",
        ),
        (
            Step::Run,
            "could not select device driver \"\" with capabilities: [[gpu]]",
            Config,
            Some("gpus"),
            "nvidia-container-toolkit",
        ),
        (
            Step::Run,
            "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error running hook #0: nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown",
            Config,
            Some("gpus"),
            "nvidia-smi",
        ),
        (
            Step::Run,
            "unknown or invalid runtime name: sysbox-runc",
            Config,
            Some("runtime"),
            "docker info",
        ),
        (
            Step::Run,
            "network lan not found",
            Config,
            Some("network"),
            "docker network ls",
        ),
        (
            Step::Run,
            "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
            Config,
            Some("cpus"),
            "`cpus`",
        ),
        (
            Step::Run,
            "failed to create shim task: OCI runtime create failed: container_linux.go:380: starting container process caused: process_linux.go:545: container init was OOM-killed (memory limit too low?): unknown",
            Config,
            Some("memory"),
            "memory = \"4g\"",
        ),
        (
            Step::Run,
            "error while creating mount source path '/srv/cache': mkdir /srv/cache: read-only file system",
            Config,
            Some("volumes"),
            "NAME:/TARGET",
        ),
        (
            Step::Run,
            "exec: \"docker-init\": executable file not found in $PATH: unknown",
            Config,
            Some("init"),
            "init = false",
        ),
        (
            Step::Run,
            "[FATAL tini (7)] exec /bin/sh failed: No such file or directory",
            Config,
            Some("image"),
            "/bin/sh",
        ),
        (
            Step::Run,
            "runc create failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown",
            Config,
            Some("image"),
            "/bin/sh",
        ),
        (
            Step::Run,
            "[FATAL tini (7)] exec /bin/sh failed: Exec format error",
            Config,
            Some("image"),
            "image inspect",
        ),
    ]
};

#[test]
fn each_answer_names_its_setting_and_a_step_that_can_be_typed() {
    let image = "ghcr.io/octo/ci:1";
    for (step, answer, kind, key, next) in CASES {
        let (step, kind, key) = (*step, *kind, *key);
        let settings = serde_json::json!({ "image": image, "network": "lan" });
        let error = meaning(settings, step, answer).unwrap_or_else(|| panic!("{answer}"));
        assert_eq!((error.kind, error.key()), (kind, key), "{answer}");
        let hint = error.hints().join("\n");
        assert!(hint.contains(next), "{answer}\n{hint}");
        assert!(!hint.contains("{d") && !hint.contains("{i"), "{hint}");
    }
}

#[test]
fn capitals_in_an_image_are_told_before_anything_else_and_the_right_name_is_given() {
    let settings = serde_json::json!({ "image": "Octo/CI:Latest" });
    let answer = "no such image: Octo/CI:Latest: invalid reference format: repository name must be lowercase";
    for step in [Step::Pull, Step::Run] {
        let error = meaning(settings.clone(), step, answer).expect("it is in the table");
        assert_eq!(
            (error.kind, error.key()),
            (ErrorKind::Config, Some("image"))
        );
        assert_eq!(
            error.hints(),
            ["write it in lower case: `image = \"octo/ci:Latest\"`"]
        );
    }
    assert_eq!(lower("Host:5000/A/B@sha256:0A"), "host:5000/a/b@sha256:0A");
}

#[test]
fn an_answer_that_is_in_no_row_means_nothing_and_a_permission_is_no_login() {
    for (step, answer) in [
        (Step::Run, "exec: \"/gharun/boot.sh\": permission denied"),
        (Step::Run, "driver failed programming external connectivity"),
        (
            Step::Pull,
            "filesystem layer verification failed for digest",
        ),
        (Step::Other, "network lan not found"),
    ] {
        let found = meaning(serde_json::json!({}), step, answer);
        assert!(found.is_none(), "{answer}: {found:?}");
    }
}

#[test]
fn each_row_is_in_small_letters_and_has_a_next_step() {
    for row in MEANINGS {
        for words in row.words {
            assert_eq!(*words, words.to_ascii_lowercase());
            assert!(words.split('|').all(|word| word.len() > 2), "{words}");
        }
        assert!(
            !row.next.is_empty() && !row.steps.is_empty(),
            "{:?}",
            row.words
        );
    }
}

#[test]
fn a_file_that_may_not_be_written_is_no_registrys_refusal() {
    let answer = "failed to register layer: mkdir /var/lib/x: permission denied: unknown";
    let meant = meaning(serde_json::json!({}), Step::Pull, answer);
    assert!(meant.is_none(), "{meant:?}");
}
