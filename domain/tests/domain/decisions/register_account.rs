use domain::actor::Role;
use domain::identity::account::{self, Account};
use domain::identity::administrators;
use domain::identity::email::{self, EmailAddress, EmailClaim};

use super::claim_on;
use crate::support::id;
use crate::world::World;

const AWA: &str = "awa@example.org";

#[test]
fn an_account_is_registered_with_its_claim_on_its_address() {
    let mut world = World::empty();
    world
        .register(id(1), AWA, &[Role::Buyer])
        .recorded(&["AccountRegistered", "EmailClaimed"]);
    let account = world.state::<Account>(id(1)).unwrap();
    let address = account.email.value.unwrap();
    assert_eq!(address.as_str(), AWA);
    assert_eq!(account.email.personal_of, id(1));
    assert_eq!(world.state::<EmailClaim>(claim_on(&address)), Some(id(1)));
    assert!(world.administrators().is_empty());
}

#[test]
fn an_address_is_taken_whatever_its_case() {
    let mut world = World::empty();
    world.register(id(1), AWA, &[Role::Buyer]).done();
    for typed in [AWA, "Awa@Example.org", " AWA@EXAMPLE.ORG "] {
        world
            .register(id(2), typed, &[Role::Seller])
            .refused(email::Rejection::Taken);
    }
    assert_eq!(world.state::<Account>(id(2)), None);
}

#[test]
fn an_account_is_registered_once_only() {
    let mut world = World::empty();
    world.register(id(1), AWA, &[Role::Buyer]).done();
    world
        .register(id(1), "other@example.org", &[Role::Buyer])
        .refused(account::Rejection::Exists);
    let other = EmailAddress::parse("other@example.org").unwrap();
    assert_eq!(world.state::<EmailClaim>(claim_on(&other)), None);
}

#[test]
fn an_account_without_a_role_claims_no_address() {
    let mut world = World::empty();
    world
        .register(id(1), AWA, &[])
        .refused(account::Rejection::NoRole);
    assert_eq!(world.streams().count(), 0);
}

#[test]
fn who_is_registered_as_admin_is_an_administrator() {
    let mut world = World::empty();
    world
        .register(id(1), AWA, &[Role::Admin, Role::Hotelier])
        .recorded(&["AccountRegistered", "EmailClaimed", "AdministratorAdded"]);
    assert_eq!(world.administrators(), [id(1)]);
}

#[test]
fn there_is_a_first_admin_only_once() {
    let mut world = World::empty();
    world.register_first_admin(id(1), AWA).recorded(&[
        "AdministratorAdded",
        "AccountRegistered",
        "EmailClaimed",
    ]);
    for (account, address) in [(id(1), AWA), (id(2), "second@example.org")] {
        world
            .register_first_admin(account, address)
            .refused(administrators::Rejection::NotFirst);
    }
    assert_eq!(world.administrators(), [id(1)]);
}

#[test]
fn who_was_registered_as_admin_was_the_first() {
    let mut world = World::empty();
    world.register(id(1), AWA, &[Role::Admin]).done();
    world
        .register_first_admin(id(2), "second@example.org")
        .refused(administrators::Rejection::NotFirst);
}
