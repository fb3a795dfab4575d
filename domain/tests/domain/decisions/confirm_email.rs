use domain::actor::Role;
use domain::decisions::confirm_email::confirm_email;
use domain::decisions::register_account::sign_up;
use domain::identity::account::Rejection;
use domain::identity::link::{CONFIRMATION_LIFETIME, Link};
use domain::language::Language;
use uuid::Uuid;

use super::erase_account::registration;
use crate::support::id;
use crate::world::{Outcome, World};

const AWA: Uuid = id(1);

fn signed_up() -> World {
    let mut world = World::empty();
    let link = Link {
        token_id: id(7),
        expires_at: world.now + CONFIRMATION_LIFETIME,
    };
    let sign_up = |streams: &mut _| sign_up(streams, registration(), link, Language::French);
    world.run(sign_up).done();
    world
}

fn confirm(world: &mut World, token: u128) -> Outcome<()> {
    let now = world.now;
    world.run(move |streams| confirm_email(streams, AWA, id(token), now))
}

#[test]
fn who_follows_the_link_may_sign_in() {
    let mut world = signed_up();
    confirm(&mut world, 8).refused(Rejection::Link);
    confirm(&mut world, 7).recorded(&["EmailConfirmed"]);
    confirm(&mut world, 7).nothing();
}

#[test]
fn who_was_made_an_admin_before_is_an_administrator_then() {
    let mut world = signed_up();
    world
        .change_roles(AWA, &[Role::Admin])
        .recorded(&["RolesChanged"]);
    assert!(world.administrators().is_empty());
    confirm(&mut world, 7).recorded(&["EmailConfirmed", "AdministratorAdded"]);
    assert_eq!(world.administrators(), [AWA]);
}
