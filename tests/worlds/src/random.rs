//! Letters and digits that nobody can guess.

/// As many lower-case letters and digits as are asked for.
pub fn random(length: usize) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % 36]))
        .collect()
}
