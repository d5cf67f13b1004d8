//! Starts on EC2 that are killed at each of their requests.

use std::process::Child;
use std::time::Duration;

use super::{launched, moto, nothing_is_left, run_id, step};
use crate::world::{World, signal, wait_for};
use gharun_worlds::moto::{Asked, Deed, Proxy, Server};

/// The requests of a start until all is launched and looked at once.
fn requests(server: &Server) -> Vec<Asked> {
    let proxy = Proxy::start(server, Duration::ZERO, |_| Deed::Forward);
    let run = run_id(100);
    let world = step(run, &proxy);
    let mut child = world.spawn("start aws --count 3");
    wait_for("three launches and a look", || {
        (launched(&world) == 3 && proxy.asked("DescribeInstances").len() >= 2).then_some(())
    });
    let asked = proxy.seen().asked.clone();
    signal(&child, "KILL");
    child.wait().expect("it ends");
    world.run("stop").exits(0);
    nothing_is_left(&world, server, run, "the whole of it");
    asked
}

#[test]
fn a_start_that_is_killed_at_any_request_leaves_nothing_behind_its_stop() {
    let Some(server) = moto() else { return };
    let all = requests(&server);
    let launches = all.iter().filter(|asked| asked.action == "RunInstances");
    assert_eq!(launches.count(), 3);
    let mut run = run_id(100);
    for number in 1..=all.len() {
        // Killed before it is carried out, and after that but before its answer.
        for deed in [Deed::Hang, Deed::HangAfter] {
            run += 1;
            let action = &all[number - 1].action;
            if matches!(deed, Deed::HangAfter) && action.starts_with("Describe") {
                continue;
            }
            let when = format!("killed at request {number} ({action}), {deed:?}");
            let proxy = Proxy::start(&server, Duration::ZERO, move |asked| {
                match asked.number.cmp(&number) {
                    std::cmp::Ordering::Less => Deed::Forward,
                    std::cmp::Ordering::Equal => deed.clone(),
                    // It did not live to send these.
                    std::cmp::Ordering::Greater => Deed::Hang,
                }
            });
            let world = step(run, &proxy);
            let child = world.spawn("start aws --count 3");
            wait_for(&when, || {
                let seen = proxy.seen();
                (seen.asked.len() >= number && seen.open == 0).then_some(())
            });
            kill_and_stop(child, world, &server, run, &when);
        }
    }
}

/// Kills a start, and then does what the job that always runs would: on another machine, with no record
/// and no outputs.
fn kill_and_stop(mut child: Child, world: World, server: &Server, run: u64, when: &str) {
    signal(&child, "KILL");
    child.wait().expect("it ends");
    for file in ["temp/gharun-state.json", "output"] {
        let path = world.path(file);
        if path.exists() {
            std::fs::remove_file(path).expect("it can be removed");
        }
    }
    let calm = Proxy::start(server, Duration::ZERO, |_| Deed::Forward);
    let world = world.env("AWS_ENDPOINT_URL", &calm.url);
    let stop = "stop --timeout 6s --output json";
    world.run(stop).proves_or_names();
    nothing_is_left(&world, server, run, when);
}

#[test]
fn a_start_that_is_killed_at_a_request_to_github_leaves_nothing_behind_its_stop() {
    let Some(server) = moto() else { return };
    // The archives, whether their version is good, three registrations, and looks.
    for number in 1..=9 {
        let run = run_id(300) + number;
        let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
        let world = step(run, &proxy);
        // So that it is killed between the request and its answer.
        world.github.latency(Duration::from_millis(100));
        let child = world.spawn("start aws --count 3");
        let when = format!("killed at request {number} to GitHub");
        wait_for(&when, || {
            (world.github.requests().len() as u64 >= number).then_some(())
        });
        world.github.latency(Duration::ZERO);
        kill_and_stop(child, world, &server, run, &when);
    }
}
