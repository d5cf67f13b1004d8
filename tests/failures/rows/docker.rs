//! How a daemon without room, and runners in containers, make starts on Docker fail.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use crate::place::{self, IMAGE};
use crate::row::{Kind, Scene, Seeded as _, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// A daemon that answers one call with a status and a text, and hands all others to the one that is here. It ends with
/// the test's process.
fn daemon(call: &'static str, status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || serve(client, (call, status, body)));
        }
    });
    format!("tcp://{address}")
}

/// One connection, which serves one call. Whoever asked may be gone: then nothing is left to do.
fn serve(mut client: TcpStream, (call, status, body): (&str, &str, &str)) -> Option<()> {
    let mut head = Vec::new();
    let end = loop {
        let mut part = [0; 4096];
        let read = client.read(&mut part).ok().filter(|read| *read > 0)?;
        head.extend_from_slice(&part[..read]);
        if let Some(end) = head.windows(4).position(|end| end == b"\r\n\r\n") {
            break end;
        }
    };
    let first = String::from_utf8_lossy(&head[..end]).into_owned();
    let first = first.lines().next()?;
    if first.contains(call) {
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        return client.write_all(answer.as_bytes()).ok();
    }
    let mut real = UnixStream::connect("/var/run/docker.sock").ok()?;
    real.write_all(&head[..end]).ok()?;
    real.write_all(b"\r\nConnection: close").ok()?;
    real.write_all(&head[end..]).ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, real.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut real, &mut client).ok()?;
    client.shutdown(std::net::Shutdown::Both).ok()
}

/// A start on such a daemon, where there is one behind it.
fn start(world: World, host: &str, more: &str) -> Option<Scene> {
    place::docker().then(|| {
        let text = format!(
            "[providers.box]\nkind = \"docker\"\nhost = \"{host}\"\nimage = \"{IMAGE}\"\n{more}"
        );
        std::fs::write(world.path("providers.toml"), text).expect("a file");
        Scene::new(world, "start box --timeout 20s")
            .volatile(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:40001")
    })
}

#[test]
fn a_daemon_whose_disk_is_full() {
    let source = Source::Thread(
        "moby/moby#36473",
        "beside some fifty containers one more could not be created, as there was no space below the daemon's folder",
    );
    row!(Kind::Docker, Stage::Room, source, |world| {
        let body =
            "{\"message\":\"mkdir /var/lib/docker/overlay2/4f1c-init: no space left on device\"}";
        let host = daemon("/containers/create", "500 Internal Server Error", body);
        start(world, &host, "pull = \"never\"\n").then(
            "the command that shows what uses the disk; then there is room again",
            Comes::Works,
            |reader| {
                // As far as it can be run here: to prune would take away what is not ours.
                reader.quoted(r"docker -H tcp://[0-9.:]+ system prune");
                reader.runs(&reader.quoted(r"docker -H tcp://[0-9.:]+ system df"));
                reader.writes("host = \"unix:///var/run/docker.sock\"");
                reader.comes_online();
            },
        )
    });
}

#[test]
fn an_image_that_does_not_fit_on_the_disk_of_the_daemon() {
    row!(
        Kind::Docker,
        Stage::Room,
        Source::Finding("hosts C6"),
        |world| {
            let body = "{\"errorDetail\":{\"message\":\"failed to register layer: write /opt/venv/lib/libtorch_cuda.so: no space left on device\"},\"error\":\"failed to register layer: write /opt/venv/lib/libtorch_cuda.so: no space left on device\"}\r\n";
            let host = daemon("/images/create", "200 OK", body);
            start(world, &host, "pull = \"always\"\n").then(
                "the command that shows what uses the disk; then there is room again",
                Comes::Works,
                |reader| {
                    // As far as it can be run here: to prune would take away what is not ours.
                    reader.quoted(r"docker -H tcp://[0-9.:]+ system prune");
                    reader.runs(&reader.quoted(r"docker -H tcp://[0-9.:]+ system df"));
                    reader.writes("host = \"unix:///var/run/docker.sock\"");
                    reader.writes("pull = \"missing\"");
                    reader.comes_online();
                },
            )
        }
    );
}

/// A start in a container that has an installed runner, which says something and ends with a code.
fn installed(world: World, says: &str, code: u8) -> Option<Scene> {
    let home = place::runner(&world, says, code);
    place::docker().then(|| {
        let text = format!(
            "[providers.box]\nkind = \"docker\"\nimage = \"{IMAGE}\"\npull = \"never\"\nnetwork = \"host\"\n\
             volumes = [\"{}:/opt/runner:ro\"]\nenv = {{ RUNNER_HOME = \"/opt/runner\" }}\n",
            home.display()
        );
        std::fs::write(world.path("providers.toml"), text).expect("a file");
        Scene::new(world, "start box --timeout 30s")
    })
}

#[test]
fn a_runner_in_a_container_that_github_does_not_know_any_more() {
    let source = Source::Thread(
        "myoung34/docker-github-actions-runner#260",
        "a container came up with the state of a runner whose registration was gone, and was told to configure it anew",
    );
    row!(Kind::Docker, Stage::Runner, source, |world| installed(
        world,
        "Failed to create a session. The runner registration has been deleted from the server, please re-configure.",
        1
    ));
}

#[test]
fn a_runner_in_a_container_that_another_one_kept_out() {
    row!(
        Kind::Docker,
        Stage::Runner,
        Source::Finding("github 11"),
        |world| installed(
            world,
            "A session for this runner already exists.\nFailed to create session. Conflict",
            5
        )
    );
}
