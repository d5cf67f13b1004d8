//! Examples of every command, for `--help` and the man pages, and the one line of `-h` that names what all commands take.

use clap::Command;

/// A command line, and what it does.
type Example = (&'static str, &'static str);

/// The examples of each command, by the words that name it.
pub const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "gharun",
        &[
            (
                "gharun start local --rehearse",
                "Try everything on this computer, without an account or a token",
            ),
            (
                "gharun start docker --count 2",
                "Start two runners, and wait until they are online",
            ),
            (
                "gharun list",
                "Show what runs, what it costs, and what GitHub says of it",
            ),
            ("gharun stop", "End what was started"),
        ],
    ),
    (
        "gharun start",
        &[
            (
                "gharun start docker --dry-run",
                "Print what would be done, and do nothing",
            ),
            (
                "gharun start gpu ec2 --count 2 --lifetime 2h",
                "Start two runners at `gpu`, or at `ec2` where `gpu` has no capacity",
            ),
            (
                "gharun start aws --set 'instance_types=[\"m7i.large\", \"m6i.large\"]' --set market=spot",
                "Override settings of one provider",
            ),
            (
                "gharun start local --setup setup.sh --keep-failed",
                "Run a script first, and keep the machine if it fails",
            ),
        ],
    ),
    (
        "gharun stop",
        &[
            (
                "gharun stop",
                "End what this workflow run started, or what this computer started",
            ),
            (
                "gharun stop --mapping mapping.json",
                "End what is in the output `mapping` of a start",
            ),
            (
                "gharun stop aws:us_east_1_3fa9c1/i-0123456789abcdef0",
                "End one machine, as `gharun list` shows it",
            ),
            (
                "gharun stop --orphans --yes --quiet",
                "End what no runner will use again; from cron",
            ),
        ],
    ),
    (
        "gharun list",
        &[
            ("gharun list --watch", "Look again and again until Ctrl-C"),
            (
                "gharun list --orphans",
                "Show what `gharun stop --orphans` would end, and why",
            ),
            (
                "gharun list --output json | jq -r '.machines[].instance'",
                "Print the reference of each machine",
            ),
        ],
    ),
    (
        "gharun providers",
        &[
            (
                "gharun providers",
                "Show kinds and tables, with their settings",
            ),
            (
                "gharun providers check",
                "Check credentials, permissions and the GitHub token",
            ),
            ("gharun providers show aws", "Show every setting of a kind"),
        ],
    ),
    (
        "gharun providers list",
        &[(
            "gharun providers list --output json",
            "Show kinds and tables for a program",
        )],
    ),
    (
        "gharun providers check",
        &[
            (
                "gharun providers check",
                "Check everything that is configured",
            ),
            (
                "gharun providers check gpu --set max_price=0.5",
                "Check one provider with another setting",
            ),
        ],
    ),
    (
        "gharun providers show",
        &[(
            "gharun providers show docker",
            "Show every setting of `docker`",
        )],
    ),
    (
        "gharun workflow",
        &[(
            "gharun workflow gpu ec2",
            "Print a workflow that starts a runner at `gpu`, or at `ec2`, uses it and stops it",
        )],
    ),
    (
        "gharun providers init",
        &[
            (
                "gharun providers init",
                "Look around, ask what was not found, and write ./providers.toml",
            ),
            (
                "gharun providers init aws --repo octo/app --set region=us-east-1 --yes",
                "Ask nothing",
            ),
        ],
    ),
    (
        "gharun providers trust",
        &[(
            "gharun providers trust",
            "Show what trust in ./providers.toml covers, and remember it",
        )],
    ),
    (
        "gharun providers offers",
        &[
            ("gharun providers offers", "Show what all providers offer"),
            ("gharun providers offers runpod", "Show what RunPod offers"),
        ],
    ),
    (
        "gharun explain",
        &[
            ("gharun explain", "List all names"),
            ("gharun explain no-way-out", "Explain one"),
            (
                "gharun explain \"allow more time\"",
                "Explain a hint by its words",
            ),
        ],
    ),
];

/// The same commands with their examples in the help; the short one names the options that every command takes.
pub(super) fn shown(command: Command, ending: &str) -> Command {
    let global = globals(&command);
    with_examples(command, "", &global, ending)
}

/// The names of the options that every command takes, on one line.
fn globals(command: &Command) -> String {
    let names = command.get_arguments().filter(|arg| arg.is_global_set());
    let names: Vec<String> = names
        .filter_map(|arg| Some(format!("--{}", arg.get_long()?)))
        .collect();
    format!("All commands take (see --help): {}", names.join(" "))
}

fn with_examples(command: Command, before: &str, global: &str, ending: &str) -> Command {
    let words = format!("{before}{}", command.get_name());
    let examples = EXAMPLES.iter().find(|(name, _)| *name == words);
    let mut text = String::from("Examples:");
    for (line, does) in examples.map_or(&[][..], |(_, examples)| examples) {
        text.push_str("\n  ");
        text.push_str(line);
        text.push_str("\n      ");
        text.push_str(does);
    }
    let ending = if before.is_empty() {
        format!("\n\n{ending}")
    } else {
        String::new()
    };
    let names: Vec<String> = command
        .get_subcommands()
        .map(|inner| inner.get_name().to_owned())
        .collect();
    let before = format!("{words} ");
    let command = names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |inner| with_examples(inner, &before, global, ""))
    });
    if examples.is_none() {
        return command.after_help(global.to_owned());
    }
    command
        .after_help(format!("{global}{ending}"))
        .after_long_help(format!("{text}{ending}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn names(command: &Command, before: &str) -> Vec<String> {
        let own = format!("{before}{}", command.get_name());
        let inner = command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set());
        let below = format!("{own} ");
        let mut all: Vec<String> = inner.flat_map(|inner| names(inner, &below)).collect();
        all.push(own);
        all
    }

    #[test]
    fn every_command_has_examples_of_its_own() {
        let commands = names(&Cli::command(), "");
        for (name, examples) in EXAMPLES {
            assert!(
                commands.contains(&(*name).to_owned()),
                "{name} does not exist"
            );
            for (line, _) in *examples {
                assert!(
                    line.starts_with(name) || *name == "gharun",
                    "{line} is not of {name}"
                );
            }
        }
        for command in commands {
            assert!(
                EXAMPLES.iter().any(|(name, _)| *name == command),
                "{command} has no example"
            );
        }
    }

    #[test]
    fn no_variable_is_torn_by_a_backtick() {
        fn look(command: &mut Command) {
            let help = command.render_long_help().to_string();
            assert!(!help.contains("$`"), "{help}");
            for inner in command.get_subcommands_mut() {
                look(inner);
            }
        }
        let mut command = crate::cli::command();
        command.build();
        look(&mut command);
    }

    #[test]
    fn the_short_help_names_what_all_commands_take_on_one_line() {
        let mut command = crate::cli::command();
        command.build();
        let start = command.find_subcommand_mut("start").expect("it is there");
        let short = start.render_help().to_string();
        assert!(
            short.contains("All commands take (see --help): --config --state"),
            "{short}"
        );
        assert!(!short.contains("Read settings from this file"), "{short}");
        let long = start.render_long_help().to_string();
        let at = |text: &str| {
            long.find(text)
                .unwrap_or_else(|| panic!("no `{text}` in {long}"))
        };
        assert!(at("--count") < at("Read settings from this file"));
        assert!(at("Read settings from this file") < at("Examples:"));
    }
}
