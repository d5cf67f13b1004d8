//! `gharun explain`: prints what docs/trouble.md says of a hint.

pub(super) mod sections;

use serde::Serialize;

use self::sections::{Section, about, part_of, sections};
use super::screen::Screen;
use crate::error::{Exit, Failure};
use crate::model::{Error, similar};

/// What `gharun explain --output json` writes.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    sections: Vec<Section>,
    /// What kept it from being found.
    #[serde(flatten, serialize_with = "Error::if_any")]
    error: Option<Failure>,
}

impl Explanation {
    pub(super) fn of_nothing(failure: &Failure) -> Self {
        Self {
            sections: Vec::new(),
            error: Some(failure.clone()),
        }
    }
}

/// Prints a section, or the names of all.
pub(super) fn run(screen: &Screen, wanted: &[String]) -> Result<Exit, Failure> {
    let wanted = wanted.join(" ");
    let wanted = wanted.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = wanted.strip_prefix("hint: ").unwrap_or(&wanted);
    if wanted.is_empty() {
        let sections = sections();
        let text = names(&sections);
        return show(screen, sections, text);
    }
    let mut sections = sections();
    let is_named = |one: &Section| one.name.eq_ignore_ascii_case(wanted);
    let by_name = sections.iter().position(is_named);
    let (found, hint) = match (by_name, about(&sections, wanted)) {
        (Some(found), _) => (found, None),
        (None, Some(found)) => (found, Some(wanted)),
        (None, None) => match part_of(&sections, wanted).as_slice() {
            [found] => (*found, None),
            several => return Err(unknown(&sections, wanted, several)),
        },
    };
    let section = sections.swap_remove(found);
    let text = section.text(hint);
    show(screen, vec![section], text)
}

fn show(screen: &Screen, sections: Vec<Section>, text: String) -> Result<Exit, Failure> {
    let found = Explanation {
        sections,
        error: None,
    };
    screen.data(&found, text)?;
    Ok(Exit::Done)
}

/// All names, by what they are about.
fn names(sections: &[Section]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut group = "";
    for section in sections {
        if section.group != group {
            group = section.group;
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(group.to_owned());
        }
        lines.push(format!("  {}", section.name));
    }
    lines.join("\n")
}

/// No section has that name, or those words, or `several` have them; the nearest names come first.
fn unknown(sections: &[Section], wanted: &str, several: &[usize]) -> Failure {
    let failure = Failure::usage(format!("nothing is explained under `{wanted}`"));
    let known = sections.iter().enumerate().map(|(at, one)| {
        let is_part = one.name.contains(wanted) || wanted.contains(one.name);
        let has_words = several.contains(&at);
        let spelled = if is_part || has_words {
            wanted
        } else {
            one.name
        };
        (one.name, [spelled])
    });
    let near = similar(wanted, known).into_iter().take(3);
    let near: Vec<String> = near
        .map(|name| format!("`gharun explain {name}`"))
        .collect();
    match near.as_slice() {
        [] => failure.hinted("list all names with `gharun explain`"),
        near => failure.hinted(format!("similar: {}", near.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested() {
        let failure = unknown(&sections(), "no-way-uot", &[]);
        assert_eq!(failure.hints(), ["similar: `gharun explain no-way-out`"]);
        let failure = unknown(&sections(), "xyzzy", &[]);
        assert_eq!(failure.hints(), ["list all names with `gharun explain`"]);
    }
}
