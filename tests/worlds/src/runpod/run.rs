//! The commands of pods, really run: as processes of this computer, restarted whenever they end.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

use super::command::{Run, kill};
use super::lags::{Lag, Wait};
use super::pod::{Pod, Stage};
use super::shared::Shared;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What makes the command the first of its own processes, as a container does: where that one ends or
/// the stand-in goes, the kernel ends all others. Empty where this computer cannot.
fn jail() -> &'static [String] {
    static JAIL: OnceLock<Vec<String>> = OnceLock::new();
    JAIL.get_or_init(|| {
        // Not by the image's `PATH`, where they need not be.
        let find = |program: &str| {
            let mut places = PATH.split(':').map(|folder| format!("{folder}/{program}"));
            places
                .find(|place| Path::new(place).exists())
                .unwrap_or_default()
        };
        let (setpriv, unshare) = (find("setpriv"), find("unshare"));
        let words = [
            &setpriv,
            "--pdeathsig",
            "KILL",
            &unshare,
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ];
        let mut probe = std::process::Command::new(words[0]);
        probe.args(&words[1..]).arg("true").stdin(Stdio::null());
        let probe = probe.stderr(Stdio::null()).status();
        let can = probe.is_ok_and(|status| status.success());
        let words = words.map(str::to_owned).to_vec();
        if can { words } else { Vec::new() }
    })
}

/// The words of a pod's command.
fn words(order: &Value) -> Vec<String> {
    let list = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    };
    let args = order["args"].as_str().unwrap_or_default();
    let both: Value = match serde_json::from_str(args) {
        Ok(both @ Value::Object(_)) => both,
        _ => Value::Null,
    };
    let part = |key: &str| match &order[key] {
        Value::Null => list(&both[key]),
        value => list(value),
    };
    let mut words = part("entrypoint");
    words.extend(part("cmd"));
    if words.is_empty() {
        words.extend(args.split_whitespace().map(str::to_owned));
    }
    words
}

impl Run {
    fn start(
        &mut self,
        pod: (&str, &Value, Vec<(String, String)>),
        shared: &Shared,
    ) -> io::Result<()> {
        let (id, order, given) = pod;
        if !self.machinery.keeps_disk {
            self.wipe();
        }
        let words = words(order);
        let mut all = jail().to_vec();
        all.extend(words);
        let Some((program, rest)) = all.split_first() else {
            return Err(io::Error::other("the pod has no command"));
        };
        let disk = self.disk.path();
        let mut command = Command::new(program);
        command
            .args(rest)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", disk)
            .current_dir(disk)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let place = disk.display().to_string();
        for (name, value) in &self.machinery.image {
            command.env(name, value.replace("{disk}", &place));
        }
        for (name, value) in order["env"].as_object().into_iter().flatten() {
            command.env(name, value.as_str().unwrap_or_default());
        }
        command.envs(given);
        let mut child = command.spawn()?;
        read(id, child.stdout.take(), shared);
        read(id, child.stderr.take(), shared);
        self.child = Some(child);
        Ok(())
    }
}

/// Takes what a command says into its pod's log.
fn read(id: &str, stream: Option<impl AsyncRead + Unpin + Send + 'static>, shared: &Shared) {
    let Some(stream) = stream else { return };
    let (id, shared) = (id.to_owned(), shared.clone());
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut world = shared.lock();
            if let Some(pod) = world.pods.iter_mut().find(|pod| pod.id == id) {
                pod.say("container", line);
            }
        }
    });
}

/// What a pod's container is told beside the variables of its order; these go over those.
fn given(pod: &Pod) -> Vec<(String, String)> {
    let order = &pod.order;
    let count = order["gpu"]["count"]
        .as_u64()
        .unwrap_or_else(|| u64::from(!order["gpu"].is_null()));
    let mut given = vec![
        ("RUNPOD_POD_ID".to_owned(), pod.id.clone()),
        ("RUNPOD_API_KEY".to_owned(), pod.key.clone()),
        ("RUNPOD_DC_ID".to_owned(), pod.place.to_owned()),
        ("RUNPOD_GPU_COUNT".to_owned(), count.to_string()),
        ("RUNPOD_PUBLIC_IP".to_owned(), "203.0.113.7".to_owned()),
    ];
    if let Some(volume) = order["mounts"]["network"][0]["volumeId"].as_str() {
        given.push(("RUNPOD_VOLUME_ID".to_owned(), volume.to_owned()));
    }
    given
}

/// Starts what is to run, starts again what ended, and kills what is not to run any more.
pub(super) fn tend(shared: &Shared) {
    let mut world = shared.lock();
    let machinery = world.rules.machinery.clone();
    for pod in &mut world.pods {
        let alive = match pod.stage {
            Stage::Up => true,
            Stage::Gone => pod.run.is_some() && !pod.dying.is_over(),
            _ => false,
        };
        if !alive {
            if pod.run.take().is_some() {
                pod.say("system", "kill container");
            }
            continue;
        }
        if pod.run.is_none() {
            let Some(machinery) = &machinery else {
                continue;
            };
            pod.run = Some(Run::new(machinery.clone()).expect("a folder for the pod"));
        }
        let Some(mut run) = pod.run.take() else {
            continue;
        };
        if let Some(child) = &mut run.child
            && let Ok(Some(status)) = child.try_wait()
        {
            pod.say("system", format!("container ended: {status}"));
            // Without a jail its processes outlive it; in a container they do not.
            if let Some(mut child) = run.child.take() {
                kill(&mut child);
            }
            run.idle = Some(Wait::new(Lag::Time(run.machinery.pause)));
        }
        if run.child.is_none() && run.idle.as_ref().is_none_or(Wait::is_over) {
            run.idle = None;
            pod.runs += 1;
            pod.say("system", "start container");
            let given = given(pod);
            if let Err(error) = run.start((&pod.id, &pod.order, given), shared) {
                pod.say("system", format!("container cannot start: {error}"));
                run.idle = Some(Wait::new(Lag::Time(Duration::from_secs(1))));
            }
        }
        pod.run = Some(run);
    }
}

/// A file on a pod's disk.
pub(super) fn file(pod: &Pod, path: &str) -> Option<String> {
    let disk = pod.run.as_ref()?.disk();
    std::fs::read_to_string(Path::new(&disk).join(path)).ok()
}
