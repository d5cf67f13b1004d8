//! What a test says that cannot run here.

use std::io::Write as _;

/// Says that a test could not run and why; a failure where `GHARUN_STRICT=1` forbids that.
///
/// # Panics
///
/// Panics with `GHARUN_STRICT=1`.
pub fn skipped(what: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of the test run, not a setting of the program"
    )]
    let strict = std::env::var_os("GHARUN_STRICT").is_some_and(|value| value == "1");
    assert!(!strict, "skipped, and nothing may be: {what}");
    // Straight to the stream: what goes through `eprintln!` is kept from view when a test passes.
    std::io::stderr()
        .write_all(format!("skipped: {what}\n").as_bytes())
        .expect("stderr takes a line");
}
