//! Certificates that a machine is to trust beside its own, as the boot script carries them.

/// More than a few certificates do not fit: EC2 takes 16 KiB for all of the script, compressed, and
/// certificates hardly compress.
const MOST: usize = 6 * 1024;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Why a text cannot be given to machines as certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCertificates {
    /// A certificate is cut off, or holds what none holds.
    #[error("it holds an incomplete certificate")]
    Broken,
    /// There is none in it.
    #[error("it holds no certificate in PEM format")]
    Empty,
    /// They do not fit into a boot script.
    #[error(
        "its certificates take {0} bytes, more than the {MOST} that fit into a boot script: name a \
         file with only those that machines lack"
    )]
    TooLarge(usize),
}

/// Picks the certificates out of a PEM file. Keys and comments in it stay here.
pub fn certificates(pem: &str) -> Result<String, NoCertificates> {
    let mut all = String::new();
    let mut rest = pem;
    while let Some((_, begun)) = rest.split_once(BEGIN) {
        let (text, after) = begun.split_once(END).ok_or(NoCertificates::Broken)?;
        let base64 = |line: &&str| {
            line.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
        };
        let lines: Vec<&str> = text.split_whitespace().collect();
        if lines.is_empty() || !lines.iter().all(base64) {
            return Err(NoCertificates::Broken);
        }
        all.extend([BEGIN, "\n"]);
        for line in lines {
            all.extend([line, "\n"]);
        }
        all.extend([END, "\n"]);
        rest = after;
    }
    match all.len() {
        0 => Err(NoCertificates::Empty),
        size if size > MOST => Err(NoCertificates::TooLarge(size)),
        _ => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_taken_along() {
        let pem = format!(
            "Subject: us\n{BEGIN}\r\nMIIB+/==\r\n{END}\r\n\
             -----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n\
             {BEGIN}\nMIIC\n{END}"
        );
        let expected = format!("{BEGIN}\nMIIB+/==\n{END}\n{BEGIN}\nMIIC\n{END}\n");
        assert_eq!(certificates(&pem), Ok(expected));
    }

    #[test]
    fn what_is_no_certificate_is_refused_with_a_reason() {
        let none = "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(certificates(none), Err(NoCertificates::Empty));
        assert_eq!(certificates(""), Err(NoCertificates::Empty));
        for broken in [
            format!("{BEGIN}\nMIIC\n"),
            format!("{BEGIN}\n{END}\n"),
            format!("{BEGIN}\n'; rm -rf /\n{END}\n"),
        ] {
            assert_eq!(certificates(&broken), Err(NoCertificates::Broken));
        }
        let large = format!("{BEGIN}\n{}\n{END}\n", "A".repeat(MOST));
        let Err(NoCertificates::TooLarge(size)) = certificates(&large) else {
            panic!("it fits");
        };
        assert!(size > MOST);
    }
}
