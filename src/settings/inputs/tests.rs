//! What the inputs of a step come to.

use std::collections::BTreeSet;

use serde_json::json;

use super::given::VARIABLE;
use super::table::INPUTS;
use super::*;
use crate::cli::{self, Command};
use crate::settings::{ProviderSettings, Settings, StartSettings};

mod command;
mod forks;

fn env(variables: &[(&str, &str)]) -> Env {
    let variables = variables.iter();
    variables
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A step with these inputs, all others as `action.yml` has them.
fn decide_in(env: Env, inputs: &Value) -> Result<ActionStep> {
    let mut all = serde_json::Map::new();
    for row in INPUTS {
        let decides = matches!(row.becomes, Becomes::Command | Becomes::Mapping);
        let default = if decides { given::ABSENT } else { "" };
        all.insert(row.name.to_owned(), default.into());
    }
    all.extend(inputs.as_object().expect("a table").clone());
    let env = env.with(VARIABLE, Value::from(all).to_string());
    GivenInputs::read(&env)?.decide(env)
}

fn decide(inputs: &Value) -> Result<ActionStep> {
    decide_in(env(&[("AWS_REGION", "us-east-1")]), inputs)
}

fn words(inputs: &Value) -> String {
    decide(inputs).expect("it is read").words.join(" ")
}

fn error(inputs: &Value) -> String {
    let error = decide(inputs).expect_err("it is refused");
    let hints = error.hints().iter().map(|hint| format!("\nhint: {hint}"));
    error.to_string() + &hints.collect::<String>()
}

/// The settings of a start, and those of its providers.
fn start(step: ActionStep) -> Result<(StartSettings, Vec<ProviderSettings>)> {
    let cli = cli::read(&step.words).expect("it is a command line");
    let Command::Start(args) = cli.command else {
        panic!("it is not a start")
    };
    let settings = Settings::resolve(
        &cli.global,
        &args.set,
        step.env.with("HOME", "/home/me".to_owned()),
    )?;
    let start = settings.start(&args)?;
    let providers = settings.tables.settings(&start.providers)?;
    Ok((start, providers))
}

#[test]
fn every_input_is_in_the_table_once_and_in_small_letters() {
    let mut seen = BTreeSet::new();
    for row in INPUTS {
        assert!(seen.insert(row.name), "{} is there twice", row.name);
        assert_eq!(row.name, row.name.to_ascii_lowercase());
    }
}

#[test]
fn a_stop_of_another_action_names_its_machines() {
    let name = "gharun-7-1-0-abcdefabcdefgh";
    let stop = decide(&json!({ "mode": "stop", "label": name, "ec2-instance-id": "i-0abc" }));
    let stop = stop.expect("it is read");
    assert_eq!(stop.words, ["gharun", "stop", "--provider=aws"]);
    let mapping = format!("{{\"i-0abc\":[\"{name}\"]}}");
    assert_eq!(stop.env.get("GHARUN_MAPPING"), Some(mapping.as_str()));
    assert_eq!(stop.env.get(VARIABLE), None);
    // The start failed before it had outputs.
    assert_eq!(
        words(&json!({ "mode": "stop", "label": "", "ec2-instance-id": "" })),
        "gharun stop"
    );
    assert_eq!(
        words(&json!({ "mode": "stop", "label": name })),
        format!("gharun stop {name}")
    );
    let mapping = "{\"aws:us_east_1_245b26/i-1\": \"gharun-7-1-0-abcdefabcdefgh\"}";
    assert_eq!(
        words(&json!({ "instance_mapping": mapping })),
        "gharun stop --provider=aws"
    );
    // The start had other providers, too.
    let mapping = "{\"docker:0f0e0d0c0b0a/1\": \"gharun-7-1-0-abcdefabcdefgh\"}";
    assert_eq!(
        words(&json!({ "instance_mapping": mapping })),
        "gharun stop"
    );
    assert_eq!(
        words(&json!({ "mapping": "{\"aws:i-1\": []}" })),
        "gharun stop"
    );
}

#[test]
fn our_own_inputs_are_as_the_options() {
    let step = decide(&json!({
        "Command": "start", "provider": "gpu, aws\nlocal", "set": "image=ami-1\n\n market=spot ",
        "count": "3", "label": "a b", "labels": "c,d", "timeout": "20m", "lifetime": "3h", "idle-timeout": "5m",
        "group": "g", "setup": "s.sh", "org": "octo", "runner-group": "big", "config": "p.toml", "allow-partial": "true",
        "app-id": "1", "app-private-key": "k", "args": "--keep-failed\n--runner-version\n2.330.0\n",
    }));
    let step = step.expect("it is read");
    insta::assert_snapshot!(step.words.join(" "), @"gharun start gpu aws local --set=image=ami-1 --set=market=spot --keep-failed --runner-version 2.330.0");
    let set = [
        "COUNT",
        "LABELS",
        "TIMEOUT",
        "LIFETIME",
        "IDLE_TIMEOUT",
        "GROUP",
        "SETUP",
        "ORG",
        "RUNNER_GROUP",
        "CONFIG",
        "ALLOW_PARTIAL",
        "APP_ID",
        "APP_PRIVATE_KEY",
    ];
    let set = set.map(|name| {
        step.env
            .get(&format!("GHARUN_{name}"))
            .unwrap_or("-")
            .to_owned()
    });
    insta::assert_snapshot!(set.join(" "), @"3 a,b,c,d 20m 3h 5m g s.sh octo big p.toml true 1 k");
    assert_eq!(step.notices, Vec::<String>::new());
    let of_stop = json!({ "command": "stop", "provider": "aws docker", "timeout": "5m", "set": "region=eu-west-1", "group": "g" });
    insta::assert_snapshot!(words(&of_stop), @"gharun stop --provider=aws --provider=docker --set=region=eu-west-1 --timeout=5m");
    insta::assert_snapshot!(words(&json!({ "command": "list", "provider": "aws", "args": "--orphans" })), @"gharun list --provider=aws --orphans");
    insta::assert_snapshot!(words(&json!({ "command": "check", "provider": "aws" })), @"gharun providers check aws");
}

#[test]
fn an_input_beats_a_variable_and_is_beaten_by_an_option() {
    let around = || {
        env(&[
            ("GHARUN_TIMEOUT", "2m"),
            ("GHARUN_REPO", "o/other"),
            ("GH_PAT", "x"),
        ])
    };
    let seconds = |inputs: Value| {
        let step = decide_in(around(), &inputs).expect("it is read");
        start(step).expect("it resolves").0.timeout.as_secs()
    };
    assert_eq!(
        seconds(json!({ "command": "start", "provider": "local" })),
        120
    );
    assert_eq!(
        seconds(json!({ "command": "start", "provider": "local", "timeout": "3m" })),
        180
    );
    assert_eq!(
        seconds(
            json!({ "command": "start", "provider": "local", "timeout": "3m", "args": "--timeout=4m" })
        ),
        240
    );
    // What means the same is not left to contradict it.
    let step = decide_in(
        around(),
        &json!({ "command": "start", "provider": "local", "org": "octo", "app-id": "1", "app-private-key": "k" }),
    );
    let step = step.expect("it is read");
    assert_eq!(
        (step.env.get("GHARUN_REPO"), step.env.get("GH_PAT")),
        (None, None)
    );
    let step = decide_in(
        around(),
        &json!({ "command": "start", "provider": "local", "token": "t" }),
    )
    .expect("it is read");
    assert_eq!(step.env.get("GHARUN_GITHUB_TOKEN"), Some("t"));
}

#[test]
fn an_error_names_the_input() {
    let wrong = |inputs: Value| {
        let step = decide(&inputs);
        let error = step.and_then(start).expect_err("it is refused");
        error.to_string()
    };
    insta::assert_snapshot!(wrong(json!({ "command": "start", "provider": "local", "count": "0" })), @"the input `count` must be an integer from 1 to 256, not `0`");
    insta::assert_snapshot!(wrong(json!({ "command": "start", "provider": "local", "labels": "a;b" })), @"the input `labels` must be a label of letters, digits, `.`, `_` and `-`, not `a;b`");
    insta::assert_snapshot!(wrong(json!({ "command": "start", "provider": "--config=x" })), @"the input `provider` must be names of providers, divided by blanks or commas, not `--config=x`");
    insta::assert_snapshot!(wrong(json!({ "aws_instance_type": "t3.large", "gh_timeout": "soon" })), @"the input `gh_timeout` must be a number of seconds, not `soon`");
    insta::assert_snapshot!(wrong(json!({ "aws_instance_type": "t3.large", "aws_subnet_id": "net-1" })), @"`providers.aws.subnets[0]` (the input `aws_subnet_id`) must be an ID that begins with `subnet-`, not `net-1`");
    insta::assert_snapshot!(wrong(json!({ "command": "start", "ec2-instance-type": "t3.large", "provider": "local" })), @"the input `ec2-instance-type` is for a provider of the kind aws, and local is not one");
    insta::assert_snapshot!(wrong(json!({ "command": "start", "instance_count": "1", "count": "2" })), @"the inputs `count` and `instance_count` mean the same, and differ: keep one of them");
    insta::assert_snapshot!(wrong(json!({ "command": "start", "setup": "x", "pre-runner-script": "y" })), @"the inputs `setup` and `pre-runner-script` mean the same: keep one of them");
    insta::assert_snapshot!(wrong(json!({ "command": "start", "packages": "[\"git; reboot\"]" })), @"the input `packages` must be names of packages, not `git; reboot`");
    insta::assert_snapshot!(wrong(json!({ "command": "list", "token": "hush", "github-token": "hash" })), @"the inputs `token` and `github-token` mean the same, and differ: keep one of them");
}

#[test]
fn an_input_is_named_in_the_same_words_by_every_error() {
    let step = |inputs: Value| {
        let step = decide(&inputs).expect("it is read");
        let cli = cli::read(&step.words).expect("it is a command line");
        let env = step.env.with("HOME", "/home/me".to_owned());
        let error = Settings::resolve(&cli.global, &[], env).expect_err("it is refused");
        error.to_string()
    };
    insta::assert_snapshot!(step(json!({ "command": "list", "config": "none.toml" })), @"the input `config` cannot be `none.toml`: the file does not exist");
    let key = format!("ghp_{}", "a".repeat(36));
    insta::assert_snapshot!(step(json!({ "command": "list", "config": key })), @"the input `config` cannot be used: it must be a path, and looks like a key, which is not shown (for a path, write `./` before it)");
}

#[test]
fn the_workflow_of_machulavs_action_means_the_same_machine() {
    let step = decide(&json!({
        "mode": "start", "github-token": "hush", "ec2-image-id": "ami-123", "ec2-instance-type": "t3.nano",
        "subnet-id": "subnet-123", "security-group-id": "sg-123", "iam-role-name": "my-role-name",
        "aws-resource-tags": "[{\"Key\": \"Name\", \"Value\": \"ec2\"}, {\"Key\": \"team\", \"Value\": \"a\"}]",
        "block-device-mappings": "[{\"DeviceName\": \"/dev/sda1\", \"Ebs\": {\"VolumeSize\": 100, \"VolumeType\": \"gp3\"}}]",
        "ec2-volume-size": "8", "market-type": "spot", "startup-timeout-minutes": "7", "runner-group-id": "2",
        "metadata-options": "{\"HttpTokens\": \"required\", \"HttpPutResponseHopLimit\": 2}",
        "pre-runner-script": "apt-get install -y make", "packages": "[\"git\"]", "use-jit": "true", "runner-home-dir": "/r",
        "colour": "red",
    }));
    let step = step.expect("it is read");
    insta::assert_snapshot!(step.notices.join("\n"), @"
    the runner and its jobs run as root, as with machulav/ec2-github-runner; for an unprivileged user, write `set: run_as=runner`
    unknown inputs, which change nothing: `colour`
    inputs that `start` does not need, and ignores: `use-jit`, `runner-home-dir`
    ");
    let (start, providers) = start(step).expect("it resolves");
    assert_eq!(start.timeout.as_secs(), 7 * 60);
    insta::assert_snapshot!(start.setup.unwrap_or_default(), @"
    #!/usr/bin/env bash
    set -e
    if command -v apt-get >/dev/null; then
        apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y git
    elif command -v dnf >/dev/null; then dnf install -y git
    else yum install -y git; fi
    apt-get install -y make
    ");
    insta::assert_snapshot!(Value::from(providers[0].values.clone()), @r#"{"region":"us-east-1","image":"ami-123","instance_types":["t3.nano"],"subnets":["subnet-123"],"security_groups":["sg-123"],"instance_profile":"my-role-name","tags":{"Name":"ec2","team":"a"},"market":"spot","volume":{"size":100,"type":"gp3"},"metadata_hop_limit":2,"run_as":"root"}"#);
}

#[test]
fn the_workflow_of_omsfs_action_means_the_same_machine() {
    let step = decide(&json!({
        "aws_image_name": "Deep Learning (Ubuntu 24.04)", "aws_image_id": "latest", "aws_instance_type": "g4dn.xlarge",
        "aws_home_dir": "/home/ubuntu", "aws_region_name": "eu-west-1", "aws_root_device_size": "80", "aws_iam_role": "r",
        "aws_tags": "[{\"Key\": \"team\", \"Value\": \"a\"}]", "extra_gh_labels": "gpu,big", "instance_count": "2",
        "gh_timeout": "1200", "aws_security_group_id": "sg-1", "aws_subnet_id": "subnet-1",
    }));
    let step = step.expect("it is read");
    insta::assert_snapshot!(step.notices.join("\n"), @"
    the runner and its jobs run as root, as with omsf/start-aws-gha-runner; for an unprivileged user, write `set: run_as=runner`
    inputs that `start` does not need, and ignores: `aws_home_dir`
    ");
    let (start, providers) = start(step).expect("it resolves");
    assert_eq!((start.count.get(), start.timeout.as_secs()), (2, 1200));
    assert_eq!(start.labels, ["gpu", "big"]);
    insta::assert_snapshot!(Value::from(providers[0].values.clone()), @r#"{"region":"eu-west-1","image":{"owner":"amazon","name":"Deep Learning (Ubuntu 24.04)*"},"instance_types":["g4dn.xlarge"],"subnets":["subnet-1"],"security_groups":["sg-1"],"volume":{"size":80},"instance_profile":"r","tags":{"team":"a"},"run_as":"root"}"#);
}

#[test]
fn words_of_another_action_that_name_no_machine_fit_any_provider() {
    for (name, value) in [
        ("startup-timeout-minutes", "7"),
        ("pre-runner-script", "make tools"),
        ("packages", "[\"git\"]"),
        ("runner-group-id", "2"),
        ("use-jit", "true"),
        ("runner-home-dir", "/r"),
        ("extra_gh_labels", "gpu"),
        ("instance_count", "2"),
        ("gh_timeout", "60"),
        ("aws_home_dir", "/home/ubuntu"),
        // It is the default of that action, and says nothing.
        ("aws_root_device_size", "0"),
        ("availability-zones-config", "[]"),
    ] {
        let step =
            decide(&json!({ "command": "start", "provider": "local", name: value, "org": "octo" }));
        let step = step.expect("it is read");
        assert_eq!(step.words, ["gharun", "start", "local"], "{name}");
        let notices = step.notices.join("\n");
        assert!(!notices.contains("root"), "{name}: {notices}");
        let (_, providers) = start(step).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(providers[0].values.get("run_as"), None, "{name}");
        // Nor is a provider guessed by it.
        let step = decide(&json!({ "command": "start", name: value })).expect("it is read");
        assert_eq!(step.words, ["gharun", "start"], "{name}");
    }
}

#[test]
fn a_user_of_the_runner_that_is_named_is_kept() {
    for (inputs, user) in [
        (
            json!({ "mode": "start", "ec2-instance-type": "t3.nano", "run-runner-as-user": "ubuntu" }),
            "ubuntu",
        ),
        (
            json!({ "mode": "start", "ec2-instance-type": "t3.nano", "set": "run_as=runner" }),
            "runner",
        ),
    ] {
        let step = decide(&inputs).expect("it is read");
        assert_eq!(step.notices, Vec::<String>::new());
        let (_, providers) = start(step).expect("it resolves");
        assert_eq!(providers[0].values["run_as"], user);
    }
}

#[test]
fn zones_are_regions_with_their_subnets_in_order() {
    let zone = |image: &str, subnet: &str, group: &str| json!({ "imageId": image, "subnetId": subnet, "securityGroupId": group });
    let read = |zones: &[Value]| {
        let zones = Value::from(zones).to_string();
        let given = json!({ "mode": "start", "ec2-instance-type": "t3.nano", "availability-zones-config": zones, "subnet-id": "subnet-x" });
        decide(&given)
            .and_then(start)
            .map(|(_, providers)| Value::from(providers[0].values.clone()))
    };
    let one_region = read(&[
        zone("ami-1", "subnet-1", "sg-1"),
        zone("ami-1", "subnet-2", "sg-1"),
    ]);
    insta::assert_snapshot!(one_region.expect("it resolves"), @r#"{"region":"us-east-1","instance_types":["t3.nano"],"subnets":["subnet-1","subnet-2"],"security_groups":["sg-1"],"image":"ami-1","run_as":"root"}"#);
    let mut several = [
        zone("ami-1", "subnet-1", "sg-1"),
        zone("ami-2", "subnet-2", "sg-2"),
        zone("ami-2", "subnet-3", "sg-2"),
    ];
    for zone in &mut several[1..] {
        zone["region"] = "eu-west-1".into();
    }
    insta::assert_snapshot!(read(&several).expect("it resolves"), @r#"{"region":"us-east-1","instance_types":["t3.nano"],"subnets":["us-east-1/subnet-1","eu-west-1/subnet-2","eu-west-1/subnet-3"],"security_groups":["us-east-1/sg-1","eu-west-1/sg-2"],"image":["us-east-1/ami-1","eu-west-1/ami-2"],"regions":["eu-west-1"],"run_as":"root"}"#);
    let unlike = read(&[
        zone("ami-1", "subnet-1", "sg-1"),
        zone("ami-2", "subnet-2", "sg-1"),
    ]);
    insta::assert_snapshot!(unlike.expect_err("it is refused"), @"the input `availability-zones-config` cannot be used: zones of one region cannot differ in image or security group");
}

#[test]
fn what_has_no_counterpart_says_what_to_write_instead() {
    let start = |name: &str, value: &str| {
        error(&json!({ "mode": "start", "ec2-instance-type": "t3.nano", name: value }))
    };
    insta::assert_snapshot!(start("block-device-mappings", "[{\"DeviceName\": \"a\"}, {\"DeviceName\": \"b\"}]"), @r#"
    the input `block-device-mappings` cannot be used: gharun sets the root disk only
    hint: put the disks into a launch template, and write `set: launch_template={ name = "NAME" }`
    "#);
    insta::assert_snapshot!(start("block-device-mappings", "[{\"DeviceName\": \"a\", \"Ebs\": {\"SnapshotId\": \"snap-1\"}}]"), @r#"
    the input `block-device-mappings` cannot be used: gharun has no setting for `SnapshotId`
    hint: put the disks into a launch template, and write `set: launch_template={ name = "NAME" }`
    "#);
    insta::assert_snapshot!(start("metadata-options", "{\"InstanceMetadataTags\": \"enabled\"}"), @r#"
    the input `metadata-options` cannot be used: gharun has no setting for `InstanceMetadataTags: "enabled"`
    hint: put it into a launch template, and write `set: launch_template={ name = "NAME" }`
    "#);
    insta::assert_snapshot!(start("market-type", "on-demand"), @"the input `market-type` must be `spot`, or left out, not `on-demand`");
    insta::assert_snapshot!(error(&json!({ "aws_image_id": "latest" })), @"
    the input `aws_image_id` cannot be used: `latest` needs the name of the image
    hint: set the input `aws_image_name`, too
    ");
}

#[test]
fn what_is_not_an_object_is_refused_and_nothing_of_it_is_shown() {
    for text in ["", "hush", "[\"hush\"]", "{\"token\": [\"hush\"]}"] {
        let error = GivenInputs::read(&env(&[(VARIABLE, text)])).expect_err("it is refused");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
    let given = GivenInputs::read(&env(&[(
        VARIABLE,
        "{\"token\": \"hush\", \"app-private-key\": \"key\"}",
    )]));
    let given = given.expect("it is read");
    let secrets: Vec<_> = given
        .secrets()
        .iter()
        .map(|secret| secret.expose().to_owned())
        .collect();
    assert_eq!(secrets, ["hush", "key"]);
    assert!(!format!("{given:?}").contains("hush"));
}
