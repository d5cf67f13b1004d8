//! `ca_bundle`: certificates that are trusted beside those of the system.

use std::path::PathBuf;

use super::{Env, Error, File, Origin, Result, Setting};
use crate::http::Roots;

/// Reads the bundle that `$GHARUN_CA_BUNDLE` names, or `ca_bundle` under [github]. A path is of the
/// folder in which gharun runs.
pub(super) fn ca_bundle(env: &Env, file: &File) -> Result<Option<Setting<Roots>>> {
    const VARIABLE: &str = "GHARUN_CA_BUNDLE";
    let path = ["github", "ca_bundle"];
    let (named, origin) = if let Some(named) = env.get(VARIABLE) {
        (named.to_owned(), Origin::Variable(VARIABLE.to_owned()))
    } else if let Some(value) = file.get(&path) {
        let named = value.as_str().unwrap_or_default().to_owned();
        (named, file.origin(&path))
    } else {
        return Ok(None);
    };
    let wrong = |why: &str| {
        Error::usage(format!("`ca_bundle` ({origin}) cannot be `{named}`: {why}")).hinted(
            "name a file that holds certificates in PEM, from `-----BEGIN CERTIFICATE-----` on",
        )
    };
    if named.is_empty() {
        return Err(wrong("it is the name of no file"));
    }
    let text = std::fs::read(PathBuf::from(&named)).map_err(|error| wrong(&error.to_string()))?;
    // Bundles have comments between the certificates, in whatever encoding.
    let text = String::from_utf8_lossy(&text);
    let value = Roots::read(&text).map_err(|why| wrong(&why))?;
    Ok(Some(Setting { value, origin }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_bundle_that_is_none_names_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (name, text, why) in [
            ("missing", None, "No such file"),
            ("text", Some("hello"), "it holds no `BEGIN CERTIFICATE`"),
            (
                "cut",
                Some("-----BEGIN CERTIFICATE-----\nMIIB"),
                "cut off or damaged",
            ),
            ("garbled", Some(garbled), "is not X.509"),
        ] {
            let path = folder.path().join(name);
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let path = path.display().to_string();
            let env: Env = [("GHARUN_CA_BUNDLE".to_owned(), path.clone())]
                .into_iter()
                .collect();
            let said = ca_bundle(&env, &File::default()).unwrap_err().to_string();
            assert!(
                said.starts_with("`ca_bundle` ($GHARUN_CA_BUNDLE)"),
                "{said}"
            );
            assert!(said.contains(why), "{name}: {said}");
            let file = format!("[github]\nca_bundle = {path:?}\n");
            let file = File::parse(Path::new("providers.toml"), &file).unwrap();
            let said = ca_bundle(&Env::default(), &file).unwrap_err().to_string();
            assert!(said.starts_with("`ca_bundle` (providers.toml:2)"), "{said}");
        }
    }
}
