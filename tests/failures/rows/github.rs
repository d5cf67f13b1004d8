//! How GitHub refuses.

use gharun_worlds::github::Standing;

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::world::TOKEN;

#[test]
fn a_token_in_gh_pat_that_was_revoked() {
    row!(
        Kind::GitHub,
        Stage::Credentials,
        Source::Finding("failures 12"),
        |world| Scene::new(world.env("GH_PAT", "ghp_revoked"), "start local")
    );
}

#[test]
fn a_token_of_a_bot_that_is_no_admin_of_a_private_repository() {
    let source = Source::Thread(
        "machulav/ec2-github-runner#48",
        "the start job ended with `Not Found`, since the robot account whose token it had was no admin",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        world.github.set_token(TOKEN, Standing::Unseen);
        Scene::new(world, "start local")
    });
}
