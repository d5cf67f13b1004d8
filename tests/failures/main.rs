//! How gharun fails: every row is a failure that is seeded through the real binary, and `screens.md` shows what a
//! person then sees on a terminal of 80x24, and what a workflow run shows as annotations.
//!
//! # How to add a row
//!
//! A row is one `#[test]` in `rows/KIND.rs` (`general`, `github`, `local`, `docker`, `ssh`, `aws`, `runpod`, `nebius`).
//! The name of the function is the failure, as a sentence; no two rows have the same name.
//!
//! ```text
//! #[test]
//! fn a_token_that_was_revoked() {
//!     row!(Kind::GitHub, Stage::Credentials, Source::Finding("failures 12"), |world| {
//!         Scene::new(world.env("GH_PAT", "ghp_revoked"), "start local")
//!     });
//! }
//! ```
//!
//! The closure seeds the failure and returns the scene: a world and the arguments of gharun, whose last run is shown. It is called
//! twice: with the world of a laptop, whose three streams are then a terminal, and with that of a workflow step
//! (`GITHUB_ACTIONS=true`, a run ID of its own). It may run what comes before by `world.run("start local")`, write
//! `providers.toml` (a file in the world's folder is used, and trusted), and add to the scene:
//!
//! * `.arg(TEXT)`: one more argument, which may have blanks;
//! * `.with(STANDIN)`: what must live as long as the run, such as a server or a mount; it is dropped afterwards;
//! * `.meanwhile(|world| …)`: is called every 20 ms while gharun runs, for example to bring runners online;
//! * `.afterwards(|world| …)`: is called when gharun has ended, for example to remove what it had to leave;
//! * `.then("what the reader does", Comes::Works, |reader| …)`: the next step, which is taken from what is seen and run. The
//!   reader reads what the hint prints (`reader.quoted(…)`, `reader.reads(…)`), and types it, writes it into the file, sets the
//!   variable, or does on the stand-in what a console is for; then the same command must succeed, or fail for another reason
//!   (`Comes::Fails`). `.needs("console", "why")` where that cannot be done here;
//! * `.volatile(REGEX, TEXT)`: more words that differ from run to run. Give a text of the same length, or lines break elsewhere.
//!
//! A row that cannot run here says so by `gharun_worlds::skipped(…)` and returns `None` (the closure may return a `Scene` or
//! an `Option<Scene>`). `crate::place` says whether there is a Docker daemon, an image, a moto server.
//!
//! `Source::Finding` names what made us look. `Source::Thread("owner/repo#1", "what happened there, in own words")` is a
//! public thread that no finding names; nothing is copied from it. A third of the rows come from threads.
//!
//! Then `GHARUN_BLESS=1 cargo test --workspace --locked --test failures -- NAME` writes the row's section of `screens.md`. Read it as
//! somebody who sees nothing else: is the cause there, and a next step that can be typed and works? If not, mend gharun
//! and not the row. `check.rs` says what no screen may have; raise its numbers as rows come.
//!
//! A row takes seconds: fail early, give short limits (`--timeout 4s`), and let nothing depend on how fast this computer is.
//! After a merge conflict in `screens.md` take either side and bless the rows of both: sections are sorted.

#![cfg(target_os = "linux")] // messages of the operating system are part of screens

mod check;
mod place;
mod row;
mod rows;
mod screens;
mod stable;
mod step;
#[allow(dead_code, reason = "the program tests need more of it")]
mod terminal;
#[allow(dead_code, unused_macros, reason = "the program tests need more of it")]
#[path = "../cli/world.rs"]
mod world;
