//! Hints that name a setting tell which table of which file it is in.

use super::*;

#[test]
fn the_first_setting_that_hints_name_is_told_with_its_table_and_file() {
    let world = World::new("start box --repo o/r --set box.cpus=1")
        .file("[providers.box]\nkind = \"docker\"\nmemory = \"1g\"\n");
    let file = world.file.path().join("p.toml").display().to_string();
    let (settings, _) = world.settings().expect("they hold");
    let placed = |name: &str, hint: &str| {
        let hints = [hint.to_owned(), "or raise `memory`".to_owned()];
        settings.tables.placed(name, &hints).join("|")
    };
    for (name, hint, told) in [
        (
            "box",
            "run `docker info`; set `pull = \"always\"` or `memory`",
            format!(
                "run `docker info`; set `pull = \"always\"` in `[providers.box]` of `{file}` or `memory`|or raise `memory`"
            ),
        ),
        (
            "box",
            "use more",
            format!("use more|or raise `memory` in `[providers.box]` ({file}:3)"),
        ),
        (
            "box",
            "lower `cpus`",
            "lower `cpus` (now `--set cpus`)|or raise `memory`".to_owned(),
        ),
        // What names the whole key says where it is.
        (
            "box",
            "set `providers.box.cpus`",
            "set `providers.box.cpus`|or raise `memory`".to_owned(),
        ),
        // Of a kind that has no table.
        (
            "local",
            "set `slots`",
            format!("set `slots` in `[providers.local]` of `{file}`|or raise `memory`"),
        ),
    ] {
        assert_eq!(placed(name, hint), told);
    }
}
