//! Many at a time.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn two_hundred_launches_of_twenty_processes_never_share_a_slot() {
    let Some(hosts) = Hosts::of(3, "") else {
        return;
    };
    let orders: Vec<Vec<Order>> = (0..20)
        .map(|_| (0..10).map(|_| hosts.order(SLEEP)).collect())
        .collect();
    let processes = orders.iter().map(async |orders| {
        let ssh = hosts.with(json!({ "slots": 4, "prefer": "random" })).await;
        join_all(orders.iter().map(|order| ssh.launch(order))).await
    });
    let all: Vec<Result<Instance>> = join_all(processes).await.into_iter().flatten().collect();
    assert_eq!(all.len(), 200);
    let (made, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    for refusal in &refused {
        let error = refusal.as_ref().unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(error));
    }
    assert_eq!((made.len(), hosts.spread()), (12, vec![4, 4, 4]));
    for host in &hosts.rack.hosts {
        let found = entries(&host.slots());
        let slots: BTreeSet<_> = found.iter().map(|(path, _)| path.parent()).collect();
        assert_eq!(slots.len(), found.len(), "{found:?}");
        assert_eq!(leftovers(&host.slots()), [""; 0]);
    }
    hosts.finish().await;
}

#[tokio::test]
async fn a_connection_carries_at_most_eight_channels_and_all_get_their_turn() {
    let Some(hosts) = Hosts::of(1, "MaxSessions 30") else {
        return;
    };
    let ssh = hosts.with(json!({ "slots": 20 })).await;
    let orders: Vec<Order> = (0..20).map(|_| hosts.order(SLEEP)).collect();
    for machine in join_all(orders.iter().map(|order| ssh.launch(order))).await {
        assert!(machine.is_ok(), "{}", chain(&machine.unwrap_err()));
    }
    assert_eq!(hosts.spread(), [20]);
    let log = hosts.rack.hosts[0].log();
    assert_eq!(log.matches("Accepted publickey").count(), 1, "{log}");
    // The host numbers its channels from 0 on, and takes the lowest that is free. One that we have
    // closed it may hold for a moment more.
    let channels = log.lines().filter(|line| line.contains("Starting session"));
    let channels = channels.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    let most = channels.max().expect("there were some");
    assert!((4..10).contains(&most), "channel {most} was used");
    hosts.finish().await;
}

#[tokio::test]
async fn a_host_that_allows_fewer_channels_gets_fewer() {
    let Some(hosts) = Hosts::of(1, "MaxSessions 2") else {
        return;
    };
    let ssh = hosts.ssh().await;
    let orders: Vec<Order> = (0..6).map(|_| hosts.order(SLEEP)).collect();
    for machine in join_all(orders.iter().map(|order| ssh.launch(order))).await {
        assert!(machine.is_ok(), "{}", chain(&machine.unwrap_err()));
    }
    assert_eq!(hosts.spread(), [6]);
    hosts.finish().await;
}

#[tokio::test]
async fn handshakes_that_a_crowded_host_drops_are_tried_again() {
    let Some(hosts) = Hosts::of(1, "MaxStartups 2:100:3") else {
        return;
    };
    let checks = (0..16).map(async |_| hosts.ssh().await.check().await);
    for check in join_all(checks).await {
        assert!(check.is_ok(), "{}", chain(&check.unwrap_err()));
    }
    let log = hosts.rack.hosts[0].log();
    assert!(log.contains("MaxStartups"), "it was crowded: {log}");
}
