//! A GitHub Enterprise Server without just-in-time configurations, and the versions that GitHub takes.

use jiff::{SignedDuration, Timestamp};

use crate::world::{Said, TOKEN, World, signal, wait_for};

/// A workflow step's world on an old GHES.
fn ghes() -> World {
    let world = World::step();
    world.github.without_jit();
    let server = world.stub.url();
    world
        .env("GITHUB_API_URL", &format!("{server}/api/v3"))
        .env("GITHUB_SERVER_URL", &server)
}

fn registered(world: &World) -> Vec<String> {
    let rows = world.stub.runners().into_iter();
    rows.map(|row| row.name).collect()
}

fn slots(world: &World) -> usize {
    let folder = world.path("home/.local/state/gharun/slots");
    std::fs::read_dir(folder).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("slot-"))
            .count()
    })
}

#[track_caller]
fn nothing_is_left(world: &World) {
    assert_eq!(registered(world), [""; 0]);
    // All tests, and others, share the Docker daemon.
    let listed = world
        .run("list --provider local --output json")
        .exits(0)
        .json();
    assert_eq!(listed["machines"], serde_json::json!([]), "{listed}");
    assert_eq!(slots(world), 0);
}

#[test]
fn a_machine_registers_itself_runs_a_job_and_leaves_nothing() {
    let world = ghes();
    let said = world.run("start local --label GPU --output json -vv");
    let said = said.exits(0);
    let started = said.json();
    let label = world.output("label").expect("an output");
    let row = world.runner(&label).expect("it is registered");
    assert_eq!(row.labels, [label.clone(), "gpu".to_owned()]);
    assert_eq!(started["runners"][0]["runner_id"], row.id, "{started}");
    let state = std::fs::read_to_string(world.path("temp/gharun-state.json")).expect("a file");
    assert!(
        state.contains(&format!("\"runner_id\": {}", row.id)),
        "{state}"
    );
    // One question for a configuration, one for a token.
    assert_eq!(world.github.count("generate-jitconfig"), 1);
    assert_eq!(world.github.count("registration-token"), 1);

    let mut secrets = world.github.secrets();
    secrets.push(TOKEN.to_owned());
    let heard = said.stderr.lines();
    let heard = heard.filter(|line| !line.starts_with("::add-mask::"));
    let heard = heard.collect::<String>() + &said.stdout + &state;
    for secret in &secrets {
        assert!(!heard.contains(secret), "a secret is said");
        let log = world.path("home/.local/state/gharun/slots/slot-1");
        let log = std::fs::read_to_string(log.join(&label).join("log")).expect("a log");
        assert!(!log.contains(secret), "a secret is in the log");
    }

    let seen = world.path("environment");
    let job = format!("env >{}", seen.display());
    world.stub.queue_job(&label, &job);
    let environment = wait_for("the job", || {
        let text = std::fs::read_to_string(&seen).ok()?;
        text.contains("PATH=").then_some(text)
    });
    assert!(
        !environment.contains("ACTIONS_RUNNER_INPUT"),
        "{environment}"
    );
    wait_for("its end", || registered(&world).is_empty().then_some(()));
    world.run("stop").exits(0);
    nothing_is_left(&world);
}

#[test]
fn runners_that_wait_are_stopped_by_what_the_list_says_of_their_names() {
    let world = ghes();
    world.run("start local --set slots=3 --count 3").exits(0);
    assert_eq!(registered(&world).len(), 3);
    assert_eq!(world.github.count("generate-jitconfig"), 1);
    let stopped = world.run("stop --output json").exits(0).json();
    assert_eq!(
        stopped["stopped"].as_array().map(Vec::len),
        Some(3),
        "{stopped}"
    );
    assert_eq!(stopped["stopped"][0]["deregistered"], true, "{stopped}");
    nothing_is_left(&world);
}

#[test]
fn a_start_that_was_killed_before_it_knew_the_number_is_swept() {
    // Nobody looks for the name before the kill: it is looked for once a minute.
    let world = ghes().env("GHARUN_POLL_INTERVAL", "1m");
    let mut child = world.spawn("start local");
    wait_for("a registration", || {
        (!registered(&world).is_empty()).then_some(())
    });
    signal(&child, "KILL");
    child.wait().expect("it ends");
    let state = std::fs::read_to_string(world.path("temp/gharun-state.json")).expect("a file");
    assert!(!state.contains("\"runner_id\": 1"), "{state}");
    std::fs::remove_file(world.path("temp/gharun-state.json")).expect("it can be removed");
    world.run("stop").exits(0);
    nothing_is_left(&world);
}

#[test]
fn a_signal_while_machines_boot_undoes_what_they_registered() {
    let world = ghes().env("GHARUN_POLL_INTERVAL", "1m");
    let child = world.spawn("start local");
    wait_for("a registration", || {
        (!registered(&world).is_empty()).then_some(())
    });
    signal(&child, "TERM");
    Said::of(child.wait_with_output().expect("it ends"), &world).exits(130);
    nothing_is_left(&world);
}

#[test]
fn a_machine_that_is_refused_says_why() {
    let world = ghes();
    std::fs::write(
        world.path("setup.sh"),
        "touch here\nuntil [ -e go ]; do sleep 0.1; done\n",
    )
    .expect("a file");
    let setup = format!(
        "cd {}\ntouch here\nuntil [ -e go ]; do sleep 0.1; done\n",
        world.folder.path().display()
    );
    std::fs::write(world.path("setup.sh"), setup).expect("a file");
    let child = world.spawn("start local --setup setup.sh");
    wait_for("the machine", || world.path("here").exists().then_some(()));
    world.github.expire_registration_tokens();
    std::fs::write(world.path("go"), "").expect("a file");
    let said = Said::of(child.wait_with_output().expect("it ends"), &world).exits(1);
    assert!(
        said.stderr.contains(
            "could not register the runner with GitHub (exit code 1): Http response code: NotFound"
        ),
        "{}",
        said.stderr
    );
    nothing_is_left(&world);
}

#[test]
fn who_wants_jit_gets_no_token_and_who_wants_a_token_gets_one() {
    let world = ghes();
    let said = world.run("start local --registration jit").exits(1);
    assert!(said.stderr.contains("Not Found"), "{}", said.stderr);
    assert_eq!(world.github.count("registration-token"), 0);
    nothing_is_left(&world);

    let world = World::new();
    world.run("start local --registration token").exits(0);
    assert_eq!(world.github.count("generate-jitconfig"), 0);
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);

    let said = world.run("start local --registration oauth").exits(2);
    insta::assert_snapshot!(said.stderr, @"error: `--registration` must be `jit` or `token`, not `oauth`");
}

#[test]
fn a_registration_with_a_token_can_be_rehearsed_and_shown() {
    let world = World::new()
        .env("GH_PAT", "")
        .env("GITHUB_API_URL", "")
        .env(
            "HTTPS_PROXY",
            "http://user:hunter2hunter2@proxy.invalid:3128",
        )
        .env(
            "HTTP_PROXY",
            "http://user:hunter2hunter2@proxy.invalid:3128",
        );
    let said = world
        .run("start local --rehearse --registration token")
        .exits(0);
    assert!(said.stdout.contains("phase register"), "{}", said.stdout);
    assert!(said.stderr.contains("Nothing is left"), "{}", said.stderr);
    let said = world
        .run("start local --dry-run=script --registration token")
        .exits(0);
    assert!(
        said.stdout.contains("gharun_token='***'"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("export HTTPS_PROXY='***'"),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("hunter2"), "{}", said.stdout);
}

#[test]
fn a_proxy_reaches_the_job_and_its_password_nobody_else() {
    let world = World::step()
        .env(
            "HTTP_PROXY",
            "http://user:hunter2hunter2@proxy.invalid:3128",
        )
        .env("no_proxy", "127.0.0.1");
    let said = world.run("start local -vv").exits(0);
    assert!(
        said.stderr.contains("::add-mask::hunter2hunter2\n"),
        "{}",
        said.stderr
    );
    let label = world.output("label").expect("an output");
    let seen = world.path("environment");
    let job = format!("env >{0}.part; mv {0}.part {0}", seen.display());
    world.stub.queue_job(&label, &job);
    let environment = wait_for("the job", || std::fs::read_to_string(&seen).ok());
    assert!(environment.contains("HTTP_PROXY=http://user:hunter2hunter2@proxy.invalid:3128"));
    assert!(environment.contains("no_proxy=127.0.0.1"), "{environment}");
    let heard = said.stderr.lines();
    let heard: String = heard
        .filter(|line| !line.starts_with("::add-mask::"))
        .collect();
    assert!(!(heard + &said.stdout).contains("hunter2"));
    wait_for("its end", || registered(&world).is_empty().then_some(()));
    world.run("stop").exits(0);
}

/// A start with a pinned version that is refused: nothing is made, and what is said.
fn refused(world: &World, version: &str) -> String {
    let said = world
        .run(&format!("start local --runner-version {version}"))
        .exits(2);
    assert_eq!(said.stdout, "");
    assert_eq!(registered(world), [""; 0]);
    assert_eq!(slots(world), 0);
    assert!(!world.path("home/.local/state/gharun/state.json").exists());
    said.stderr
}

#[test]
fn a_version_that_github_takes_no_more_is_refused_before_anything_is_rented() {
    let world = World::new();
    insta::assert_snapshot!(refused(&world, "2.328.0"), @"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: runner 2.328.0 is too old: GitHub requires at least 2.329.0

    hint: leave `--runner-version` out to use the version that GitHub offers
    ");
    assert_eq!(world.github.requests().len(), 0);
    let past = "2026-08-01T00:00:00Z".parse::<Timestamp>().expect("a time");
    let end = |registration, jobs| {
        world.github.set_end_of("2.331.0", registration, jobs);
    };
    end(Some(past), None);
    insta::assert_snapshot!(refused(&world, "2.331.0"), @"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: GitHub stopped registering runner 2.331.0 on 2026-08-01

    hint: leave `--runner-version` out to use the version that GitHub offers
    ");
    end(None, Some(past));
    insta::assert_snapshot!(refused(&world, "2.331.0"), @"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: GitHub stopped sending jobs to runner 2.331.0 on 2026-08-01

    hint: leave `--runner-version` out to use the version that GitHub offers
    ");
}

#[test]
fn a_version_of_long_ago_is_warned_about_by_githubs_clock() {
    // The release of the stand-in is of 2026-07-20, noon.
    let released = "2026-07-20T12:00:00Z".parse::<Timestamp>().expect("a time");
    for (days, warned) in [(29, false), (31, true)] {
        let world = World::new();
        let now = released + SignedDuration::from_hours(24 * days);
        let ahead = now.duration_since(Timestamp::now());
        world.github.clock_ahead(ahead);
        // The machine's own clock is right; GitHub's is not: a long life bears the difference.
        let said = world.run("start local --runner-version 2.336.0 --lifetime 8000h");
        assert_eq!(
            said.stderr
                .contains("was released on 2026-07-20, and GitHub sends no jobs to a runner"),
            warned,
            "{}",
            said.stderr
        );
        world.run("stop --yes");
    }
}

#[test]
fn a_ghes_offers_its_own_versions_and_no_others() {
    let world = ghes();
    let said = world.run("start local --runner-version 2.300.0").exits(1);
    assert!(
        said.stderr
            .contains("does not offer version 2.300.0 of the runner"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("it offers 2.336.0"), "{}", said.stderr);
    assert_eq!(registered(&world), [""; 0]);
}

#[test]
fn machines_are_marked_with_the_server_that_is_asked() {
    let api = "https://git.acme.test/api/v3";
    let world = World::new().env("GITHUB_API_URL", api);
    let said = world.run("start local --dry-run").exits(0);
    let first = said.stdout.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("Would start 1 runner (nothing is rented) for ")
            && first.ends_with(" at git.acme.test"),
        "{first}"
    );
    let world = world.env("GITHUB_SERVER_URL", "https://github.com");
    for command in ["start local --dry-run", "list", "stop --orphans --yes"] {
        let said = world.run(command).exits(2);
        let why = "it is the API of `https://git.acme.test/`, and `$GITHUB_SERVER_URL` is `https://github.com/`";
        assert!(said.stderr.contains(why), "{command}: {}", said.stderr);
    }
}
