//! The main job, end to end.

use crate::support::World;

#[test]
fn a_role_behind_a_user_reaches_a_program() {
    let world = World::with_role("prod", "Admin");
    let outcome =
        world.leapp(["exec", "prod", "--", "sh", "-c", "echo $AWS_ACCOUNT_ID $LEAPP_SESSION"]);
    outcome.succeeds().prints("444455556666 prod\n");
    assert_eq!(world.actions(), ["GetSessionToken", "AssumeRole"]);
    world.leapp(["status", "prod", "--check"]).succeeds();
    assert_eq!(world.actions().last().unwrap(), "GetCallerIdentity");
}
