//! The script, run for real, under every shell.

use super::*;
use crate::model::boot_exit::meaning;
use crate::providers::contract::skipped;

/// Makes each test one for each shell.
macro_rules! under_every_shell {
    ($($name:ident)*) => {
        mod dash { $(#[tokio::test] async fn $name() { super::$name(super::Shell::Dash).await; })* }
        mod bash { $(#[tokio::test] async fn $name() { super::$name(super::Shell::Bash).await; })* }
        mod busybox { $(#[tokio::test] async fn $name() { super::$name(super::Shell::Busybox).await; })* }
    };
}

mod endings;
mod enrolling;
mod machine;
#[cfg(feature = "runpod")]
mod pods;
mod rehearsed;
mod runs;
mod scene;
mod server;
mod sources;
mod texts;
mod users;
