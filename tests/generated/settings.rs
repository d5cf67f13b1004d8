//! docs/settings.md: every table and every key, from the descriptions that the program goes by.

use std::fmt::Write as _;

use gharun::inside::KINDS;

use crate::tables::{APP, GITHUB, defaults};

/// The page. Only a build with all kinds can write it.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Every key of `providers.toml`, written by a test from what the program goes by. `gharun providers show KIND` and \
         `man providers.toml`\nprint the same. [Reference](reference.md#settings) says where the file is, and what wins over it.\n",
    );
    let mut section = |heading: &str, rows: &mut dyn Iterator<Item = [String; 4]>| {
        writeln!(
            page,
            "\n## {heading}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |"
        )
        .expect("memory takes it");
        for [key, kind, default, meaning] in rows {
            let meaning = meaning.trim().replace('\n', " ").replace('|', "\\|");
            let kind = kind.replace('|', "\\|");
            writeln!(page, "| `{key}` | {kind} | {default} | {meaning} |")
                .expect("memory takes it");
        }
    };
    let fixed = |rows: &'static [(&str, &str, &str, &str)]| {
        rows.iter()
            .map(|(a, b, c, d)| [a, b, c, d].map(|text| (*text).to_owned()))
    };
    section("[github]", &mut fixed(GITHUB));
    section("[github.app]", &mut fixed(APP));
    section("[defaults]", &mut defaults().into_iter());
    for kind in KINDS {
        let heading = format!("kind = \"{}\"", kind.name);
        let mut rows = kind.settings().into_iter().map(|setting| {
            let default = setting
                .default
                .map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
            [setting.key, setting.kind, default, setting.meaning]
        });
        section(&heading, &mut rows);
    }
    page
}
