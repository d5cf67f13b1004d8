//! llms.txt and llms-full.txt, for language models: <https://llmstxt.org>. A title, a sentence, and lists of links; and all
//! documents in one file.

use std::fmt::Write as _;
use std::fs;

use crate::repository;

/// Where files of the repository can be read as they are.
const RAW: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/raw/main/");

/// Each heading with its files and what they hold.
const SECTIONS: &[(&str, &[(&str, &str)])] = &[
    (
        "Documents",
        &[
            (
                "README.md",
                "what it is, a GPU for one job, on your computer",
            ),
            ("docs/agents.md", "rules and commands for coding agents"),
            (
                "docs/workflows.md",
                "three jobs, a matrix, several pairs, the sweep",
            ),
            ("docs/recipes.md", "cron, systemd, jq, exit codes"),
            (
                "docs/github.md",
                "scopes, tokens, permissions, GitHub Apps, GHES",
            ),
            (
                "docs/reference.md",
                "outputs, JSON, exit codes, where settings are",
            ),
            ("docs/settings.md", "every key of providers.toml"),
            ("docs/trouble.md", "each hint: its cause, and what to do"),
            ("docs/security.md", "threats, users, trust, secrets"),
            (
                "docs/write-a-provider.md",
                "a program for a place of one's own",
            ),
        ],
    ),
    (
        "Kinds of machines",
        &[
            ("docs/providers/aws.md", "EC2 instances"),
            ("docs/providers/docker.md", "containers"),
            ("docs/providers/external.md", "whatever a program launches"),
            ("docs/providers/local.md", "this computer"),
            ("docs/providers/nebius.md", "GPUs of Nebius"),
            ("docs/providers/runpod.md", "pods of RunPod"),
            ("docs/providers/ssh.md", "hosts over ssh"),
        ],
    ),
    (
        "Examples",
        &[
            ("examples/ec2-oidc.yml", "EC2 without stored keys"),
            ("examples/ec2-spot-arm.yml", "spot instances on ARM"),
            ("examples/gpu-runpod.yml", "a GPU of RunPod"),
            ("examples/gpu-nebius.yml", "a GPU of Nebius"),
            ("examples/matrix.yml", "a machine for each job of a matrix"),
            ("examples/docker-host.yml", "your own Docker host"),
            ("examples/pi-rack.yml", "Raspberry Pis"),
            ("examples/sweep.yml", "end what nobody will use again"),
            ("examples/org-app.yml", "an organization with a GitHub App"),
        ],
    ),
    (
        "Optional",
        &[
            ("docs/migrate.md", "from machulav, omsf, CML, own scripts"),
            ("providers.toml.example", "every setting with its default"),
            ("CHANGELOG.md", "what changed"),
            ("CONTRIBUTING.md", "how it is built and tested"),
        ],
    ),
];

/// What the README says in its first paragraph, on one line.
fn summary() -> String {
    let readme = read("README.md");
    let paragraph = readme
        .split("\n\n")
        .nth(1)
        .expect("there is a first paragraph");
    paragraph.replace('\n', " ")
}

fn read(name: &str) -> String {
    let text = fs::read_to_string(repository(name));
    text.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// skills/gharun/SKILL.md: the rules and commands of docs/agents.md, under the head by which a tool finds a skill.
pub(crate) fn skill() -> String {
    let page = read("docs/agents.md");
    let at = page.find("## ").expect("there is a section");
    format!(
        "---\nname: gharun\ndescription: Start, list and stop ephemeral self-hosted GitHub Actions runners on EC2, RunPod, \
         Nebius, ssh hosts, Docker or this computer with the program `gharun`. Use it when somebody wants a runner or a GPU for a \
         job, or asks what runs and what it costs.\n---\n\n# gharun\n\n{}",
        &page[at..]
    )
}

#[test]
fn the_skill_is_short_and_says_what_must_not_be_forgotten() {
    let skill = skill();
    assert!(skill.lines().count() <= 80, "{skill}");
    for must in [
        "--rehearse",
        "Exit code 3",
        "--output json",
        "stop --mapping",
        "stop --orphans",
    ] {
        assert!(skill.contains(must), "{must}");
    }
    // A link leads from the page, and not from the skill.
    assert!(!skill.contains("]("), "{skill}");
}

/// llms.txt.
pub(crate) fn index() -> String {
    let mut text = format!("# gharun\n\n> {}\n", summary());
    for (heading, files) in SECTIONS {
        writeln!(text, "\n## {heading}\n").expect("memory takes it");
        for (name, about) in *files {
            writeln!(text, "- [{name}]({RAW}{name}): {about}").expect("memory takes it");
        }
    }
    text
}

/// llms-full.txt: what is not optional, each file under its name.
pub(crate) fn whole() -> String {
    let mut text = format!("# gharun\n\n> {}\n", summary());
    let files = SECTIONS
        .iter()
        .filter(|(heading, _)| *heading != "Optional");
    for (name, _) in files.flat_map(|(_, files)| *files) {
        write!(text, "\n<!-- {name} -->\n\n{}", read(name)).expect("memory takes it");
    }
    text
}

#[test]
fn every_document_and_every_example_is_listed() {
    let listed: Vec<&str> = SECTIONS
        .iter()
        .flat_map(|(_, files)| files.iter().map(|(name, _)| *name))
        .collect();
    for folder in ["docs", "docs/providers", "examples"] {
        for entry in fs::read_dir(repository(folder)).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_file() {
                let name = path.file_name().expect("it has a name").to_string_lossy();
                let name = format!("{folder}/{name}");
                assert!(listed.contains(&name.as_str()), "{name} is not in llms.txt");
            }
        }
    }
    for name in listed {
        assert!(repository(name).is_file(), "{name} does not exist");
    }
}
