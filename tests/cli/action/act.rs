//! A small part of what the runner does with a workflow: it evaluates expressions, and runs the steps of our action.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use gharun_worlds::write_program;
use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

use crate::world::World;

/// The version that is built.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

const TARGETS: [&str; 6] = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-gnu",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
];

/// What the action needs of its own repository.
const FILES: [&str; 6] = [
    "action.yml",
    "Cargo.toml",
    "install.sh",
    "scripts/action/run",
    "scripts/release/known",
    "scripts/release/lib.sh",
];

/// The action as a runner has it: checked out at a tag, with its binary in the tool cache.
pub(crate) struct Action {
    pub(crate) about: Yaml,
    folder: PathBuf,
    tools: PathBuf,
    /// What expressions come to.
    pub(crate) context: BTreeMap<String, String>,
}

/// Reads one document.
pub(crate) fn yaml(path: &Path) -> Yaml {
    let text = std::fs::read_to_string(path).expect("it is there");
    let mut all = YamlLoader::load_from_str(&text).expect("it is YAML");
    all.remove(0)
}

pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(value: &Yaml) -> String {
    match value {
        Yaml::String(text) | Yaml::Real(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        Yaml::Boolean(is) => is.to_string(),
        Yaml::Null => String::new(),
        other => panic!("{other:?} is no text"),
    }
}

fn entries(table: &Yaml) -> impl Iterator<Item = (String, &Yaml)> {
    let table = table.as_hash().into_iter().flatten();
    table.map(|(name, value)| (text(name), value))
}

impl Action {
    pub(crate) fn in_world(world: &World) -> Self {
        let (folder, tools) = (world.path("action"), world.path("tools"));
        for file in FILES {
            let to = folder.join(file);
            std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            std::fs::copy(repository(file), to).expect("it is copied");
        }
        let mut known = Vec::new();
        for target in TARGETS {
            let made = world.path(&format!("made/gharun-{target}"));
            std::fs::create_dir_all(&made).expect("a folder");
            let program = format!(
                "#!/bin/sh\nexec '{}' \"$@\"\n",
                cargo_bin("gharun").display()
            );
            write_program(&made.join("gharun"), &program, 0o755);
            let cached = tools.join(format!("gharun/{VERSION}/{target}"));
            std::fs::create_dir_all(&cached).expect("a folder");
            let archive = format!("gharun-{target}.tar.gz");
            let pack = format!(
                "tar -C '{}' -czf {archive} gharun-{target} && sha256sum {archive}",
                world.path("made").display()
            );
            let packed = Command::new("sh")
                .args(["-c", &pack])
                .current_dir(&cached)
                .output();
            let packed = String::from_utf8(packed.expect("tar runs").stdout).expect("a text");
            let sum = packed.split(' ').next().unwrap_or_default().to_owned();
            known.push(format!("    \"{archive}\": \"{sum}\""));
        }
        let known = format!(
            "{{\n  \"version\": \"{VERSION}\",\n  \"built_from\": \"0\",\n  \"sha256\": {{\n{}\n  }}\n}}\n",
            known.join(",\n")
        );
        std::fs::write(folder.join("scripts/release/known.json"), known).expect("a file");
        let mut context = BTreeMap::new();
        for (name, value) in [
            ("github.action_repository", "acme/gharun"),
            ("github.repository", world.repo()),
            ("github.token", "ghs_ofTheWorkflow"),
            ("secrets.ADMIN_TOKEN", crate::world::TOKEN),
        ] {
            context.insert(name.to_owned(), value.to_owned());
        }
        let about = yaml(&folder.join("action.yml"));
        Self {
            about,
            folder,
            tools,
            context,
        }
    }

    /// A text with what its expressions come to.
    pub(crate) fn evaluated(&self, text: &str) -> String {
        let mut parts = text.split("${{");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (expression, rest) = part.split_once("}}").expect("it ends");
            let value = self.context.get(expression.trim());
            // As Actions has it: what is not there is empty.
            whole += value.map_or("", String::as_str);
            whole += rest;
        }
        whole
    }

    /// The command of a step of ours: `with` and `env` as a workflow has them.
    pub(crate) fn step(&self, world: &World, with: &Yaml, env: &Yaml) -> Command {
        let mut inputs = Map::new();
        for (name, about) in entries(&self.about["inputs"]) {
            let default = about["default"].as_str().unwrap_or_default();
            inputs.insert(name, self.evaluated(default).into());
        }
        for (name, value) in entries(with) {
            inputs.insert(name, self.evaluated(&text(value)).into());
        }
        let inputs = serde_json::to_string_pretty(&Value::from(inputs)).expect("it is JSON");
        let [step] = self.about["runs"]["steps"]
            .as_vec()
            .expect("steps")
            .as_slice()
        else {
            panic!("the action has one step")
        };
        let script = world.path("step.sh");
        std::fs::write(&script, text(&step["run"])).expect("a file");
        let shell = text(&step["shell"]).replace("{0}", &script.display().to_string());
        let words: Vec<&str> = shell.split(' ').collect();
        let mut command = world.dressed(Command::new(words[0]), words[1..].iter().copied());
        command
            .env("GITHUB_ACTION_PATH", &self.folder)
            .env("RUNNER_TOOL_CACHE", &self.tools)
            .env(
                "RUNNER_OS",
                if cfg!(target_os = "macos") {
                    "macOS"
                } else {
                    "Linux"
                },
            );
        for (name, value) in entries(env).chain(entries(&step["env"])) {
            let value = match text(value).as_str() {
                "${{ toJSON(inputs) }}" => inputs.clone(),
                other => self.evaluated(other),
            };
            command.env(name, value);
        }
        command
    }

    /// The outputs of the action after its step, under a step's name.
    pub(crate) fn take_outputs(&mut self, world: &World, id: &str) {
        for (name, about) in entries(&self.about["outputs"]) {
            let of = text(&about["value"]);
            let inner = of
                .trim_start_matches("${{ steps.gharun.outputs.")
                .trim_end_matches(" }}");
            let value = world.output(inner).unwrap_or_default();
            self.context
                .insert(format!("steps.{id}.outputs.{name}"), value);
        }
    }

    /// The outputs of a job, as the jobs that need it read them.
    pub(crate) fn take_job(&mut self, name: &str, job: &Yaml) {
        let outputs = entries(&job["outputs"]);
        let outputs: Vec<_> = outputs
            .map(|(output, value)| {
                (
                    format!("needs.{name}.outputs.{output}"),
                    self.evaluated(&text(value)),
                )
            })
            .collect();
        self.context.extend(outputs);
    }
}
