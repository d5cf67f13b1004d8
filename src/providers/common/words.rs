//! Settings that are one word.

use crate::providers::schema::backticked;
use crate::providers::{Error, Result};

/// What the most that a machine may cost must be.
pub(crate) const PRICE: &str = "a price above 0, in US dollars an hour, such as `0.25`";
/// What a setting of one word must be.
const EXPECTED: &str = "a name without spaces";

/// Refuses a setting that is set and is not one word.
///
/// # Errors
///
/// A `Config` error about the setting.
pub(crate) fn check_word(key: &str, word: Option<&str>) -> Result<()> {
    match word {
        Some("") => Err(Error::unfit(key, EXPECTED, "an empty string")),
        Some(word) if word.contains(char::is_whitespace) => {
            Err(Error::unfit(key, EXPECTED, backticked(word)))
        }
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
