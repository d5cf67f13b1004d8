//! What the cases of the contract see of a place.

use std::time::Duration;

use super::{Fake, chain};
use crate::model::{Instance, InstanceId, Order};
use crate::poll::{Pace, until};
use crate::providers::{Listing, Provider, Result};

/// How long a real place may take to show what happened to it.
pub(super) const SOON: Pace = Pace {
    every: Duration::from_millis(100),
    at_most: Duration::from_secs(30),
};

pub(super) async fn launched<F: Fake>(fake: &F, order: &Order) -> Instance {
    let provider = fake.open().await;
    expect(provider.launch(order).await, "launching")
}

#[track_caller]
pub(super) fn expect<T>(result: Result<T>, doing: &str) -> T {
    result.unwrap_or_else(|error| panic!("{doing}: {:?} {}", error.kind, chain(&error)))
}

/// Lists, and keeps what this place's orders made.
pub(super) async fn listed<F: Fake>(fake: &F, provider: &F::P) -> Vec<Instance> {
    let listing = expect(provider.list().await, "listing");
    let unread: Vec<String> = listing.unread.iter().map(|u| chain(&u.error)).collect();
    assert!(unread.is_empty(), "every place can be read, yet {unread:?}");
    mine(fake, listing)
}

pub(super) fn mine<F: Fake>(fake: &F, listing: Listing) -> Vec<Instance> {
    let ours = |machine: &Instance| machine.tags.start == fake.tag();
    listing.instances.into_iter().filter(ours).collect()
}

pub(super) fn ids(machines: &[Instance]) -> Vec<InstanceId> {
    let mut ids: Vec<_> = machines.iter().map(|machine| machine.id.clone()).collect();
    ids.sort();
    ids
}

pub(super) async fn census<F: Fake>(fake: &F) -> Vec<InstanceId> {
    let mut ids = fake.census().await;
    ids.sort();
    ids
}

/// Waits until the census is what it should be; the panic tells what it was in the end.
pub(super) async fn settles<F: Fake>(fake: &F, expected: &[InstanceId], when: &str) {
    let mut expected = expected.to_vec();
    expected.sort();
    let found = until(SOON, async || {
        (census(fake).await == expected).then_some(())
    });
    if found.await.is_none() {
        assert_eq!(census(fake).await, expected, "{when}");
    }
}
