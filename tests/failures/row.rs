//! A row: a failure that is seeded twice, on a terminal and in a workflow step.

use std::any::Any;
use std::fmt;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::screens::{self, Section};
use crate::stable::Stable;
use crate::step::{self, Comes, Next, Reader};
use crate::terminal::{self, Screen};
use crate::world::{PATIENCE, World};

/// What a failure is about: a kind of provider, GitHub, or gharun in general.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    General,
    GitHub,
    Local,
    Docker,
    Ssh,
    Aws,
    RunPod,
    Nebius,
}

/// When it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// A file, a flag or a variable cannot be used.
    Settings,
    /// A token, a key or an account is refused or missing.
    Credentials,
    /// A region, a daemon, a host, an image, a network does not fit or is not reached.
    Place,
    /// Nothing is free.
    Room,
    /// The machine comes up, and its runner does not.
    Boot,
    /// The runner's own program fails, or GitHub drops it.
    Runner,
    /// Something cannot be listed, stopped or removed.
    End,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::General,
        Self::GitHub,
        Self::Local,
        Self::Docker,
        Self::Ssh,
        Self::Aws,
        Self::RunPod,
        Self::Nebius,
    ];
}

impl Stage {
    pub(crate) const ALL: [Self; 7] = [
        Self::Settings,
        Self::Credentials,
        Self::Place,
        Self::Room,
        Self::Boot,
        Self::Runner,
        Self::End,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// What made us look.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A finding of ours, by its paper and number.
    Finding(&'static str),
    /// A public thread that no finding names, and what happened there, in our own words.
    Thread(&'static str, &'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finding(which) => write!(f, "Finding: {which}"),
            Self::Thread(which, what) => write!(f, "Thread: {which}: {what}"),
        }
    }
}

/// A seeded failure that is ready to be met.
pub(crate) struct Scene {
    world: World,
    args: Vec<String>,
    volatile: Vec<(String, String)>,
    standins: Vec<Box<dyn Any>>,
    meanwhile: Box<dyn FnMut(&World)>,
    afterwards: Box<dyn FnOnce(&World)>,
    next: Option<Next>,
}

#[allow(dead_code, reason = "not every kind of row needs every part")]
impl Scene {
    /// Arguments are divided by blanks.
    pub(crate) fn new(world: World, args: &str) -> Self {
        Self {
            world,
            args: args.split_whitespace().map(str::to_owned).collect(),
            // The times of a boot log, and the ports of stand-ins in it.
            volatile: vec![
                (
                    r"t=1\d{9}\.\d{9}".to_owned(),
                    "t=1795507200.000000000".to_owned(),
                ),
                (r"t=1\d{9}\b".to_owned(), "t=1795507200".to_owned()),
                (r"port \d{5}".to_owned(), "port 40001".to_owned()),
            ],
            standins: Vec::new(),
            meanwhile: Box::new(|_| ()),
            afterwards: Box::new(|_| ()),
            next: None,
        }
    }

    /// Where it happens.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// The same with other arguments, divided by blanks.
    pub(crate) fn instead(mut self, args: &str) -> Self {
        self.args = args.split_whitespace().map(str::to_owned).collect();
        self
    }

    /// One more argument, which may have blanks.
    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Gives the machine a setup script.
    pub(crate) fn setup(self, script: &str) -> Self {
        std::fs::write(self.world.path("setup.sh"), script).expect("a file");
        self.arg("--setup").arg("setup.sh")
    }

    /// Keeps something alive until gharun has ended.
    pub(crate) fn with(mut self, standin: impl Any) -> Self {
        self.standins.push(Box::new(standin));
        self
    }

    /// Does something every 20 ms while gharun runs.
    pub(crate) fn meanwhile(mut self, act: impl FnMut(&World) + 'static) -> Self {
        self.meanwhile = Box::new(act);
        self
    }

    /// Does something when gharun has ended.
    pub(crate) fn afterwards(mut self, act: impl FnOnce(&World) + 'static) -> Self {
        self.afterwards = Box::new(act);
        self
    }

    /// What a reader does next, as the hint says it, and what then comes of the command.
    pub(crate) fn then(
        mut self,
        does: &'static str,
        comes: Comes,
        act: impl FnOnce(&mut Reader) + 'static,
    ) -> Self {
        self.next = Some(Next::Run {
            does,
            comes,
            act: Box::new(act),
        });
        self
    }

    /// Why the next step cannot be run here: what it needs, in a word, and the reason.
    pub(crate) fn needs(mut self, what: &'static str, why: &'static str) -> Self {
        self.next = Some(Next::Needs(what, why));
        self
    }

    /// Replaces what differs from run to run.
    pub(crate) fn volatile(mut self, regex: &str, stable: &str) -> Self {
        self.volatile.push((regex.to_owned(), stable.to_owned()));
        self
    }

    /// Takes the next step from what was seen, and ends what must end.
    #[track_caller]
    fn end(self, lines: impl FnOnce() -> Vec<String>) {
        if let Some(Next::Run { act, comes, .. }) = self.next {
            step::take(&self.world, &lines(), &self.args, comes, act);
        }
        (self.afterwards)(&self.world);
    }

    fn command(&self) -> Command {
        let mut command = self.world.command("");
        command.args(&self.args);
        command
    }

    fn typed(&self) -> String {
        let quoted = self.args.iter().map(|arg| {
            if arg.contains([' ', '"', '\'', '{', '*', '$']) {
                format!("'{arg}'")
            } else {
                arg.clone()
            }
        });
        format!("gharun {}", quoted.collect::<Vec<_>>().join(" "))
    }
}

/// What a row's closure returns.
pub(crate) trait Seeded {
    /// `None` where it cannot be done here, which was said.
    fn scene(self) -> Option<Scene>;

    /// As [`Scene::then`].
    fn then(
        self,
        does: &'static str,
        comes: Comes,
        act: impl FnOnce(&mut Reader) + 'static,
    ) -> Option<Scene>
    where
        Self: Sized,
    {
        self.scene().map(|scene| scene.then(does, comes, act))
    }

    /// As [`Scene::needs`].
    fn needs(self, what: &'static str, why: &'static str) -> Option<Scene>
    where
        Self: Sized,
    {
        self.scene().map(|scene| scene.needs(what, why))
    }
}

impl Seeded for Scene {
    fn scene(self) -> Option<Scene> {
        Some(self)
    }
}

impl Seeded for Option<Scene> {
    fn scene(self) -> Option<Scene> {
        self
    }
}

/// Runs a row under the name of the test that it stands in.
macro_rules! row {
    ($kind:expr, $stage:expr, $source:expr, $seed:expr) => {{
        fn here() {}
        let test = std::any::type_name_of_val(&here);
        $crate::row::run(test, $kind, $stage, $source, $seed)
    }};
}
pub(crate) use row;

/// Meets a failure twice, and compares what is seen with its section.
#[track_caller]
pub(crate) fn run<S: Seeded>(
    test: &str,
    kind: Kind,
    stage: Stage,
    source: Source,
    seed: impl Fn(World) -> S,
) {
    let test = test.trim_end_matches("::here");
    let test = test.rsplit("::").next().unwrap_or_default().to_owned();
    let laptop = World::new()
        .env("COLUMNS", "")
        .env("TERM", "xterm-256color");
    let Some(scene) = seed(laptop).scene() else {
        return;
    };
    let stable = Stable::new(&scene.world, &scene.volatile);
    let typed = stable.of(&scene.typed());
    let next = scene.next.as_ref().map(ToString::to_string);
    let (written, code) = on_a_terminal(scene);
    let screen = stable.screen(&written);
    let step = World::step().env("GITHUB_RUN_ID", &run_id().to_string());
    let Some(scene) = seed(step).scene() else {
        return;
    };
    let stable = Stable::new(&scene.world, &scene.volatile);
    let (heard, step_code) = in_a_step(scene);
    // Names are counted as they come in them, whatever the log says before.
    let annotations: Vec<String> = heard.lines().filter_map(annotation).collect();
    let annotations = stable.of(&annotations.join("\0"));
    screens::compare(&Section {
        kind,
        stage,
        test,
        source: source.to_string(),
        screen: std::iter::once(format!("$ {typed}"))
            .chain(screen)
            .collect(),
        annotations: annotations.split('\0').map(str::to_owned).collect(),
        exit: match step_code {
            _ if step_code == code => format!("Exit code {code}."),
            _ => format!("Exit code {code}; in the step {step_code}."),
        },
        next: next.unwrap_or_default(),
    });
}

/// A workflow run that no other scene has.
fn run_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u64::from(std::process::id()) * 1000 + 700 + NEXT.fetch_add(1, Ordering::Relaxed)
}

fn on_a_terminal(mut scene: Scene) -> (String, i32) {
    let command = scene.command();
    let seen = terminal::run(command, || (scene.meanwhile)(&scene.world));
    scene.end(|| Screen::after(&seen.0));
    seen
}

/// What a runner hears of a step, and its exit code.
fn in_a_step(mut scene: Scene) -> (String, i32) {
    let mut command = scene.command();
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let seen = heard(command, || (scene.meanwhile)(&scene.world));
    scene.end(|| {
        let annotations = seen.0.lines().filter_map(annotation);
        let lines = annotations.flat_map(|one| one.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.collect()
    });
    seen
}

/// What a program says on standard error, and its exit code. `meanwhile` is called now and then until it ends.
pub(crate) fn heard(mut command: Command, mut meanwhile: impl FnMut()) -> (String, i32) {
    let mut child = command.spawn().expect("it runs");
    let mut stderr = child.stderr.take().expect("its standard error");
    let reader = std::thread::spawn(move || {
        let mut heard = String::new();
        stderr.read_to_string(&mut heard).map(|_| heard)
    });
    let latest = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break status;
        }
        meanwhile();
        if Instant::now() > latest {
            // It may have ended meanwhile.
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let heard = reader.join().expect("no panic").expect("UTF-8");
    (heard, status.code().unwrap_or(-1))
}

/// A line of a step's log as an annotation, if it is one: `LEVEL | TITLE`, and the message as GitHub decodes it.
fn annotation(line: &str) -> Option<String> {
    let (head, message) = line.strip_prefix("::")?.split_once("::")?;
    let (level, properties) = head.split_once(' ').unwrap_or((head, ""));
    if !matches!(level, "error" | "warning" | "notice") {
        return None;
    }
    let decoded = |text: &str| {
        let text = text.replace("%0A", "\n").replace("%0D", "\r");
        text.replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    let mut properties = properties.split(',');
    let title = properties.find_map(|property| property.strip_prefix("title="));
    Some(format!(
        "{level} | {}\n{}",
        decoded(title.unwrap_or_default()),
        decoded(message)
    ))
}
