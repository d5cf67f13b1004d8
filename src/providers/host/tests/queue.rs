//! Who waits for a slot gets one in the order of coming, whoever dies or is slow meanwhile.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::disk::SmallDisk;
use super::*;

const SLEEP: &str = "exec sleep 300";

/// So many slots, and launches that wait for one.
fn patient(here: &Here, slots: u16) -> Local {
    let mut local = impatient(here, slots);
    local.host.layout.waits = true;
    local
}

fn impatient(here: &Here, slots: u16) -> Local {
    here.with(|config| config.slots = NonZeroU16::new(slots).expect("some slots"))
}

#[track_caller]
fn full(outcome: Result<Instance>) -> String {
    let error = outcome.expect_err("no slot is for this one");
    let text = chain(&error);
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{text}");
    text
}

/// The tickets with what they say, by their numbers.
fn tickets(here: &Here) -> Vec<(u32, PathBuf, String)> {
    let mut found: Vec<_> = fs::read_dir(here.root().join(".queue"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let number = path.file_name()?.to_str()?.parse().ok()?;
            let said = fs::read_to_string(&path).ok()?;
            Some((number, path, said))
        })
        .collect();
    found.sort();
    found
}

/// The turns that have a ticket, in their order.
fn turns(here: &Here) -> Vec<String> {
    let turn = |said: String| said.split(' ').next().unwrap_or_default().to_owned();
    tickets(here)
        .into_iter()
        .map(|(_, _, said)| turn(said))
        .collect()
}

/// Makes the ticket of an order look as if it had last been shown so many seconds ago.
fn age(here: &Here, order: &Order, seconds: i64) {
    let all = tickets(here);
    let (_, path, said) = all
        .iter()
        .find(|(_, _, said)| said.starts_with(&format!("{} ", order.queue_key)))
        .expect("it has a ticket");
    let words: Vec<&str> = said.split_whitespace().collect();
    let then = Timestamp::now().as_second() - seconds;
    let line = format!("{} {} {} {then}", words[0], words[1], words[2]);
    fs::write(path, format!("{line:<200}\n")).unwrap();
}

/// Ends a machine, so that its slot is free.
async fn end(here: &Here, machine: &Instance) {
    here.local().terminate(&machine.id).await.unwrap();
}

async fn in_order(here: &Here) {
    let local = patient(here, 1);
    let mut housed = local.launch(&here.order(SLEEP)).await.unwrap();
    let waiting: Vec<Order> = (0..4).map(|_| here.order(SLEEP)).collect();
    for order in &waiting {
        full(local.launch(order).await);
    }
    let expected: Vec<&str> = waiting
        .iter()
        .map(|order| order.queue_key.as_str())
        .collect();
    assert_eq!(turns(here), expected);
    for (n, next) in waiting.iter().enumerate() {
        end(here, &housed).await;
        let late = full(impatient(here, 1).launch(&here.order(SLEEP)).await);
        assert!(late.contains("waiting"), "{late}");
        for later in waiting[n + 1..].iter().rev() {
            full(local.launch(later).await);
        }
        housed = local.launch(next).await.unwrap();
        assert_eq!(turns(here), expected[n + 1..]);
    }
    end(here, &housed).await;
    assert_eq!(leftovers(&here.root()), [""; 0]);
}

#[tokio::test]
async fn slots_go_to_who_waits_in_the_order_of_coming() {
    in_order(&Here::new("sh")).await;
}

#[tokio::test]
async fn they_do_so_in_every_shell() {
    for shell in ["bash", "busybox", "dash"] {
        if let Some(here) = Here::in_shell(shell) {
            in_order(&here).await;
        }
    }
}

#[tokio::test]
async fn who_was_killed_while_waiting_holds_nobody_up() {
    let here = Here::new("sh");
    let local = patient(&here, 1);
    let first = local.launch(&here.order(SLEEP)).await.unwrap();
    let (dead, next) = (here.order(SLEEP), here.order(SLEEP));
    full(local.launch(&dead).await);
    full(local.launch(&next).await);
    end(&here, &first).await;
    // It counts for three quarters of a minute; the rest is for who runs this test on a busy machine.
    age(&here, &dead, 25);
    full(local.launch(&next).await);
    age(&here, &dead, 46);
    let machine = local.launch(&next).await.unwrap();
    // Its ticket goes when it is ten minutes old.
    let (_, path, _) = tickets(&here).remove(0);
    run(
        "touch",
        &["-t", "202001010000", &path.display().to_string()],
    );
    full(impatient(&here, 1).launch(&here.order(SLEEP)).await);
    assert_eq!(turns(&here), [""; 0]);
    end(&here, &machine).await;
}

#[tokio::test]
async fn who_was_only_slow_or_has_another_name_by_now_finds_its_place_again() {
    let here = Here::new("sh");
    let local = patient(&here, 1);
    let first = local.launch(&here.order(SLEEP)).await.unwrap();
    let (slow, later) = (here.order(SLEEP), here.order(SLEEP));
    full(local.launch(&slow).await);
    full(local.launch(&later).await);
    age(&here, &slow, 300);
    let renamed = Order {
        queue_key: slow.queue_key.clone(),
        ..here.order(SLEEP)
    };
    assert_ne!(renamed.name, slow.name);
    full(local.launch(&renamed).await);
    assert_eq!(
        turns(&here),
        [slow.queue_key.as_str(), later.queue_key.as_str()]
    );
    end(&here, &first).await;
    full(local.launch(&later).await);
    let machine = local.launch(&renamed).await.unwrap();
    assert_eq!(turns(&here), [later.queue_key.as_str()]);
    end(&here, &machine).await;
    end(&here, &local.launch(&later).await.unwrap()).await;
    assert_eq!(leftovers(&here.root()), [""; 0]);
}

#[tokio::test]
async fn more_free_slots_than_there_are_people_before_are_for_who_comes_next() {
    let here = Here::new("sh");
    let local = patient(&here, 3);
    let mut machines = Vec::new();
    for _ in 0..3 {
        machines.push(local.launch(&here.order(SLEEP)).await.unwrap());
    }
    let waiting: Vec<Order> = (0..3).map(|_| here.order(SLEEP)).collect();
    for order in &waiting {
        full(local.launch(order).await);
    }
    end(&here, &machines[0]).await;
    end(&here, &machines[2]).await;
    full(local.launch(&waiting[2]).await);
    let second = local.launch(&waiting[1]).await.unwrap();
    full(local.launch(&waiting[2]).await);
    let first = local.launch(&waiting[0]).await.unwrap();
    full(local.launch(&waiting[2]).await);
    assert_eq!(turns(&here), [waiting[2].queue_key.as_str()]);
    for machine in [&machines[1], &first, &second] {
        end(&here, machine).await;
    }
    end(&here, &local.launch(&waiting[2]).await.unwrap()).await;
}

#[tokio::test]
async fn who_counts_on_fewer_slots_does_not_hold_up_those_who_know_of_more() {
    let here = Here::new("sh");
    let local = patient(&here, 1);
    let first = local.launch(&here.order(SLEEP)).await.unwrap();
    let order = here.order(SLEEP);
    full(local.launch(&order).await);
    // Somebody has set `slots` higher.
    let second = impatient(&here, 2).launch(&here.order(SLEEP)).await;
    let second = second.unwrap();
    assert!(
        here.folder(&second.id.id)
            .starts_with(here.root().join("slot-2"))
    );
    end(&here, &second).await;
    end(&here, &first).await;
    // The first slot is for the one who can use no other.
    let third = impatient(&here, 2)
        .launch(&here.order(SLEEP))
        .await
        .unwrap();
    assert!(
        here.folder(&third.id.id)
            .starts_with(here.root().join("slot-2"))
    );
    let machine = local.launch(&order).await.unwrap();
    end(&here, &third).await;
    end(&here, &machine).await;
}

#[tokio::test]
async fn a_place_in_the_queue_is_given_up_by_turn_and_by_name() {
    let here = Here::new("sh");
    let local = patient(&here, 1);
    let first = local.launch(&here.order(SLEEP)).await.unwrap();
    let waiting: Vec<Order> = (0..3).map(|_| here.order(SLEEP)).collect();
    for order in &waiting {
        full(local.launch(order).await);
    }
    let health = local.check().await.unwrap();
    let facts = health.facts.join("\n");
    assert!(facts.contains("3 waiting for a slot"), "{facts}");
    local.host.leave_queue(&waiting[0].queue_key).await.unwrap();
    local.host.leave_queue("never-seen").await.unwrap();
    let id = InstanceId {
        id: waiting[1].name.to_string(),
        ..first.id.clone()
    };
    local.terminate(&id).await.unwrap();
    assert_eq!(turns(&here), [waiting[2].queue_key.as_str()]);
    end(&here, &first).await;
    let machine = local.launch(&waiting[2]).await.unwrap();
    end(&here, &machine).await;
}

#[tokio::test]
async fn a_ticket_whose_machine_is_in_a_slot_holds_nobody_up_and_goes_when_it_is_found() {
    let here = Here::new("sh");
    let local = patient(&here, 2);
    let order = here.order(SLEEP);
    let machine = local.launch(&order).await.unwrap();
    // As if it had been killed between moving in and tearing its ticket up.
    let queue = here.root().join(".queue");
    fs::create_dir_all(&queue).unwrap();
    let now = Timestamp::now().as_second();
    let said = format!("{} {} 2 {now}\n", order.queue_key, order.name);
    fs::write(queue.join("1"), said).unwrap();
    let second = impatient(&here, 2).launch(&here.order(SLEEP)).await;
    let second = second.expect("the other slot is free");
    assert_eq!(local.launch(&order).await.unwrap().id, machine.id);
    assert_eq!(turns(&here), [""; 0]);
    end(&here, &machine).await;
    end(&here, &second).await;
}

#[tokio::test]
async fn a_start_that_fails_in_its_slot_keeps_its_place_for_the_next_try() {
    let here = Here::new("sh");
    let local = patient(&here, 1);
    let first = local.launch(&here.order(SLEEP)).await.unwrap();
    let (order, later) = (here.order(SLEEP), here.order(SLEEP));
    full(local.launch(&order).await);
    full(local.launch(&later).await);
    end(&here, &first).await;
    let mut broken = here.turn(Mood::Halfway).await.unwrap();
    broken.host.layout.waits = true;
    broken.host.layout.slots = NonZeroU16::MIN;
    let error = broken.launch(&order).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
    full(local.launch(&later).await);
    end(&here, &local.launch(&order).await.unwrap()).await;
    end(&here, &local.launch(&later).await.unwrap()).await;
    assert_eq!(leftovers(&here.root()), [""; 0]);
}

#[tokio::test]
async fn tickets_that_are_drawn_at_once_have_numbers_of_their_own() {
    let here = Here::new("sh");
    let local = patient(&here, 1);
    let machine = local.launch(&here.order(SLEEP)).await.unwrap();
    let orders: Vec<Order> = (0..20).map(|_| here.order(SLEEP)).collect();
    for outcome in join_all(orders.iter().map(|order| local.launch(order))).await {
        full(outcome);
    }
    let found: BTreeSet<String> = turns(&here).into_iter().collect();
    let drawn: BTreeSet<String> = orders.iter().map(|order| order.queue_key.clone()).collect();
    assert_eq!(found, drawn);
    assert_eq!(tickets(&here).len(), 20);
    end(&here, &machine).await;
}

#[tokio::test]
async fn a_queue_that_cannot_be_kept_keeps_nobody_from_a_slot() {
    let here = Here::new("sh");
    fs::create_dir_all(here.root()).unwrap();
    // No folder can be made there, and none of our user can be kept from writing by its mode.
    fs::write(here.root().join(".queue"), "").unwrap();
    let local = patient(&here, 1);
    let machine = local.launch(&here.order(SLEEP)).await.unwrap();
    let order = here.order(SLEEP);
    full(local.launch(&order).await);
    end(&here, &machine).await;
    let machine = local.launch(&order).await.unwrap();
    end(&here, &machine).await;
}

#[tokio::test]
async fn odd_things_in_the_queue_are_nobodys_turn() {
    for shell in ["bash", "busybox", "dash"] {
        if let Some(here) = Here::in_shell(shell) {
            odd_things(&here).await;
        }
    }
}

async fn odd_things(here: &Here) {
    let queue = here.root().join(".queue");
    fs::create_dir_all(queue.join("7")).unwrap();
    let now = Timestamp::now().as_second();
    for (name, said) in [
        ("0899", format!("t n 1 {now}\n")),
        ("99999999999999999999", format!("t n 1 {now}\n")),
        ("note", format!("t n 1 {now}\n")),
        ("1", String::new()),
        ("2", "\n".into()),
        ("3", format!("t n 1 {now}")),
        ("4", format!("t n -1 {now}\n")),
        ("5", "t n 1 08x\n".into()),
        ("6", "t n 1 99999999999999999999999\n".into()),
        ("8", format!("t n 1 {}\n", now + 3600)),
    ] {
        fs::write(queue.join(name), said).unwrap();
    }
    let local = patient(here, 1);
    let machine = local.launch(&here.order(SLEEP)).await.unwrap();
    let order = here.order(SLEEP);
    full(local.launch(&order).await);
    let number = tickets(here)
        .into_iter()
        .find(|(_, _, said)| said.starts_with(&order.queue_key));
    assert_eq!(number.map(|(number, ..)| number), Some(9));
    end(here, &machine).await;
    end(here, &local.launch(&order).await.unwrap()).await;
}

#[tokio::test]
async fn a_full_disk_takes_nobodys_turn_and_no_slot() {
    let here = Here::new("sh");
    let Some(disk) = SmallDisk::at(here.root()) else {
        return;
    };
    let local = patient(&here, 1);
    let first = local.launch(&here.order(SLEEP)).await.unwrap();
    let (order, later) = (here.order(SLEEP), here.order(SLEEP));
    full(local.launch(&order).await);
    disk.fill();
    // It can prepare nothing, let alone wait; and who waits is not forgotten.
    let text = full(local.launch(&later).await);
    assert!(text.contains("No space left"), "{text}");
    assert_eq!(turns(&here), [order.queue_key.as_str()]);
    disk.empty();
    full(local.launch(&later).await);
    end(&here, &first).await;
    full(local.launch(&later).await);
    end(&here, &local.launch(&order).await.unwrap()).await;
    end(&here, &local.launch(&later).await.unwrap()).await;
    assert_eq!(leftovers(&here.root()), [""; 0]);
}
