//! What is known of GitHub without asking it.

pub mod spec;
