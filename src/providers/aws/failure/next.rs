//! What to do about a refusal, with the names of this very one.

use super::Origin;
use crate::model::text;

/// Reads a name out of an answer.
type Reader = fn(&str) -> Option<String>;

/// A hint of the table with what it has in braces: `{permission}`; `{region}` and `{profile}`, each an option with its
/// value, or nothing where that is not known; and `{image}`, `{instance}`, `{url}` and `{gib}` out of the answer.
/// `None` where the answer does not tell what it needs, or there is no hint.
pub(super) fn filled(
    hint: &str,
    message: &str,
    permission: &str,
    origin: &Origin,
) -> Option<String> {
    let option = |name: &str, value: Option<&str>| {
        value.map_or_else(String::new, |value| {
            format!(" --{name} {}", text::typed(value))
        })
    };
    let profile = option("profile", origin.profile.as_deref());
    let region = option("region", origin.region.as_deref()) + &profile;
    let mut text = hint
        .replace("{permission}", permission)
        .replace("{region}", &region)
        .replace("{profile}", &profile);
    let found: [(&str, Reader); 4] = [
        ("{image}", |said| id(said, "ami-")),
        ("{instance}", |said| id(said, "i-")),
        ("{url}", url),
        ("{gib}", gib),
    ];
    for (name, read) in found {
        if text.contains(name) {
            text = text.replace(name, &read(message)?);
        }
    }
    (!text.is_empty()).then_some(text)
}

/// The first ID of a kind.
fn id(said: &str, begins: &str) -> Option<String> {
    let mut words = said.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let fits = |word: &&str| {
        word.strip_prefix(begins)
            .is_some_and(|rest| rest.len() >= 8)
    };
    words.find(fits).map(str::to_owned)
}

/// The first address.
fn url(said: &str) -> Option<String> {
    let mut words = said.split_whitespace();
    let found = words.find(|word| word.starts_with("https://"))?;
    Some(found.trim_end_matches(['.', ',']).to_owned())
}

/// The size in GiB behind `>=`.
fn gib(said: &str) -> Option<String> {
    let (_, rest) = said.split_once(">=")?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    Some(rest[..end].to_owned()).filter(|digits| !digits.is_empty())
}
