//! What every provider promises, run against each.
//!
//! A provider's tests hold a [`Fake`] and the line `contract!(ItsFake);`, which makes one test of
//! each case: `providers::docker::tests::upholds::terminating_is_idempotent`.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
pub(crate) use gharun_worlds::skipped;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::fleet::{self, NamedProvider, Until};
pub(crate) use crate::model::chain;
use crate::model::{InstanceId, Name, Order, Run, Secret, Tags};
use crate::providers::{Provider, ProviderKind, Result};

mod looks;
mod promises;

pub(crate) use promises::*;

/// A condition that a place can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It carries out launches, and their answers get lost.
    AnswerLost,
    /// The credentials are refused.
    Denied,
    /// It is busy with the machine when its end is asked for the first time.
    EndBusy,
    /// It accepts the first end that is asked for, and does nothing.
    EndIgnored,
    /// It carries out the first end that is asked for, and the answer gets lost.
    EndLost,
    /// It refuses the first end that is asked for, as a server does that is not well (503).
    EndRefused,
    /// It takes a machine in, and then cannot start it.
    Halfway,
    /// Every answer is a page of HTML with status 502.
    Html,
    /// There is no room.
    NoCapacity,
    /// One of several places (regions, hosts) does not answer; the machines are in the others.
    PartUnread,
    /// It asks to be left alone for a while.
    RateLimited,
    /// Nothing answers there.
    Unavailable,
}

/// A place to run the contract against: real where one can be had, else pretended at the wire.
pub(crate) trait Fake: Sized {
    /// The provider under test.
    type P: ProviderKind;
    /// How many machines fill more than one page of a listing there.
    const MANY: usize = 3;
    /// Prepares a fresh place; `None` after having called [`skipped`] where its real part is not here.
    async fn start() -> Option<Self>;
    /// The `start` tag of all orders that this place gets. A place that is shared with other tests
    /// (a daemon, an account) tells its own machines by it.
    fn tag(&self) -> &str;
    /// Opens the provider on it. Each call is a new "process".
    async fn open(&self) -> Self::P;
    /// Opens the provider on the same place in a mood; `None` where this place cannot be in it.
    async fn turn(&self, mood: Mood) -> Option<Self::P>;
    /// Adds a machine that gharun did not make.
    async fn add_stranger(&self) -> InstanceId;
    /// The machines that exist here, whoever made them, asked in another way than through the
    /// provider. A shared place leaves out what other tests made, and nothing else: half-made
    /// machines without tags are found by their names.
    async fn census(&self) -> Vec<InstanceId>;
    /// The boot script as it arrived on the machine, byte for byte.
    async fn boot_script(&self, id: &InstanceId) -> String;
    /// All that others can see of a machine: inspect output, tags, process lists, file modes.
    async fn visible(&self, id: &InstanceId) -> String;
    /// Lets a machine end by itself.
    async fn end(&self, id: &InstanceId);
    /// Removes what is left, strangers included; called also after a case that failed.
    async fn finish(self) {}
}

/// Calls a macro with the list of all cases, after the tokens given to it.
macro_rules! cases {
    ($then:ident! $($given:tt)*) => {
        $then! {
            [$($given)*]
            a_bare_id_is_found_and_is_not_gone_where_it_is_absent
            a_failed_launch_leaves_nothing
            a_foreign_place_is_a_failure_not_gone
            a_launched_machine_is_listed
            a_lost_answer_yields_at_most_one_machine
            an_empty_cloud_lists_nothing
            an_end_that_is_only_accepted_is_asked_for_again
            an_end_that_is_refused_once_is_asked_for_again
            an_end_whose_answer_is_lost_is_asked_for_again
            an_ended_machine_is_listed_as_ended
            an_unread_place_is_said_so
            checking_changes_nothing
            every_page_is_listed
            failures_are_told_apart
            launching_the_same_name_twice_yields_one_machine
            secrets_stay_hidden
            strangers_are_not_listed
            terminating_a_stranger_is_refused
            terminating_is_idempotent
            the_boot_script_arrives_verbatim
        }
    };
}

/// Makes one test of each case for a [`Fake`], in `mod upholds`.
macro_rules! contract {
    ($fake:ty) => {
        $crate::providers::contract::cases! { contract! $fake }
    };
    ([$fake:ty] $($case:ident)*) => {
        mod upholds {
            use super::*;
            $(
                #[tokio::test]
                async fn $case() {
                    $crate::providers::contract::uphold::<$fake>(async |fake| {
                        $crate::providers::contract::$case(fake).await;
                    })
                    .await;
                }
            )*
        }
    };
}
pub(crate) use {cases, contract};

/// Runs one case on a fresh place, and clears the place up whatever happens.
pub(crate) async fn uphold<F: Fake>(case: impl AsyncFnOnce(&F)) {
    let Some(fake) = F::start().await else {
        return;
    };
    let outcome = AssertUnwindSafe(case(&fake)).catch_unwind().await;
    fake.finish().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Ends a machine as every command does, and proves that it is gone.
pub(crate) async fn ends<P: ProviderKind>(provider: &Arc<P>, id: &InstanceId) -> Result<()> {
    all_end(provider, std::slice::from_ref(id)).await.remove(0)
}

/// The same for several at the same time.
pub(crate) async fn all_end<P: ProviderKind>(
    provider: &Arc<P>,
    ids: &[InstanceId],
) -> Vec<Result<()>> {
    let provider: Arc<dyn Provider> = Arc::<P>::clone(provider);
    let deadline = Instant::now() + Duration::from_secs(30);
    let place = NamedProvider::new(P::KIND, provider);
    let ends = ids
        .iter()
        .map(|id| fleet::end(&place, id, Until::Gone, deadline));
    let ends = join_all(ends).await.into_iter();
    ends.map(fleet::Ended::proved).collect()
}

/// An order with a fresh name, every tag, and a script that runs for five minutes.
pub(crate) fn order(start: &str) -> Order {
    let created = Timestamp::from_second(Timestamp::now().as_second()).expect("a second");
    let ready_by = created + Duration::from_mins(15);
    let run = Run {
        id: 7_000_000_001,
        attempt: 2,
    };
    let name = Name::choose(Some(run), 0, ready_by);
    let lifetime = Duration::from_hours(1);
    Order {
        boot: Secret::new("#!/bin/sh\nexec sleep 300\n"),
        queue_key: name.to_string(),
        tags: Tags {
            name: name.clone(),
            server: "github.com".into(),
            scope: "acme/app".into(),
            repository: Some("acme/app".into()),
            runner_id: Some(42),
            run: Some(run),
            start: start.to_owned(),
            group: Some("it's a \"group\" of $HOME".into()),
            created,
            ready_by,
            expires: created + lifetime,
            idle_limit: Some(Duration::from_mins(30)),
        },
        name,
        lifetime,
        keep_failed: false,
    }
}

/// The same with nothing but the tags that are always there.
pub(crate) fn plain_order(start: &str) -> Order {
    let mut order = order(start);
    let name = Name::choose(None, 0, order.tags.ready_by);
    order.tags = Tags {
        name: name.clone(),
        repository: None,
        runner_id: None,
        run: None,
        group: None,
        idle_limit: None,
        ..order.tags
    };
    order.name = name;
    order
}
