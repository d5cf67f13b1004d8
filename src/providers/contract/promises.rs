//! The cases of the contract: what must hold, for any provider on any place.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use jiff::Timestamp;

use super::looks::{SOON, census, expect, ids, launched, listed, mine, settles};
use super::{Fake, Mood, chain, ends, order, plain_order};
use crate::model::{Condition, Instance, InstanceId, Order, Secret, random};
use crate::poll::until;
use crate::providers::{ErrorKind, Listing, Provider, Result};

pub(crate) async fn a_launched_machine_is_listed<F: Fake>(fake: &F) {
    for order in [order(fake.tag()), plain_order(fake.tag())] {
        let machine = launched(fake, &order).await;
        assert_eq!(machine.tags, order.tags, "launch tells the tags");
        assert!(
            !matches!(machine.state, Condition::Ended(_)),
            "{:?}",
            machine.state
        );
        let found = until(SOON, async || {
            let machines = listed(fake, &fake.open().await).await;
            machines.into_iter().find(|found| found.id == machine.id)
        });
        let found = found.await.expect("another process finds it");
        assert_eq!(found.tags, order.tags, "a listing tells the tags");
        assert!(
            !matches!(found.state, Condition::Ended(_)),
            "{:?}",
            found.state
        );
        let age = Timestamp::now().duration_since(found.created).as_secs();
        assert!((-300..300).contains(&age), "made {age} s ago");
    }
}

pub(crate) async fn strangers_are_not_listed<F: Fake>(fake: &F) {
    let stranger = fake.add_stranger().await;
    let machine = launched(fake, &order(fake.tag())).await;
    settles(
        fake,
        &[stranger.clone(), machine.id.clone()],
        "both are there",
    )
    .await;
    // Not only what bears this place's tag: a stranger bears none.
    let listing = expect(fake.open().await.list().await, "listing");
    let all = ids(&listing.instances);
    assert!(all.contains(&machine.id), "{all:?}");
    assert!(!all.contains(&stranger), "{all:?}");
}

pub(crate) async fn every_page_is_listed<F: Fake>(fake: &F) {
    let provider = fake.open().await;
    let orders: Vec<Order> = (0..F::MANY).map(|_| order(fake.tag())).collect();
    let launches = orders.iter().map(|order| provider.launch(order));
    let machines: Vec<Instance> = join_all(launches)
        .await
        .into_iter()
        .map(|launch| expect(launch, "launching"))
        .collect();
    let expected = ids(&machines);
    settles(fake, &expected, "all are there").await;
    let found = until(SOON, async || {
        (ids(&listed(fake, &fake.open().await).await) == expected).then_some(())
    });
    if found.await.is_none() {
        let found = ids(&listed(fake, &fake.open().await).await);
        assert_eq!(found, expected, "all are listed, each once");
    }
}

pub(crate) async fn an_empty_cloud_lists_nothing<F: Fake>(fake: &F) {
    let found = listed(fake, &fake.open().await).await;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(census(fake).await, []);
}

pub(crate) async fn terminating_is_idempotent<F: Fake>(fake: &F) {
    let machine = launched(fake, &order(fake.tag())).await;
    let other = launched(fake, &order(fake.tag())).await;
    let (one, two) = (fake.open().await, fake.open().await);
    let both = join(one.terminate(&machine.id), two.terminate(&machine.id)).await;
    expect(both.0, "terminating");
    expect(both.1, "terminating side by side");
    settles(fake, std::slice::from_ref(&other.id), "one went, one stays").await;
    let again = fake.open().await.terminate(&machine.id).await;
    expect(again, "terminating what is gone");
    let found = until(SOON, async || {
        let left = listed(fake, &fake.open().await).await;
        let gone = |m: &&Instance| m.id == machine.id && !matches!(m.state, Condition::Ended(_));
        left.iter().find(gone).is_none().then_some(left)
    });
    let left = found.await.expect("a listing does not show it alive");
    assert!(
        left.iter().any(|m| m.id == other.id),
        "the other is untouched"
    );
}

/// Ends a machine in a mood, asking again as every command does; nothing of it is left.
async fn ends_in<F: Fake>(fake: &F, mood: Mood) {
    let machine = launched(fake, &order(fake.tag())).await;
    let provider = Arc::new(fake.turn(mood).await.expect("every place can be in it"));
    expect(
        ends(&provider, &machine.id).await,
        &format!("{mood:?}, ending"),
    );
    settles(fake, &[], &format!("{mood:?}: nothing of it is left")).await;
}

pub(crate) async fn an_end_that_is_refused_once_is_asked_for_again<F: Fake>(fake: &F) {
    ends_in(fake, Mood::EndRefused).await;
    ends_in(fake, Mood::EndBusy).await;
}

pub(crate) async fn an_end_whose_answer_is_lost_is_asked_for_again<F: Fake>(fake: &F) {
    ends_in(fake, Mood::EndLost).await;
}

pub(crate) async fn an_end_that_is_only_accepted_is_asked_for_again<F: Fake>(fake: &F) {
    let machine = launched(fake, &order(fake.tag())).await;
    let provider = fake.turn(Mood::EndIgnored).await;
    let provider = provider.expect("every place can be in it");
    // Asked once, and neither waited nor asked again.
    expect(provider.terminate(&machine.id).await, "it is accepted");
    let there = std::slice::from_ref(&machine.id);
    settles(fake, there, "and nothing is done").await;
    let provider = fake.turn(Mood::EndIgnored).await;
    let provider = Arc::new(provider.expect("every place can be in it"));
    expect(ends(&provider, &machine.id).await, "ending");
    settles(fake, &[], "nothing of it is left").await;
}

pub(crate) async fn terminating_a_stranger_is_refused<F: Fake>(fake: &F) {
    let stranger = fake.add_stranger().await;
    let refusal = fake.open().await.terminate(&stranger).await;
    let refusal = refusal.expect_err("a stranger is not ours to end");
    assert_eq!(refusal.kind, ErrorKind::Denied, "{}", chain(&refusal));
    assert_eq!(census(fake).await, [stranger], "it is still there");
}

pub(crate) async fn a_failed_launch_leaves_nothing<F: Fake>(fake: &F) {
    for mood in [
        Mood::Denied,
        Mood::Halfway,
        Mood::NoCapacity,
        Mood::RateLimited,
        Mood::Unavailable,
    ] {
        let Some(provider) = fake.turn(mood).await else {
            continue;
        };
        let before = census(fake).await;
        match provider.launch(&order(fake.tag())).await {
            Ok(machine) => panic!("{mood:?}, and yet {machine:?}"),
            // Then `a_lost_answer_yields_at_most_one_machine` is what holds.
            Err(error) if error.kind == ErrorKind::Ambiguous => {}
            Err(error) => settles(fake, &before, &format!("{mood:?}: {}", chain(&error))).await,
        }
    }
}

pub(crate) async fn launching_the_same_name_twice_yields_one_machine<F: Fake>(fake: &F) {
    let after_each_other = order(fake.tag());
    let first = launched(fake, &after_each_other).await;
    let second = launched(fake, &after_each_other).await;
    assert_eq!(first.id, second.id);
    assert_eq!(second.tags, after_each_other.tags);
    settles(fake, std::slice::from_ref(&first.id), "one name").await;

    let side_by_side = order(fake.tag());
    let (one, two) = (fake.open().await, fake.open().await);
    let both = join(one.launch(&side_by_side), two.launch(&side_by_side)).await;
    let mut made = Vec::new();
    for launch in [both.0, both.1] {
        match launch {
            Ok(machine) => made.push(machine.id),
            // The other one is at it, and this one cannot tell what will come of it.
            Err(error) => assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error)),
        }
    }
    made.dedup();
    assert_eq!(made.len(), 1, "{made:?}");
    made.push(first.id);
    settles(fake, &made, "two names").await;
}

pub(crate) async fn a_lost_answer_yields_at_most_one_machine<F: Fake>(fake: &F) {
    let Some(provider) = fake.turn(Mood::AnswerLost).await else {
        return;
    };
    let order = order(fake.tag());
    let launch = provider.launch(&order).await;
    let there = census(fake).await;
    assert!(there.len() <= 1, "{there:?}");
    match launch {
        Ok(machine) => assert_eq!(there, [machine.id], "it was adopted"),
        Err(error) => assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error)),
    }
    let found = until(SOON, async || {
        (ids(&listed(fake, &fake.open().await).await) == there).then_some(())
    });
    found.await.expect("a listing finds what was made");
    let again = launched(fake, &order).await;
    settles(fake, &[again.id], "the same order is sent again").await;
}

/// What a mood makes of a listing: the error of the whole, or of the places.
fn unread(listing: Result<Listing>) -> Vec<(ErrorKind, String)> {
    match listing {
        Err(error) => vec![(error.kind, chain(&error))],
        Ok(listing) => listing
            .unread
            .iter()
            .map(|unread| (unread.error.kind, chain(&unread.error)))
            .collect(),
    }
}

pub(crate) async fn failures_are_told_apart<F: Fake>(fake: &F) {
    let launch_may = |mood| match mood {
        Mood::Denied => &[ErrorKind::Denied][..],
        Mood::NoCapacity => &[ErrorKind::NoCapacity],
        Mood::RateLimited => &[ErrorKind::RateLimited],
        // A creation answered with 5xx may have been carried out; one that was never sent, because
        // a question before it was answered so, was not.
        Mood::Html | Mood::Unavailable => &[ErrorKind::Ambiguous, ErrorKind::Unavailable],
        _ => unreachable!("not asked for"),
    };
    let mut moods = 0;
    for mood in [
        Mood::Denied,
        Mood::Html,
        Mood::NoCapacity,
        Mood::RateLimited,
        Mood::Unavailable,
    ] {
        let Some(provider) = fake.turn(mood).await else {
            continue;
        };
        moods += 1;
        let error = provider.launch(&order(fake.tag())).await;
        let error = error.expect_err("a launch fails in this mood");
        assert!(
            launch_may(mood).contains(&error.kind),
            "{mood:?}, launching: {:?} {}",
            error.kind,
            chain(&error)
        );
        let reading = match mood {
            Mood::Denied => ErrorKind::Denied,
            Mood::RateLimited => ErrorKind::RateLimited,
            Mood::Html | Mood::Unavailable => ErrorKind::Unavailable,
            // Looking works in these.
            _ => continue,
        };
        let error = provider
            .check()
            .await
            .expect_err("a check fails in this mood");
        assert_eq!(error.kind, reading, "{mood:?}, checking: {}", chain(&error));
        for (kind, why) in unread(provider.list().await) {
            assert_eq!(kind, reading, "{mood:?}, listing: {why}");
        }
    }
    assert!(moods > 0, "a place has at least one way to fail");
}

pub(crate) async fn an_unread_place_is_said_so<F: Fake>(fake: &F) {
    let machine = launched(fake, &order(fake.tag())).await;
    for mood in [
        Mood::Denied,
        Mood::Html,
        Mood::RateLimited,
        Mood::Unavailable,
    ] {
        let Some(provider) = fake.turn(mood).await else {
            continue;
        };
        let said = unread(provider.list().await);
        assert!(!said.is_empty(), "{mood:?}: an empty listing is no answer");
        let end = provider.terminate(&machine.id).await;
        assert!(end.is_err(), "{mood:?}: what cannot be asked is not gone");
        let used = provider.in_use(&machine.id).await;
        assert!(
            !matches!(used, Ok(Some(false))),
            "{mood:?}: what cannot be asked is not idle"
        );
    }
    if let Some(provider) = fake.turn(Mood::PartUnread).await {
        let listing = expect(provider.list().await, "listing the places that answer");
        assert!(!listing.unread.is_empty(), "the silent place is named");
        assert!(
            listing
                .unread
                .iter()
                .all(|unread| unread.location.is_some())
        );
        assert_eq!(ids(&mine(fake, listing)), [machine.id]);
    }
}

pub(crate) async fn the_boot_script_arrives_verbatim<F: Fake>(fake: &F) {
    // All that quoting, line ends, or a text encoding on the way could spoil, in a comment of sorts.
    const ODD: &str = "'\"'\\''\t\\n \\ $HOME ${x} $(id) `id` %s %% \r\n!! &&;|<>*?[a]{b}~# EOF äß€😀 \u{1}\u{7f}\n\n EOF\nEOF \n";
    let body = ODD.repeat(16 * 1024 / ODD.len() + 1);
    for end in ["\n\n", "\n", ""] {
        let script =
            format!("#!/bin/sh\n: <<'the end of it'\n{body}\nthe end of it\nexec sleep 300{end}");
        let order = Order {
            boot: Secret::new(script.clone()),
            ..order(fake.tag())
        };
        let machine = launched(fake, &order).await;
        let arrived = fake.boot_script(&machine.id).await;
        let differs = arrived
            .bytes()
            .zip(script.bytes())
            .position(|(a, b)| a != b);
        assert!(
            arrived == script,
            "{} of {} bytes, the first that differs is {differs:?}",
            arrived.len(),
            script.len()
        );
    }
}

pub(crate) async fn checking_changes_nothing<F: Fake>(fake: &F) {
    let provider = fake.open().await;
    expect(provider.check().await, "checking an empty place");
    assert_eq!(census(fake).await, []);
    let machine = launched(fake, &order(fake.tag())).await;
    let stranger = fake.add_stranger().await;
    let expected = [machine.id.clone(), stranger];
    settles(fake, &expected, "before").await;
    let health = expect(provider.check().await, "checking");
    assert!(!health.facts.is_empty(), "a check tells what it found");
    settles(fake, &expected, "after").await;
    let machines = listed(fake, &provider).await;
    assert_eq!(ids(&machines), [machine.id]);
    assert!(
        !matches!(machines[0].state, Condition::Ended(_)),
        "{:?}",
        machines[0].state
    );
}

pub(crate) async fn secrets_stay_hidden<F: Fake>(fake: &F) {
    let secret = format!("hush{}", random(40));
    let boot = Secret::new(format!("#!/bin/sh\n: '{secret}'\nexec sleep 300\n"));
    let order = |tag: &str| Order {
        boot: boot.clone(),
        ..order(tag)
    };
    let hides = |text: &str, what: &str| {
        for spelling in spellings(&secret) {
            assert!(!text.contains(&spelling), "{what} shows the secret: {text}");
        }
    };
    let provider = fake.open().await;
    let order = order(fake.tag());
    hides(&format!("{order:?}"), "an order");
    hides(&format!("{provider:?}"), "the provider");
    let machine = expect(provider.launch(&order).await, "launching");
    hides(&format!("{machine:?}"), "an instance");
    hides(&fake.visible(&machine.id).await, "the place");
    hides(&format!("{:?}", provider.list().await), "a listing");
    hides(&format!("{:?}", provider.check().await), "a check");
    hides(&provider.access(&machine).join(" "), "the way in");
    let log = expect(provider.logs(&machine.id).await, "reading the log");
    hides(
        &log.unwrap_or_default(),
        "a log of a script that says nothing",
    );
    for mood in [
        Mood::AnswerLost,
        Mood::Denied,
        Mood::Halfway,
        Mood::Html,
        Mood::NoCapacity,
        Mood::RateLimited,
        Mood::Unavailable,
    ] {
        let Some(provider) = fake.turn(mood).await else {
            continue;
        };
        hides(&format!("{provider:?}"), "the provider");
        let order = Order {
            boot: boot.clone(),
            ..super::order(fake.tag())
        };
        if let Err(error) = provider.launch(&order).await {
            hides(&chain(&error), "an error");
            hides(&format!("{error:?}"), "an error's insides");
        }
    }
}

/// The secret as it is and as base64 would carry it at any of its three alignments.
fn spellings(secret: &str) -> Vec<String> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    // Characters at both ends also depend on the neighbours and are left out.
    let inner = |text: String| text[4..text.len() - 4].to_owned();
    let encoded = (0..3).map(|skip| inner(engine.encode(format!("{}{secret}", "x".repeat(skip)))));
    std::iter::once(secret.to_owned()).chain(encoded).collect()
}

pub(crate) async fn an_ended_machine_is_listed_as_ended<F: Fake>(fake: &F) {
    let machine = launched(fake, &order(fake.tag())).await;
    fake.end(&machine.id).await;
    let how = until(SOON, async || {
        let machines = listed(fake, &fake.open().await).await;
        let found = machines.into_iter().find(|found| found.id == machine.id);
        match found.expect("it is listed until it is terminated").state {
            Condition::Ended(how) => Some(how),
            Condition::Pending | Condition::Running => None,
        }
    });
    let how = how.await.expect("its end is noticed");
    assert!(!how.is_empty(), "how it ended is said");
    let provider = fake.open().await;
    expect(
        provider.terminate(&machine.id).await,
        "terminating what ended",
    );
    settles(fake, &[], "nothing of it is left").await;
}

pub(crate) async fn a_foreign_place_is_a_failure_not_gone<F: Fake>(fake: &F) {
    let machine = launched(fake, &order(fake.tag())).await;
    let elsewhere = InstanceId {
        location: Some("0f0e0d0c0b0a".into()),
        ..machine.id.clone()
    };
    let provider = fake.open().await;
    let end = provider.terminate(&elsewhere).await;
    let error = end.expect_err("nobody asked that place");
    assert!(!error.to_string().is_empty());
    let used = provider.in_use(&elsewhere).await;
    assert!(!matches!(used, Ok(Some(false))), "nor is it idle");
    settles(
        fake,
        std::slice::from_ref(&machine.id),
        "and ours is untouched",
    )
    .await;
}

/// What does not tell its place is found where it is, and where it is not, nothing proves it gone.
pub(crate) async fn a_bare_id_is_found_and_is_not_gone_where_it_is_absent<F: Fake>(fake: &F) {
    let machine = launched(fake, &order(fake.tag())).await;
    let bare = InstanceId {
        location: None,
        id: machine.id.id.clone(),
    };
    let provider = Arc::new(fake.open().await);
    assert!(provider.is_same(&machine.id, &bare));
    let end = ends(&provider, &bare).await;
    end.expect("it is there");
    settles(fake, &[], "it is ended").await;
    // Another process, that has seen nothing of it.
    let provider = Arc::new(fake.open().await);
    let shown = provider.canonical(&bare).await;
    if shown.is_ok_and(|id| id.location.is_some()) {
        // The place still shows what has ended there, which is a proof.
        return;
    }
    let end = ends(&provider, &bare).await;
    let error = end.expect_err("nobody knows where it was");
    assert_eq!(error.kind, ErrorKind::NotFound, "{}", chain(&error));
    let used = provider.in_use(&bare).await;
    assert!(!matches!(used, Ok(Some(false))), "nor is it idle");
}
