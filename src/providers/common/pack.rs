//! The boot script, made small enough for its way to a machine.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::providers::{Error, ErrorKind, Result};

/// A script, compressed with gzip. The same script is the same bytes: the same order must be the same
/// request.
pub(crate) fn pack(script: &str) -> Result<Vec<u8>> {
    let bad = |error| {
        Error::new(ErrorKind::Unexpected, "could not compress the boot script").because(error)
    };
    // Without a time in it.
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(script.as_bytes()).map_err(bad)?;
    packed.finish().map_err(bad)
}

/// Refuses what is larger than `place` takes: `what` has so many bytes when packed.
///
/// # Errors
///
/// A `Config` error about `setup`, the one part of a boot script that is the user's.
pub(crate) fn check_size(place: &str, what: &str, bytes: usize, most: usize) -> Result<()> {
    if bytes <= most {
        return Ok(());
    }
    Err(Error::setting(
        "setup",
        format!("{what} is too long: {bytes} bytes when compressed, and {place} allows {most}"),
    )
    .hinted("let the `setup` script fetch what it needs, or put it into the image"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_script_unpacks_to_itself_and_is_packed_the_same_each_time() {
        let script = "#!/bin/sh\necho 'ä'\n";
        let packed = pack(script).unwrap();
        assert_eq!(packed, pack(script).unwrap());
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*packed)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, script);
    }

    #[test]
    fn what_is_too_big_is_told_with_its_setting() {
        assert!(check_size("X", "it", 3, 3).is_ok());
        let error = check_size("X", "it", 4, 3).expect_err("it is too big");
        assert_eq!(error.kind, ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "it is too long: 4 bytes when compressed, and X allows 3"
        );
    }
}
