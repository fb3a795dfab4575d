use domain::actor::Role;
use domain::identity::account::{self, Account};
use domain::identity::administrators::Rejection;

use crate::support::id;
use crate::world::World;

fn world() -> World {
    let mut world = World::empty();
    world
        .register_first_admin(id(1), "first@example.org")
        .done();
    world
}

#[test]
fn an_account_is_deactivated_once() {
    let mut world = world();
    world
        .register(id(2), "awa@example.org", &[Role::Buyer])
        .done();
    world.deactivate(id(2)).recorded(&["AccountDeactivated"]);
    world.deactivate(id(2)).nothing();
    assert_eq!(world.administrators(), [id(1)]);
}

#[test]
fn the_last_administrator_stays_active() {
    let mut world = world();
    world.deactivate(id(1)).refused(Rejection::Last);
    assert!(world.state::<Account>(id(1)).unwrap().active());
}

#[test]
fn of_two_administrators_one_may_go() {
    let mut world = world();
    world
        .register(id(2), "awa@example.org", &[Role::Admin])
        .done();
    world
        .deactivate(id(1))
        .recorded(&["AccountDeactivated", "AdministratorRemoved"]);
    assert_eq!(world.administrators(), [id(2)]);
    world.deactivate(id(2)).refused(Rejection::Last);
    world.deactivate(id(1)).nothing();
}

#[test]
fn an_account_that_is_not_there_can_not_be_deactivated() {
    world()
        .deactivate(id(2))
        .refused(account::Rejection::Unknown);
}
