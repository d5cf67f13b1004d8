//! The documents as the tests see them: files, fenced blocks, lines of prose.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A document, by its path in the repository.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A fenced block with the line that its first line is on.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) document: String,
    pub(crate) language: String,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Block {
    /// Where one of its lines is.
    pub(crate) fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.document, self.line + offset)
    }
}

impl Document {
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(repository(name));
        Self {
            name: name.to_owned(),
            text: text.unwrap_or_else(|error| panic!("{name}: {error}")),
        }
    }

    /// Fenced blocks, also those within a list.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<(usize, Block)> = None;
        for (index, line) in self.text.lines().enumerate() {
            let bare = line.trim_start();
            match (bare.strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    let block = Block {
                        document: self.name.clone(),
                        language: language.to_owned(),
                        line: index + 2,
                        text: String::new(),
                    };
                    open = Some((line.len() - bare.len(), block));
                }
                (Some(_), Some(_)) => blocks.extend(open.take().map(|(_, block)| block)),
                (None, Some((indent, block))) => {
                    block.text.push_str(line.get(*indent..).unwrap_or_default());
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: the last block has no end", self.name);
        blocks
    }

    /// Lines outside of fenced blocks, with their numbers.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let mut fenced = false;
        let mut lines = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                lines.push((index + 1, line));
            }
        }
        lines
    }
}

fn below(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            below(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            let name = path.strip_prefix(repository("")).expect("it is below");
            names.push(name.display().to_string());
        }
    }
}

/// What users read: the README and all of docs/.
pub(crate) fn all() -> Vec<Document> {
    let mut names = vec!["README.md".to_owned()];
    below(&repository("docs"), &mut names);
    names[1..].sort();
    assert!(names.len() > 10, "{names:?}");
    names.iter().map(|name| Document::read(name)).collect()
}

/// What users read, and what contributors read.
pub(crate) fn with_those_for_contributors() -> Vec<Document> {
    let mut documents = all();
    for name in [
        "CHANGELOG.md",
        "CODE_OF_CONDUCT.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ] {
        documents.push(Document::read(name));
    }
    documents
}

/// All blocks of a language.
pub(crate) fn blocks_of(language: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = all().iter().flat_map(Document::blocks).collect();
    blocks.retain(|block| block.language == language);
    assert!(!blocks.is_empty(), "no block of {language}");
    blocks
}
