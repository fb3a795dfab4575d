use domain::actor::Role;
use domain::identity::account;

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
fn an_account_is_activated_once() {
    let mut world = world();
    world
        .register(id(2), "awa@example.org", &[Role::Buyer])
        .done();
    world.activate(id(2)).nothing();
    world.deactivate(id(2)).done();
    world.activate(id(2)).recorded(&["AccountActivated"]);
    world.activate(id(2)).nothing();
}

#[test]
fn an_admin_who_is_activated_again_is_an_administrator_again() {
    let mut world = world();
    world
        .register(id(2), "awa@example.org", &[Role::Admin])
        .done();
    world.deactivate(id(2)).done();
    assert_eq!(world.administrators(), [id(1)]);
    world
        .activate(id(2))
        .recorded(&["AccountActivated", "AdministratorAdded"]);
    assert_eq!(world.administrators(), [id(1), id(2)]);
}

#[test]
fn an_account_that_is_not_there_can_not_be_activated() {
    world().activate(id(2)).refused(account::Rejection::Unknown);
}
