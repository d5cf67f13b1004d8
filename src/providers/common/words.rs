//! Settings that are one word.

use crate::providers::{Error, Result};

/// Refuses a setting that is set and is not one word.
///
/// # Errors
///
/// A `Config` error about the setting.
pub(crate) fn check_word(key: &str, word: Option<&str>) -> Result<()> {
    match word {
        Some(word) if word.is_empty() || word.contains(char::is_whitespace) => Err(Error::setting(
            key,
            format!("`{key}` must not be empty or contain spaces: write a name, or leave it out"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_not_empty_and_has_no_blank() {
        for fine in [None, Some("a/b:c")] {
            assert!(check_word("image", fine).is_ok());
        }
        for odd in ["", " ", "a b", "a\n"] {
            let error = check_word("image", Some(odd)).expect_err("it is no word");
            assert_eq!(error.key(), Some("image"));
        }
    }
}
