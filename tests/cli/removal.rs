//! `gharun stop` of a container whose daemon does not remove it at once.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::World;

const ID: &str = "abababababababababababababababababababababababababababababababab";
/// `printf 'AAAA:BBBB' | sha256sum`
const PLACE: &str = "4601ab0ede35";

/// What the daemon does with one request to remove the container.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Removal {
    /// It refuses, with this status and these words.
    Refused(u16, &'static str),
    /// It removes it, and the connection breaks before the answer.
    Lost,
    /// It says that it does, and does not.
    Ignored,
}

/// A Docker daemon on loopback with one container, as far as its end goes.
pub(crate) struct Daemon {
    pub(crate) host: String,
    state: Arc<Mutex<State>>,
}

struct State {
    labels: Value,
    is_there: bool,
    /// What becomes of the next removals; after them, the container is removed.
    removals: Vec<Removal>,
    removals_asked: usize,
}

impl Daemon {
    pub(crate) fn start(world: &World, removals: &[Removal]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = format!("tcp://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State {
            labels: json!({
                "managed-by": "gharun",
                "gharun-name": "gharun-tpa3w7oi2c5t41",
                "gharun-server": world.server(),
                "gharun-scope": world.repo(),
                "gharun-start": "k3x9",
                "gharun-created": "1795507200",
                "gharun-ready-by": "1795508100",
                "gharun-expires": "4102444800",
            }),
            is_there: true,
            removals: removals.to_vec(),
            removals_asked: 0,
        }));
        let daemon = Self {
            host,
            state: Arc::clone(&state),
        };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || {
                    // A client that goes away is no failure of the daemon.
                    let _ = answer(client, &state);
                });
            }
        });
        daemon
    }

    /// Stops the container; the time that it took, and how often its removal was asked for.
    fn stop(&self, world: &World) -> (Duration, usize) {
        let begin = Instant::now();
        let host = &self.host;
        let id = &ID[..12];
        let stop = format!(
            "--no-state --output json stop --provider docker --set host={host} docker:{PLACE}/{id}"
        );
        let said = world.run(&stop).exits(0);
        assert_eq!(
            said.json()["stopped"][0]["terminated"],
            true,
            "{}",
            said.stdout
        );
        let state = self.state.lock().expect("no thread panics");
        assert!(!state.is_there, "it is removed");
        (begin.elapsed(), state.removals_asked)
    }
}

/// Answers one request, and closes the connection.
fn answer(mut client: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut chunk)? {
            0 => return Ok(()),
            read => head.extend_from_slice(&chunk[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let Some((status, body)) = judge(method, path, &mut state.lock().expect("no thread panics"))
    else {
        return Ok(());
    };
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    write!(
        client,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Status and body of an answer; `None`: there is no answer.
fn judge(method: &str, path: &str, state: &mut State) -> Option<(u16, Value)> {
    let missing = || {
        (
            404,
            json!({ "message": format!("No such container: {ID}") }),
        )
    };
    let path = path.split('?').next().unwrap_or_default();
    if method == "DELETE" {
        state.removals_asked += 1;
        let removal = (!state.removals.is_empty()).then(|| state.removals.remove(0));
        if !state.is_there {
            return Some(missing());
        }
        return match removal {
            Some(Removal::Refused(status, words)) => Some((status, json!({ "message": words }))),
            Some(Removal::Ignored) => Some((204, Value::Null)),
            Some(Removal::Lost) => {
                state.is_there = false;
                None
            }
            None => {
                state.is_there = false;
                Some((204, Value::Null))
            }
        };
    }
    let container =
        json!({ "Id": ID, "Created": 1_795_507_200, "State": "running", "Labels": state.labels });
    Some(match path.rsplit('/').next().unwrap_or_default() {
        "version" => (200, json!({ "ApiVersion": "1.47", "Version": "27.0.0" })),
        "info" => (200, json!({ "ID": "AAAA:BBBB", "OSType": "linux" })),
        "json" if path.ends_with("/containers/json") => {
            let all: Vec<Value> = state.is_there.then_some(container).into_iter().collect();
            (200, Value::from(all))
        }
        "json" if state.is_there => {
            let config = json!({ "Labels": state.labels });
            (
                200,
                json!({ "Id": ID, "State": { "Status": "running" }, "Config": config }),
            )
        }
        "top" if state.is_there => (
            200,
            json!({ "Titles": ["CMD"], "Processes": [["sleep 600"]] }),
        ),
        _ => missing(),
    })
}

#[test]
fn a_removal_that_was_refused_once_is_asked_for_again_at_once() {
    for removal in [
        Removal::Refused(503, "the proxy is not well"),
        Removal::Refused(500, "unable to remove filesystem: device or resource busy"),
        Removal::Refused(409, "removal of container abab is already in progress"),
        Removal::Refused(429, "too many requests"),
    ] {
        let world = World::new();
        let daemon = Daemon::start(&world, &[removal]);
        let (took, asked) = daemon.stop(&world);
        assert_eq!(asked, 2, "{removal:?}");
        assert!(took < Duration::from_secs(30), "{removal:?}: {took:?}");
    }
}

#[test]
fn a_removal_whose_answer_was_lost_is_proved() {
    let world = World::new();
    let daemon = Daemon::start(&world, &[Removal::Lost]);
    daemon.stop(&world);
}

#[test]
fn a_removal_that_was_accepted_and_not_carried_out_is_asked_for_again() {
    let world = World::new();
    let daemon = Daemon::start(&world, &[Removal::Ignored]);
    let (_, asked) = daemon.stop(&world);
    assert_eq!(asked, 2);
}
