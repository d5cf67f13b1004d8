//! The sources as they are read: what a file declares, and of what it speaks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One file with its place among the modules: `providers/host/mod.rs` is `[providers, host]`.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) file: String,
    pub(crate) module: Vec<String>,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let stem = file.trim_end_matches(".rs").trim_end_matches("/mod");
        Self {
            file: file.to_owned(),
            module: stem.split('/').map(str::to_owned).collect(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn top(&self) -> &str {
        &self.module[0]
    }

    /// The folder, or file name without its ending, under which its child modules are.
    pub(crate) fn below(&self) -> String {
        match self.module.join("/").as_str() {
            "lib" => String::new(),
            module => format!("{module}/"),
        }
    }

    /// The text without comments and without what only tests see.
    pub(crate) fn code(&self) -> String {
        let text = self.with_docs();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    /// The text without what only tests see.
    pub(crate) fn with_docs(&self) -> String {
        let mut kept = String::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let bare = line.trim_start();
            if bare == "#[cfg(test)]" {
                skip_item(&mut lines, &line[..line.len() - bare.len()]);
            } else {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        kept
    }

    /// Every path from the root of the crate that the code speaks of.
    pub(crate) fn paths(&self) -> BTreeSet<Vec<String>> {
        let code = self.code();
        let mut paths = BTreeSet::new();
        let parent = &self.module[..self.module.len() - 1];
        for (root, base) in [
            ("crate::", &[][..]),
            ("super::", parent),
            ("self::", &self.module),
        ] {
            for (at, _) in code.match_indices(root) {
                // Not the end of a longer word, nor of a longer path.
                if !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c)) {
                    let mut base = base.to_vec();
                    let mut rest = &code[at + root.len()..];
                    while let Some(further) = rest.strip_prefix("super::") {
                        base.pop();
                        rest = further;
                    }
                    tree(rest, &base, &mut paths);
                }
            }
        }
        paths
    }
}

/// Passes over the item that an attribute stood before.
fn skip_item<'a>(lines: &mut impl Iterator<Item = &'a str>, indent: &str) {
    for line in lines.by_ref() {
        if line.ends_with('{') {
            let end = format!("{indent}}}");
            lines.take_while(|line| *line != end).for_each(drop);
            return;
        }
        if line.ends_with(';') || line.ends_with(',') || line.ends_with('}') {
            return;
        }
    }
}

/// Reads what follows `use base::`, braces included, and returns what follows that.
fn tree<'a>(text: &'a str, base: &[String], paths: &mut BTreeSet<Vec<String>>) -> &'a str {
    let mut text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = tree(rest, base, paths).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if !more.trim_start().starts_with('}') => rest = more,
                Some(more) => return &more.trim_start()[1..],
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    text = rest.strip_prefix('*').unwrap_or(rest);
    let mut path = base.to_vec();
    if !word.is_empty() && word != "self" {
        path.push(word.to_owned());
    }
    match text.strip_prefix("::") {
        Some(more) if more.starts_with(|c: char| c.is_alphanumeric() || "_{*".contains(c)) => {
            tree(more, &path, paths)
        }
        _ => {
            paths.insert(path);
            // `as name`
            match text.strip_prefix(" as ") {
                Some(more) => more.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
                None => text,
            }
        }
    }
}

/// The modules that a file declares: name, and whether only tests see it.
pub(crate) fn declared(source: &Source) -> Vec<(String, bool)> {
    let mut declared = Vec::new();
    let mut for_tests = false;
    for line in source.text.lines() {
        let line = line.trim();
        let after = line.split_once("mod ").filter(|(before, _)| {
            before.is_empty() || (before.starts_with("pub") && before.ends_with(' '))
        });
        if let Some(name) = after.and_then(|(_, name)| name.strip_suffix(';')) {
            declared.push((name.to_owned(), for_tests));
        }
        for_tests = line == "#[cfg(test)]" || (for_tests && line.starts_with("#["));
    }
    declared
}

/// Reads all sources below a folder.
pub(crate) fn read(dir: &Path, root: &Path, sources: &mut Vec<Source>) {
    let files = files(dir, root, "rs").into_iter();
    sources.extend(files.map(|(file, text)| Source::new(&file, &text)));
}

/// Reads all files of an ending below a folder: name from the root on, and text.
pub(crate) fn files(dir: &Path, root: &Path, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("the folder of the files") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, root, ending));
        } else if path.extension().is_some_and(|its| its == ending) {
            let name = path.strip_prefix(root).expect("below its root");
            let name = name.to_string_lossy().replace('\\', "/");
            found.push((name, fs::read_to_string(&path).expect("they are text")));
        }
    }
    found
}
