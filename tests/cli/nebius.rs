//! The main job on Nebius: its REST gateway's stand-in, where jobs and VMs are really run in containers.

use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::docker;
use crate::world::{Said, World, signal, wait_for};

use gharun_worlds::nebius::{Asked, Deed, Deletion, PROJECT, Standin, Stock};

/// A line of the settings.
const VM: &str = "product = \"vm\"\n";

/// A step of a run that no other test has, whose Nebius is a stand-in.
fn step(run: u64, standin: &Standin, more: &str) -> World {
    let world = World::step()
        .env("GITHUB_RUN_ID", &run.to_string())
        .env("NEBIUS_IAM_TOKEN", &standin.token());
    settings(&world, standin, more);
    world
}

fn settings(world: &World, standin: &Standin, more: &str) {
    let url = &standin.url;
    let text = format!(
        "[defaults]\nproviders = [\"nebius\"]\n\n[providers.nebius]\nproject = \"{PROJECT}\"\n\
         endpoint = \"{url}\"\nauth_endpoint = \"{url}\"\n{more}"
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
}

fn run_id(n: u64) -> u64 {
    u64::from(std::process::id()) * 1000 + n
}

fn registrations(world: &World) -> Vec<String> {
    let rows = world.stub.runners().into_iter();
    rows.map(|row| row.name).collect()
}

#[track_caller]
fn nothing_is_left(world: &World, standin: &Standin, when: &str) {
    assert_eq!(standin.jobs(), [], "{when}: jobs are left");
    assert_eq!(standin.vms(), [], "{when}: VMs are left");
    assert_eq!(standin.disks(), [], "{when}: disks are left");
    let left = registrations(world);
    assert!(left.is_empty(), "{when}: registrations are left: {left:?}");
    is_well(standin);
}

#[track_caller]
fn is_well(standin: &Standin) {
    assert_eq!(standin.violations(), [""; 0], "requests");
    assert_eq!(standin.slips(), [""; 0], "answers");
}

fn launched(world: &World) -> usize {
    let mapping = world.output("mapping").unwrap_or_default();
    mapping.matches("aijob-").count() + mapping.matches("computeinstance-").count()
}

/// Waits for the end of a start, which must be a good one.
#[track_caller]
fn started(mut child: Child, world: &World, standin: &Standin) {
    wait_for("the end of the start", || {
        child.try_wait().expect("it can be asked")
    });
    let said = Said::of(child.wait_with_output().expect("it ended"), world);
    let all = standin.jobs().into_iter().chain(standin.vms());
    let logs: Vec<String> = all.map(|one| standin.log(&one.id)).collect();
    assert_eq!(said.code, Some(0), "{}\n{logs:?}", said.stderr);
}

#[test]
fn once_through_from_the_order_to_the_jobs_own_end() {
    if !docker::ready() {
        return;
    }
    let standin = Standin::start();
    let account = standin.account();
    standin.set(|world| world.image = Some(docker::IMAGE.to_owned()));
    let world = step(run_id(1), &standin, "service_account_key = \"key.json\"\n")
        .env("NEBIUS_IAM_TOKEN", "");
    std::fs::write(world.path("key.json"), account.file()).expect("a file");
    let child = world.spawn("start nebius");
    started(child, &world, &standin);
    let id = standin.jobs()[0].id.clone();
    let label = world.output("label").expect("an output");
    world.stub.queue_job(&label, "sleep 1");
    wait_for("the job's own end", || {
        (standin.jobs()[0].state != "RUNNING").then_some(())
    });
    let said = standin.log(&id);
    assert_eq!(standin.jobs()[0].state, "COMPLETED", "{said}");
    for phase in ["phase=arm", "phase=download", "phase=run", "phase=end"] {
        assert!(said.contains(phase), "{phase} is missing in:\n{said}");
    }
    assert_eq!(standin.billed(), [], "its VM went with it");
    wait_for("the runner's end", || {
        registrations(&world).is_empty().then_some(())
    });
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, "after stop");
}

/// A VM's whole life; returns when it has run its job.
fn vm_through(run: u64, standin: &Standin, more: &str) -> World {
    standin.set(|world| {
        world.image = Some(docker::IMAGE.to_owned());
        world.boot_env = vec![("GHARUN_METADATA".to_owned(), "{metadata}".to_owned())];
    });
    let world = step(run, standin, &format!("{VM}{more}"));
    let child = world.spawn("start nebius");
    started(child, &world, standin);
    let label = world.output("label").expect("an output");
    world.stub.queue_job(&label, "sleep 1");
    world
}

#[test]
fn a_vm_powers_itself_off_and_the_stop_removes_it_with_its_disk() {
    if !docker::ready() {
        return;
    }
    let standin = Standin::start();
    let world = vm_through(run_id(2), &standin, "");
    wait_for("the machine's own end", || {
        (standin.vms()[0].state == "STOPPED").then_some(())
    });
    assert_eq!(
        standin.billed(),
        standin.disks(),
        "the disk is still paid for"
    );
    assert_eq!(standin.disks().len(), 1);
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, "after stop");
}

#[test]
fn a_vm_with_an_account_deletes_itself() {
    if !docker::ready() {
        return;
    }
    let standin = Standin::start();
    let more = "service_account = \"serviceaccount-e00acme\"\n";
    let world = vm_through(run_id(3), &standin, more);
    wait_for("the machine's own end", || {
        standin.vms().is_empty().then_some(())
    });
    wait_for("the runner's end", || {
        registrations(&world).is_empty().then_some(())
    });
    nothing_is_left(&world, &standin, "after the job");
    world.run("stop").exits(0);
}

#[test]
fn several_come_up_side_by_side_and_are_stopped() {
    let standin = Standin::start();
    standin.set(|world| {
        world.latency = Duration::from_millis(20);
        world.provisioning = Duration::from_millis(100);
        world.deleting = Duration::from_millis(100);
        world.deletion = Deletion::Refused(400);
    });
    let world = step(run_id(4), &standin, "");
    standin.add_job("another", &[("team", "core")]);
    let mut child = world.spawn("start nebius --count 6");
    // There are no machines: somebody else has to bring their runners online.
    wait_for("the end of the start", || {
        for name in registrations(&world) {
            world.github.bring_online(&name);
        }
        child.try_wait().expect("it can be asked")
    });
    Said::of(child.wait_with_output().expect("it ended"), &world).exits(0);
    assert_eq!(launched(&world), 6);
    assert_eq!(standin.jobs().len(), 7);
    let listed = world.run("list --output json").exits(0).json();
    assert_eq!(
        listed["machines"].as_array().map(Vec::len),
        Some(6),
        "{listed}"
    );
    world.run("stop").exits(0);
    let left: Vec<String> = standin.jobs().into_iter().map(|job| job.name).collect();
    assert_eq!(
        left,
        ["another"],
        "strangers are left alone, and nothing else"
    );
    assert!(registrations(&world).is_empty());
    is_well(&standin);
}

#[test]
fn what_fails_later_for_want_of_machines_is_deleted_and_the_next_is_tried() {
    let standin = Standin::start();
    standin.set(|world| {
        world.stocked("gpu-h100-sxm", Stock::Refused);
        world.stocked("gpu-h200-sxm", Stock::Later(Duration::from_millis(300)));
    });
    let more = "platform = [\"gpu-h100-sxm\", \"gpu-h200-sxm\", \"gpu-l40s-a\"]\n\
                preset = [\"1gpu-16vcpu-200gb\", \"1gpu-8vcpu-32gb\"]\n";
    let world = step(run_id(5), &standin, more);
    let mut child = world.spawn("start nebius");
    wait_for("the end of the start", || {
        let there = standin.jobs();
        if there.iter().any(|job| job.spec["platform"] == "gpu-l40s-a") {
            for name in registrations(&world) {
                world.github.bring_online(&name);
            }
        }
        child.try_wait().expect("it can be asked")
    });
    Said::of(child.wait_with_output().expect("it ended"), &world).exits(0);
    let there: Vec<String> = standin
        .jobs()
        .iter()
        .map(|job| job.spec["platform"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(there, ["gpu-l40s-a"]);
    assert_eq!(registrations(&world).len(), 1);
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, "after stop");
}

/// Starts one runner while the answer to the first creation is treated like this.
#[track_caller]
fn one_in_spite_of(deed: &Deed, product: &str, run: u64, idempotency: bool) {
    let when = format!("{deed:?}, {product:?}, keys are honoured: {idempotency}");
    let standin = Standin::start();
    standin.set(|world| {
        world.idempotency = idempotency;
        world.unique_names = false;
        world.listing_lag = Duration::from_millis(300);
    });
    let (first, once) = (AtomicBool::new(true), deed.clone());
    standin.judge(move |asked| {
        let create = asked.call.ends_with(".create") && first.swap(false, Ordering::SeqCst);
        if create { once.clone() } else { Deed::Answer }
    });
    let world = step(run, &standin, product);
    let mut child = world.spawn("start nebius");
    wait_for("the end of the start", || {
        for name in registrations(&world) {
            world.github.bring_online(&name);
        }
        child.try_wait().expect("it can be asked")
    });
    let said = Said::of(child.wait_with_output().expect("it ended"), &world);
    let there = standin.vms();
    if let Deed::Late(_) = deed {
        // It comes into being when nobody looks any more.
        wait_for(&when, || (standin.open() == 0).then_some(()));
        assert!(!standin.vms().is_empty(), "{when}");
    } else {
        assert_eq!(said.code, Some(0), "{when}: {}", said.stderr);
        assert_eq!(there.len(), 1, "{when}");
    }
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, &when);
}

#[test]
fn a_creation_that_never_arrived_is_proved_absent_and_sent_again() {
    one_in_spite_of(&Deed::Drop, "", run_id(700), true);
    one_in_spite_of(&Deed::Drop, VM, run_id(701), false);
}

#[test]
fn a_lost_answer_makes_no_second_machine() {
    one_in_spite_of(&Deed::Lose, "", run_id(702), false);
    one_in_spite_of(&Deed::Lose, VM, run_id(703), true);
    one_in_spite_of(&Deed::HtmlAfter, "", run_id(704), true);
    one_in_spite_of(&Deed::HtmlAfter, VM, run_id(705), false);
}

#[test]
fn what_comes_into_being_late_is_found_by_the_stop() {
    let late = Deed::Late(Duration::from_secs(2));
    one_in_spite_of(&late, "", run_id(706), true);
    one_in_spite_of(&late, VM, run_id(707), false);
}

#[test]
fn a_termination_leaves_nothing() {
    let standin = Standin::start();
    let world = step(run_id(6), &standin, "");
    let child = world.spawn("start nebius --count 3");
    wait_for("three launches", || (launched(&world) == 3).then_some(()));
    signal(&child, "TERM");
    let output = child.wait_with_output().expect("it ends");
    Said::of(output, &world).exits(130);
    nothing_is_left(&world, &standin, "after SIGTERM");
}

/// Takes away what only the machine of the start had.
fn forget(world: &World) {
    for file in ["temp/gharun-state.json", "output"] {
        let path = world.path(file);
        if path.exists() {
            std::fs::remove_file(path).expect("it can be removed");
        }
    }
}

/// The requests of a start until all is launched and looked at once.
fn requests(product: &str) -> Vec<Asked> {
    let standin = Standin::start();
    let world = step(run_id(100), &standin, product);
    let mut child = world.spawn("start nebius --count 2");
    wait_for("two launches and a look", || {
        let looks = standin.asked_for("jobs.list").len();
        (launched(&world) == 2 && looks >= 2).then_some(())
    });
    let asked = standin.asked();
    signal(&child, "KILL");
    child.wait().expect("it ends");
    asked
}

fn killed_at_any_request(product: &str, base: u64) {
    let all = requests(product);
    let mut run = run_id(base);
    for number in 1..=all.len() {
        // Killed before it is carried out, after that but before its answer, and carried out after the kill.
        for deed in [
            Deed::Hang,
            Deed::HangAfter,
            Deed::Late(Duration::from_millis(200)),
        ] {
            run += 1;
            let call = all[number - 1].call;
            if !matches!(deed, Deed::Hang) && !call.ends_with(".create") {
                continue;
            }
            let when = format!("killed at request {number} ({call}), {deed:?}");
            let standin = Standin::start();
            standin.judge(move |asked| match asked.number.cmp(&number) {
                std::cmp::Ordering::Less => Deed::Answer,
                std::cmp::Ordering::Equal => deed.clone(),
                // It did not live to send these.
                std::cmp::Ordering::Greater => Deed::Hang,
            });
            let world = step(run, &standin, product);
            let mut child = world.spawn("start nebius --count 2");
            wait_for(&when, || (standin.asked().len() >= number).then_some(()));
            signal(&child, "KILL");
            child.wait().expect("it ends");
            wait_for(&when, || (standin.open() == 0).then_some(()));
            forget(&world);
            standin.judge(|_| Deed::Answer);
            world
                .run("stop --timeout 6s --output json")
                .proves_or_names();
            nothing_is_left(&world, &standin, &when);
        }
    }
}

#[test]
fn a_start_of_jobs_that_is_killed_at_any_request_leaves_nothing_behind_its_stop() {
    killed_at_any_request("", 200);
}

#[test]
fn a_start_of_vms_that_is_killed_at_any_request_leaves_nothing_behind_its_stop() {
    killed_at_any_request(VM, 400);
}

#[test]
fn the_sweep_from_another_folder_finds_everything_once_the_run_is_over() {
    let chance = u64::from(std::process::id());
    for moment in 0..8 {
        let standin = Standin::start();
        standin.set(|world| {
            world.latency = Duration::from_millis(30);
            world.listing_lag = Duration::from_millis(300);
            world.deleting = Duration::from_millis(200);
        });
        let run = run_id(600 + moment);
        let product = if moment % 2 == 0 { "" } else { VM };
        let world = step(run, &standin, product);
        let mut child = world.spawn("start nebius --count 3");
        let by_chance = chance
            .wrapping_mul(2_654_435_761)
            .rotate_left(8 * u32::try_from(moment).expect("few"));
        let after = Duration::from_millis(moment * 150 + by_chance % 150);
        std::thread::sleep(after); // the moment itself: nothing is waited for here
        signal(&child, "KILL");
        child.wait().expect("it ends");
        forget(&world);
        world.github.set_run(run, 1, "completed");
        let elsewhere = world.path("elsewhere");
        std::fs::create_dir(&elsewhere).expect("a folder");
        sweep(&world, &elsewhere);
        // A creation that was under way at the kill may show up a moment later: cron comes again.
        wait_for("a clean sweep", || {
            let left = standin.jobs().len() + standin.billed().len();
            if left + registrations(&world).len() > 0 {
                sweep(&world, &elsewhere);
                return None;
            }
            Some(())
        });
        nothing_is_left(&world, &standin, &format!("killed after {after:?}"));
    }
}

fn sweep(world: &World, folder: &Path) {
    let file = world.path("providers.toml").display().to_string();
    let sweep = "stop --orphans --yes --second-look 1s --timeout 6s --output json";
    let mut command = world.command(&format!("{sweep} --config {file}"));
    command.current_dir(folder);
    Said::of(command.output().expect("it runs"), world).proves_or_names();
}

#[test]
fn a_stop_says_so_when_it_cannot_look() {
    let standin = Standin::start();
    let world = step(run_id(7), &standin, "");
    let mut child = world.spawn("start nebius --count 2");
    wait_for("two launches", || (launched(&world) == 2).then_some(()));
    signal(&child, "KILL");
    child.wait().expect("it ends");
    standin.judge(|asked| match asked.call {
        "jobs.list" | "instances.list" => Deed::Html,
        _ => Deed::Answer,
    });
    forget(&world);
    let said = world.run("stop");
    assert_ne!(said.code, Some(0), "{}", said.stderr);
    standin.judge(|_| Deed::Answer);
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, "after another stop");
}

#[test]
fn a_token_is_written_nowhere_and_masked_in_a_step() {
    let standin = Standin::start();
    let world = step(run_id(900), &standin, "");
    let token = standin.token();
    let world = world.env("NEBIUS_IAM_TOKEN", &token);
    let said = [
        world.run("start nebius -vv --timeout 2s"),
        world.run("list -vv --output json"),
        world.run("providers --output json"),
        world.run("providers"),
        world.run("providers check nebius -vv"),
        world.run("providers offers nebius -vv"),
        world.run("start nebius --dry-run -vv"),
        world.run("stop -vv"),
    ];
    assert_eq!(said[7].code, Some(0), "{:?}", said[7]);
    let mask = format!("::add-mask::{token}");
    assert!(said[0].stderr.contains(&mask), "{}", said[0].stderr);
    let all: Vec<&Said> = said.iter().collect();
    world.keeps(&[&token], &all);
    nothing_is_left(&world, &standin, "after stop");
}
