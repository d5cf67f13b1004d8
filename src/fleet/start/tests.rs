//! A start on a paused clock: machines and GitHub in memory, no socket.

use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;

use super::*;
use crate::fleet::doubles::{InMemoryGitHub, RecordingSink};
use crate::fleet::{NamedProvider, Trouble, chain};
use crate::github;
use crate::model::InstanceId;
use crate::plan::UNDOING;
use crate::plan::tests::plan;
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, InMemoryCloud, InMemoryProvider, Verb};
use crate::state::Store;

mod coming_up;
mod doubtful;
mod enrolling;
mod failing;
mod last_look;
mod limited;
mod moving_on;
mod registering;
mod sparing;
mod undoing;
mod waiting;

const SECOND: Duration = Duration::from_secs(1);

/// A cloud with places, a GitHub beside it, and somebody who listens.
struct Scene {
    cloud: InMemoryCloud,
    hub: InMemoryGitHub,
    ear: RecordingSink,
    places: Vec<NamedProvider>,
    store: Store,
    plan: Plan,
    began: Instant,
}

impl Scene {
    /// Runners come online ten seconds after their launch.
    fn new(count: u16, places: &[&str]) -> Self {
        let cloud = InMemoryProvider::cloud();
        let hub = InMemoryGitHub::beside(&cloud, 10 * SECOND);
        let open =
            |name: &&str| NamedProvider::new(*name, std::sync::Arc::new(cloud.provider(name)));
        Self {
            places: places.iter().map(open).collect(),
            hub,
            ear: RecordingSink::default(),
            store: Store::none(),
            plan: plan(count, places),
            began: Instant::now(),
            cloud,
        }
    }

    async fn start_until(&self, interrupt: impl Future<Output = ()>) -> StartOutcome {
        let fleet = Fleet {
            github: Some(&self.hub),
            providers: &self.places,
            unopened: &[],
            store: &self.store,
            sink: &self.ear,
        };
        start(fleet, &self.hub, &self.plan, &[], interrupt)
            .await
            .expect("the intents can be written down")
    }

    async fn start(&self) -> StartOutcome {
        self.start_until(pending()).await
    }

    /// Starts beside something else that happens.
    async fn start_while(&self, other: impl Future<Output = ()>) -> StartOutcome {
        let (started, ()) = tokio::join!(self.start(), other);
        started
    }

    fn fails(&self, place: &str, verb: Verb, kind: ErrorKind) {
        self.cloud.fault(place, verb, Fault::Error(kind));
    }

    /// The machine of the runner with an index, once it is there.
    async fn machine_of(&self, index: usize) -> (InstanceId, String) {
        loop {
            for machine in self.cloud.machines() {
                let name = machine.instance.tags.name.to_string();
                if name.starts_with(&format!("gharun-7-1-{index}-")) {
                    return (machine.instance.id, name);
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    #[track_caller]
    fn nothing_is_left(&self) {
        assert_eq!(self.cloud.machines().len(), 0, "machines");
        assert_eq!(self.hub.names(), [""; 0], "registrations");
    }
}

/// The trouble that came first, as a user reads it.
#[track_caller]
fn first_trouble(started: &StartOutcome) -> String {
    chain(&started.failed.first().expect("one failed").trouble)
}
