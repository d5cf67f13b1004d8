//! `gharun explain`: prints what docs/trouble.md says of a hint.

pub(super) mod sections;

use serde::Serialize;

use self::sections::{Section, about, sections};
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
    if wanted.is_empty() {
        let sections = sections();
        let text = names(&sections);
        return show(screen, sections, text);
    }
    let mut sections = sections();
    let by_name = sections.iter().position(|one| one.name == wanted);
    let Some(found) = by_name.or_else(|| about(&sections, &wanted)) else {
        return Err(unknown(&sections, &wanted));
    };
    let section = sections.swap_remove(found);
    let text = section.text();
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

/// No section has that name, or those words; the nearest names come first.
fn unknown(sections: &[Section], wanted: &str) -> Failure {
    let failure = Failure::usage(format!("nothing is explained under `{wanted}`"));
    let known = sections.iter().map(|one| {
        let is_part = one.name.contains(wanted) || wanted.contains(one.name);
        (one.name, [if is_part { wanted } else { one.name }])
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
        let failure = unknown(&sections(), "no-way-uot");
        assert_eq!(failure.hints(), ["similar: `gharun explain no-way-out`"]);
        let failure = unknown(&sections(), "xyzzy");
        assert_eq!(failure.hints(), ["list all names with `gharun explain`"]);
    }
}
