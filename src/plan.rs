//! What to start, fully decided: pure, and read by nobody before it is whole.

use std::num::NonZeroU16;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{
    Name, REHEARSAL, RegistrationMode, Run, RunnerVersion, Secret, Tags, choose_start, later,
};
use crate::providers::SHOWS_AT_MOST;
use crate::settings::{self, Settings};

/// How long a start may go on undoing what it did: until its slowest place shows what it may have launched, and can be
/// asked to end it. A name tells others that its start may still be at it.
pub const UNDOING: Duration = SHOWS_AT_MOST.saturating_add(Duration::from_mins(1));

/// What tells the machines of this start from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartIdentity {
    /// `github.com`, or the host of a GHES.
    pub server: String,
    /// The scope as tags spell it.
    pub scope: String,
    /// `owner/name`.
    pub repository: Option<String>,
    /// The run that this is a step of.
    pub run: Option<Run>,
    /// The id of this process, see [`choose_start`].
    pub start: String,
    /// What pairs this start with its stop.
    pub group: Option<String>,
}

/// What time it is, by clocks that may not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// By GitHub's clock.
    pub now: Timestamp,
    /// By the clock that is behind, where GitHub's and ours do not agree; else by GitHub's.
    pub earliest: Timestamp,
    /// The same by the clock that is ahead.
    pub latest: Timestamp,
}

impl Clocks {
    /// Clocks that agree.
    pub fn agreed(now: Timestamp) -> Self {
        Self {
            now,
            earliest: now,
            latest: now,
        }
    }
}

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What tells its machines from all others.
    pub identity: StartIdentity,
    /// How many runners.
    pub count: NonZeroU16,
    /// Labels beside the unique one.
    pub labels: Vec<String>,
    /// Providers in order of preference.
    pub providers: Vec<String>,
    /// The bound on the whole start.
    pub timeout: Duration,
    /// How long a machine may live.
    pub lifetime: Duration,
    /// How long it waits for a job; `None` is for ever.
    pub idle_timeout: Option<Duration>,
    /// The pause between looks.
    pub poll_interval: Duration,
    /// Keep those that came up.
    pub allow_partial: bool,
    /// Leave failed machines.
    pub keep_failed: bool,
    /// The text of the user's script.
    pub setup: Option<String>,
    /// The file that it is from.
    pub setup_file: Option<String>,
    /// Which runner.
    pub version: RunnerVersion,
    /// How it is registered.
    pub registration: RegistrationMode,
    /// Variables for the machine's downloads and its runner: proxies, whose values may hold a password.
    pub env: Vec<(String, Secret)>,
    /// Certificates in PEM form that the machine is to trust beside its own, as
    /// [`crate::bootstrap::certificates`] gives them.
    pub ca: Option<String>,
}

/// How often the stub GitHub of a rehearsal is asked, at the least.
const REHEARSED_POLL: Duration = Duration::from_millis(500);

/// What a plan is decided by beside the settings.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// See [`Plan::ca`].
    pub ca: Option<String>,
    /// Set where runners register with the stub GitHub.
    pub rehearsal: Option<Rehearsal>,
}

/// The stub GitHub of a rehearsal.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The host at which machines reach it.
    pub host: String,
    /// The version of its runner. One that an image brings along is the real one, and it talks to the
    /// real GitHub only.
    pub version: String,
}

impl Plan {
    /// Decides what to start. A rehearsal is one of the first provider: the others are only asked when
    /// there is no room.
    ///
    /// # Errors
    ///
    /// No scope is given.
    pub fn decide(
        settings: &Settings,
        start: &settings::StartSettings,
        given: Given,
    ) -> settings::Result<Self> {
        let plan = Self::of(settings, start, given.ca, given.rehearsal.is_some())?;
        Ok(match given.rehearsal {
            Some(rehearsal) => plan.rehearsed(rehearsal),
            None => plan,
        })
    }

    fn rehearsed(self, Rehearsal { host, version }: Rehearsal) -> Self {
        Self {
            providers: self.providers.into_iter().take(1).collect(),
            version: RunnerVersion::Exact(version),
            poll_interval: self.poll_interval.min(REHEARSED_POLL),
            env: past_proxies(self.env, &host),
            ..self
        }
    }

    fn of(
        settings: &Settings,
        start: &settings::StartSettings,
        ca: Option<String>,
        rehearses: bool,
    ) -> settings::Result<Self> {
        let github = &settings.github;
        let scope = if rehearses {
            REHEARSAL.to_owned()
        } else {
            github.scope()?.to_string()
        };
        Ok(Self {
            identity: StartIdentity {
                server: github.host(),
                scope,
                repository: github.repository.clone().filter(|_| !rehearses),
                run: settings.step.as_ref().and_then(|step| step.run),
                start: choose_start(start.count),
                group: start.group.clone(),
            },
            count: start.count,
            labels: start.labels.clone(),
            providers: start.providers.clone(),
            timeout: start.timeout,
            lifetime: start.lifetime,
            idle_timeout: start.idle_timeout,
            poll_interval: start.poll_interval,
            allow_partial: start.allow_partial,
            keep_failed: start.keep_failed,
            setup: start.setup.clone(),
            setup_file: start.setup_file.clone(),
            version: start.version.clone(),
            registration: start.registration,
            env: start.proxies.for_machines.clone(),
            ca,
        })
    }

    /// The second until which a start that began at `now` may still be at work.
    pub fn ready_by(&self, now: Timestamp) -> Timestamp {
        later(later(now, self.timeout), UNDOING)
    }

    /// Chooses a name for one of the runners. Its start may be at work as long as any clock says so: nobody else is to
    /// end what it makes.
    pub fn name(&self, index: usize, clocks: Clocks) -> Name {
        Name::choose(self.identity.run, index, self.ready_by(clocks.latest))
    }

    /// When the lifetime of a machine that is ordered now is over by every clock.
    pub fn end_of_life(&self, clocks: Clocks) -> Timestamp {
        later(clocks.latest, self.lifetime)
    }

    /// The labels of a runner, the unique one first.
    pub fn labels_of(&self, name: &Name) -> Vec<String> {
        std::iter::once(name.to_string())
            .chain(self.labels.iter().cloned())
            .collect()
    }

    /// What the machine of a runner carries when it is ordered now. Its lifetime counts from the earliest clock, so that
    /// it is never longer, and is over no sooner than its start may be by the latest.
    pub fn tags(&self, name: &Name, runner_id: Option<u64>, clocks: Clocks) -> Tags {
        let id = &self.identity;
        let at_least = name.ready_by().min(self.end_of_life(clocks));
        Tags {
            name: name.clone(),
            server: id.server.clone(),
            scope: id.scope.clone(),
            repository: id.repository.clone(),
            runner_id,
            run: id.run,
            start: id.start.clone(),
            group: id.group.clone(),
            created: clocks.now,
            ready_by: name.ready_by(),
            expires: later(clocks.earliest, self.lifetime).max(at_least),
            idle_limit: self.idle_timeout,
        }
    }
}

/// Variables by which machines reach a host without a proxy, however their programs spell the exceptions.
/// The whole list goes into both spellings, since a program looks for one of them and takes no other then.
fn past_proxies(mut env: Vec<(String, Secret)>, host: &str) -> Vec<(String, Secret)> {
    let mut hosts: Vec<String> = Vec::new();
    let exceptions = |name: &str| name.eq_ignore_ascii_case("no_proxy");
    env.retain(|(name, value)| {
        if exceptions(name) {
            let known = value.expose().split(',').map(str::trim);
            hosts.extend(known.filter(|one| !one.is_empty()).map(str::to_owned));
        }
        !exceptions(name)
    });
    hosts.push(host.to_owned());
    hosts.sort();
    hosts.dedup();
    for name in ["NO_PROXY", "no_proxy"] {
        let value = Secret::new(hosts.join(","));
        env.push((name.to_owned(), value));
    }
    env
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A plan for tests: `count` runners at `providers`.
    pub(crate) fn plan(count: u16, providers: &[&str]) -> Plan {
        Plan {
            identity: StartIdentity {
                server: "github.com".into(),
                scope: "octo/app".into(),
                repository: Some("octo/app".into()),
                run: Some(Run { id: 7, attempt: 1 }),
                start: choose_start(NonZeroU16::new(count).expect("at least one")),
                group: None,
            },
            count: NonZeroU16::new(count).expect("at least one"),
            labels: vec![],
            providers: providers.iter().map(|name| (*name).to_owned()).collect(),
            timeout: Duration::from_mins(15),
            lifetime: Duration::from_hours(7),
            idle_timeout: Some(Duration::from_mins(30)),
            poll_interval: Duration::from_secs(2),
            allow_partial: false,
            keep_failed: false,
            setup: None,
            setup_file: None,
            version: RunnerVersion::Latest,
            registration: RegistrationMode::Either,
            env: vec![],
            ca: None,
        }
    }

    #[test]
    fn a_name_tells_until_when_its_start_may_be_at_work() {
        let now = Timestamp::from_second(1_795_507_200).expect("a time");
        let name = plan(1, &["local"]).name(0, Clocks::agreed(now));
        assert_eq!(name.ready_by().as_second() - now.as_second(), 900 + 180);
        assert_eq!(name.run(), Some(Run { id: 7, attempt: 1 }));
    }

    #[test]
    fn a_host_joins_the_exceptions_of_both_spellings() {
        let plan = Plan {
            env: vec![
                ("https_proxy".into(), Secret::new("proxy.test")),
                ("no_proxy".into(), Secret::new("b.test, a.test")),
            ],
            ..plan(1, &["local", "docker"])
        };
        let plan = plan.rehearsed(Rehearsal {
            host: "10.0.0.1".to_owned(),
            version: "0.0.1".to_owned(),
        });
        assert_eq!(plan.providers, ["local"]);
        let exceptions: Vec<_> = plan.env[1..]
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect();
        let all = "10.0.0.1,a.test,b.test";
        assert_eq!(exceptions, [("NO_PROXY", all), ("no_proxy", all)]);
    }

    #[test]
    fn the_unique_label_comes_first() {
        let plan = Plan {
            labels: vec!["gpu".into()],
            ..plan(1, &["local"])
        };
        let name = plan.name(0, Clocks::agreed(Timestamp::now()));
        assert_eq!(plan.labels_of(&name), [name.as_str(), "gpu"]);
    }

    #[test]
    fn a_machine_expires_when_its_lifetime_is_over() {
        let (plan, now) = (
            plan(1, &["local"]),
            Timestamp::from_second(1_795_507_200).expect("a time"),
        );
        let clocks = Clocks::agreed(now);
        let tags = plan.tags(&plan.name(0, clocks), Some(4), clocks);
        assert_eq!(tags.expires.as_second() - now.as_second(), 7 * 3600);
    }

    #[test]
    fn by_clocks_that_do_not_agree_nothing_lives_longer_and_no_start_is_cut_short() {
        let plan = plan(1, &["local"]);
        let at = |hours: i64| Timestamp::from_second(1_795_507_200 + hours * 3600).expect("a time");
        for (ours, github) in [(0, 3), (3, 0), (0, 8), (8, 0)] {
            let clocks = Clocks {
                now: at(github),
                earliest: at(ours.min(github)),
                latest: at(ours.max(github)),
            };
            let tags = plan.tags(&plan.name(0, clocks), None, clocks);
            assert_eq!(tags.created, at(github));
            assert_eq!(tags.ready_by, plan.ready_by(clocks.latest));
            let longest = later(clocks.earliest, plan.lifetime);
            assert_eq!(tags.expires, longest.max(tags.ready_by), "{ours} {github}");
        }
    }
}
