use domain::actor::Role;
use domain::decisions::sign_in::{Presented, Refreshed, end_sessions, refresh_session, sign_in};
use domain::identity::account::Rejection;
use domain::identity::sessions::{self, EndedBecause, LIFETIME, NewSession, Which};
use uuid::Uuid;

use crate::support::{id, noon};
use crate::world::{Outcome, World};

const AWA: Uuid = id(1);
const PASSWORD: Uuid = id(0x900);

/// Awa, who is signed in as session 2 by the token 3.
pub(super) fn signed_in() -> World {
    let mut world = World::empty();
    world
        .register(AWA, "awa@example.org", &[Role::Buyer])
        .done();
    let password = password(&world);
    start(&mut world, password).recorded(&["SessionStarted"]);
    world
}

pub(super) fn password(world: &World) -> Uuid {
    let account = world.state::<domain::identity::account::Account>(AWA);
    account.map_or(PASSWORD, |account| account.credential_id)
}

fn start(world: &mut World, password: Uuid) -> Outcome<()> {
    let now = world.now;
    let session = NewSession {
        account_id: AWA,
        session_id: id(2),
        token_id: id(3),
        agent: None,
        now,
    };
    world.run(move |streams| sign_in(streams, password, session.clone()))
}

pub(super) fn refresh(world: &mut World, token: u128, next: u128) -> Outcome<Refreshed> {
    let (presented, now) = (
        Presented {
            account_id: AWA,
            session_id: id(2),
            token_id: id(token),
        },
        world.now,
    );
    world.run(move |streams| refresh_session(streams, presented, id(next), now))
}

fn refreshed(world: &mut World, token: u128, next: u128) -> Refreshed {
    refresh(world, token, next).done()
}

#[test]
fn who_knows_the_password_of_an_active_account_signs_in() {
    let mut world = signed_in();
    start(&mut world, id(0x901)).refused(Rejection::PasswordChanged);
    world.deactivate(AWA).done();
    let password = password(&world);
    start(&mut world, password).refused(Rejection::Inactive);
    start(&mut World::empty(), password).refused(Rejection::Unknown);
}

#[test]
fn a_session_goes_on_by_one_token_after_the_other() {
    let mut world = signed_in();
    assert_eq!(refreshed(&mut world, 3, 4), Refreshed::Continued);
    assert_eq!(refreshed(&mut world, 4, 5), Refreshed::Continued);
    world.now = noon(1) + LIFETIME;
    assert_eq!(refreshed(&mut world, 5, 6), Refreshed::Over);
}

#[test]
fn a_token_that_comes_again_ends_the_session_for_both() {
    let mut world = signed_in();
    assert_eq!(refreshed(&mut world, 3, 4), Refreshed::Continued);
    let again = refresh(&mut world, 3, 5);
    again.without_answer().recorded(&["SessionsEnded"]);
    assert_eq!(refreshed(&mut world, 4, 6), Refreshed::Over);
    assert_eq!(refreshed(&mut world, 3, 7), Refreshed::Over);
}

#[test]
fn who_is_deactivated_goes_on_with_nothing() {
    let mut world = signed_in();
    world
        .deactivate(AWA)
        .recorded(&["AccountDeactivated", "SessionsEnded"]);
    assert_eq!(refreshed(&mut world, 3, 4), Refreshed::Over);
    world.activate(AWA).done();
    assert_eq!(refreshed(&mut world, 3, 4), Refreshed::Over);
}

#[test]
fn sessions_end_when_their_owner_says_so() {
    let mut world = signed_in();
    let mut end = |which, why| world.run(move |streams| end_sessions(streams, AWA, which, why));
    end(Which::One(id(9)), EndedBecause::Revoked).refused(sessions::Rejection::Unknown);
    // Signing out twice is as signing out once.
    end(Which::One(id(2)), EndedBecause::SignedOut).recorded(&["SessionsEnded"]);
    end(Which::One(id(2)), EndedBecause::SignedOut).nothing();
    assert_eq!(refreshed(&mut world, 3, 4), Refreshed::Over);
}
