//! Jobs' containers and VMs' boot scripts, really run: in containers of an image that a test names,
//! whatever image was asked for. They share the host's network, so that loopback is reached.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::cloud_init;
use super::conditions::Ending;
use super::inner::Inner;
use super::launches::Launch;
use super::lock::lock;
use super::tokens::random;
use super::world::World;

/// The code with which a VM's first process says that the machine was powered off.
const OFF: i32 = 77;
/// A VM's first process: the machine stays when its boot script has ended. The signals are those that
/// busybox' own `halt` and `poweroff` send, which its shell takes before any in `$PATH`.
const INIT: &str = "#!/bin/sh
trap 'exit 77' USR1 USR2
/standin/boot &
while :; do
    sleep 60 &
    wait $!
done
";
/// In the place of every command that powers a machine off.
const POWER_OFF: &str = "#!/bin/sh
kill -USR2 1
";
const SWITCHES: [&str; 4] = ["poweroff", "shutdown", "halt", "systemctl"];
/// What a script of cloud-init finds in its environment.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Words as Nebius makes them: at blanks, and nothing quotes.
fn words(text: &Value) -> Vec<String> {
    let text = text.as_str().unwrap_or_default();
    let words = text.split(' ').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

impl World {
    /// A job's container, or a VM, begins to run.
    pub(super) fn begin_running(&mut self, id: &str) {
        let Some(image) = self.conditions.image.clone() else {
            return;
        };
        let launch = |vm| Launch {
            id: id.to_owned(),
            image,
            files: Vec::new(),
            env: Vec::new(),
            folder: None,
            words: Vec::new(),
            vm,
            stopped: Arc::default(),
            log: Arc::default(),
        };
        if let Some(job) = self.jobs.iter().find(|job| job.meta.id == id) {
            let mut launch = launch(false);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            for file in job.spec["injectedFiles"].as_array().into_iter().flatten() {
                let content = STANDARD.decode(text(&file["content"])).unwrap_or_default();
                let path = text(&file["containerPath"]);
                launch.files.push((path, 0o644, content));
            }
            let variables = job.spec["environmentVariables"].as_array();
            for variable in variables.into_iter().flatten() {
                let pair = (text(&variable["name"]), text(&variable["value"]));
                launch.env.push(pair);
            }
            launch.folder = job.spec["workingDir"].as_str().map(str::to_owned);
            launch.words = words(&job.spec["containerCommand"]);
            launch.words.extend(words(&job.spec["args"]));
            self.running.launch(launch);
        } else if let Some(vm) = self.vms.iter().find(|vm| vm.meta.id == id) {
            let data = vm.spec["cloudInitUserData"].as_str().unwrap_or_default();
            if data.is_empty() || !self.running.booted.insert(id.to_owned()) {
                return;
            }
            match cloud_init::read(data.as_bytes()) {
                Ok(boot) => {
                    let mut launch = launch(true);
                    launch.files = machine(boot, &self.conditions.boot_env);
                    launch.words = vec!["/standin/init".to_owned()];
                    self.running.launch(launch);
                }
                Err(error) => self
                    .violations
                    .push(format!("the user data of {id}: {error}")),
            }
        }
    }

    /// Nothing of it runs any more.
    pub(super) fn stop_running(&mut self, id: &str) {
        if let Some(stopped) = self.running.stops.remove(id) {
            stopped.store(true, Ordering::SeqCst);
        }
    }

    /// A container has ended with a code, by itself.
    fn ran(&mut self, id: &str, vm: bool, code: Option<i32>) {
        if vm {
            let there = self.vms.iter().any(|vm| vm.meta.id == id);
            if there && code == Some(OFF) {
                self.power_off(id);
            }
        } else if self.jobs.iter().any(|job| job.meta.id == id) {
            let ending = match code {
                Some(0) => Ending::Completed,
                Some(code) => Ending::Exited(code),
                None => Ending::Failed,
            };
            self.end_job(id, ending);
        }
    }
}

/// The files of a VM.
fn machine(boot: cloud_init::Boot, env: &[(String, String)]) -> Vec<(String, u32, Vec<u8>)> {
    let mut files = boot.files;
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let env: Vec<String> = env
        .iter()
        .map(|(name, value)| format!("{name}={}", quoted(value)))
        .collect();
    // cloud-init's service has no HOME and no USER.
    let env = format!("cd /; exec env -i PATH={PATH} {}", env.join(" "));
    let mut all = "#!/bin/sh\n".to_owned();
    for (index, script) in boot.scripts.into_iter().enumerate() {
        let path = format!("/var/lib/cloud/instance/scripts/part-{:03}", index + 1);
        all = format!("{all}({env} {path})\n");
        files.push((path, 0o700, script));
    }
    files.push(("/standin/boot".to_owned(), 0o755, all.into_bytes()));
    let init = INIT.as_bytes().to_vec();
    files.push(("/standin/init".to_owned(), 0o755, init));
    for switch in SWITCHES {
        let path = format!("/usr/local/sbin/{switch}");
        files.push((path, 0o755, POWER_OFF.as_bytes().to_vec()));
    }
    files
}

/// Keeps the world going where nobody asks, and runs what is to be run. Leaves nothing behind.
pub(super) fn host(inner: &Arc<Inner>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    loop {
        let launches = std::mem::take(&mut inner.world().running.launches);
        for launch in launches {
            let inner = Arc::clone(inner);
            threads.push(std::thread::spawn(move || run(&inner, &launch)));
        }
        threads.retain(|thread| !thread.is_finished());
        if inner.wait(Duration::from_millis(10)) {
            break;
        }
    }
    for thread in threads {
        // What it panicked with is on stderr already.
        let _ = thread.join();
    }
}

fn run(inner: &Inner, launch: &Launch) {
    let name = format!("gharun-standin-nebius-{}", random(8));
    let over = || inner.over() || launch.stopped.load(Ordering::SeqCst);
    let code = match contain(inner, &name, launch) {
        Ok(mut child) => loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.code(),
                Ok(None) if !over() => std::thread::sleep(Duration::from_millis(20)),
                // A container that is to end has no say in it. One that is only about to start cannot be killed yet.
                Ok(None) => {
                    docker(&["kill", &name], None).ok();
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(_) => break None,
            }
        },
        Err(error) => {
            lock(&launch.log).extend_from_slice(error.as_bytes());
            Some(128)
        }
    };
    if let Err(error) = docker(&["rm", "--force", "--volumes", &name], None) {
        lock(&launch.log).extend_from_slice(error.as_bytes());
    }
    if !over() {
        inner.world().ran(&launch.id, launch.vm, code);
    }
}

/// Makes a container and begins to run it; what is attached ends with it, with its code.
fn contain(inner: &Inner, name: &str, launch: &Launch) -> Result<Child, String> {
    let mut args = vec!["create", "--name", name, "--network", "host"];
    let label = format!("gharun-standin={}", std::process::id());
    args.extend(["--label", &label]);
    let pairs: Vec<String> = launch
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    for pair in &pairs {
        args.extend(["--env", pair]);
    }
    if let Some(folder) = &launch.folder {
        args.extend(["--workdir", folder]);
    }
    let (program, rest) = launch
        .words
        .split_first()
        .ok_or("the test image has no ENTRYPOINT")?;
    args.extend(["--entrypoint", program, &launch.image]);
    args.extend(rest.iter().map(String::as_str));
    docker(&args, None)?;
    let metadata = format!("{}/metadata/{}", inner.url, launch.id);
    let files = packed(&launch.files, &metadata).map_err(|error| error.to_string())?;
    docker(&["cp", "-", &format!("{name}:/")], Some(&files))?;
    let mut child = Command::new("docker")
        .args(["start", "--attach", name])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("docker start: {error}"))?;
    let streams: [Option<Box<dyn std::io::Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    for mut stream in streams.into_iter().flatten() {
        let log = Arc::clone(&launch.log);
        // It ends with the stream, which ends with the container.
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut chunk) {
                lock(&log).extend_from_slice(&chunk[..read]);
            }
        });
    }
    Ok(child)
}

fn packed(files: &[(String, u32, Vec<u8>)], metadata: &str) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, mode, content) in files {
        let path = path.trim_start_matches('/');
        let content = if path == "standin/boot" {
            let text = String::from_utf8_lossy(content);
            text.replace("{metadata}", metadata).into_bytes()
        } else {
            content.clone()
        };
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content.as_slice())?;
    }
    archive.into_inner()
}

/// Runs a command of Docker's to its end.
fn docker(args: &[&str], input: Option<&[u8]>) -> Result<(), String> {
    let told = |error: std::io::Error| format!("docker {}: {error}\n", args[0]);
    let mut child = Command::new("docker")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(told)?;
    if let Some(mut stdin) = child.stdin.take() {
        // Broken off: then its code says why.
        let _ = stdin.write_all(input.unwrap_or_default());
    }
    let output = child.wait_with_output().map_err(told)?;
    if output.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("docker {}: {said}\n", args[0]))
    }
}
