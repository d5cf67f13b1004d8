//! Waiting for a slot on several hosts.

use super::*;

/// A process that waits for slots, of which each host has one.
async fn patient(hosts: &Hosts) -> Ssh {
    let more = json!({ "slots": 1, "wait_for_slot": "10m" });
    hosts.with(more).await
}

#[track_caller]
fn full(outcome: Result<Instance>) -> Error {
    let error = outcome.expect_err("no slot is for this one");
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
    error
}

/// The turns that have a ticket on each host, in their order.
fn turns(hosts: &Hosts) -> Vec<Vec<String>> {
    let of = |host: &sshd::Sshd| {
        let entries = fs::read_dir(host.slots().join(".queue"));
        let mut found: Vec<(u32, String)> = entries
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let number = path.file_name().unwrap().to_str().unwrap();
                let said = fs::read_to_string(&path).unwrap();
                let turn = said.split(' ').next().unwrap_or_default();
                (number.parse().unwrap(), turn.to_owned())
            })
            .collect();
        found.sort();
        found.into_iter().map(|(_, turn)| turn).collect()
    };
    hosts.rack.hosts.iter().map(of).collect()
}

#[tokio::test]
async fn who_waits_on_two_hosts_takes_the_first_slot_and_gives_the_other_place_back() {
    let Some(hosts) = Hosts::of(2, "") else {
        return;
    };
    let mut housed = Vec::new();
    for _ in 0..2 {
        let ssh = hosts.with(json!({ "slots": 1 })).await;
        housed.push(ssh.launch(&hosts.order(SLEEP)).await.unwrap());
    }
    // Each is a process of its own.
    let (one, other) = (patient(&hosts).await, patient(&hosts).await);
    let (first, second) = (hosts.order(SLEEP), hosts.order(SLEEP));
    let error = full(one.launch(&first).await);
    assert_eq!(error.wait(), Some(Duration::from_mins(10)));
    full(other.launch(&second).await);
    let both = vec![first.queue_key.clone(), second.queue_key.clone()];
    assert_eq!(turns(&hosts), [both.clone(), both]);
    // The slot of the second host comes first; it is for who came first.
    one.terminate(&housed[1].id).await.unwrap();
    let late = hosts.with(json!({ "slots": 1 })).await;
    let error = full(late.launch(&hosts.order(SLEEP)).await);
    assert_eq!(error.wait(), None);
    assert!(
        chain(&error).contains("2 more runners are waiting"),
        "{}",
        chain(&error)
    );
    full(other.launch(&second).await);
    let machine = one.launch(&first).await.unwrap();
    assert_eq!(machine.id.location, housed[1].id.location);
    let left = vec![second.queue_key.clone()];
    assert_eq!(turns(&hosts), [left.clone(), left]);
    one.terminate(&housed[0].id).await.unwrap();
    full(late.launch(&hosts.order(SLEEP)).await);
    let machine = other.launch(&second).await.unwrap();
    assert_eq!(machine.id.location, housed[0].id.location);
    assert_eq!(turns(&hosts), [[""; 0], [""; 0]]);
    hosts.finish().await;
}

#[tokio::test]
async fn who_waits_no_more_keeps_no_place_on_any_host() {
    let Some(hosts) = Hosts::of(2, "") else {
        return;
    };
    let ssh = patient(&hosts).await;
    for _ in 0..2 {
        ssh.launch(&hosts.order(SLEEP)).await.unwrap();
    }
    let (gone, stays) = (hosts.order(SLEEP), hosts.order(SLEEP));
    full(ssh.launch(&gone).await);
    full(ssh.launch(&stays).await);
    ssh.leave_queue(&gone.queue_key).await.unwrap();
    let left = vec![stays.queue_key.clone()];
    assert_eq!(turns(&hosts), [left.clone(), left]);
    let health = ssh.check().await.unwrap().facts.join("\n");
    assert!(health.contains("1 waiting for a slot"), "{health}");
    // A host that is gone has no place to keep for long; the others give theirs back.
    let mut hosts = hosts;
    drop(hosts.rack.hosts.remove(0));
    let error = ssh.leave_queue(&stays.queue_key).await;
    assert_eq!(turns(&hosts), [[""; 0]], "{error:?}");
    ssh.leave_queue(&stays.queue_key)
        .await
        .expect("it has no place any more");
    hosts.finish().await;
}
