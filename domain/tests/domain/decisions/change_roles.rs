use domain::actor::Role;
use domain::identity::account::{self, Account};
use domain::identity::administrators::Rejection;

use crate::support::id;
use crate::world::World;

/// An administrator, and a buyer.
fn world() -> World {
    let mut world = World::empty();
    world
        .register_first_admin(id(1), "first@example.org")
        .done();
    world
        .register(id(2), "awa@example.org", &[Role::Buyer])
        .done();
    world
}

#[test]
fn roles_are_replaced_once() {
    let mut world = world();
    let roles = [Role::Seller, Role::Hotelier];
    world
        .change_roles(id(2), &roles)
        .recorded(&["RolesChanged"]);
    world.change_roles(id(2), &roles).nothing();
    assert_eq!(
        world.state::<Account>(id(2)).unwrap().roles,
        roles.into_iter().collect()
    );
}

#[test]
fn the_role_of_an_admin_makes_an_administrator_and_its_loss_unmakes_one() {
    let mut world = world();
    world
        .change_roles(id(2), &[Role::Admin])
        .recorded(&["RolesChanged", "AdministratorAdded"]);
    world
        .change_roles(id(2), &[Role::Admin, Role::Buyer])
        .recorded(&["RolesChanged"]);
    assert_eq!(world.administrators(), [id(1), id(2)]);
    world
        .change_roles(id(2), &[Role::Buyer])
        .recorded(&["RolesChanged", "AdministratorRemoved"]);
    assert_eq!(world.administrators(), [id(1)]);
}

#[test]
fn the_last_administrator_stays_one() {
    let mut world = world();
    world
        .change_roles(id(1), &[Role::Buyer])
        .refused(Rejection::Last);
    assert_eq!(world.administrators(), [id(1)]);
}

#[test]
fn an_admin_who_is_not_active_is_no_administrator() {
    let mut world = world();
    world.deactivate(id(2)).done();
    world
        .change_roles(id(2), &[Role::Admin])
        .recorded(&["RolesChanged"]);
    world
        .change_roles(id(1), &[Role::Buyer])
        .refused(Rejection::Last);
}

#[test]
fn an_account_has_a_role_and_must_be_there() {
    let mut world = world();
    world
        .change_roles(id(2), &[])
        .refused(account::Rejection::NoRole);
    world
        .change_roles(id(3), &[Role::Buyer])
        .refused(account::Rejection::Unknown);
}
