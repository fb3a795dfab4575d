use chrono::TimeDelta;
use domain::actor::Role;
use domain::decisions::confirm_email::confirm_email;
use domain::decisions::register_account::{Registration, sign_up};
use domain::identity::email::EmailAddress;
use domain::identity::link::Link;
use domain::language::Language;
use uuid::Uuid;

use super::claim_on;
use crate::support::id;
use crate::world::World;

const TOKEN: Uuid = Uuid::from_u128(77);

/// Somebody has signed up as a buyer and was not confirmed yet.
fn world() -> World {
    let mut world = World::empty();
    world
        .register_first_admin(id(1), "first@example.org")
        .done();
    let email = EmailAddress::parse("awa@example.org").unwrap();
    let registration = Registration {
        id: id(2),
        email_claim_id: claim_on(&email),
        email,
        name: "Awa".to_owned(),
        roles: [Role::Buyer].into(),
        credential_id: id(9),
    };
    let link = Link {
        token_id: TOKEN,
        expires_at: world.now + TimeDelta::hours(1),
    };
    world
        .run(|streams| sign_up(streams, registration.clone(), link, Language::French))
        .done();
    world
}

#[test]
fn a_buyer_is_confirmed_once() {
    let mut world = world();
    let now = world.now;
    world
        .run(|streams| confirm_email(streams, id(2), TOKEN, now))
        .recorded(&["EmailConfirmed"]);
    assert_eq!(world.administrators(), [id(1)]);
}

#[test]
fn who_was_made_an_admin_meanwhile_is_an_administrator_then() {
    let mut world = world();
    let now = world.now;
    world.change_roles(id(2), &[Role::Admin]).done();
    assert_eq!(world.administrators(), [id(1)]);
    world
        .run(|streams| confirm_email(streams, id(2), TOKEN, now))
        .recorded(&["EmailConfirmed", "AdministratorAdded"]);
    assert_eq!(world.administrators(), [id(1), id(2)]);
}
