//! Every workflow, in examples/ and in the documents, can be read, and does what workflows with gharun must do.

use std::collections::BTreeSet;
use std::fs;

use yaml_rust2::{Yaml, YamlLoader};

use crate::documents::{all, blocks_of, repository};

/// The action.
pub(crate) const ACTION: &str = "OWNER/gharun";
/// How many examples there are at least.
const AT_LEAST: usize = 9;

/// All workflows with where they are.
pub(crate) fn workflows() -> Vec<(String, Yaml)> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(repository("examples")).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            continue; // programs
        }
        let name = path.file_name().expect("it has a name").to_string_lossy();
        texts.push((
            format!("examples/{name}"),
            fs::read_to_string(&path).expect("it can be read"),
        ));
    }
    texts.sort();
    assert!(texts.len() >= AT_LEAST, "{} examples", texts.len());
    let blocks = blocks_of("yaml").into_iter();
    texts.extend(blocks.map(|block| (block.place(0), block.text)));
    let read = |(place, text): (String, String)| {
        let mut read =
            YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(read.len(), 1, "{place}");
        (place, read.remove(0))
    };
    texts.into_iter().map(read).collect()
}

/// The steps of all jobs, each with the name of its job.
pub(crate) fn steps(workflow: &Yaml) -> Vec<(String, &Yaml)> {
    let jobs = workflow["jobs"].as_hash().into_iter().flatten();
    let each = jobs.flat_map(|(name, job)| {
        let name = name.as_str().unwrap_or_default().to_owned();
        let steps = job["steps"].as_vec().into_iter().flatten();
        steps.map(move |step| (name.clone(), step))
    });
    each.collect()
}

/// Whether a step calls the action.
pub(crate) fn is_ours(step: &Yaml) -> bool {
    step["uses"]
        .as_str()
        .is_some_and(|uses| uses.starts_with(ACTION))
}

fn calls(step: &Yaml, command: &str) -> bool {
    let run = step["run"].as_str().unwrap_or_default();
    let named = step["with"]["command"].as_str().unwrap_or("start");
    is_ours(step) && named == command || run.contains(&format!("gharun {command}"))
}

#[test]
fn who_starts_also_stops_whatever_happened() {
    let mut seen = 0;
    for (place, workflow) in workflows() {
        let all = steps(&workflow);
        if !all.iter().any(|(_, step)| calls(step, "start")) {
            continue;
        }
        seen += 1;
        let Some((job, _)) = all.iter().find(|(_, step)| calls(step, "stop")) else {
            // A part of a workflow, whose rest is above it.
            assert!(
                place.starts_with("docs/") && workflow["name"].is_badvalue(),
                "{place}: nothing stops it"
            );
            continue;
        };
        let condition = workflow["jobs"][job.as_str()]["if"].as_str();
        assert_eq!(condition, Some("always()"), "{place}: {job}");
    }
    assert!(seen >= AT_LEAST, "only {seen} workflows start");
}

#[test]
fn whole_workflows_say_what_they_may() {
    for (place, workflow) in workflows() {
        if !workflow["name"].is_badvalue() {
            assert!(
                !workflow["permissions"].is_badvalue(),
                "{place}: no permissions"
            );
        }
    }
}

#[test]
fn steps_of_the_action_give_it_inputs_that_it_has() {
    let Ok(action) = fs::read_to_string(repository("action.yml")) else {
        return gharun_worlds::skipped("documents: there is no action.yml yet");
    };
    let action = YamlLoader::load_from_str(&action)
        .expect("it can be read")
        .remove(0);
    let known: BTreeSet<&str> = action["inputs"]
        .as_hash()
        .expect("inputs")
        .keys()
        .filter_map(Yaml::as_str)
        .collect();
    let mut seen = BTreeSet::new();
    for (place, workflow) in workflows() {
        for (_, step) in steps(&workflow)
            .into_iter()
            .filter(|(_, step)| is_ours(step))
        {
            for key in step["with"]
                .as_hash()
                .into_iter()
                .flat_map(|with| with.keys())
            {
                let key = key.as_str().expect("a name");
                assert!(known.contains(key), "{place}: `{key}` is not an input");
                seen.insert(key.to_owned());
            }
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[test]
fn every_use_of_the_action_names_the_tag_that_the_release_of_this_version_moves() {
    let version = env!("CARGO_PKG_VERSION");
    let script = format!(". scripts/release/lib.sh; moving_tag {version}");
    let said = std::process::Command::new("sh")
        .args(["-c", &script, "scripts/release/any"])
        .current_dir(repository(""))
        .output()
        .expect("sh runs");
    let moved = String::from_utf8(said.stdout).expect("text");
    let moved = moved.trim();
    assert!(moved.starts_with('v'), "{moved}");
    let publish = fs::read_to_string(repository("scripts/release/publish")).expect("a script");
    assert!(
        publish.contains(r#"push --force "$commit:refs/tags/$(moving_tag "$version")""#),
        "publish moves another tag"
    );
    let mut texts: Vec<(String, String)> = all()
        .into_iter()
        .map(|document| (document.name, document.text))
        .collect();
    for entry in fs::read_dir(repository("examples")).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            // Programs, which name no action.
            continue;
        }
        let text = fs::read_to_string(&path).expect("it can be read");
        texts.push((path.display().to_string(), text));
    }
    let mut named = BTreeSet::new();
    for (place, text) in &texts {
        for rest in text.split(&format!("{ACTION}@")).skip(1) {
            let end = rest.find(|c: char| c == '`' || c.is_whitespace());
            named.insert((&rest[..end.unwrap_or(rest.len())], place.as_str()));
        }
    }
    assert!(named.len() > AT_LEAST, "{named:?}");
    // A version to try moves no tag: the documents name that of a release.
    let is_to_try = version.contains('-');
    for (tag, place) in &named {
        assert!(
            *tag == moved || is_to_try,
            "{place} names {tag}, but the release of {version} moves {moved}"
        );
    }
}

/// Whatever stands between backticks in a text.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_page_for_who_comes_from_another_action_has_each_of_its_inputs() {
    let action = fs::read_to_string(repository("action.yml")).expect("it can be read");
    let action = YamlLoader::load_from_str(&action)
        .expect("it is YAML")
        .remove(0);
    let inputs = action["inputs"].as_hash().expect("inputs").keys();
    let inputs: BTreeSet<&str> = inputs.filter_map(Yaml::as_str).collect();
    let read = |name: &str| fs::read_to_string(repository(name)).expect("it can be read");
    let (own, page) = (read("docs/workflows.md"), read("docs/migrate.md"));
    let own: BTreeSet<&str> = own
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| codes(line.split('|').nth(1).unwrap_or_default()))
        .collect();
    let tables = page.split("| they write |").skip(1);
    let rows = tables.flat_map(|table| {
        table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'))
    });
    let theirs: BTreeSet<&str> = rows
        .flat_map(|line| codes(line.split('|').nth(1).unwrap_or_default()))
        .map(|code| code.split(':').next().unwrap_or_default())
        .collect();
    assert!(
        own.contains("mapping") && theirs.contains("mode"),
        "{own:?} {theirs:?}"
    );
    let missing: Vec<&&str> = inputs
        .iter()
        .filter(|name| !own.contains(*name) && !theirs.contains(*name))
        .collect();
    assert!(missing.is_empty(), "neither page has {missing:?}");
    let strange: Vec<&str> = theirs.difference(&inputs).copied().collect();
    assert!(strange.is_empty(), "the action does not have {strange:?}");
}
