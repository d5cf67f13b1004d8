//! A command line that cannot be read: what its parser says, and what was meant.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli;
use crate::error::Failure;
use crate::model::nearest;
use crate::providers::KINDS;

/// What the parser of the command line says, in parts: what is wrong, how it is used, and what may be meant.
pub(super) fn misuse(error: &clap::Error) -> Failure {
    let said = error.render().to_string();
    let said = said.trim().trim_start_matches("error: ");
    let mut text: Vec<&str> = Vec::new();
    let mut tips = Vec::new();
    for line in said.lines().filter(|line| !line.trim().is_empty()) {
        let tip = line.trim().strip_prefix("tip: ");
        if let Some(tip) = tip {
            tips.push(tip.to_owned());
        } else if !line.starts_with("For more information") {
            text.push(line);
        }
    }
    let used = said.lines().find_map(|line| line.strip_prefix("Usage: "));
    let command = used.unwrap_or("gharun").split(' ');
    let command: Vec<&str> = command
        .take_while(|word| word.bytes().all(|b| b.is_ascii_lowercase()))
        .collect();
    let mut hints = Vec::new();
    if let Some(option) = unknown_option(error) {
        // What begins with dashes is neither a provider nor a machine.
        tips.retain(|tip| !tip.contains("use '-- "));
        hints.extend(meant(option, &command, similar_option(error)));
    }
    hints.append(&mut tips);
    hints.push(format!("see `{} --help`", command.join(" ")));
    Failure::usage(text.join("\n")).hinted_all(hints)
}

/// The option that the command does not have.
fn unknown_option(error: &clap::Error) -> Option<&str> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(word) => word.strip_prefix("--"),
        _ => None,
    }
}

/// The option that the parser finds similar, without its dashes.
fn similar_option(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::SuggestedArg)? {
        ContextValue::String(option) => option.strip_prefix("--"),
        ContextValue::Strings(options) => options.first()?.strip_prefix("--"),
        _ => None,
    }
}

/// What an option that does not exist is for who writes it: a provider, or a setting of one.
fn meant(option: &str, command: &[&str], similar: Option<&str>) -> Option<String> {
    let option = option.split('=').next().unwrap_or_default();
    let line = command.join(" ");
    let mut taken = cli::command();
    for word in command.iter().skip(1) {
        taken = taken.find_subcommand(word)?.clone();
    }
    let names_providers = taken
        .get_positionals()
        .any(|one| matches!(one.get_id().as_str(), "providers" | "names"));
    if names_providers && matches!(option, "provider" | "providers") {
        return Some(format!(
            "write providers without an option: `{line} PROVIDER`"
        ));
    }
    if !taken
        .get_arguments()
        .any(|one| one.get_long() == Some("set"))
    {
        return None;
    }
    let settings: Vec<_> = KINDS
        .iter()
        .map(|kind| (kind.name, kind.settings()))
        .collect();
    let keys = settings.iter().flat_map(|(_, settings)| settings);
    let wanted = option.replace('-', "_");
    let key = nearest(&wanted, keys.map(|setting| setting.key.as_str()))?;
    // A misspelt option is meant rather than a setting that is spelled otherwise.
    if similar.is_some_and(|similar| nearest(&wanted, [similar, key]) == Some(similar)) {
        return None;
    }
    let kinds = settings
        .iter()
        .filter(|(_, settings)| settings.iter().any(|setting| setting.key == key));
    let kinds: Vec<String> = kinds.map(|(name, _)| format!("`{name}`")).collect();
    Some(format!(
        "`{key}` is a setting of {}: `--set {key}=VALUE`",
        kinds.join(", ")
    ))
}
