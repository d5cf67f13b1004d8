//! `ca_bundle`: certificates that are trusted beside those of the system.

use super::{Env, Error, Result, Setting, SettingsFile, pick, spelled};
use crate::http::Roots;
use crate::model::PathSetting;

/// Reads the bundle that `$GHARUN_CA_BUNDLE` names, or `ca_bundle` under `github`. A path is of the
/// folder in which gharun runs.
pub(super) fn ca_bundle(env: &Env, file: &SettingsFile) -> Result<Option<Setting<Roots>>> {
    let named = pick::<PathSetting>(env, "ca_bundle", None);
    let named = named.map_err(|error| error.about("github.ca_bundle"))?;
    let of_file = || file.contents.github.ca_bundle.clone();
    let named = named.or_else(|| Some(file.setting(&["github", "ca_bundle"], of_file()?)));
    let Some(Setting {
        value: named,
        origin,
    }) = named
    else {
        return Ok(None);
    };
    let named = env.path(&named.to_string_lossy());
    let wrong = |why: &str| {
        let (subject, named) = (spelled("github.ca_bundle", &origin), named.display());
        let error = Error::usage(format!("{subject} cannot be `{named}`: {why}"));
        error.about("github.ca_bundle").hinted(
            "name a file with certificates in PEM format: they begin with `-----BEGIN \
             CERTIFICATE-----`",
        )
    };
    let text = std::fs::read(&named).map_err(|error| wrong(&error.to_string()))?;
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
            let said = ca_bundle(&env, &SettingsFile::default())
                .unwrap_err()
                .to_string();
            assert!(said.starts_with("`$GHARUN_CA_BUNDLE` cannot be"), "{said}");
            assert!(said.contains(why), "{name}: {said}");
            let file = format!("[github]\nca_bundle = {path:?}\n");
            let file = SettingsFile::parse(Path::new("providers.toml"), &file).unwrap();
            let said = ca_bundle(&Env::default(), &file).unwrap_err().to_string();
            assert!(
                said.starts_with("`github.ca_bundle` (providers.toml:2)"),
                "{said}"
            );
        }
    }
}
