use domain::actor::Role;
use domain::decisions::queue_email::queue_email;
use domain::language::Language;
use domain::streams::{Halt, Streams};
use domain::support::email::Template;

use crate::support::id;
use crate::world::World;

fn decide(streams: &mut Streams) -> Result<(), Halt> {
    let template = Template::PasswordChanged {};
    queue_email(streams, id(7), id(2), Language::English, template)
}

#[test]
fn an_account_is_written_to_once() {
    let mut world = World::empty();
    world
        .register_first_admin(id(1), "first@example.org")
        .done();
    world
        .register(id(2), "awa@example.org", &[Role::Buyer])
        .done();
    world.run(decide).recorded(&["EmailQueued"]);
    world.run(decide).nothing();
}

#[test]
fn nobody_is_written_to_who_is_not_there() {
    World::empty().run(decide).nothing();
}
