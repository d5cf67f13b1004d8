//! Tells the program which commit and target it was built from and for: `gharun --version` says it.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to a build script by its environment"
)]

use std::{env, fs, path::Path, process::Command};

/// Git writes the commit here in the archives that it makes, as GitHub's are (.gitattributes).
const ARCHIVED: &str = "$Format:%H$";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=GHARUN_COMMIT");
    let of = |name| env::var(name).unwrap_or_default();
    let root = of("CARGO_MANIFEST_DIR");
    let root = Path::new(&root);
    // A build for development is not made again for each commit, so it would soon name a wrong one.
    let built_from = if of("PROFILE") == "debug" && of("GHARUN_COMMIT").is_empty() {
        "development build".to_owned()
    } else {
        let commit = hash(&of("GHARUN_COMMIT"))
            .or_else(|| hash(ARCHIVED))
            .or_else(|| packaged(root))
            .or_else(|| checked_out(root));
        format!("commit {}", commit.as_deref().unwrap_or("unknown"))
    };
    println!(
        "cargo::rustc-env=GHARUN_BUILD={} ({}, {built_from})",
        of("CARGO_PKG_VERSION"),
        of("TARGET")
    );
}

/// The first twelve digits of a text that is a hash of git.
fn hash(text: &str) -> Option<String> {
    let text = text.trim();
    let hash = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    hash.then(|| text[..12].to_owned())
}

/// The commit that `cargo package` wrote beside the files, as in what comes from crates.io.
fn packaged(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let (_, after) = text.split_once("\"sha1\"")?;
    hash(after.split('"').nth(1)?)
}

/// The commit that is checked out here, unless the repository is somebody else's around us.
fn checked_out(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        let said = git.arg("-C").arg(root).args(arguments).output().ok()?;
        let text = String::from_utf8(said.stdout).ok()?;
        said.status.success().then(|| text.trim().to_owned())
    };
    let top = fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if top != fs::canonicalize(root).ok()? {
        return None;
    }
    // What a commit or a checkout writes to. Cargo would build again each time for a file that is not there.
    for name in ["HEAD", "logs/HEAD", "packed-refs"] {
        let file = root.join(git(&["rev-parse", "--git-path", name])?);
        if file.exists() {
            println!("cargo::rerun-if-changed={}", file.display());
        }
    }
    hash(&git(&["rev-parse", "HEAD"])?)
}
