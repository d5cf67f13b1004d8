//! Commands, from the command line to the exit code: on providers in memory and the stub of GitHub.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use clap::Parser as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::model::{Name, Order, Reference, Rental, Secret, Tags};
use crate::providers::Provider;
use crate::providers::memory::{InMemoryCloud, InMemoryProvider};
use crate::rehearsal::{StubOptions, StubServer};
use crate::state::RunnerRecord;
use gharun_worlds::github::GitHub;

mod checking;
mod failing;
mod listing;
mod opening;
mod preparing;
mod rehearsing;
mod stopping;

const TOKEN: &str = "ghp_thisTokenMustNotBeSeenAnywhere";

/// A stream that can be looked at, and beside it all that was written to both streams, in order.
#[derive(Clone, Default)]
struct Stream {
    own: Arc<Mutex<Vec<u8>>>,
    both: Arc<Mutex<Vec<u8>>>,
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.both.lock().expect("no panic").extend(bytes);
        self.own.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(bytes.clone()).expect("UTF-8")
}

/// What a command came to.
#[derive(Debug)]
struct Said {
    exit: Exit,
    stdout: String,
    stderr: String,
    /// Both, as a terminal shows them.
    both: String,
}

impl Said {
    #[track_caller]
    fn exits(self, exit: Exit) -> Self {
        assert_eq!(self.exit, exit, "{self:#?}");
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    #[track_caller]
    fn says(&self, text: &str) {
        assert!(self.stderr.contains(text), "no `{text}`: {self:#?}");
    }

    /// How often standard error holds a text.
    fn times(&self, text: &str) -> usize {
        self.stderr.matches(text).count()
    }
}

/// A laptop: a stub of GitHub, a cloud in memory, a providers.toml.
pub(super) struct World {
    github: GitHub,
    /// Serves until it is dropped.
    _stub: StubServer,
    pub(super) cloud: InMemoryCloud,
    folder: TempDir,
    env: Vec<(String, String)>,
}

impl World {
    /// One whose file has a table `gpu` and what is given beside. `gpu` and `far` are providers in memory.
    pub(super) fn new(beside: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let github = GitHub::default();
        let stub = StubServer::open_behind(StubOptions::default(), github.interceptor());
        let stub = stub.expect("a stub");
        let file = format!("[providers.gpu]\nkind = \"local\"\n{beside}");
        std::fs::write(folder.path().join("providers.toml"), file).expect("a file");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let env = [
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("HOME", path("home")),
            ("GHARUN_CONFIG", path("providers.toml")),
            ("GHARUN_STATE", path("state.json")),
            ("GHARUN_REPO", "octo/app".to_owned()),
            ("GITHUB_API_URL", stub.url()),
            // The stand-in is a proxy before it.
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GH_PAT", TOKEN.to_owned()),
        ];
        Self {
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            cloud: InMemoryProvider::cloud(),
            github,
            _stub: stub,
            folder,
        }
    }

    /// The same as a step of a workflow.
    fn step(beside: &str) -> Self {
        let world = Self::new(beside);
        let summary = world.folder.path().join("summary").display().to_string();
        world
            .with("GITHUB_ACTIONS", "true")
            .with("GITHUB_RUN_ID", "7")
            .with("GITHUB_STEP_SUMMARY", &summary)
    }

    /// The same with a variable; an empty one is taken away.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(other, _)| other != name);
        if !value.is_empty() {
            self.env.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// What the job's summary holds.
    fn summary(&self) -> String {
        let file = self.folder.path().join("summary");
        std::fs::read_to_string(file).unwrap_or_default()
    }

    /// Runs a command; words are divided by blanks.
    fn run<'a>(&'a self, args: &'a str) -> LocalBoxFuture<'a, Said> {
        Box::pin(self.ran(args))
    }

    async fn ran(&self, args: &str) -> Said {
        let words = std::iter::once("gharun").chain(args.split_whitespace());
        let cli = Cli::try_parse_from(words).expect("a command line");
        let stdout = Stream::default();
        let stderr = Stream {
            both: Arc::clone(&stdout.both),
            ..Stream::default()
        };
        let env: Env = self.env.iter().cloned().collect();
        let step = step(&env);
        let listens = step.listens;
        let voice = |format| {
            let look = UiOptions {
                format,
                actions: listens,
                ..UiOptions::default()
            };
            let (out, err) = (Box::new(stdout.clone()), Box::new(stderr.clone()));
            Ui::speaking_to(look, out, err)
        };
        let actions = Arc::new(Actions::speaking_to(step, Box::new(stderr.clone())));
        let (format, _) = settings::manners(&cli.global, &env);
        let exit = match Settings::resolve(&cli.global, sets(&cli.command), env) {
            Err(error) => {
                let screen = Screen::new(&voice(format), &actions, format);
                screen.fail(&cli.command, &error.into())
            }
            Ok(settings) => {
                let format = settings.format;
                let mut context = Context::new(settings, voice(format), actions);
                self.lend(&mut context);
                context.run(&cli.command).await
            }
        };
        let here = self.folder.path().display().to_string();
        let said = |bytes: &Mutex<Vec<u8>>| {
            // Masks are how a step tells its runner what to hide.
            let text = text(bytes);
            let lines = text.split_inclusive('\n');
            let text: String = lines
                .filter(|line| !line.starts_with("::add-mask::"))
                .collect();
            assert!(!text.contains(TOKEN), "a secret is shown: {text}");
            text.replace(&format!("{here}/"), "")
        };
        Said {
            exit,
            stdout: said(&stdout.own),
            stderr: said(&stderr.own),
            both: said(&stdout.both),
        }
    }

    /// What commands work with, for what is tested by itself.
    pub(super) fn context(&self) -> Context {
        let cli = Cli::try_parse_from(["gharun", "list"]).expect("a command line");
        let env: Env = self.env.iter().cloned().collect();
        let step = step(&env);
        let settings = Settings::resolve(&cli.global, sets(&cli.command), env);
        let settings = settings.expect("they are fine");
        let stream = Stream::default();
        let (out, err) = (Box::new(stream.clone()), Box::new(stream.clone()));
        let ui = Ui::speaking_to(UiOptions::default(), out, err);
        let actions = Actions::speaking_to(step, Box::new(stream));
        let mut context = Context::new(settings, ui, Arc::new(actions));
        self.lend(&mut context);
        context
    }

    fn lend(&self, context: &mut Context) {
        for name in ["far", "gpu"] {
            let provider: Arc<dyn Provider> = Arc::new(self.cloud.provider(name));
            context.doubles.insert(name.to_owned(), provider);
        }
    }

    /// A machine of `gpu` whose start was over so long ago, and whose runner GitHub does not know.
    async fn orphan(&self) -> Reference {
        self.machine("octo/app", SignedDuration::from_hours(1))
            .await
    }

    async fn machine(&self, scope: &str, ago: SignedDuration) -> Reference {
        let created = Timestamp::now() - ago;
        let ready_by = created + SignedDuration::from_mins(15);
        let tags = Tags {
            name: Name::choose(None, 0, ready_by),
            server: "github.com".into(),
            scope: scope.into(),
            repository: Some(scope.to_owned()),
            runner_id: None,
            run: None,
            start: "a".into(),
            group: None,
            created,
            ready_by,
            expires: created + SignedDuration::from_hours(7),
            idle_limit: None,
        };
        let order = Order {
            name: tags.name.clone(),
            boot: Secret::new("true"),
            queue_key: tags.name.to_string(),
            tags,
            lifetime: Duration::from_hours(7),
            keep_failed: false,
        };
        let provider = self.cloud.provider("gpu");
        let machine = Provider::launch(&provider, &order).await;
        Reference {
            provider: "gpu".to_owned(),
            id: machine.expect("it launches").id,
        }
    }

    /// Writes a record down: of a machine at a provider, long after its start.
    async fn record(&self, provider: &str) {
        let created = Timestamp::now() - SignedDuration::from_hours(1);
        let name = Name::choose(None, 0, created);
        let entry = RunnerRecord {
            provider: provider.to_owned(),
            server: "github.com".to_owned(),
            scope: "octo/app".to_owned(),
            repository: None,
            run: None,
            start: "a".to_owned(),
            group: None,
            created,
            expires: created + SignedDuration::from_hours(7),
            runner_id: None,
            at: Vec::new(),
            instance: format!("{provider}:x/y").parse().ok(),
            rental: Rental::default(),
            machineless: false,
            launch: None,
        };
        let store = Store::at(self.folder.path().join("state.json"));
        let written = store.update(move |entries| drop(entries.insert(name, entry)));
        written.await.expect("it is written");
    }
}
