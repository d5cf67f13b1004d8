//! What another process of the same user, such as a job on `local`, sees of the program and its children.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;

use crate::world::{World, wait_for};

/// What nobody is to see, and where it is.
const HUSHED: [(&str, &str); 3] = [
    ("ACTIONS_RUNTIME_TOKEN", "hush-runtime"),
    // Where the table of another provider has its key.
    ("MY_OWN_KEY", "hush-own"),
    ("RUNPOD_API_KEY", "hush-key"),
];

#[test]
fn neither_the_program_nor_a_child_that_fetches_a_secret_shows_tokens() {
    let mut world = World::new().env("GH_PAT", "");
    for (name, value) in HUSHED {
        world = world.env(name, value);
    }
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let begun = world.path("home/begun").display().to_string();
    let (asker, config) = (world.path("ask.sh"), world.path("named.toml"));
    let ask = format!("echo $$ >'{begun}.new'\nmv '{begun}.new' '{begun}'\nexec sleep 60\n");
    fs::write(&asker, ask).expect("a script");
    let asker = asker.display().to_string();
    let table = format!(
        "[github]\ntoken = {{ command = [\"sh\", {asker:?}] }}\n\
         [providers.pods]\nkind = \"runpod\"\napi_key = {{ env = \"MY_OWN_KEY\" }}\n"
    );
    fs::write(&config, table).expect("a file");
    // Root reads what it wants, so the program is somebody else's where this is root.
    let root = Command::new("id")
        .arg("-u")
        .output()
        .expect("there is an id");
    let under: &[&str] = match root.stdout.as_slice() {
        b"0\n" => &["--reuid=65534", "--regid=65534", "--clear-groups"],
        _ => &[],
    };
    let program = world.path("gharun");
    fs::copy(cargo_bin("gharun"), &program).expect("a copy");
    open(world.folder.path(), 0o755);
    open(&world.path("home"), 0o777);
    let as_it = |words: &[&str]| {
        let mut command = match under {
            [] => Command::new(words[0]),
            _ => Command::new("setpriv"),
        };
        let rest = if under.is_empty() { &words[1..] } else { words };
        command.args(under).args(rest);
        command
    };
    let mut command = as_it(&[
        &program.display().to_string(),
        "--config",
        &config.display().to_string(),
        "--no-state",
        "list",
        "--provider",
        "local",
    ]);
    let dressed = world.command("");
    command.env_clear();
    command.envs(
        dressed
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut running = command
        .current_dir(world.folder.path())
        .spawn()
        .expect("it runs");
    wait_for("its question for the token", || {
        world.path("home/begun").exists().then_some(())
    });
    let read = |pid: &str| {
        let path = format!("/proc/{pid}/environ");
        let said = as_it(&["cat", &path]).output().expect("there is a cat");
        (
            said.status.success(),
            String::from_utf8_lossy(&said.stdout).into_owned(),
        )
    };
    let child = fs::read_to_string(world.path("home/begun")).expect("it is there");
    let (of_child, of_program) = (read(child.trim()), read(&running.id().to_string()));
    // Only what this test started, before anything is judged.
    for pid in [child.trim(), &running.id().to_string()] {
        let killed = Command::new("kill").args(["-KILL", pid]).status();
        assert!(killed.expect("there is a kill").success());
    }
    running.wait().expect("it has ended");
    let (is_read, of_child) = of_child;
    assert!(
        is_read && of_child.contains("HOME="),
        "the reader proves nothing"
    );
    let (is_read, of_program) = of_program;
    assert!(!is_read, "its environment can be read");
    for (name, value) in HUSHED {
        assert!(!of_program.contains(value), "{name}");
        assert!(!of_child.contains(value), "{name}: {of_child}");
    }
}
