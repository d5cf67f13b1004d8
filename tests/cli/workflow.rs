//! `gharun workflow`: what it prints is YAML that GitHub takes, and its steps run.

use std::os::unix::fs::PermissionsExt as _;

use yaml_rust2::{Yaml, YamlLoader};

use crate::life::slots;
use crate::world::{Said, World};

fn printed(world: &World, args: &str) -> (String, Yaml) {
    let text = world.run(&format!("workflow {args}")).exits(0).stdout;
    let mut all =
        YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(all.len(), 1, "{text}");
    (text, all.remove(0))
}

fn steps<'a>(workflow: &'a Yaml, job: &str) -> &'a Vec<Yaml> {
    workflow["jobs"][job]["steps"].as_vec().expect("steps")
}

/// The step that is the action.
fn action<'a>(workflow: &'a Yaml, job: &str) -> &'a Yaml {
    let mut steps = steps(workflow, job).iter();
    let is_ours = |step: &&Yaml| {
        step["uses"]
            .as_str()
            .is_some_and(|uses| uses.contains("/gharun@v"))
    };
    steps.find(is_ours).expect("the action")
}

/// Runs what the action is told, as the action does.
fn runs(world: &World, step: &Yaml, mapping: &str) -> Said {
    let with = |key: &str| step["with"][key].as_str();
    let mut command = world.command(with("command").expect("a command"));
    command.args(with("provider").unwrap_or_default().split_whitespace());
    if with("mapping").is_some() {
        command.args(["--mapping", mapping]);
    }
    command.args(with("args").unwrap_or_default().lines());
    Said::of(command.output().expect("it runs"), world)
}

#[test]
fn a_workflow_starts_works_stops_and_sweeps() {
    let world = World::step();
    let file = "[defaults]\nproviders = [\"box\"]\n[providers.box]\nkind = \"local\"\n";
    std::fs::write(world.path("providers.toml"), file).expect("a file");
    let (text, workflow) = printed(&world, "");
    assert!(
        workflow["on"]["schedule"][0]["cron"].as_str().is_some(),
        "{text}"
    );
    assert_eq!(
        workflow["permissions"]
            .as_hash()
            .map(yaml_rust2::yaml::Hash::len),
        Some(0),
        "{text}"
    );
    let jobs = &workflow["jobs"];
    assert_eq!(
        jobs["work"]["runs-on"].as_str(),
        Some("${{ needs.start.outputs.label }}")
    );
    assert!(
        jobs["stop"]["if"]
            .as_str()
            .expect("a condition")
            .starts_with("always()"),
        "{text}"
    );
    assert_eq!(jobs["stop"]["needs"].as_vec().map(Vec::len), Some(2));
    for job in ["start", "stop", "sweep"] {
        assert_eq!(
            jobs[job]["permissions"]["contents"].as_str(),
            Some("read"),
            "{job}: {text}"
        );
        let step = action(&workflow, job);
        assert_eq!(
            step["with"]["token"].as_str(),
            Some("${{ secrets.GH_PAT }}"),
            "{job}"
        );
    }
    // All of it is done, as far as that goes without GitHub.
    runs(&world, action(&workflow, "start"), "").exits(0);
    assert_eq!(slots(&world), 1);
    let outputs = &jobs["start"]["outputs"];
    for output in ["label", "mapping"] {
        let said = format!("${{{{ steps.start.outputs.{output} }}}}");
        assert_eq!(outputs[output].as_str(), Some(said.as_str()));
        assert!(
            world.output(output).is_some(),
            "the start has no output `{output}`"
        );
    }
    let mapping = world.output("mapping").expect("an output");
    runs(&world, action(&workflow, "stop"), &mapping).exits(0);
    assert_eq!(slots(&world), 0);
    runs(&world, action(&workflow, "sweep"), "").exits(0);
}

#[cfg(all(
    feature = "aws",
    feature = "docker",
    feature = "runpod",
    feature = "ssh"
))]
#[test]
fn each_kind_gets_what_it_needs_and_no_secret_is_printed() {
    let world = World::step();
    let file = "[github]\ntoken = { env = \"ORG_PAT\" }\n\
                [providers.gpu]\nkind = \"runpod\"\ngpu = \"L40S\"\napi_key = { env = \"POD_KEY\" }\n\
                [providers.ec2]\nkind = \"aws\"\nregion = \"eu-west-1\"\n\
                [providers.cloud]\nkind = \"nebius\"\n\
                [providers.rack]\nkind = \"ssh\"\nhosts = [\"pi@pi4.local\"]\n\
                [providers.far]\nkind = \"docker\"\nhost = \"tcp://10.0.0.1:2376\"\n";
    std::fs::write(world.path("providers.toml"), file).expect("a file");
    let world = world
        .env("GH_PAT", "")
        .env("ORG_PAT", "ghp_hidden")
        .env("POD_KEY", "rpa_hidden");
    let (text, workflow) = printed(&world, "gpu ec2 cloud rack far");
    assert!(!text.contains("hidden"), "{text}");
    let step = action(&workflow, "start");
    assert_eq!(
        step["with"]["provider"].as_str(),
        Some("gpu ec2 cloud rack far")
    );
    for job in ["start", "stop", "sweep"] {
        let permissions = &workflow["jobs"][job]["permissions"];
        assert_eq!(
            permissions["id-token"].as_str(),
            Some("write"),
            "{job}: {text}"
        );
        assert_eq!(
            workflow["jobs"][job]["runs-on"].as_str(),
            Some("ubuntu-latest")
        );
        let step = action(&workflow, job);
        assert_eq!(
            step["with"]["token"].as_str(),
            Some("${{ secrets.ORG_PAT }}"),
            "{job}"
        );
        for secret in ["POD_KEY", "NEBIUS_IAM_TOKEN"] {
            let said = format!("${{{{ secrets.{secret} }}}}");
            assert_eq!(
                step["env"][secret].as_str(),
                Some(said.as_str()),
                "{job}: {text}"
            );
        }
        let oidc = steps(&workflow, job)
            .iter()
            .find(|step| step["with"]["aws-region"].as_str().is_some());
        assert_eq!(
            oidc.expect("credentials")["with"]["aws-region"].as_str(),
            Some("eu-west-1")
        );
        // The lines that put the key of ssh in place, run as a step runs them.
        let ssh = steps(&workflow, job)
            .iter()
            .find_map(|step| step["run"].as_str());
        let script = ssh.expect("a script").to_owned();
        let output = world
            .script(&script)
            .env("SSH_KEY", "key")
            .env("SSH_KNOWN_HOSTS", "hosts")
            .output();
        assert!(output.expect("it runs").status.success(), "{script}");
        let key = world.path("home/.ssh/id_ed25519");
        assert_eq!(std::fs::read_to_string(&key).expect("a key"), "key\n");
        let mode = std::fs::metadata(&key).expect("a key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let work = &workflow["jobs"]["work"]["permissions"];
    assert!(
        work["id-token"].is_badvalue(),
        "a job gets no credentials: {text}"
    );
    for secret in [
        "ORG_PAT",
        "POD_KEY",
        "NEBIUS_IAM_TOKEN",
        "SSH_KEY",
        "SSH_KNOWN_HOSTS",
    ] {
        assert!(text.contains(&format!("#   secret {secret}: ")), "{text}");
    }
    assert!(text.contains("#   variable AWS_ROLE: "), "{text}");
}

#[test]
fn a_computer_of_ones_own_runs_its_own_jobs_and_nothing_configured_is_told() {
    let world = World::new();
    let (text, workflow) = printed(&world, "local");
    assert_eq!(
        workflow["jobs"]["start"]["runs-on"].as_str(),
        Some("self-hosted"),
        "{text}"
    );
    assert!(!text.contains("providers.toml"), "{text}");
    let said = world.run("workflow").exits(2);
    assert!(
        said.stderr.contains("no provider is set"),
        "{}",
        said.stderr
    );
    world.run("workflow nope").exits(2);
    let json = world.run("--output json workflow local").exits(0).json();
    assert_eq!(json["workflow"].as_str(), Some(text.as_str()));
    assert_eq!(json["secrets"][0]["name"].as_str(), Some("GH_PAT"));
}
