//! What other modules may use says what it is: no lint does that for a crate whose modules are private.

use crate::source::Source;

/// Every `pub` item and field that has no doc comment, as `file: the line`.
pub(crate) fn unsaid(source: &Source) -> Vec<String> {
    let code = source.with_docs();
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let item = |line: &str| {
        let rest = line.strip_prefix("pub ");
        // A module says what it is in its own file, and a re-export where it comes from.
        rest.is_some_and(|rest| !["mod ", "use "].iter().any(|word| rest.starts_with(word)))
    };
    let said = |at: usize| {
        let mut above = lines[..at].iter().rev();
        let mut inside = false;
        above.find_map(|line| {
            if line.starts_with("///") {
                return Some(true);
            }
            // An attribute may stand on several lines.
            inside = (inside || line.ends_with(")]")) && !line.starts_with("#[");
            (!inside && !line.starts_with("#[")).then_some(false)
        })
    };
    let items = lines.iter().enumerate().filter(|(_, line)| item(line));
    items
        .filter(|(at, _)| said(*at) != Some(true))
        .map(|(_, line)| format!("{}: `{line}` does not say what it is", source.file))
        .collect()
}
