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
                [providers.cloud]\nkind = \"nebius\"\nproject = \"project-e00x\"\n\
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

/// Runs the first lines of a job that are a script, as a step runs them, on a runner that stays.
#[cfg(any(feature = "docker", feature = "ssh"))]
fn runs_script(world: &World, script: &str, key: &str, hosts: &str) {
    let mut command = world.script(script);
    let output = command
        .env("SSH_KEY", key)
        .env("SSH_KNOWN_HOSTS", hosts)
        .env("GITHUB_PATH", world.path("path"))
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{script}: {output:?}");
}

/// The scripts of a job.
#[cfg(any(feature = "docker", feature = "ssh"))]
fn scripts(workflow: &Yaml, job: &str) -> Vec<String> {
    let steps = steps(workflow, job).iter();
    let scripts = steps.filter_map(|step| step["run"].as_str());
    scripts.map(str::to_owned).collect()
}

/// What else is in the folder of ssh of the user whose runner it is.
#[cfg(any(feature = "docker", feature = "ssh"))]
fn own_keys(world: &World) -> Vec<String> {
    let folder = world.path("home/.ssh");
    if !folder.exists() {
        std::fs::create_dir(&folder).expect("a folder");
        for name in ["id_ed25519", "known_hosts"] {
            std::fs::write(folder.join(name), "the user's own\n").expect("a file");
        }
    }
    let files = crate::world::files(&folder).into_iter();
    let mut all: Vec<String> = files
        .map(|(path, text)| format!("{} {text}", path.display()))
        .collect();
    all.sort();
    all
}

#[cfg(feature = "ssh")]
#[test]
fn a_key_of_hosts_is_a_file_of_the_step_and_the_user_keeps_the_own_one() {
    if gharun_worlds::sshd::program().is_err() {
        return;
    }
    let rack = gharun_worlds::sshd::Rack::of(1, "");
    let world = World::step();
    let spec = &rack.specs()[0];
    let file = format!("[providers.rack]\nkind = \"ssh\"\nhosts = [\"{spec}\"]\n");
    std::fs::write(world.path("providers.toml"), file).expect("a file");
    let before = own_keys(&world);
    let (text, workflow) = printed(&world, "rack");
    let read = |path: &std::path::Path| std::fs::read_to_string(path).expect("a file");
    let (key, hosts) = (read(&rack.identity()), read(&rack.known_hosts()));
    let mut mapping = String::new();
    for job in ["start", "stop", "sweep"] {
        let scripts = scripts(&workflow, job);
        assert_eq!(scripts.len(), 2, "{job}: {text}");
        // What a job that was killed has left is in nobody's way.
        for _ in 0..2 {
            runs_script(&world, &scripts[0], key.trim_end(), hosts.trim_end());
        }
        let folder = world.path("temp/gharun-ssh");
        for (path, mode) in [("key", 0o600), ("known_hosts", 0o600), ("", 0o700)] {
            let about = std::fs::metadata(folder.join(path)).expect("it is there");
            assert_eq!(about.permissions().mode() & 0o777, mode, "{path}");
        }
        let step = action(&workflow, job);
        let sets = step["with"]["set"].as_str().expect("settings");
        let temp = world.path("temp").display().to_string();
        let sets = sets.replace("${{ runner.temp }}", &temp);
        let mut command = world.command(step["with"]["command"].as_str().expect("a command"));
        command.args(step["with"]["provider"].as_str());
        if step["with"]["mapping"].as_str().is_some() {
            command.args(["--mapping", &mapping]);
        }
        command.args(step["with"]["args"].as_str().unwrap_or_default().lines());
        command.args(sets.lines().flat_map(|set| ["--set", set]));
        Said::of(command.output().expect("it runs"), &world).exits(0);
        if job == "start" {
            mapping = world.output("mapping").expect("an output");
            assert!(mapping.contains("rack:"), "{mapping}");
        }
        let ends = steps(&workflow, job).last().expect("steps");
        assert_eq!(ends["if"].as_str(), Some("always()"), "{job}: {text}");
        runs_script(&world, &scripts[1], "", "");
        assert!(!folder.exists());
    }
    assert_eq!(own_keys(&world), before);
}

#[cfg(feature = "docker")]
#[test]
fn the_ssh_of_docker_has_a_key_and_hosts_of_its_own() {
    let world = World::step();
    let file = "[providers.far]\nkind = \"docker\"\nhost = \"ssh://me@build.example.com\"\n";
    std::fs::write(world.path("providers.toml"), file).expect("a file");
    let before = own_keys(&world);
    let (text, workflow) = printed(&world, "far");
    let scripts = scripts(&workflow, "start");
    runs_script(&world, &scripts[0], "key", "hosts");
    let added = std::fs::read_to_string(world.path("path")).expect("a file");
    let program = std::path::Path::new(added.trim()).join("ssh");
    let shown = world
        .dressed(
            std::process::Command::new(program),
            ["-G", "me@build.example.com"],
        )
        .output()
        .expect("it runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let folder = world.path("temp/gharun-ssh").display().to_string();
    for line in [
        format!("identityfile {folder}/key"),
        format!("userknownhostsfile {folder}/known_hosts"),
        "identitiesonly yes".to_owned(),
        "user me".to_owned(),
    ] {
        assert!(
            shown.lines().any(|one| one == line),
            "{line}: {shown}\n{text}"
        );
    }
    let with = &action(&workflow, "start")["with"];
    assert!(with["set"].is_badvalue(), "{text}");
    runs_script(&world, scripts.last().expect("one"), "", "");
    assert!(!world.path("temp/gharun-ssh").exists());
    assert_eq!(own_keys(&world), before);
}

#[cfg(all(feature = "runpod", feature = "ssh"))]
#[test]
fn a_secret_that_github_does_not_accept_is_told_and_not_printed() {
    let world = World::new();
    let file = |text: &str| std::fs::write(world.path("providers.toml"), text).expect("a file");
    for (text, told) in [
        (
            "[providers.gpu]\nkind = \"runpod\"\ngpu = \"L40S\"\napi_key = { env = \"github_key\" }\n",
            "`providers.gpu.api_key` (providers.toml:4) is kept in $github_key, and GitHub accepts no secret of that name",
        ),
        (
            "[providers.gpu]\nkind = \"runpod\"\ngpu = \"L40S\"\napi_key = { env = \"POD_KEY\" }\n\
             [providers.too]\nkind = \"runpod\"\ngpu = \"A40\"\napi_key = { env = \"pod_key\" }\n",
            "GitHub takes $POD_KEY and $pod_key for one secret",
        ),
        ("[providers.ssh]\n", "`hosts` of `ssh` is not set"),
    ] {
        file(text);
        let said = world.run("workflow").exits(2);
        assert!(said.stderr.contains(told), "{}", said.stderr);
        assert_eq!(said.stdout, "");
    }
    file("[github]\ntoken = { env = \"GITHUB_TOKEN\" }\n[providers.local]\n");
    let world = world.env("GH_PAT", "").env("GITHUB_TOKEN", "ghs_hidden");
    let (text, workflow) = printed(&world, "local");
    assert!(!text.contains("secrets.GITHUB_TOKEN"), "{text}");
    assert!(
        text.contains(
            "# GitHub accepts no secret of the name GITHUB_TOKEN: keep the token in GH_PAT.\n"
        ),
        "{text}"
    );
    let token = &action(&workflow, "start")["with"]["token"];
    assert_eq!(token.as_str(), Some("${{ secrets.GH_PAT }}"));
}

#[cfg(feature = "runpod")]
#[test]
fn a_secret_that_stands_where_its_variable_should_is_refused_and_not_shown() {
    let world = World::new().env("GH_PAT", "");
    let key = "rpa_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let of = |text: String| std::fs::write(world.path("providers.toml"), text).expect("a file");
    for (text, place) in [
        (
            format!(
                "[providers.gpu]\nkind = \"runpod\"\ngpu = \"L40S\"\napi_key = {{ env = \"{key}\" }}\n"
            ),
            "`providers.gpu.api_key.env` (providers.toml:4)",
        ),
        (
            format!("[github]\ntoken = {{ env = \"{key}\" }}\n[providers.gpu]\nkind = \"local\"\n"),
            "`github.token.env` (providers.toml:2)",
        ),
    ] {
        of(text);
        let told = format!(
            "{place} must be the name of a variable, such as `GH_PAT`, not the secret itself"
        );
        for args in [
            "workflow",
            "-vv start gpu --dry-run",
            "-vv --output json providers check gpu",
            "providers init local --yes",
        ] {
            let said = world.run(args);
            assert!(!format!("{said:?}").contains(key), "{args}: {said:?}");
            let told_twice = format!("{}{}", said.stdout, said.stderr);
            if args == "workflow" {
                assert!(told_twice.contains(&told), "{told_twice}");
                assert_eq!(said.code, Some(2));
            }
        }
    }
}

#[cfg(all(
    feature = "aws",
    feature = "nebius",
    feature = "runpod",
    feature = "ssh"
))]
#[test]
fn a_workflow_that_could_not_start_is_refused_with_what_to_write() {
    let world = World::new().env("AWS_REGION", "");
    // What this computer has is not there in a step.
    std::fs::create_dir_all(world.path("home/.nebius")).expect("a folder");
    let profile = "default: me\nprofiles:\n  me:\n    parent-id: project-e00x\n";
    std::fs::write(world.path("home/.nebius/config.yaml"), profile).expect("a file");
    for (kind, unset, line) in [
        ("aws", "`region`", "`region = \"us-east-1\"`"),
        ("nebius", "`project`", "`project = \"project-…\"`"),
        (
            "runpod",
            "`gpu` or `cpu`",
            "`gpu = \"L40S\"` or `cpu = \"cpu5c\"`",
        ),
        ("ssh", "`hosts`", "`hosts`"),
    ] {
        let told = |name: &str, next: &str| {
            let said = world.run(&format!("workflow {name}")).exits(2);
            let first = format!("{unset} of `{name}` is not set");
            for part in [first.as_str(), next] {
                assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
            }
            assert_eq!(said.stdout, "");
        };
        let file = world.path("providers.toml");
        std::fs::write(&file, "[defaults]\n").expect("a file");
        told(kind, &format!("`gharun providers init {kind}`"));
        std::fs::write(&file, format!("[providers.mine]\nkind = \"{kind}\"\n")).expect("a file");
        told("mine", &format!("add {line} to `[providers.mine]`"));
    }
}

#[cfg(feature = "aws")]
#[test]
fn the_region_of_a_workflow_is_that_of_a_start() {
    let world = World::new().env("AWS_REGION", "eu-north-1");
    let (text, _) = printed(&world, "aws");
    assert!(text.contains("aws-region: 'eu-north-1'"), "{text}");
    let file = "[providers.far]\nkind = \"aws\"\nregions = [\"eu-west-1\", \"us-west-2\"]\n";
    std::fs::write(world.path("providers.toml"), file).expect("a file");
    let world = world.env("AWS_REGION", "");
    let (text, _) = printed(&world, "far");
    assert!(text.contains("aws-region: 'eu-west-1'"), "{text}");
}

#[test]
fn a_build_without_an_owner_says_that_its_workflow_cannot_run_yet() {
    let world = World::new();
    let said = world.run("workflow local").exits(0);
    let is_nobodys = env!("CARGO_PKG_REPOSITORY").contains("/OWNER/");
    let told = "this build of gharun names no owner: ";
    assert_eq!(said.stderr.contains(told), is_nobodys, "{}", said.stderr);
    assert_eq!(said.stdout.contains(told), is_nobodys, "{}", said.stdout);
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
