//! A whole workflow for the providers that are configured, as text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::model::text::one_line;
use crate::model::{Error, Exit};

/// What a workflow is for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WorkflowReport {
    /// The providers, in order of preference.
    pub providers: Vec<String>,
    /// The secrets that it needs, each with what it holds.
    pub secrets: Vec<Needed>,
    /// The variables that it needs, each with what it holds.
    pub variables: Vec<Needed>,
    /// What to know before it is used.
    pub notes: Vec<String>,
    /// The whole workflow.
    pub workflow: String,
    /// What kept it from being made.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
}

/// A secret or a variable of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub holds: String,
}

/// What the jobs of a workflow are made of.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of its own")]
pub struct WorkflowParts {
    /// The providers, in order of preference.
    pub providers: Vec<String>,
    /// The action with its version: `octo/gharun@v1.2.3`.
    pub action: String,
    /// Where the jobs of gharun itself run: `ubuntu-latest`.
    pub runs_on: String,
    /// Whether the settings file of the repository is used.
    pub checks_out: bool,
    /// The region for which AWS's credentials are got by OIDC.
    pub region: Option<String>,
    /// Whether a key of ssh is put into a file.
    pub ssh_key: bool,
    /// Whether the known hosts are put into a file.
    pub ssh_hosts: bool,
    /// Whether the command `ssh` is to use both.
    pub ssh_command: bool,
    /// Settings of the providers, `NAME.KEY=VALUE`.
    pub sets: Vec<String>,
    /// Whether a GitHub App is used, and no token.
    pub app: bool,
    /// The secret that holds the token.
    pub token: String,
    /// The secrets that become variables of the steps, each with what it holds.
    pub secrets: Vec<Needed>,
    /// What to know before it is used.
    pub notes: Vec<String>,
}

/// Where a step keeps what ssh needs, below `$RUNNER_TEMP`.
pub const SSH_FOLDER: &str = "gharun-ssh";
/// What makes that folder, in which only its owner can read. Nothing is written into `~/.ssh`: on a runner that stays
/// it is somebody's own.
const SSH_BEGINS: &str = r#"          folder="$RUNNER_TEMP/gharun-ssh"
          rm -rf "$folder"
          mkdir -m 700 "$folder"
          umask 077
"#;
const SSH_KEY: &str = r#"          printf '%s\n' "$SSH_KEY" >"$folder/key"
"#;
const SSH_HOSTS: &str = r#"          printf '%s\n' "$SSH_KNOWN_HOSTS" >"$folder/known_hosts"
"#;
/// What makes the `ssh` that is found first by who runs it by its name.
const SSH_COMMAND: &str = r#"          mkdir "$folder/bin"
          cat >"$folder/bin/ssh" <<'END'
          #!/bin/sh
          folder=${0%/bin/ssh}
          exec /usr/bin/ssh -i "$folder/key" -o IdentitiesOnly=yes -o "UserKnownHostsFile=\"$folder/known_hosts\"" "$@"
          END
          chmod 700 "$folder/bin/ssh"
          echo "$folder/bin" >>"$GITHUB_PATH"
"#;
/// What removes the folder, whatever became of the steps before.
const SSH_ENDS: &str = r#"      - if: always()
        run: rm -rf "$RUNNER_TEMP/gharun-ssh"
"#;

impl WorkflowParts {
    /// The whole workflow, and what it needs.
    pub fn report(self) -> WorkflowReport {
        let mut secrets = self.secrets.clone();
        let mut variables = Vec::new();
        let needed = |name: &str, holds: &str| Needed {
            name: name.to_owned(),
            holds: holds.to_owned(),
        };
        if self.app {
            variables.push(needed("GHARUN_APP_ID", "the ID of the GitHub App"));
            secrets.insert(
                0,
                needed(
                    "GHARUN_APP_PRIVATE_KEY",
                    "the private key of the GitHub App",
                ),
            );
        } else {
            let holds =
                "a GitHub token that may manage self-hosted runners (`GITHUB_TOKEN` may not)";
            secrets.insert(0, needed(&self.token, holds));
        }
        if self.region.is_some() {
            let holds = "the ARN of the IAM role that this repository may assume by OIDC";
            variables.push(needed("AWS_ROLE", holds));
        }
        for (is_needed, name, holds) in [
            (
                self.ssh_key,
                "SSH_KEY",
                "the private key that logs in to the hosts",
            ),
            (
                self.ssh_hosts,
                "SSH_KNOWN_HOSTS",
                "the lines of known_hosts for the hosts",
            ),
        ] {
            if is_needed && !secrets.iter().any(|one| one.name == name) {
                secrets.push(needed(name, holds));
            }
        }
        WorkflowReport {
            workflow: self.text(&secrets, &variables),
            providers: self.providers,
            notes: self.notes,
            secrets,
            variables,
            error: None,
        }
    }

    fn text(&self, secrets: &[Needed], variables: &[Needed]) -> String {
        let mut text = format!(
            "# Written by `gharun workflow {}`; keep it as .github/workflows/gharun.yml.\n#\n",
            self.providers.join(" ")
        );
        text.push_str("# It needs, under Settings > Secrets and variables > Actions:\n");
        for (what, all) in [("secret", secrets), ("variable", variables)] {
            for Needed { name, holds } in all {
                writeln!(text, "#   {what} {name}: {holds}").expect("a text takes what is written");
            }
        }
        for note in &self.notes {
            writeln!(text, "# {note}").expect("a text takes what is written");
        }
        text.push_str(
            "\nname: gharun\n\non:\n  push:\n  workflow_dispatch:\n  schedule:\n    - cron: '23 * * * *' # ends what a run that broke off has left\n\npermissions: {}\n\njobs:\n",
        );
        self.gharun(
            &mut text,
            "start",
            "    if: github.event_name != 'schedule'\n",
            "    outputs:\n      label: ${{ steps.start.outputs.label }}\n      mapping: ${{ steps.start.outputs.mapping }}\n",
            "        id: start\n",
            &format!("          command: start\n          provider: '{}'\n", self.providers.join(" ")),
        );
        text.push_str(
            "\n  work:\n    needs: start\n    runs-on: ${{ needs.start.outputs.label }}\n    timeout-minutes: 360\n    permissions:\n      contents: read\n    steps:\n      - uses: actions/checkout@v5\n        with:\n          persist-credentials: false\n      - run: uname -a # your work\n",
        );
        text.push('\n');
        self.gharun(
            &mut text,
            "stop",
            "    needs: [start, work]\n    if: always() && github.event_name != 'schedule' # also when the start failed or the run was cancelled\n",
            "",
            "",
            "          command: stop\n          mapping: ${{ needs.start.outputs.mapping }}\n",
        );
        text.push('\n');
        self.gharun(
            &mut text,
            "sweep",
            "    if: github.event_name == 'schedule'\n",
            "",
            "",
            "          command: stop\n          args: |\n            --orphans\n            --yes\n",
        );
        text
    }

    /// A job of one command.
    fn gharun(
        &self,
        text: &mut String,
        job: &str,
        head: &str,
        outputs: &str,
        id: &str,
        with: &str,
    ) {
        let runs_on = &self.runs_on;
        write!(text, "  {job}:\n{head}    runs-on: {runs_on}\n    timeout-minutes: 30\n    permissions:\n      contents: read\n")
            .expect("a text takes what is written");
        if self.region.is_some() {
            text.push_str("      id-token: write # AWS's credentials, by OIDC\n");
        }
        text.push_str(outputs);
        text.push_str("    steps:\n");
        if self.checks_out {
            text.push_str("      - uses: actions/checkout@v5 # for providers.toml\n        with:\n          persist-credentials: false\n");
        }
        if let Some(region) = &self.region {
            let region = quoted(region);
            write!(text, "      - uses: aws-actions/configure-aws-credentials@v5\n        with:\n          role-to-assume: ${{{{ vars.AWS_ROLE }}}}\n          aws-region: {region}\n")
                .expect("a text takes what is written");
        }
        let has_ssh = self.ssh_key || self.ssh_hosts;
        if has_ssh {
            self.ssh(text);
        }
        let action = &self.action;
        write!(text, "      - uses: {action}\n{id}        with:\n{with}")
            .expect("a text takes what is written");
        if !self.sets.is_empty() {
            text.push_str("          set: |\n");
            for set in &self.sets {
                writeln!(text, "            {set}").expect("a text takes what is written");
            }
        }
        if self.app {
            text.push_str("          app-id: ${{ vars.GHARUN_APP_ID }}\n          app-private-key: ${{ secrets.GHARUN_APP_PRIVATE_KEY }}\n");
        } else {
            let token = &self.token;
            writeln!(text, "          token: ${{{{ secrets.{token} }}}}")
                .expect("a text takes what is written");
        }
        if !self.secrets.is_empty() {
            text.push_str("        env:\n");
            for Needed { name, .. } in &self.secrets {
                writeln!(text, "          {name}: ${{{{ secrets.{name} }}}}")
                    .expect("a text takes what is written");
            }
        }
        if has_ssh {
            text.push_str(SSH_ENDS);
        }
    }

    /// The step that puts what ssh needs into files.
    fn ssh(&self, text: &mut String) {
        text.push_str("      - name: the key and the known hosts of ssh\n        env:\n");
        for (is_there, name) in [
            (self.ssh_key, "SSH_KEY"),
            (self.ssh_hosts, "SSH_KNOWN_HOSTS"),
        ] {
            if is_there {
                writeln!(text, "          {name}: ${{{{ secrets.{name} }}}}")
                    .expect("a text takes what is written");
            }
        }
        text.push_str("        run: |\n");
        text.push_str(SSH_BEGINS);
        for (is_there, lines) in [
            (self.ssh_key, SSH_KEY),
            (self.ssh_hosts, SSH_HOSTS),
            (self.ssh_command, SSH_COMMAND),
        ] {
            if is_there {
                text.push_str(lines);
            }
        }
    }
}

/// A text as YAML writes it in quotes, on one line.
fn quoted(text: &str) -> String {
    format!("'{}'", one_line(text).replace('\'', "''"))
}
