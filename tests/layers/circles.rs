//! Files that import each other in a circle: none can be read, or moved, without the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::source::{Source, declared};

/// Every circle, as the files on a shortest way round it.
///
/// A module may name what the modules around it declare: it is a part of them.
pub(crate) fn circles(program: &[&Source]) -> Vec<String> {
    let imports = imports(program);
    let mut found = Vec::new();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for file in imports.keys() {
        if done.contains(file) {
            continue;
        }
        let below = reached(file, &imports);
        if below.contains(file) {
            let way = way_back(file, &imports);
            found.push(format!("{} -> {file}", way.join(" -> ")));
            // Said once for all files that are tied together.
            let tied = |other: &&&str| reached(other, &imports).contains(file);
            done.extend(below.iter().filter(tied));
        }
    }
    found
}

/// Which file imports which.
fn imports<'a>(program: &[&'a Source]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let by_module: BTreeMap<&[String], &'a Source> = program
        .iter()
        .map(|source| (source.module.as_slice(), *source))
        .collect();
    let file_of = |path: &[String]| {
        let mut lengths = (1..=path.len()).rev();
        lengths.find_map(|length| by_module.get(&path[..length]).copied())
    };
    let imports_of = |source: &&'a Source| {
        let paths = source.paths().into_iter().chain(children(source));
        let files = paths.filter_map(|path| file_of(&path));
        let others = files.filter(|other| !source.module.starts_with(&other.module));
        (
            source.file.as_str(),
            others.map(|other| other.file.as_str()).collect(),
        )
    };
    program.iter().map(imports_of).collect()
}

/// The modules below a file that it names without `self::`.
fn children(source: &Source) -> Vec<Vec<String>> {
    let code = source.code();
    let named = |name: &str| {
        code.match_indices(&format!("{name}::")).any(|(at, _)| {
            !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c))
        })
    };
    let base = match source.module.join("/").as_str() {
        "lib" => &[][..],
        _ => &source.module,
    };
    declared(source)
        .into_iter()
        .filter(|(name, _)| named(name))
        .map(|(name, _)| [base, &[name]].concat())
        .collect()
}

/// All that a file imports, and what that imports.
fn reached<'a>(file: &str, imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![file];
    while let Some(here) = open.pop() {
        for there in imports.get(here).into_iter().flatten().copied() {
            if found.insert(there) {
                open.push(there);
            }
        }
    }
    found
}

/// The shortest way from a file over its imports back to itself, where there is one.
fn way_back<'a>(file: &'a str, imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<&'a str> {
    let mut ways = VecDeque::from([vec![file]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let here = way[way.len() - 1];
        for there in imports.get(here).into_iter().flatten().copied() {
            if there == file {
                return way;
            }
            if seen.insert(there) {
                ways.push_back([way.as_slice(), &[there]].concat());
            }
        }
    }
    Vec::new()
}
