//! The provider in memory upholds the contract, and the contract catches one that does not.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use tokio::time::sleep;

use super::*;
use crate::model::Condition;
use crate::providers::Provider as _;
use crate::providers::contract::{self, Fake, cases, contract, order};

/// The `start` tag of all orders here.
pub(super) const TAG: &str = "t3st";

const HERE: &str = "here";

contract!(InMemoryCloud);

thread_local! {
    /// What is wrong with the providers that this thread's test opens.
    static FLAW: Cell<Option<Flaw>> = const { Cell::new(None) };
}

impl Fake for InMemoryCloud {
    type P = InMemoryProvider;
    const MANY: usize = 2 * PAGE + 50;

    async fn start() -> Option<Self> {
        Some(Self::default())
    }

    fn tag(&self) -> &str {
        TAG
    }

    async fn open(&self) -> InMemoryProvider {
        InMemoryProvider {
            flaw: FLAW.get(),
            ..self.provider(HERE)
        }
    }

    async fn turn(&self, mood: Mood) -> Option<InMemoryProvider> {
        let once = match mood {
            Mood::EndBusy => Some(Fault::Error(ErrorKind::Unexpected)),
            Mood::EndIgnored => Some(Fault::Ignored),
            Mood::EndLost => Some(Fault::AnswerLost),
            Mood::EndRefused => Some(Fault::Error(ErrorKind::Unavailable)),
            _ => None,
        };
        self.heal(HERE);
        if let Some(fault) = once {
            self.once(HERE, Verb::Terminate, fault);
        }
        Some(self.open().await.in_mood(mood))
    }

    async fn add_stranger(&self) -> InstanceId {
        InMemoryCloud::add_stranger(self, HERE)
    }

    async fn census(&self) -> Vec<InstanceId> {
        let machines = self.machines().into_iter();
        machines.map(|machine| machine.instance.id).collect()
    }

    async fn boot_script(&self, id: &InstanceId) -> String {
        let machines = self.machines().into_iter();
        let mut found = machines.filter(|machine| machine.instance.id == *id);
        found.next().expect("it is there").boot.expose().to_owned()
    }

    async fn visible(&self, id: &InstanceId) -> String {
        format!("{id} {self:?}")
    }

    async fn end(&self, id: &InstanceId) {
        InMemoryCloud::end(self, id, "exit code 1");
    }
}

/// The cases that fail now.
macro_rules! failing {
    () => { cases! { failing! InMemoryCloud } };
    ([$fake:ty] $($case:ident)*) => {{
        let mut failing: Vec<&str> = Vec::new();
        $(
            let case = contract::uphold::<$fake>(async |fake| contract::$case(fake).await);
            if AssertUnwindSafe(case).catch_unwind().await.is_err() {
                failing.push(stringify!($case));
            }
        )*
        failing
    }};
}

/// Each mistake, with the cases that are there to catch it.
const FLAWS: &[(Flaw, &[&str])] = &[
    (Flaw::AltersScript, &["the_boot_script_arrives_verbatim"]),
    (
        Flaw::AnyPlaceIsMine,
        &[
            "a_bare_id_is_found_and_is_not_gone_where_it_is_absent",
            "a_foreign_place_is_a_failure_not_gone",
        ],
    ),
    (
        Flaw::AsksForTheEndItself,
        &["an_end_that_is_only_accepted_is_asked_for_again"],
    ),
    (Flaw::CheckLeavesSomething, &["checking_changes_nothing"]),
    (
        Flaw::EndedIsRunning,
        &["an_ended_machine_is_listed_as_ended"],
    ),
    (
        Flaw::EndsNothing,
        &[
            "a_bare_id_is_found_and_is_not_gone_where_it_is_absent",
            "an_end_that_is_only_accepted_is_asked_for_again",
            "an_end_that_is_refused_once_is_asked_for_again",
            "an_end_whose_answer_is_lost_is_asked_for_again",
            "an_ended_machine_is_listed_as_ended",
            "terminating_is_idempotent",
        ],
    ),
    (Flaw::EndsStrangers, &["terminating_a_stranger_is_refused"]),
    (Flaw::FirstPageOnly, &["every_page_is_listed"]),
    (Flaw::LeavesHalf, &["a_failed_launch_leaves_nothing"]),
    (Flaw::ListsGhosts, &["an_empty_cloud_lists_nothing"]),
    (
        Flaw::ListsNothing,
        &[
            "a_launched_machine_is_listed",
            "a_lost_answer_yields_at_most_one_machine",
            "an_end_that_is_only_accepted_is_asked_for_again",
            "an_ended_machine_is_listed_as_ended",
            "an_unread_place_is_said_so",
            "checking_changes_nothing",
            "every_page_is_listed",
            "strangers_are_not_listed",
            "terminating_is_idempotent",
        ],
    ),
    (Flaw::ListsStrangers, &["strangers_are_not_listed"]),
    (Flaw::LosesTag, &["a_launched_machine_is_listed"]),
    (
        Flaw::MissingIsFailure,
        &[
            "an_end_whose_answer_is_lost_is_asked_for_again",
            "terminating_is_idempotent",
        ],
    ),
    (
        Flaw::NameIsNoKey,
        &[
            "a_lost_answer_yields_at_most_one_machine",
            "launching_the_same_name_twice_yields_one_machine",
        ],
    ),
    (
        Flaw::RefusesAfterTheDeed,
        &["a_failed_launch_leaves_nothing"],
    ),
    (
        Flaw::RepeatsLostLaunch,
        &["a_lost_answer_yields_at_most_one_machine"],
    ),
    (Flaw::SwallowsUnread, &["an_unread_place_is_said_so"]),
    (
        Flaw::TakesBusyForDenied,
        &["an_end_that_is_refused_once_is_asked_for_again"],
    ),
    (Flaw::TellsSecret, &["secrets_stay_hidden"]),
    (Flaw::WrongKind, &["failures_are_told_apart"]),
];

#[tokio::test(start_paused = true)]
async fn each_mistake_is_caught_by_the_case_meant_for_it() {
    for (flaw, caught_by) in FLAWS {
        FLAW.set(Some(*flaw));
        assert_eq!(failing!(), *caught_by, "{flaw:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_case_catches_something() {
    FLAW.set(None);
    assert_eq!(failing!(), [""; 0]);
    macro_rules! names {
        ([] $($case:ident)*) => { [$(stringify!($case)),*] };
    }
    for case in cases! { names! } {
        let caught = FLAWS.iter().any(|(_, cases)| cases.contains(&case));
        assert!(caught, "no mistake shows that `{case}` can fail");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_boots_runs_and_dies_in_its_time() {
    let cloud = InMemoryProvider::cloud();
    cloud.set("gpu", |place| {
        place.launch_takes = Duration::from_secs(2);
        place.boot_takes = Duration::from_secs(30);
        place.listing_lags = Duration::from_secs(5);
        place.dies = Some((Duration::from_mins(1), "exit code 1".into()));
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    cloud.on_launch(move |machine| tell.lock().unwrap().push(machine.tags.name.clone()));
    let (provider, order, begin) = (cloud.provider("gpu"), order("t"), Instant::now());

    let machine = provider.launch(&order).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
    assert_eq!(*told.lock().unwrap(), [order.name]);
    let state = async || {
        let listing = provider.list().await.unwrap();
        listing.instances.into_iter().next().map(|m| m.state)
    };
    assert_eq!(state().await, None);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(state().await, Some(Condition::Pending));
    sleep(Duration::from_secs(30)).await;
    assert_eq!(state().await, Some(Condition::Running));
    sleep(Duration::from_secs(30)).await;
    let end = Condition::Ended("exit code 1".into());
    assert_eq!(state().await, Some(end));
    provider.terminate(&machine.id).await.unwrap();
    assert!(cloud.machines().is_empty());
    assert_eq!(cloud.asked(Verb::Terminate), [machine.id.id]);
}

#[tokio::test(start_paused = true)]
async fn a_full_place_has_no_room_and_a_fault_goes_when_it_is_healed() {
    let cloud = InMemoryProvider::cloud();
    cloud.set("gpu", |place| place.capacity = 0);
    let provider = cloud.provider("gpu");
    let full = provider.launch(&order("t")).await.unwrap_err();
    assert_eq!(full.kind, ErrorKind::NoCapacity);
    cloud.fault("gpu", Verb::List, Fault::Error(ErrorKind::Denied));
    assert_eq!(provider.list().await.unwrap_err().kind, ErrorKind::Denied);
    cloud.heal("gpu");
    assert!(provider.list().await.unwrap().instances.is_empty());
    cloud.fault("gpu", Verb::List, Fault::Hang);
    let hung = tokio::time::timeout(Duration::from_mins(10), provider.list()).await;
    assert!(hung.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_test_sees_and_moves_the_machine_of_a_name() {
    let cloud = InMemoryProvider::cloud();
    let (provider, order) = (cloud.provider("gpu"), order("t"));
    cloud.mood("gpu", Some(Mood::AnswerLost));
    let lost = provider.launch(&order).await.unwrap_err();
    assert_eq!(lost.kind, ErrorKind::Ambiguous);
    cloud.mood("gpu", None);
    let machine = cloud
        .machine(&order.name)
        .expect("it was made all the same");
    let id = machine.instance.id;
    assert_eq!(provider.in_use(&id).await.unwrap(), None);
    cloud.busy(&id, true);
    assert_eq!(provider.in_use(&id).await.unwrap(), Some(true));
    cloud.say(&id, "gharun: phase=end\n");
    let log = provider.logs(&id).await.unwrap().expect("a log");
    assert!(log.ends_with("gharun: phase=end\n"), "{log}");
    cloud.vanish(&id);
    assert!(cloud.machine(&order.name).is_none());
}
