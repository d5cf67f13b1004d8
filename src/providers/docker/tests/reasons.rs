//! Why a container does not become a runner, what is known before one is made, and how to get at one that failed.

use bollard::query_parameters::InspectContainerOptions;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::model::{BootCause, Condition, Instance, RunAs};
use crate::providers::contract::{Fake as _, chain, order, uphold};
use crate::providers::docker::tests::share::{NO_SHELL, RUNNER_IMAGE, Share};
use crate::providers::docker::tests::{end, script};
use crate::providers::docker::{Docker, preflight};
use crate::providers::{ErrorKind, Provider as _};

/// A machine as it is listed once it has ended.
async fn ended(docker: &Docker, machine: &Instance) -> Instance {
    end(docker, &machine.id).await;
    let listing = docker.list().await.expect("a listing");
    let mut all = listing.instances.into_iter();
    all.find(|found| found.id == machine.id)
        .expect("it is there")
}

#[tokio::test]
async fn a_container_whose_memory_ran_out_is_doomed_for_its_memory() {
    uphold::<Share>(async |share| {
        let docker = share.with(json!({ "memory": "8m" })).await;
        let boot = "echo begun; tail -n 1 /dev/zero; exit 74";
        let machine = docker.launch(&script(share, boot)).await.unwrap();
        let machine = ended(&docker, &machine).await;
        let error = docker.why_doomed(&machine).await.expect("a reason");
        assert_eq!(
            (error.kind, error.key()),
            (ErrorKind::Config, Some("memory"))
        );
        let said = chain(&error);
        assert!(
            said.contains("out of memory") && said.contains("`8m`"),
            "{said}"
        );
        let hint = error.hints().join("\n");
        assert!(hint.contains("`memory` is `8m`"), "{hint}");
    })
    .await;
}

#[tokio::test]
async fn an_image_without_a_shell_is_told_by_what_its_init_said() {
    uphold::<Share>(async |share| {
        let docker = share.with(json!({ "image": NO_SHELL, "user": "0" })).await;
        let machine = docker.launch(&order(share.tag())).await.unwrap();
        let machine = ended(&docker, &machine).await;
        let error = docker.why_doomed(&machine).await.expect("a reason");
        assert_eq!(
            (error.kind, error.key()),
            (ErrorKind::Config, Some("image"))
        );
        assert!(
            chain(&error).contains("/bin/sh failed"),
            "{}",
            chain(&error)
        );
        assert!(error.hints()[0].contains("no `/bin/sh`"), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_container_that_runs_or_has_done_its_job_or_says_nothing_is_not_doomed() {
    uphold::<Share>(async |share| {
        let docker = share.with(json!({ "memory": "8m" })).await;
        let machine = docker.launch(&order(share.tag())).await.unwrap();
        assert_eq!(machine.state, Condition::Running);
        assert_eq!(docker.why_doomed(&machine).await, None);
        for boot in [
            "exit 0",
            "exit 74",
            "echo gharun: phase=job t=1.0; tail -n 1 /dev/zero; exit 1",
        ] {
            let machine = docker.launch(&script(share, boot)).await.unwrap();
            let machine = ended(&docker, &machine).await;
            assert_eq!(docker.why_doomed(&machine).await, None, "{boot}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_ways_in_work_in_the_state_that_the_container_is_in() {
    uphold::<Share>(async |share| {
        let docker = share.open().await;
        let running = docker.launch(&order(share.tag())).await.unwrap();
        let ways = docker.access(&running);
        assert!(ways[0].starts_with("docker exec -it "), "{ways:?}");
        run(&format!("{} -c true", ways[0].replace("-it", "-i")));
        let failed = script(share, "echo it failed >/tmp/why; echo said; exit 3");
        let failed = docker.launch(&failed).await.unwrap();
        let failed = ended(&docker, &failed).await;
        let ways = docker.access(&failed);
        assert!(ways.iter().all(|way| !way.contains(" exec ")), "{ways:?}");
        let tag = format!("gharun-test-look:{}", share.tag().to_lowercase());
        let look = ways[0].replace("gharun-look", &tag).replace("-it ", "");
        let (look, remove) = look.split_once("; ").expect("what it made is removed");
        assert_eq!(run(&format!("{look} -c 'cat /tmp/why'")), "it failed");
        assert_eq!(run(&ways[1]), "said");
        let dir = tempfile::tempdir().unwrap();
        run(&format!("cd {} && {}", dir.path().display(), ways[2]));
        let copied = dir.path().join(format!("gharun-{}/tmp/why", failed.id.id));
        assert_eq!(std::fs::read_to_string(copied).unwrap(), "it failed\n");
        // What the image is made of bears gharun's mark no more.
        let label =
            format!("docker image inspect -f '{{{{index .Config.Labels \"managed-by\"}}}}' {tag}");
        assert_eq!(run(&label), "look");
        run(remove);
    })
    .await;
}

/// Runs a command as a person would; the last line of what it says.
fn run(command: &str) -> String {
    let output = std::process::Command::new("sh")
        .args(["-c", command])
        .output();
    let output = output.expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}\n{said}");
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_cannot_be_made_is_known_before_anything_is() {
    uphold::<Share>(async |share| {
        share.open().await.preflight().await.expect("all is there");
        let fine = json!({ "network": "host", "runtime": "runc", "cpus": 0.5 });
        share
            .with(fine)
            .await
            .preflight()
            .await
            .expect("it can be made");
        for (settings, key, next) in [
            (
                json!({ "network": "gharun-none" }),
                "network",
                "network create gharun-none",
            ),
            (json!({ "runtime": "gharun-none" }), "runtime", "`runc`"),
            (json!({ "cpus": 9000 }), "cpus", "write `cpus = "),
            (
                json!({ "image": "gharun-test-no-such:1" }),
                "image",
                "docker pull gharun-test-no-such:1",
            ),
            (
                json!({ "image": "Octo/CI:latest", "pull": "missing" }),
                "image",
                "octo/ci:latest",
            ),
        ] {
            let docker = share.with(settings.clone()).await;
            let error = docker.preflight().await.expect_err("it cannot work");
            assert_eq!(
                (error.kind, error.key()),
                (ErrorKind::Config, Some(key)),
                "{settings}"
            );
            assert!(
                error.hints().join("\n").contains(next),
                "{settings}: {error:?}"
            );
            let checked = docker.check().await.expect_err("nor is it well");
            assert_eq!(checked.key(), Some(key), "{settings}");
            docker.resolve().await.expect("a daemon is there");
        }
    })
    .await;
}

/// A registry that gives one answer to every question about an image.
async fn registry(status: &'static str, body: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let body = body.to_string();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    let read = client.read_buf(&mut head).await.unwrap_or(0);
                    // It speaks no TLS, which begins with this byte.
                    if read == 0 || head[0] == 0x16 {
                        return;
                    }
                }
                let is_ping = head.starts_with(b"GET /v2/ ");
                let (status, body) = if is_ping {
                    ("200 OK", "{}")
                } else {
                    (status, &*body)
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
                     docker-distribution-api-version: registry/2.0\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                // Whoever asked may be gone.
                let _ = client.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn a_registry_is_asked_before_anything_is_made() {
    uphold::<Share>(async |share| {
        for (status, code, message, kind) in [
            (
                "404 Not Found",
                "MANIFEST_UNKNOWN",
                "manifest unknown",
                ErrorKind::Config,
            ),
            (
                "401 Unauthorized",
                "UNAUTHORIZED",
                "authentication required",
                ErrorKind::Denied,
            ),
            (
                "403 Forbidden",
                "DENIED",
                "requested access to the resource is denied",
                ErrorKind::Denied,
            ),
        ] {
            let body = json!({ "errors": [{ "code": code, "message": message, "detail": {} }] });
            let registry = registry(status, body).await;
            let image = format!("{registry}/octo/ci:9");
            let docker = share
                .with(json!({ "image": image, "pull": "missing" }))
                .await;
            let error = docker
                .preflight()
                .await
                .expect_err("the image cannot be pulled");
            assert_eq!(
                (error.kind, error.key()),
                (kind, Some("image")),
                "{}",
                chain(&error)
            );
            let hint = error.hints().join("\n");
            assert!(hint.contains(&registry), "{hint}");
            let launch = docker
                .launch(&order(share.tag()))
                .await
                .expect_err("nor pulled");
            assert_eq!(
                (launch.kind, launch.key()),
                (kind, Some("image")),
                "{}",
                chain(&launch)
            );
        }
        // If the registry does not tell, the pull has to find out.
        let image = "127.0.0.1:1/octo/ci:9";
        let docker = share
            .with(json!({ "image": image, "pull": "missing" }))
            .await;
        docker.preflight().await.expect("nothing was refused");
    })
    .await;
}

#[tokio::test]
async fn with_run_as_the_container_starts_as_root_whatever_its_image_says() {
    uphold::<Share>(async |share| {
        for (settings, user, run_as) in [
            (json!({ "image": RUNNER_IMAGE }), "runner", RunAs::Runner),
            (
                json!({ "image": RUNNER_IMAGE, "run_as": "root" }),
                "root",
                RunAs::Root,
            ),
            (
                json!({ "image": RUNNER_IMAGE, "run_as": "extra" }),
                "root",
                RunAs::Named("extra".into()),
            ),
            (
                json!({ "user": "1234", "volumes": ["/srv:/srv"] }),
                "1234",
                RunAs::Runner,
            ),
        ] {
            let docker = share.with(settings.clone()).await;
            let job_user = docker.job_user();
            assert_eq!(job_user.run_as, run_as, "{settings}");
            assert!(!job_user.is_privileged && job_user.folders.is_empty());
            let machine = docker.launch(&order(share.tag())).await.unwrap();
            let found = share
                .client
                .inspect_container(&machine.id.id, None::<InspectContainerOptions>)
                .await;
            let config = found.unwrap().config.unwrap();
            assert_eq!(config.user.as_deref(), Some(user), "{settings}");
        }
        let volumes = json!({ "volumes": ["cache:/cache", "/srv:/srv", "tools:/tools:ro,z"] });
        assert_eq!(share.with(volumes).await.job_user().folders, ["/cache"]);
    })
    .await;
}

#[tokio::test]
async fn the_age_of_an_image_is_told_with_what_to_type() {
    uphold::<Share>(async |share| {
        let now = "2026-11-30T00:00:00Z".parse().unwrap();
        let ask = async |settings: Value, created: &str| {
            let docker = share.with(settings).await;
            let daemon = docker.daemon().await.unwrap();
            preflight::age(&daemon, &docker.config, Some(created), now)
        };
        let missing = json!({ "image": "octo/ci:1", "pull": "missing" });
        let old = "2026-10-01T00:00:00.5Z";
        let told = ask(missing.clone(), old).await.expect("it is old");
        assert!(
            told.contains("59 days")
                && told.contains("`docker pull octo/ci:1`")
                && told.contains("always"),
            "{told}"
        );
        for (settings, created) in [
            (missing.clone(), "2026-11-15T00:00:00Z"),
            (missing.clone(), "1980-01-01T00:00:01Z"),
            (missing, "0001-01-01T00:00:00Z"),
            (json!({ "image": "octo/ci:1", "pull": "always" }), old),
        ] {
            assert_eq!(ask(settings, created).await, None, "{created}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_old_runner_is_the_images() {
    uphold::<Share>(async |share| {
        let docker = share
            .with(json!({ "image": "octo/ci:1", "pull": "missing" }))
            .await;
        let told = docker.remedy(BootCause::RunnerTooOld).expect("a remedy");
        assert!(told.contains("`docker pull octo/ci:1`"), "{told}");
        assert_eq!(docker.remedy(BootCause::Unregistered), None);
    })
    .await;
}

#[tokio::test]
async fn a_volume_of_dockers_own_is_the_users_whom_jobs_run_as() {
    uphold::<Share>(async |share| {
        let name = format!("gharun-test-{}", share.tag().to_lowercase());
        let settings = json!({ "user": "runner", "volumes": [format!("{name}:/deep/cache")] });
        let docker = share.with(settings).await;
        let look = "stat -c '%a %u:%g' /deep/cache; ls /deep/cache; touch /deep/cache/x && exit 5";
        let machine = docker.launch(&script(share, look)).await.unwrap();
        assert_eq!(end(&docker, &machine.id).await, "exit code 5");
        let said = docker.logs(&machine.id).await.unwrap().expect("a log");
        assert_eq!(said.trim(), "755 1001:127");
        // It keeps what is in it.
        let machine = docker.launch(&script(share, look)).await.unwrap();
        assert_eq!(end(&docker, &machine.id).await, "exit code 5");
        let said = docker.logs(&machine.id).await.unwrap().expect("a log");
        assert_eq!(said.trim(), "755 1001:127\nx");
        for machine in share.census().await {
            docker.terminate(&machine).await.unwrap();
        }
        run(&format!("docker volume rm {name}"));
    })
    .await;
}
