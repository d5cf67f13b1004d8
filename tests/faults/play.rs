//! Plays one scenario: a flow, the stroke, the documented cure; then it is counted what is left, and what was promised.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::gate::Gate;
use crate::place::{Place, PlaceKind};
use crate::scenario::Flow;
use crate::strike::{Strikes, Stroke};
use crate::world::{World, signal};

/// How many runners a start is asked for.
const COUNT: usize = 2;
/// The run of all steps.
const RUN: u64 = 7;
/// How long a command may take, whatever happens to it. GitHub may be silent for as long as a request may take, several
/// times.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long a cure is tried again: a start's time limit and its grace, after which nothing may come any more.
const CURE: Duration = Duration::from_mins(4);
/// How long a port stays closed that refuses.
const REFUSES: Duration = Duration::from_secs(1);
/// How often it is looked whether machines need somebody to bring their runners online.
const TENDING: Duration = Duration::from_millis(250);

/// Time limits and graces, as short as settings can make them.
const SHORT: [(&str, &str); 4] = [
    ("GHARUN_TIMEOUT", "20s"),
    ("GHARUN_POLL_INTERVAL", "200ms"),
    ("GHARUN_SECOND_LOOK", "1s"),
    ("GHARUN_LIFETIME", "1h"),
];

/// What is said of a registration that is left.
const REGISTRATION: &str = "registration: ";

/// What came of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// The requests of the flow.
    pub(crate) asked: Vec<String>,
    /// Whether the stroke fell.
    pub(crate) struck: bool,
    /// Machines, disks, slots, processes and registrations that are left.
    pub(crate) left: Vec<String>,
    /// Promises that were not kept.
    pub(crate) broken: Vec<String>,
    /// What the program said.
    pub(crate) said: String,
}

/// Plays a flow, struck or not; `None` where its place cannot be had here.
pub(crate) fn play(kind: PlaceKind, flow: Flow, strike: Option<(usize, Stroke)>) -> Option<Played> {
    let strikes = Arc::new(Strikes::default());
    let place = kind.open(&strikes)?;
    let world = world(flow, &strikes, place.as_ref());
    let mut scene = Scene {
        strangers: place.all(&world),
        strange_machines: place.machines(&world),
        world,
        place,
        strikes,
        flow,
        twice: matches!(strike, Some((_, Stroke::Two))),
        played: Played::default(),
        mapping: None,
    };
    scene.play(strike);
    scene.clean();
    Some(scene.played)
}

/// A step's world, or a laptop's, whose requests go through gates.
fn world(flow: Flow, strikes: &Arc<Strikes>, place: &dyn Place) -> World {
    let world = match flow {
        Flow::StopOnLaptop => World::new(),
        _ => World::step(),
    };
    let gate = Gate::before_github(&world.stub.url(), strikes);
    let file = world.path("providers.toml").display().to_string();
    let text = format!(
        "[defaults]\nproviders = [\"here\"]\n\n[providers.here]\n{}",
        place.table()
    );
    std::fs::write(&file, text).expect("a file");
    world.github.set_run(RUN, 1, "in_progress");
    let mut world = world
        .env("GITHUB_API_URL", &gate.url())
        .env("GHARUN_CONFIG", &file);
    for (name, value) in SHORT {
        world = world.env(name, value);
    }
    for (name, value) in place.env() {
        world = world.env(name, &value);
    }
    world
}

struct Scene {
    world: World,
    place: Box<dyn Place>,
    /// What was there before.
    strangers: Vec<String>,
    strange_machines: usize,
    strikes: Arc<Strikes>,
    flow: Flow,
    /// Whether its command is run twice at a time.
    twice: bool,
    played: Played,
    /// The output of a good start.
    mapping: Option<String>,
}

/// How a command ended.
struct Ended {
    /// `None`: by a signal.
    code: Option<i32>,
    took: Duration,
}

impl Scene {
    fn play(&mut self, strike: Option<(usize, Stroke)>) {
        let start = format!("start here --count {COUNT}");
        if self.flow != Flow::Start {
            let ended = self.run(&start, None);
            if ended.code != Some(0) {
                self.broken("a start that nothing happened to failed");
                return;
            }
            self.prepare();
        }
        let args = match self.flow {
            Flow::Start => start,
            _ => self.cure().to_owned(),
        };
        self.strikes.arm(strike);
        let ended = self.run(&args, strike.map(|(_, stroke)| stroke));
        self.played.struck = self.strikes.has_struck();
        self.played.asked = self.strikes.disarm();
        self.judge(&ended, strike.map(|(_, stroke)| stroke));
        if self.flow == Flow::Start {
            self.mapping = None;
        }
        self.heal();
        self.settle();
        self.played.left = self.left();
        let there = self.place.all(&self.world);
        for lost in self.strangers.clone() {
            if !there.contains(&lost) {
                self.broken(&format!("what is not ours was ended: {lost}"));
            }
        }
    }

    /// Makes of a good start what the struck command finds.
    fn prepare(&mut self) {
        self.mapping = self.world.output("mapping");
        let forget = match self.flow {
            Flow::StopByRun | Flow::Sweep => &["temp/gharun-state.json", "output"][..],
            _ => &[],
        };
        for file in forget {
            // A start may have had no reason to write it.
            let _ = std::fs::remove_file(self.world.path(file));
        }
        if self.flow != Flow::StopByMapping {
            self.mapping = None;
        }
        if self.flow == Flow::Sweep {
            self.world.github.set_run(RUN, 1, "completed");
        }
    }

    /// What the documentation says to do, which is what a flow but the first one does anyway.
    fn cure(&self) -> &'static str {
        match self.flow {
            // Neither of two starts of one run says which one is meant.
            Flow::Start if self.twice => "stop --all --yes",
            Flow::Start | Flow::StopByMapping | Flow::StopByRun => "stop",
            Flow::StopOnLaptop => "stop --yes",
            Flow::Sweep => "stop --orphans --yes",
        }
    }

    /// Does that, as often as its exit code says that something may still be there.
    fn heal(&mut self) {
        let end = Instant::now() + CURE;
        loop {
            let cure = self.cure();
            match self.run(cure, None).code {
                Some(0) => return,
                Some(101) | None => return self.broken("the cure died"),
                _ if Instant::now() > end => return self.broken("the cure never came to an end"),
                _ => std::thread::sleep(Duration::from_secs(1)),
            }
        }
    }

    /// Waits until nothing is carried out any more.
    fn settle(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.strikes.is_quiet() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Compares what a command said by its exit code with what is there.
    fn judge(&mut self, ended: &Ended, stroke: Option<Stroke>) {
        if stroke.is_some_and(Stroke::kills) && self.played.struck {
            return;
        }
        let left = self.left();
        let is_two = stroke == Some(Stroke::Two);
        let machines = self.machines();
        match (self.flow, ended.code) {
            (_, None) => self.broken("it was killed by the signal"),
            (_, Some(101)) => self.broken("it panicked"),
            (Flow::Start, Some(0)) if !is_two && machines < COUNT => {
                self.broken(&format!("exit 0 with {machines} machines"));
            }
            (Flow::Start, Some(1 | 2 | 130)) if !is_two && !self.are_named(&left) => {
                self.broken(&format!("a start that says it left nothing left {left:?}"));
            }
            (Flow::Start, _) => {}
            (_, Some(0 | 130)) if !left.is_empty() => {
                self.broken(&format!("a stop that says all is gone left {left:?}"));
            }
            _ => {}
        }
        if ended.took > PATIENCE {
            self.broken("it took too long");
        }
        for violation in self.place.violations() {
            self.broken(&format!("a request is not as described: {violation}"));
        }
    }

    /// Whether nothing is left but registrations, which cost nothing, and the command has named each.
    fn are_named(&self, left: &[String]) -> bool {
        left.iter().all(|one| {
            let name = one.strip_prefix(REGISTRATION);
            name.is_some_and(|name| self.played.said.contains(&format!("stop {name}")))
        })
    }

    fn broken(&mut self, what: &str) {
        self.played.broken.push(what.to_owned());
    }

    /// How many machines of ours there are.
    fn machines(&self) -> usize {
        let all = self.place.machines(&self.world);
        all.saturating_sub(self.strange_machines)
    }

    /// All that is left, registrations too.
    fn left(&self) -> Vec<String> {
        let mut left = self.place.all(&self.world);
        left.retain(|one| !self.strangers.contains(one));
        let rows = self.world.stub.runners().into_iter();
        left.extend(rows.map(|row| format!("{REGISTRATION}{}", row.name)));
        left
    }

    fn command(&self, args: &str, stroke: Option<Stroke>) -> Command {
        let mut command = if stroke == Some(Stroke::DiskFull) {
            // Who writes beyond a limit is killed, unless it was started deaf to that signal.
            self.world
                .script(&format!("trap '' XFSZ\nexec gharun {args}\n"))
        } else {
            self.world.command(args)
        };
        if let Some(mapping) = &self.mapping {
            command.env("GHARUN_MAPPING", mapping);
        }
        command
    }

    /// Runs a command to its end, and does what the stroke asks for when it has come.
    fn run(&mut self, args: &str, stroke: Option<Stroke>) -> Ended {
        let begin = Instant::now();
        let mut running = vec![Running::start(self.command(args, stroke))];
        self.strikes.aim(running[0].child.id());
        let (mut struck, mut tended) = (None, Instant::now());
        let code = loop {
            if let (Some(stroke), None, true) = (stroke, struck, self.strikes.has_struck()) {
                struck = Some(Instant::now());
                match stroke {
                    Stroke::Two => running.push(Running::start(self.command(args, None))),
                    Stroke::DiskFull => forbid_writing(running[0].child.id()),
                    _ => {}
                }
            }
            if struck.is_some_and(|at| at.elapsed() > REFUSES) {
                self.strikes.relent();
            }
            if tended.elapsed() > TENDING {
                self.tend();
                tended = Instant::now();
            }
            let ended: Vec<_> = running.iter_mut().filter_map(Running::ended).collect();
            if ended.len() == running.len() {
                break ended[0].code();
            }
            if begin.elapsed() > PATIENCE {
                for one in &running {
                    signal(&one.child, "KILL");
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let took = begin.elapsed();
        let code = (took <= PATIENCE).then_some(code).flatten();
        for one in running {
            self.played.said += &one.said(args, took);
        }
        Ended { code, took }
    }

    /// Brings runners online whose machines are run by nobody.
    fn tend(&self) {
        if !self.place.is_empty_shell() || self.machines() == 0 {
            return;
        }
        for row in self.world.stub.runners() {
            self.world.github.bring_online(&row.name);
        }
    }

    /// Leaves nothing on this computer, whatever came of the scenario.
    fn clean(&mut self) {
        if !self.played.left.is_empty() {
            let said = std::mem::take(&mut self.played.said);
            self.run("stop --all --force --yes", None);
            self.played.said = said;
        }
    }
}

/// No file can grow any more that a process writes to.
fn forbid_writing(process: u32) {
    let forbidden = Command::new("prlimit")
        .args([format!("--pid={process}"), "--fsize=0".to_owned()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // The process may have ended meanwhile.
    drop(forbidden);
}

/// A command under way, whose words are read as they come.
struct Running {
    child: Child,
    ears: [JoinHandle<String>; 2],
    ended: Option<ExitStatus>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("it runs");
        let out = listen(child.stdout.take().expect("a pipe"));
        let err = listen(child.stderr.take().expect("a pipe"));
        Self {
            child,
            ears: [out, err],
            ended: None,
        }
    }

    /// How it ended, once it has.
    fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("it can be asked");
        }
        self.ended
    }

    /// All that it said.
    fn said(self, args: &str, took: Duration) -> String {
        let code = match self.ended.and_then(|status| status.code()) {
            Some(code) => format!("exit {code}"),
            None => "killed".to_owned(),
        };
        let [out, err] = self.ears.map(|ear| {
            // A process that the command started may hold the pipe: what came until now will do.
            let end = Instant::now() + Duration::from_secs(2);
            while !ear.is_finished() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(10));
            }
            if ear.is_finished() {
                ear.join().expect("no panic")
            } else {
                "(its pipe is still held)".to_owned()
            }
        });
        let seconds = took.as_secs_f32();
        format!("$ gharun {args}\n{out}{err}({code} after {seconds:.1} s)\n")
    }
}

fn listen(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = Vec::new();
        // What came until the pipe broke is what was said.
        let _ = pipe.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    })
}
