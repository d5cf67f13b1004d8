//! One page for each command: clap's part, and what clap does not know.

use std::collections::BTreeMap;

use clap::Command;
use clap_mangen::Man;
use gharun::inside::{EXAMPLES, EXIT_CODES};

use crate::roff::Page;

const MANUAL: &str = "gharun";

/// What `clap_mangen`'s text needs for its apostrophes.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// Variables that `start` and the others read beside their own options.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "GHARUN_SOME_SETTING",
        "Every setting that has an option `--some-setting` and may stand under [defaults] as `some_setting` is also read from this variable. An option wins over it, and it wins over the file. Several labels or providers are divided by commas.",
    ),
    ("GHARUN_CONFIG", "The file of settings, as `--config`."),
    ("GHARUN_STATE", "The record of machines, as `--state`."),
    ("GHARUN_OUTPUT", "`text` or `json`, as `--output`."),
    ("GHARUN_COLOR", "`auto`, `always` or `never`, as `--color`."),
    (
        "NO_COLOR",
        "When set, nothing is coloured unless `--color` says so.",
    ),
    (
        "GHARUN_REPO, GHARUN_ORG, GHARUN_ENTERPRISE, GHARUN_RUNNER_GROUP",
        "What runners are registered with, as the options of these names.",
    ),
    (
        "GHARUN_GITHUB_TOKEN, GH_PAT",
        "The token for GitHub. They win over `token` in the file.",
    ),
    (
        "GH_TOKEN, GITHUB_TOKEN",
        "The token when nothing else gives one. The token that a workflow is given cannot register runners, whatever its permissions.",
    ),
    (
        "GHARUN_MAPPING",
        "What `gharun stop` ends when it is told nothing else, as `--mapping`. Empty is as if it were not set.",
    ),
    (
        "GITHUB_API_URL, GITHUB_SERVER_URL",
        "Where GitHub is; set by GitHub in every step, also on GitHub Enterprise Server.",
    ),
    (
        "GITHUB_ACTIONS, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, RUNNER_TEMP, RUNNER_DEBUG",
        "What a workflow step knows about itself; set by the runner.",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
        "The proxy for GitHub, for the machines' downloads and for their runners, in either case of letters. One at a loopback address is for this computer alone.",
    ),
    (
        "DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY",
        "Which Docker daemon is meant where the table of a provider does not say so.",
    ),
];

/// The pages of the program and of all its commands.
pub(crate) fn commands() -> BTreeMap<String, String> {
    let mut root = gharun::inside::command().disable_help_subcommand(true);
    root.build();
    let mut pages = BTreeMap::new();
    add(&root, &root, &mut pages);
    pages
}

fn add(command: &Command, root: &Command, pages: &mut BTreeMap<String, String>) {
    for inner in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        add(inner, root, pages);
    }
    // Left to itself clap_mangen spells out every option, the global ones in between.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let man = Man::new(command.clone().override_usage(usage));
    let name = man.get_filename();
    let mut begun = Vec::new();
    let mut render = || -> std::io::Result<()> {
        man.render_name_section(&mut begun)?;
        man.render_synopsis_section(&mut begun)?;
        man.render_description_section(&mut begun)?;
        man.render_options_section(&mut begun)?;
        if command.has_subcommands() {
            man.render_subcommands_section(&mut begun)?;
        }
        Ok(())
    };
    render().expect("memory takes it");
    let begun = String::from_utf8(begun).expect("a page is text");
    let mut page = Page::default();
    // By ourselves, since clap_mangen drops an empty date, and with it the place of all that follows.
    page.title(&display(command), 1, MANUAL);
    page.verbatim(APOSTROPHE);
    for line in begun.lines() {
        // Trailing blanks would be stripped by editors, and the page would drift.
        let line = line.trim_end();
        // Each section brings its own copy.
        if !APOSTROPHE.contains(line) {
            page.verbatim(line);
            page.verbatim("\n");
        }
    }
    examples(&mut page, command);
    exit_status(&mut page);
    page.section("ENVIRONMENT");
    for (variable, meaning) in ENVIRONMENT {
        page.item(variable, meaning);
    }
    files(&mut page);
    see_also(&mut page, command, root);
    pages.insert(name, page.finish());
}

fn examples(page: &mut Page, command: &Command) {
    let name = display(command).replace('-', " ");
    let all = EXAMPLES.iter().filter(|(of, _)| *of == name);
    for (at, (line, does)) in all.flat_map(|(_, examples)| *examples).enumerate() {
        if at == 0 {
            page.section("EXAMPLES");
        }
        page.paragraph(&format!("{does}:"));
        page.example(line);
    }
}

fn exit_status(page: &mut Page) {
    page.section("EXIT STATUS");
    for line in EXIT_CODES.lines().skip(1) {
        let (code, meaning) = line
            .trim()
            .split_once(' ')
            .expect("a code and its meaning stand on each line");
        page.item(code, meaning.trim());
    }
}

fn files(page: &mut Page) {
    page.section("FILES");
    page.item(
        "./providers.toml, $XDG_CONFIG_HOME/gharun/providers.toml",
        "The settings; the first that is there is read, and no file is fine. `$XDG_CONFIG_HOME` is `~/.config` when it is not set. See `providers.toml`(5).",
    );
    page.item(
        "$XDG_STATE_HOME/gharun/state.json",
        "The record of machines, readable by its owner alone. `$XDG_STATE_HOME` is `~/.local/state` when it is not set. In a workflow step it is `$RUNNER_TEMP/gharun-state.json`.",
    );
}

fn see_also(page: &mut Page, command: &Command, root: &Command) {
    page.section("SEE ALSO");
    let own = display(command);
    let mut others = vec![display(root)];
    let shown = root.get_subcommands().filter(|one| !one.is_hide_set());
    others.extend(shown.map(display));
    let mut others: Vec<String> = others
        .into_iter()
        .filter(|other| *other != own)
        .map(|other| format!("`{other}`(1)"))
        .collect();
    others.push("`providers.toml`(5)".to_owned());
    page.paragraph(&others.join(", "));
}

fn display(command: &Command) -> String {
    command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned()
}
