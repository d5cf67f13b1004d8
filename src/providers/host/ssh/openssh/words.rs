//! A line of `ssh_config` taken apart, as OpenSSH takes it apart.

/// What OpenSSH takes for white space between words.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// The keyword of a line in small letters, and the rest of the line; `None` for an empty line and a comment.
pub(super) fn keyword(line: &str) -> Option<(String, &str)> {
    let line = line
        .trim_start_matches(SPACE)
        .trim_end_matches([' ', '\t', '\r', '\n', '\x0c']);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (word, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => line.split_at(line.find([' ', '\t', '\r', '=']).unwrap_or(line.len())),
    };
    let rest = rest.trim_start_matches(SPACE);
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    Some((word.to_ascii_lowercase(), rest.trim_start_matches(SPACE)))
}

/// The arguments of a line, their quotes and escapes taken away; `None` where a quote does not end.
pub(super) fn arguments(rest: &str) -> Option<Vec<String>> {
    let mut all = Vec::new();
    let mut chars = rest.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        match chars.peek() {
            None | Some('#') => return Some(all),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next() {
            match c {
                '\\' => {
                    let escaped = |next: &char| {
                        matches!(next, '\'' | '"' | '\\') || quote.is_none() && *next == ' '
                    };
                    word.push(chars.next_if(escaped).unwrap_or('\\'));
                }
                ' ' | '\t' if quote.is_none() => break,
                '"' | '\'' if quote.is_none() => quote = Some(c),
                c if quote == Some(c) => quote = None,
                c => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        all.push(word);
    }
}

/// The words of a `Match` line: they are parted by white space, or by one `=`.
pub(super) fn condition(rest: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut left = Some(rest.trim_start_matches(SPACE));
    while let Some(text) = left {
        let Some(at) = text.find([' ', '\t', '\r', '\n', '"', '=']) else {
            words.push(text.to_owned());
            break;
        };
        let (word, rest) = text.split_at(at);
        if let Some(quoted) = rest.strip_prefix('"') {
            // A quote that does not end ends the line.
            let Some((inside, after)) = quoted.split_once('"') else {
                break;
            };
            words.push(format!("{word}{inside}"));
            left = Some(after.trim_start_matches(SPACE));
            continue;
        }
        words.push(word.to_owned());
        let after = rest[1..].trim_start_matches(SPACE);
        let after = match (rest.starts_with('='), after.strip_prefix('=')) {
            (false, Some(after)) => after.trim_start_matches(SPACE),
            _ => after,
        };
        left = Some(after);
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_ends_at_a_space_or_an_equals_sign() {
        for (line, keyword_of, rest) in [
            ("  HostName\tpi.lab  \r", "hostname", "pi.lab"),
            ("Port=22", "port", "22"),
            ("User  =  a = b", "user", "a = b"),
            ("\"User\" x", "user", "x"),
            ("Port", "port", ""),
        ] {
            assert_eq!(keyword(line), Some((keyword_of.to_owned(), rest)), "{line}");
        }
        assert_eq!((keyword(" # x"), keyword(" \t")), (None, None));
    }

    #[test]
    fn arguments_lose_their_quotes_and_a_comment() {
        for (text, words) in [
            (r#"a "b c" 'd "e"' # f"#, &["a", "b c", "d \"e\""][..]),
            (r#"a\ b "c\"d" e\f #"#, &["a b", "c\"d", "e\\f"]),
            ("y#z", &["y#z"]),
            ("", &[]),
        ] {
            assert_eq!(arguments(text).unwrap(), words, "{text}");
        }
        assert_eq!(arguments("\"a"), None);
    }

    #[test]
    fn the_words_of_a_condition_may_be_joined_by_an_equals_sign() {
        assert_eq!(condition("host=pi user = me"), ["host", "pi", "user", "me"]);
        assert_eq!(
            condition("host \"a b\" exec \"test -e x\""),
            ["host", "a b", "exec", "test -e x"]
        );
    }
}
