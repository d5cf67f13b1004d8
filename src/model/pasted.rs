//! Whether what should be the name of a variable is the secret itself, which came to the wrong place.

/// How tokens and keys begin that consist of what names of variables consist of.
const BEGINNINGS: [&str; 9] = [
    "dckr_pat_",
    "eyJ",
    "ghp_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "rpa_",
];
/// As much follows such a beginning at least.
const REST: usize = 16;
/// The IDs of keys of AWS.
const OF_AWS: [&str; 2] = ["AKIA", "ASIA"];
const OF_AWS_LENGTH: usize = 20;
/// From this length on letters and digits together are no word that anybody has written.
const LONG: usize = 20;
/// No name is longer.
const LONGEST: usize = 100;

/// Whether a text that may be the name of a variable is rather a secret: it is not to be shown.
pub fn is_secret_itself(text: &str) -> bool {
    let begins = |begin: &&str| {
        text.strip_prefix(begin)
            .is_some_and(|rest| rest.len() >= REST)
    };
    let of_aws = OF_AWS.iter().any(|begin| text.starts_with(begin))
        && text.len() == OF_AWS_LENGTH
        && text.chars().all(|c| c.is_ascii_alphanumeric());
    let is_random = |part: &str| {
        let has = |kind: fn(&u8) -> bool| part.as_bytes().iter().any(kind);
        part.len() >= LONG && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    text.len() > LONGEST
        || BEGINNINGS.iter().any(begins)
        || of_aws
        || text.split('_').any(is_random)
}
