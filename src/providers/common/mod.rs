//! What several kinds need, written once.

pub(crate) mod attempt;
pub(crate) mod candidates;
pub(crate) mod clock;
pub(crate) mod env_name;
pub(crate) mod once;
pub(crate) mod one_or_many;
pub(crate) mod pack;
pub(crate) mod rest;
pub(crate) mod words;
