//! What several kinds need, written once.

pub(crate) mod attempt;
pub(crate) mod names;
pub(crate) mod rest;
