//! Workflow commands: lines of the form `::name key=value,key=value::data`.
//!
//! Escapes are those of the runner's `ActionCommand`: <https://github.com/actions/runner>.

/// One command with its line end.
pub(super) fn command(name: &str, properties: &[(&str, &str)], data: &str) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    let blank = if properties.is_empty() { "" } else { " " };
    format!(
        "::{name}{blank}{}::{}\n",
        properties.join(","),
        escaped(data)
    )
}

/// Text between two lines that stop and resume commands. The token must be random and fresh.
pub(super) fn fenced(text: &str, token: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("::stop-commands::{token}\n{text}{end}::{token}::\n")
}

/// The per cent sign first, since the other escapes contain it.
fn escaped(data: &str) -> String {
    data.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(value: &str) -> String {
    escaped(value).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line_whatever_is_in_it() {
        let line = command(
            "error",
            &[("title", "a:b,c\nd"), ("file", "x")],
            "100%\r\n::add-mask::x",
        );
        assert_eq!(
            line,
            "::error title=a%3Ab%2Cc%0Ad,file=x::100%25%0D%0A::add-mask::x\n"
        );
    }

    #[test]
    fn a_command_without_properties_has_no_blank() {
        assert_eq!(command("endgroup", &[], ""), "::endgroup::\n");
    }

    #[test]
    fn a_fence_ends_on_a_line_of_its_own() {
        for text in ["x", "x\n"] {
            assert_eq!(fenced(text, "T"), "::stop-commands::T\nx\n::T::\n");
        }
        assert_eq!(fenced("", "T"), "::stop-commands::T\n::T::\n");
    }
}
