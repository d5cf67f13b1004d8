//! providers.toml(5): every table and every key, from the descriptions that the program goes by.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Arg, ArgAction};
use gharun::inside::{KINDS, Kind, SettingsFile, command, kind as kind_of};

use crate::roff::Page;

/// Begins what is said of a kind, or of what comes after the last one.
const MARK: &str = "kind: ";

/// Keys of [github]: type, default, meaning.
pub(crate) const GITHUB: &[(&str, &str, &str, &str)] = &[
    (
        "allow_plain_http",
        "`true` or `false`",
        "false",
        "Whether tokens may go to GitHub unencrypted, by `http://` to another computer.",
    ),
    (
        "api_url",
        "text",
        "follows from `$GITHUB_SERVER_URL`",
        "The address of GitHub's API. `$GITHUB_API_URL` wins over it.",
    ),
    (
        "app",
        "table",
        "none",
        "A GitHub App instead of a token: see [github.app]. It goes before `token`.",
    ),
    (
        "ca_bundle",
        "path",
        "none",
        "A file with certificates in PEM that are trusted beside those of the system: for a GitHub Enterprise Server, or a proxy, whose authority is your own. `$GHARUN_CA_BUNDLE` wins over it.",
    ),
    (
        "enterprise",
        "text",
        "none",
        "The enterprise that runners are registered with, as `--enterprise`.",
    ),
    (
        "org",
        "text",
        "none",
        "The organization that runners are registered with, as `--org`.",
    ),
    (
        "repo",
        "text",
        "`$GITHUB_REPOSITORY`",
        "The repository that runners are registered with, `OWNER/NAME`, as `--repo`.",
    ),
    (
        "runner_group",
        "text or number",
        "1",
        "The runner group of an organization or an enterprise, by its name or its number, as `--runner-group`.",
    ),
    (
        "token",
        "source of a secret",
        "none",
        "Where the token comes from. `$GHARUN_GITHUB_TOKEN` and `$GH_PAT` win over it, `$GH_TOKEN` and `$GITHUB_TOKEN` come after it.",
    ),
];

/// Keys of [github.app]: type, default, meaning.
pub(crate) const APP: &[(&str, &str, &str, &str)] = &[
    (
        "id",
        "text or number",
        "none",
        "The app's client id, or its number. `$GHARUN_APP_ID` wins over it.",
    ),
    (
        "installation",
        "number",
        "found for the scope",
        "The number of the installation. `$GHARUN_APP_INSTALLATION` wins over it.",
    ),
    (
        "private_key",
        "source of a secret",
        "none",
        "Where the app's private key comes from: the PEM file that GitHub gives. `$GHARUN_APP_PRIVATE_KEY`, which holds the key itself, wins over it.",
    ),
];

/// The page. What it says of kinds that this build leaves out is taken over from `before`.
pub(crate) fn page(before: &str) -> String {
    let mut page = Page::default();
    page.title("providers.toml", 5, "gharun");
    page.section("NAME");
    page.paragraph("providers.toml - settings of `gharun`(1)");
    page.section("DESCRIPTION");
    page.paragraph("The file says which GitHub is meant, what `gharun start` does when it is told nothing else, and which machines there are. It is looked for at `--config`, `$GHARUN_CONFIG`, `./providers.toml` and `$XDG_CONFIG_HOME/gharun/providers.toml`; without one, every kind of provider works under its own name with its defaults.");
    page.paragraph("Its form is TOML. A table or key that gharun does not know is an error that names its line.");
    page.example("[github]\nrepo = \"owner/name\"\ntoken = { env = \"GH_PAT\" }\n\n[defaults]\nproviders = [\"box\"]\n\n[providers.box]\nkind = \"docker\"\ncpus = 4");
    page.subsection("Secrets");
    page.paragraph("A secret never stands in the file itself. What takes one takes its source: `{ env = \"NAME\" }`, a variable; `{ file = \"PATH\" }`, the content of a file; or `{ command = [\"PROGRAM\", \"ARG\"] }`, the output of a command.");
    page.subsection("Trust");
    page.paragraph("A file that is named, or that is in the user's own folder, is trusted. One that was found in the current folder is used as far as it holds sizes, times, counts, labels, prices, regions and machine types. For everything else, `gharun providers trust` has to take it, with all files below its folder that it names, as the user's own; after a change once more. In a workflow step it is trusted, except on events that outsiders can trigger.");
    page.subsection("Durations");
    page.paragraph("A duration is text such as `\"90s\"`, `\"15m\"` or `\"1h 30m\"`.");
    page.subsection("Paths");
    page.paragraph("In a path on this computer `~/` is the home directory, and what is not absolute begins where gharun runs.");
    page.section("[github]");
    for (key, kind, default, meaning) in GITHUB {
        item(&mut page, key, kind, default, meaning);
    }
    page.section("[github.app]");
    page.paragraph("A GitHub App. It gets itself tokens that are good for the scope alone, and takes them back at the end. For a repository it needs the permission Administration: write, for an organization Self-hosted runners: write; with Actions: read it can tell whether runs are over.");
    for (key, kind, default, meaning) in APP {
        item(&mut page, key, kind, default, meaning);
    }
    page.section("[defaults]");
    page.paragraph("What holds when neither an option nor a variable says otherwise.");
    for [key, kind, default, meaning] in defaults() {
        item(&mut page, &key, &kind, &default, &meaning);
    }
    page.section("[providers.NAME]");
    page.paragraph("A provider: machines of one kind. The name is up to 40 letters, digits, `-` and `_`. A table that bears a kind's own name may leave `kind` out.");
    item(
        &mut page,
        "kind",
        "text",
        "the table's name",
        "The kind: see the sections below, and `gharun providers`.",
    );
    for name in kinds(before) {
        match kind_of(name) {
            Some(kind) => section_of(&mut page, kind),
            None => page.verbatim(checked_in(before, name)),
        }
    }
    page.mark(&format!("{MARK}none"));
    page.section("SEE ALSO");
    page.paragraph("`gharun`(1), `gharun-start`(1), `gharun-providers`(1)");
    page.finish()
}

/// Keys of [defaults]: name, type, default, meaning.
pub(crate) fn defaults() -> Vec<[String; 4]> {
    let row = |key: String| {
        let arg = argument(&key);
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let (meaning, default) = match help.split_once(" [default: ") {
            Some((meaning, rest)) => (meaning, format!("`{}`", rest.trim_end_matches(']'))),
            None if takes_values(&arg) => (help.as_str(), "none".to_owned()),
            None => (help.as_str(), "`false`".to_owned()),
        };
        let meaning = meaning.trim_end_matches(" (repeatable)").to_owned();
        [key, type_of(&arg).to_owned(), default, meaning]
    };
    known("defaults").into_iter().map(row).collect()
}

/// The kinds of this build, and those of the checked-in page that it leaves out, in the order of the alphabet.
fn kinds(before: &str) -> BTreeSet<&str> {
    let built = KINDS.iter().map(|kind| kind.name);
    let mark = format!(".\\\" {MARK}");
    let said = before.lines().filter_map(|line| line.strip_prefix(&mark));
    let left_out = |name: &&str| !cfg!(feature = "default") && *name != "none";
    built.chain(said.filter(left_out)).collect()
}

fn section_of(page: &mut Page, kind: &Kind) {
    page.mark(&format!("{MARK}{}", kind.name));
    page.section(&format!("SETTINGS OF kind = \"{}\"", kind.name));
    page.paragraph(&format!("{}.", kind.about));
    for setting in kind.settings() {
        let default = match setting.default {
            None => "none".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        item(
            page,
            &setting.key,
            &setting.kind,
            &default,
            &setting.meaning,
        );
    }
}

fn item(page: &mut Page, key: &str, kind: &str, default: &str, meaning: &str) {
    let meaning = meaning.trim();
    let stop = if meaning.ends_with('.') { "" } else { "." };
    page.item(key, &format!("{meaning}{stop}"));
    page.further(&format!("Type: {kind}. Default: {default}."));
}

/// What the checked-in page says of a kind.
fn checked_in<'a>(before: &'a str, kind: &str) -> &'a str {
    let mark = |name: &str| format!(".\\\" {MARK}{name}\n");
    let Some(begin) = before.find(&mark(kind)) else {
        return "";
    };
    let inside = begin + mark(kind).len();
    let length = before[inside..].find(&format!(".\\\" {MARK}"));
    &before[begin..length.map_or(before.len(), |length| inside + length)]
}

/// The keys of one of the fixed tables, as the program itself names them.
pub(crate) fn known(table: &str) -> Vec<String> {
    let text = format!("[{table}]\nno_such_key = 1\n");
    let error = SettingsFile::parse(Path::new("p.toml"), &text).expect_err("the key is unknown");
    let hint = error
        .hints()
        .first()
        .expect("the error names the known keys");
    let keys = hint.strip_prefix("known: ").expect("the hint is a list");
    keys.split(", ").map(str::to_owned).collect()
}

/// The option of `start` or `stop` that sets the same as a key of [defaults].
fn argument(key: &str) -> Arg {
    let command = command();
    let mut arguments = command
        .get_subcommands()
        .filter(|command| matches!(command.get_name(), "start" | "stop"))
        .flat_map(clap::Command::get_arguments);
    let argument = arguments.find(|argument| argument.get_id() == key);
    argument
        .unwrap_or_else(|| panic!("`{key}` of [defaults] has no option"))
        .clone()
}

fn takes_values(argument: &Arg) -> bool {
    !matches!(argument.get_action(), ArgAction::SetTrue)
}

fn type_of(argument: &Arg) -> &'static str {
    let value = argument.get_value_names().and_then(|names| names.first());
    let value = value.map(clap::builder::Str::as_str);
    let several = matches!(argument.get_action(), ArgAction::Append)
        || (argument.is_positional() && argument.get_id() == "providers");
    match value {
        _ if !takes_values(argument) => "`true` or `false`",
        _ if several => "list of text",
        Some("DUR") => "duration",
        Some("N") => "whole number",
        _ => "text",
    }
}

#[test]
fn the_page_knows_every_key_of_github() {
    let said: Vec<&str> = GITHUB.iter().map(|(key, ..)| *key).collect();
    assert_eq!(said, known("github"));
    let said: Vec<&str> = APP.iter().map(|(key, ..)| *key).collect();
    assert_eq!(said, known("github.app"));
}

#[test]
fn what_is_said_of_a_kind_that_is_left_out_stays() {
    let before =
        ".SH A\n.\\\" kind: aws\n.SH X\nx\n.\\\" kind: docker\n.SH Y\n.\\\" kind: none\n.SH Z\n";
    assert_eq!(checked_in(before, "aws"), ".\\\" kind: aws\n.SH X\nx\n");
    assert_eq!(checked_in(before, "docker"), ".\\\" kind: docker\n.SH Y\n");
    assert_eq!(checked_in(before, "ssh"), "");
}
