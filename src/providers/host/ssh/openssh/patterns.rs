//! Patterns of OpenSSH: `*` and `?`, and lists of them.

/// Whether a pattern of `*` and `?` fits the whole of a text.
pub(in crate::providers::host::ssh) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where the last `*` was, and how far it reached.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(one) if *one == b'?' || *one == text[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((wild, reached)) = star else {
                    return false;
                };
                star = Some((wild, reached + 1));
                at = wild + 1;
                from = reached + 1;
            }
        }
    }
    pattern[at..].iter().all(|one| *one == b'*')
}

/// Whether a text is in a list of patterns with commas between them; one that begins with `!` keeps out what it fits.
pub(in crate::providers::host::ssh) fn listed(list: &str, text: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if fits(pattern, text) => return false,
            Some(_) => {}
            None => found |= fits(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text, is_fit) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("a*b*c", "axbxbxc", true),
            ("?i", "pi", true),
            ("?", "", false),
            ("Pi", "pi", false),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), is_fit, "{pattern} {text}");
        }
    }

    #[test]
    fn a_list_keeps_out_what_it_negates() {
        assert!(listed("a*,!ab", "ac") && !listed("a*,!ab", "ab") && !listed("!ab", "ac"));
    }
}
