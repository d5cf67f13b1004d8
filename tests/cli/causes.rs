//! What an error knows, wherever it is read.

use crate::life::nothing_is_left;
use crate::world::World;

#[test]
fn what_helps_where_no_provider_has_room_is_on_the_last_screen() {
    let world = World::new();
    let said = world
        .run("start local --count 2 --set slots=1")
        .exits(1)
        .stderr;
    let last = said.split("\nerror: ").last().expect("an error");
    assert!(last.contains("no provider has room: `local`: "), "{said}");
    assert!(
        last.contains("\nhint: end what is no longer needed"),
        "{said}"
    );
    nothing_is_left(&world);
}
