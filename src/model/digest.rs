//! SHA-256, as text.

use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, as 64 hex digits in lower case.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// How references spell a place whose own name may be kept as a secret: the first 12 digits of its digest.
pub fn place(name: impl AsRef<[u8]>) -> String {
    let mut digits = sha256(name);
    digits.truncate(12);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_what_sha256sum_says() {
        // printf abc | sha256sum
        assert_eq!(
            sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(place("abc"), "ba7816bf8f01");
    }
}
