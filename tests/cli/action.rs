//! The action: workflows that were written for other actions, through the very script that action.yml runs, and steps that
//! must not start anything.

use std::process::Command;
use std::time::Duration;

use gharun_worlds::moto::{Deed, Proxy, Server, alive, ask, make_instance_profile, texts};
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use crate::aws::{REGION, moto};
use crate::world::{Said, TOKEN, World, wait_for};
use act::{Action, VERSION, repository, yaml};

#[path = "action/act.rs"]
mod act;

/// A job's world, of a run that no other test has; its EC2 is behind a proxy.
fn job(run: u64, proxy: &Proxy) -> World {
    World::step()
        .env(
            "GITHUB_RUN_ID",
            &(u64::from(std::process::id()) * 1000 + run).to_string(),
        )
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_REGION", REGION)
        .env("AWS_ENDPOINT_URL", &proxy.url)
        // The workflow gives it.
        .env("GH_PAT", "")
        .env("GHARUN_REPO", "")
}

/// What a workflow's table holds.
fn with(text: &str) -> Yaml {
    YamlLoader::load_from_str(text)
        .expect("it is YAML")
        .pop()
        .unwrap_or(Yaml::Null)
}

fn left(world: &World, server: &Server) -> Vec<String> {
    alive(server, REGION, "gharun-scope", world.repo())
}

/// Runs a step to its end; somebody else brings its runners online.
fn carried_out(world: &World, mut command: Command) -> Said {
    let said = |name: &str| std::fs::File::create(world.path(name)).expect("a file");
    // A pipe that is read only at the end could fill up.
    command.stdout(said("stdout")).stderr(said("stderr"));
    let mut child = command.spawn().expect("it runs");
    let status = wait_for("the end of the step", || {
        for row in world.stub.runners() {
            world.github.bring_online(&row.name);
        }
        child.try_wait().expect("it can be asked")
    });
    let read = |name: &str| std::fs::read(world.path(name)).expect("a file");
    let output = std::process::Output {
        status,
        stdout: read("stdout"),
        stderr: read("stderr"),
    };
    for name in ["stdout", "stderr"] {
        std::fs::remove_file(world.path(name)).expect("it is there");
    }
    Said::of(output, world)
}

/// Runs all steps of a workflow that use the other action, in the order of its jobs, each job on a computer of its own.
/// Returns what each step said.
fn play(world: &World, action: &mut Action, workflow: &Yaml) -> Vec<Said> {
    let mut all = Vec::new();
    for (name, job) in workflow["jobs"].as_hash().expect("jobs") {
        for step in job["steps"].as_vec().expect("steps") {
            if step["uses"].as_str().is_none() {
                continue;
            }
            let command = action.step(world, &step["with"], &step["env"]);
            all.push(carried_out(world, command));
            action.take_outputs(world, step["id"].as_str().unwrap_or("none"));
        }
        action.take_job(name.as_str().expect("a name"), job);
        for file in ["temp/gharun-state.json", "output"] {
            // A job that failed may have written none.
            let _ = std::fs::remove_file(world.path(file));
        }
    }
    all
}

#[test]
fn a_workflow_for_machulavs_action_runs_as_it_is() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let world = job(700, &proxy);
    let payload = json!({
        "repository": { "full_name": world.repo() },
        "pull_request": { "head": { "repo": { "full_name": world.repo() } } },
    });
    std::fs::write(world.path("event.json"), payload.to_string()).expect("a file");
    let event = world.path("event.json").display().to_string();
    let world = world
        .env("GITHUB_EVENT_NAME", "pull_request")
        .env("GITHUB_EVENT_PATH", &event);
    let mut action = Action::in_world(&world);
    let first = |what: &str, tag: &str| {
        let answer = ask(&server, REGION, what, &[]);
        texts(&answer, tag)
            .into_iter()
            .next()
            .expect("an account has one")
    };
    make_instance_profile(&server, "builder");
    let subnet = first("DescribeSubnets", "subnetId");
    let group = first("DescribeSecurityGroups", "groupId");
    action
        .context
        .insert("vars.SUBNET".to_owned(), subnet.clone());
    action
        .context
        .insert("vars.SECURITY_GROUP".to_owned(), group.clone());
    let workflow = yaml(&repository("tests/cli/action/machulav.yml"));
    let said = play(&world, &mut action, &workflow);
    let codes: Vec<_> = said.iter().map(|said| said.code).collect();
    assert_eq!(codes, [Some(0), Some(0)], "{said:#?}");
    let launches = proxy.asked("RunInstances");
    let launch = launches.last().expect("it was launched");
    let sent = |key: &str| {
        launch
            .value(key)
            .unwrap_or_else(|| panic!("{key} is not in {}", launch.body))
    };
    assert_eq!(sent("ImageId"), "ami-00000000000000002");
    assert_eq!(sent("InstanceType"), "t3.nano");
    assert_eq!(sent("IamInstanceProfile.Name"), "builder");
    assert_eq!(sent("BlockDeviceMapping.1.Ebs.VolumeSize"), "100");
    assert!(
        launch.body.contains(&subnet) && launch.body.contains(&group),
        "{}",
        launch.body
    );
    assert!(launch.body.contains("GitHubRepository") && launch.body.contains("builder"));
    // What the stop was handed: the other action's two outputs.
    let label = &action.context["needs.rent.outputs.label"];
    assert!(label.starts_with("gharun-"), "{label}");
    assert!(action.context["needs.rent.outputs.ec2-instance-id"].starts_with("i-"));
    assert_eq!(action.context["steps.rent.outputs.region"], REGION);
    assert_eq!(action.context["steps.rent.outputs.version"], VERSION);
    let matrix: Value =
        serde_json::from_str(&action.context["steps.rent.outputs.matrix"]).expect("it is JSON");
    assert_eq!(matrix, json!({ "runner": [label] }));
    let notices = said[0]
        .stderr
        .lines()
        .filter(|line| line.starts_with("::notice"));
    let notices: Vec<&str> = notices.collect();
    assert!(
        matches!(notices.as_slice(), [one] if one.contains("run as root")),
        "{notices:?}"
    );
    assert!(
        said[0]
            .stderr
            .starts_with(&format!("::add-mask::{TOKEN}\n")),
        "{}",
        said[0].stderr
    );
    assert_eq!(left(&world, &server), [""; 0]);
    assert!(world.stub.runners().is_empty());
    world.keeps(&[TOKEN], &said.iter().collect::<Vec<_>>());
}

#[test]
fn zones_of_machulavs_action_are_tried_in_order_and_stopped_wherever_the_machine_is() {
    const OTHER: &str = "us-west-2";
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |asked| {
        if asked.action == "RunInstances" && asked.region == REGION {
            return Deed::Refuse(500, "InsufficientInstanceCapacity");
        }
        Deed::Forward
    });
    let world = job(702, &proxy);
    let mut action = Action::in_world(&world);
    let zone = |region: &str, image: &str| {
        let first = |what: &str, tag: &str| {
            let all = texts(&ask(&server, region, what, &[]), tag);
            all.into_iter().next().expect("an account has one")
        };
        json!({
            "imageId": image,
            "subnetId": first("DescribeSubnets", "subnetId"),
            "securityGroupId": first("DescribeSecurityGroups", "groupId"),
            "region": region,
        })
    };
    let mut zones = [
        zone(REGION, "ami-00000000000000002"),
        zone(OTHER, "ami-00000000000000001"),
    ];
    // That of the surroundings.
    zones[0].as_object_mut().expect("a table").remove("region");
    let zones = Value::from(zones.to_vec()).to_string();
    action.context.insert("vars.ZONES".to_owned(), zones);
    let inputs = "{ mode: start, github-token: '${{ secrets.ADMIN_TOKEN }}', ec2-instance-type: t3.nano, \
                  availability-zones-config: '${{ vars.ZONES }}' }";
    let said = carried_out(&world, action.step(&world, &with(inputs), &Yaml::Null));
    let said = said.exits(0);
    action.take_outputs(&world, "rent");
    assert_eq!(
        action.context["steps.rent.outputs.region"], OTHER,
        "{}",
        said.stderr
    );
    let launches = proxy.asked("RunInstances");
    let launch = launches.last().expect("it was launched");
    assert_eq!(
        launch.value("ImageId").as_deref(),
        Some("ami-00000000000000001")
    );
    let there = || alive(&server, OTHER, "gharun-scope", world.repo());
    assert_eq!(there().len(), 1);
    std::fs::remove_file(world.path("temp/gharun-state.json")).expect("it was there");
    let inputs = "{ mode: stop, github-token: '${{ secrets.ADMIN_TOKEN }}', label: '${{ steps.rent.outputs.label }}', \
                  ec2-instance-id: '${{ steps.rent.outputs.ec2-instance-id }}' }";
    carried_out(&world, action.step(&world, &with(inputs), &Yaml::Null)).exits(0);
    assert_eq!(there(), [""; 0]);
}

#[test]
fn a_workflow_for_omsfs_actions_runs_as_it_is() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let world = job(701, &proxy);
    let payload = json!({
        "repository": { "full_name": world.repo() },
        "workflow_run": { "event": "push", "head_repository": { "full_name": world.repo() } },
    });
    std::fs::write(world.path("event.json"), payload.to_string()).expect("a file");
    let event = world.path("event.json").display().to_string();
    let world = world
        .env("GITHUB_EVENT_NAME", "workflow_run")
        .env("GITHUB_EVENT_PATH", &event);
    let mut action = Action::in_world(&world);
    let workflow = yaml(&repository("tests/cli/action/omsf.yml"));
    let said = play(&world, &mut action, &workflow);
    let codes: Vec<_> = said.iter().map(|said| said.code).collect();
    assert_eq!(codes, [Some(0), Some(0)], "{said:#?}");
    let launches = proxy.asked("RunInstances");
    let launch = launches.last().expect("it was launched");
    // The newest of that name, whoever runs the runner there.
    assert_eq!(
        launch.value("ImageId").as_deref(),
        Some("ami-00000000000000006")
    );
    assert!(said[0].stderr.contains("run as root"), "{}", said[0].stderr);
    let mapping = &action.context["needs.rent.outputs.mapping"];
    assert!(mapping.starts_with("{\"aws:us_east_1_"), "{mapping}");
    assert_eq!(left(&world, &server), [""; 0]);
    assert!(world.stub.runners().is_empty());
}

#[test]
fn a_step_that_does_not_say_start_starts_nothing() {
    let Some(server) = moto() else { return };
    for (n, (inputs, code)) in [
        // A stop whose start failed before it had outputs.
        ("{ instance_mapping: '' }", 0),
        ("{ instance_mapping: '{}' }", 0),
        ("{ mapping: '' }", 0),
        (
            "{ mapping: '', provider: aws, count: 2, aws_instance_type: t3.large }",
            0,
        ),
        ("{ mode: stop, label: '', ec2-instance-id: '' }", 0),
        ("{}", 2),
        ("{ aws_region_name: us-east-1, repo: o/n }", 2),
        ("{ label: x, version: '' }", 2),
        ("{ command: begin, provider: aws }", 2),
        // What an expression left empty.
        ("{ command: '', provider: aws, count: 2 }", 2),
        (
            "{ command: '${{ vars.NOBODY }}', aws_instance_type: t3.large, aws_image_id: ami-1 }",
            2,
        ),
        (
            "{ mode: '', ec2-instance-type: t3.large, ec2-image-id: ami-1 }",
            2,
        ),
        ("{ mode: '', label: '', ec2-instance-id: '' }", 2),
        ("{ provider: aws, set: market=spot, count: 2 }", 2),
        ("{ ec2-instance-type: t3.large, ec2-image-id: ami-1 }", 2),
        ("{ command: stop, mode: start, provider: aws }", 2),
    ]
    .into_iter()
    .enumerate()
    {
        let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
        let world = job(710 + n as u64, &proxy).env("GH_PAT", TOKEN);
        let action = Action::in_world(&world);
        let said = carried_out(&world, action.step(&world, &with(inputs), &Yaml::Null));
        let said = said.exits(code);
        assert!(
            proxy.asked("RunInstances").is_empty(),
            "{inputs}: {}",
            said.stderr
        );
        assert_eq!(left(&world, &server), [""; 0], "{inputs}");
        let counts = world.github.counts();
        let created = counts
            .keys()
            .filter(|sort| sort.contains("generate-jitconfig"));
        assert_eq!(created.count(), 0, "{inputs}");
    }
}

#[test]
fn the_outputs_are_there_when_a_start_is_killed_half_way_and_the_run_is_enough_to_stop_it() {
    let Some(server) = moto() else { return };
    for (n, stop) in [
        "{ command: stop, mapping: '${{ steps.rent.outputs.mapping }}' }",
        "{ mapping: '' }",
    ]
    .into_iter()
    .enumerate()
    {
        let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
        let world = job(730 + n as u64, &proxy).env("GH_PAT", TOKEN);
        let mut action = Action::in_world(&world);
        let mut child = action
            .step(
                &world,
                &with("{ command: start, provider: aws }"),
                &Yaml::Null,
            )
            .spawn()
            .expect("it runs");
        wait_for("the launch in the outputs", || {
            world
                .output("ec2-instance-id")
                .filter(|id| id.starts_with("i-"))
        });
        // The step's own process: nothing stands between it and the signal.
        crate::world::signal(&child, "KILL");
        child.wait().expect("it ends");
        action.take_outputs(&world, "rent");
        assert!(action.context["steps.rent.outputs.label"].starts_with("gharun-"));
        assert_eq!(left(&world, &server).len(), 1);
        std::fs::remove_file(world.path("temp/gharun-state.json")).expect("it was there");
        let world = world.env("GHARUN_TIMEOUT", "");
        let mut stop = action.step(&world, &with(stop), &Yaml::Null);
        stop.env("GHARUN_SECOND_LOOK", "1s");
        let said = carried_out(&world, stop);
        assert!(matches!(said.code, Some(0 | 3)), "{}", said.stderr);
        assert_eq!(left(&world, &server), [""; 0], "{}", said.stderr);
    }
}

#[test]
fn a_signal_reaches_the_program() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let world = job(740, &proxy).env("GH_PAT", TOKEN);
    let action = Action::in_world(&world);
    let mut child = action
        .step(
            &world,
            &with("{ command: start, provider: aws }"),
            &Yaml::Null,
        )
        .spawn()
        .expect("it runs");
    wait_for("the launch", || {
        world.output("label").filter(|label| !label.is_empty())
    });
    crate::world::signal(&child, "INT");
    let code = wait_for("the end", || child.try_wait().expect("it can be asked")).code();
    assert_eq!(code, Some(130));
    assert_eq!(left(&world, &server), [""; 0]);
    // Nothing is left to stop.
    assert_eq!(world.output("label").as_deref(), Some(""));
    assert_eq!(world.output("ec2-instance-id").as_deref(), Some(""));
}

#[test]
fn an_installed_program_is_found_by_the_steps_that_come() {
    let world = World::step();
    let path = world.path("path").display().to_string();
    let world = world.env("GITHUB_PATH", &path);
    let action = Action::in_world(&world);
    let step = action.step(&world, &with("{ command: install }"), &Yaml::Null);
    carried_out(&world, step).exits(0);
    let folder = std::fs::read_to_string(&path).expect("it was written");
    assert!(
        std::path::Path::new(folder.trim()).join("gharun").exists(),
        "{folder}"
    );
    assert_eq!(world.output("version").as_deref(), Some(VERSION));
}

#[test]
fn what_is_wrong_is_an_annotation_that_names_the_input() {
    let world = World::step();
    let action = Action::in_world(&world);
    let said = |inputs: &str| {
        let said = carried_out(&world, action.step(&world, &with(inputs), &Yaml::Null)).exits(2);
        let lines = said
            .stderr
            .lines()
            .filter(|line| !line.starts_with("::add-mask::"));
        lines.map(|line| line.to_owned() + "\n").collect::<String>()
    };
    insta::assert_snapshot!(said("{}"), @"::error title=gharun::this step does not say what to do%0Ahint: write `command: start`, or `command: stop` with the `mapping` of the step that started");
    insta::assert_snapshot!(said("{ command: start, provider: local, count: many, colour: red }"), @"
    ::notice title=gharun::unknown inputs, which change nothing: `colour`
    ::error title=gharun::the input `count` must be an integer from 1 to 256, not `many`
    ");
    insta::assert_snapshot!(said("{ command: start, provider: local, runner-group: big }"), @"::error title=gharun::the input `runner-group` cannot be `big`: repositories have no runner groups%0Ahint: register with the organization: `--org octo` instead of `$GHARUN_REPO`; or leave the group out");
    insta::assert_snapshot!(said("{ command: start, provider: local, args: --cuont=2 }"), @"::error title=gharun::unexpected argument '--cuont' found%0AUsage: gharun start --count <N> <PROVIDER>...%0Ahint: a similar argument exists: '--count'%0Ahint: see `gharun start --help`");
}

#[test]
fn the_table_of_inputs_and_action_yml_have_the_same_names() {
    let about = yaml(&repository("action.yml"));
    let inputs = about["inputs"].as_hash().expect("inputs");
    let named: std::collections::BTreeSet<&str> = inputs.keys().filter_map(Yaml::as_str).collect();
    let known: std::collections::BTreeSet<&str> = gharun::inside::input_names().collect();
    assert_eq!(named, known);
    for (name, about) in inputs {
        let name = name.as_str().expect("a name");
        let tells_absent = ["command", "mode", "mapping", "instance_mapping"].contains(&name);
        assert_eq!(
            about["default"].as_str(),
            tells_absent.then_some("{absent}"),
            "{name}"
        );
        assert!(
            about["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{name}"
        );
    }
    for step in about["runs"]["steps"].as_vec().expect("steps") {
        let run = step["run"].as_str().expect("a script");
        assert!(!run.contains("${{"), "{run}");
    }
    // <https://docs.github.com/en/actions/how-tos/create-and-publish-actions/publish-in-github-marketplace>
    let description = about["description"].as_str().expect("a description");
    assert!(description.len() <= 125 && !about["branding"]["icon"].is_badvalue());
}

/// What a step of the action says with these inputs.
fn with_inputs(inputs: &Value) -> Said {
    let event = r#"{"repository": {"fork": false}}"#;
    let world = World::step()
        .env("GITHUB_EVENT_NAME", "push")
        .env("GH_PAT", "");
    std::fs::write(world.path("event.json"), event).expect("a file");
    let path = world.path("event.json").display().to_string();
    let world = world.env("GITHUB_EVENT_PATH", &path);
    let mut command = world.command("action");
    command.env("GHARUN_ACTION_INPUTS", inputs.to_string());
    Said::of(command.output().expect("it runs"), &world)
}

#[test]
fn who_uses_the_action_is_told_of_inputs_and_not_of_variables() {
    let start = json!({ "command": "start", "provider": "local", "token": "" });
    let with = |more: Value| {
        let mut inputs = start.clone();
        let inputs = inputs.as_object_mut().expect("an object");
        inputs.extend(more.as_object().expect("an object").clone());
        json!(inputs)
    };
    for (inputs, input) in [
        (start.clone(), "token"),
        (with(json!({ "app-id": "1234" })), "app-private-key"),
        (with(json!({ "app-private-key": "-----BEGIN" })), "app-id"),
    ] {
        let said = with_inputs(&inputs).exits(2);
        let hint = format!("set the input `{input}`");
        assert!(said.stderr.contains(&hint), "{input}: {}", said.stderr);
        for elsewhere in ["$GH_PAT", "$GHARUN_", "[github"] {
            assert!(
                !said.stderr.contains(elsewhere),
                "{elsewhere}: {}",
                said.stderr
            );
        }
    }
}
