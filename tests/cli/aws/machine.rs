//! One machine from its user data to its own end: a container that does what cloud-init and EC2 do.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{REGION, instances, moto, nothing_is_left, registrations, run_id, step};
use crate::docker;
use crate::world::{Said, wait_for};
use gharun_worlds::moto::{Deed, Proxy, Server, user_data};

/// A container that stands for the machine.
struct Machine(String);

impl Machine {
    fn docker(args: &[&str]) -> String {
        let output = Command::new("docker")
            .args(args)
            .output()
            .expect("docker runs");
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(
            output.status.success(),
            "docker {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// Does what cloud-init does with user data that is packed and begins with `#!`: unpacks it into a file
    /// for root alone, and runs that. `poweroff` becomes what EC2 makes of it: the instance terminates.
    fn boot(folder: &Path, server: &Server, id: &str, data: &[u8]) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let fake = folder.join("fake");
        std::fs::create_dir(&fake).expect("a folder");
        let identity: Vec<String> = server
            .identity(REGION)
            .split("\r\n")
            .map(|line| format!("-H '{line}'"))
            .collect();
        let identity = identity.join(" ");
        // busybox's own `poweroff` comes before any on the PATH, and tells process 1, as an init hears it.
        let init = format!(
            "#!/bin/sh\n\
             trap \"curl -fsS -o /dev/null {identity} -d 'Action=TerminateInstances&Version=2016-11-15&InstanceId.1={id}' {} && exit\" USR2\n\
             (umask 077 && gunzip -c /fake/data >/fake/part-001 && chmod 700 /fake/part-001 && exec /fake/part-001) &\n\
             while :; do wait; sleep 1; done\n",
            server.url()
        );
        std::fs::write(fake.join("init"), init).expect("a file");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(fake.join("init"), mode).expect("a mode");
        std::fs::write(fake.join("data"), data).expect("a file");
        let machine = Self(Self::docker(&[
            "create",
            "--network",
            "host",
            docker::IMAGE,
            "/fake/init",
        ]));
        let target = format!("{}:/", machine.0);
        Self::docker(&["cp", &fake.display().to_string(), &target]);
        Self::docker(&["start", &machine.0]);
        machine
    }

    fn said(&self) -> String {
        let output = Command::new("docker").args(["logs", &self.0]).output();
        let output = output.expect("docker runs");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = format!("what the machine said:\n{}\n", self.said());
            // Best effort: the test has failed already.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
        }
        // A test that fails must not leave it; and there is nobody to tell that this failed.
        let _ = Command::new("docker")
            .args(["rm", "-f", "-v", &self.0])
            .output();
    }
}

#[test]
fn once_through_from_the_user_data_to_the_machines_own_end() {
    let Some(server) = moto() else { return };
    if !docker::ready() {
        return;
    }
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let run = run_id(4);
    let world = step(run, &proxy);
    let mut child = world.spawn("start aws");
    let id = wait_for("the instance", || instances(&server, run).pop());
    let data = user_data(&server, REGION, &id);
    assert!(data.len() <= 16 * 1024, "{} bytes", data.len());
    let machine = Machine::boot(world.folder.path(), &server, &id, &data);
    wait_for("the end of the start", || {
        child.try_wait().expect("it can be asked")
    });
    let started = Said::of(child.wait_with_output().expect("it ended"), &world);
    assert_eq!(
        started.code,
        Some(0),
        "{}\n{}",
        started.stderr,
        machine.said()
    );
    let label = world.output("label").expect("an output");
    world.stub.queue_job(&label, "sleep 1");
    wait_for("the machine's own end", || {
        instances(&server, run).is_empty().then_some(())
    });
    let said = machine.said();
    for phase in ["phase=arm", "phase=download", "phase=run", "phase=end"] {
        assert!(said.contains(phase), "{phase} is missing in:\n{said}");
    }
    wait_for("the runner's end", || {
        registrations(&world).is_empty().then_some(())
    });
    let listed = world.run("list --output json").exits(0).json();
    assert_eq!(listed["machines"][0]["state"], "gone", "{listed}");
    world.run("stop").exits(0);
    nothing_is_left(&world, &server, run, "after the job");
}
