//! Machines that register their runners themselves, with a token; and those that trust more than others.

use std::fs;

use super::machine::{Machine, Shell, processes};
use super::scene::Scene;
use super::server::Server;
use super::{failure, meaning};

under_every_shell! {
    a_machine_registers_its_runner_and_runs_its_job
    what_github_says_to_a_refused_machine_is_told
    a_machine_registers_one_runner_and_no_more
    certificates_join_those_of_the_system
}

async fn a_machine_registers_its_runner_and_runs_its_job(shell: Shell) {
    let Some(mut scene) = Scene::open(shell).await else {
        return;
    };
    scene.unregister().await;
    let token = scene.machine.token.as_mut().unwrap();
    token.group = Some("it's ours".to_owned());
    let token = token.secret.clone();
    let seen = scene.machine.at("stub/env").display().to_string();
    scene.queue_long_job(&format!("env >'{seen}'"));
    let run = scene.start();
    scene.machine.see("stub/begun").await;
    let row = scene.row().unwrap();
    assert_eq!(scene.github.group_of(&row.name), Some(7));
    assert_eq!(
        row.labels,
        [scene.name(), "gpu".to_owned()],
        "and no others"
    );
    for line in processes() {
        assert!(!line.contains(&token), "{line}");
    }
    let seen = scene.machine.read("stub/env");
    assert!(seen.contains("GITHUB_ACTIONS=true"), "{seen}");
    for secret in scene.github.secrets() {
        assert!(!seen.contains(&secret), "{seen}");
    }
    scene.machine.touch("stub/go");
    let end = run.ended().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert!(!end.log.contains(&token), "{}", end.log);
    let phases = end.phases();
    let at = |phase: &str| phases.iter().position(|one| one == phase).unwrap();
    assert!(at("unpack") < at("register"), "{phases:?}");
    assert!(at("register") < at("listening"), "{phases:?}");
    assert_eq!(scene.row(), None);
    assert_eq!(scene.machine.endings(), 1);
    scene.wait_quiet().await;
}

async fn what_github_says_to_a_refused_machine_is_told(shell: Shell) {
    for said in [
        "response code: NotFound",
        "with the same name",
        "named \"none\"",
    ] {
        let Some(mut scene) = Scene::open(shell).await else {
            return;
        };
        scene.unregister().await;
        match said {
            "with the same name" => {
                let name = scene.name();
                scene.github.add_runner("acme/app", &name, &[&name]);
            }
            "response code: NotFound" => scene.github.expire_registration_tokens(),
            _ => scene.machine.token.as_mut().unwrap().group = Some("none".into()),
        }
        let end = scene.start().ended().await;
        assert_eq!(end.code, 79, "{}", end.log);
        let failed = failure(&end.log).unwrap();
        assert!(failed.starts_with(meaning(79).unwrap()), "{failed}");
        assert!(failed.contains(said), "{failed}");
        assert!(!end.phases().contains(&"run".to_owned()), "{}", end.log);
        assert_eq!(scene.machine.endings(), 1);
    }
}

async fn a_machine_registers_one_runner_and_no_more(shell: Shell) {
    let Some(mut scene) = Scene::open(shell).await else {
        return;
    };
    scene.unregister().await;
    scene.queue("true");
    let end = scene.start().ended().await;
    assert_eq!(end.code, 0, "{}", end.log);
    scene.machine.touch("log");
    let end = scene.start().ended().await;
    assert_eq!(end.code, 77, "{}", end.log);
    // The marker went with the disk, and the token is good yet: but its time is over.
    fs::remove_dir_all(scene.machine.at("work")).unwrap();
    scene.machine.token.as_mut().unwrap().until = -1;
    let end = scene.start().ended().await;
    assert_eq!(end.code, 77, "{}", end.log);
    assert_eq!(scene.stub.runners(), []);
    assert_eq!(scene.stub.jobs().len(), 1);
}

async fn certificates_join_those_of_the_system(shell: Shell) {
    let Some(mut machine) = Machine::new(shell) else {
        return;
    };
    let server = Server::start().await;
    machine.packages = vec![server.package.clone()];
    machine.pinned = true;
    machine.var("GHARUN_CACHE", &machine.at("cache").display().to_string());
    fs::write(machine.at("system.pem"), "of the system").unwrap();
    let system = machine.at("system.pem").display().to_string();
    machine.var("SSL_CERT_FILE", &system);
    machine.ca = Some("it's\nours\n".into());
    let copy = machine.at("seen.pem").display().to_string();
    machine.setup = Some(format!("cat \"$SSL_CERT_FILE\" >'{copy}'"));
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(machine.read("seen.pem"), "of the system\nit's\nours\n\n");
    let seen = machine.read("stub/env");
    for name in [
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
    ] {
        let file = seen
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")));
        assert!(
            file.is_some_and(|file| file.ends_with("/ca.pem")),
            "{name}: {seen}"
        );
    }
}
