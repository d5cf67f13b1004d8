//! Runner groups and repositories: who is let in where.

use std::collections::BTreeMap;

/// A runner group of every organization and every enterprise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Whose jobs get its runners.
    pub visibility: Visibility,
    /// Whether jobs of public repositories get them.
    pub public_repositories: bool,
    /// The only workflows that get them, with their ref; `None` is all.
    pub workflows: Option<Vec<String>>,
}

/// Whose jobs get the runners of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody's.
    All,
    /// Those of private repositories.
    Private,
    /// Those of these repositories, by their names without owner.
    Selected(Vec<String>),
}

impl Group {
    /// A group that is open to all, public repositories left out, as GitHub makes one.
    pub fn open(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            visibility: Visibility::All,
            public_repositories: false,
            workflows: None,
        }
    }

    pub(super) fn is_visible_to(&self, name: &str, repository: &Repository) -> bool {
        match &self.visibility {
            Visibility::All => true,
            Visibility::Private => !repository.public,
            Visibility::Selected(names) => names.iter().any(|one| one.eq_ignore_ascii_case(name)),
        }
    }

    /// The groups that are there from the beginning: everybody's, and that of GitHub's own runners.
    pub(super) fn first() -> BTreeMap<u64, Self> {
        [(1, "Default"), (2, "GitHub Actions")]
            .map(|(id, name)| (id, Self::open(name)))
            .into()
    }
}

/// What is special about a repository: without a word about it one is private, and the token's owner
/// administers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Whether everybody sees it.
    pub public: bool,
    /// Whether the token's owner administers it.
    pub admin: bool,
}

impl Default for Repository {
    fn default() -> Self {
        Self {
            public: false,
            admin: true,
        }
    }
}
