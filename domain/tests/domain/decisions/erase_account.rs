use domain::actor::Role;
use domain::decisions::erase_account::{erase_account, expire_account};
use domain::decisions::register_account::{Registration, apply_as_seller, sign_up};
use domain::decisions::sign_in::Refreshed;
use domain::identity::account::{Account, Standing};
use domain::identity::administrators;
use domain::identity::email::{EmailAddress, EmailClaim};
use domain::identity::link::{CONFIRMATION_LIFETIME, Link};
use domain::identity::seller_request::{self, SellerRequest, Status, seller_request_id};
use domain::language::Language;
use uuid::Uuid;

use super::claim_on;
use super::sign_in::{refresh, signed_in};
use crate::support::id;
use crate::world::{Outcome, World};

const AWA: Uuid = id(1);

fn claim() -> Uuid {
    claim_on(&EmailAddress::parse("awa@example.org").unwrap())
}

fn erase(world: &mut World) -> Outcome<()> {
    world.run(|streams| erase_account(streams, AWA, claim()))
}

fn expire(world: &mut World) -> Outcome<()> {
    world.run(|streams| expire_account(streams, AWA, claim()))
}

pub(super) fn registration() -> Registration {
    Registration {
        id: AWA,
        email: EmailAddress::parse("awa@example.org").unwrap(),
        email_claim_id: claim(),
        name: "Awa".to_owned(),
        roles: [Role::Buyer].into(),
        credential_id: id(9),
    }
}

#[test]
fn who_is_erased_is_signed_out_and_the_address_is_free() {
    let mut world = signed_in();
    erase(&mut world).recorded(&["AccountErased", "EmailReleased", "SessionsEnded"]);
    erase(&mut world).nothing();
    assert_eq!(refresh(&mut world, 3, 4).done(), Refreshed::Over);
    world
        .register(id(5), "awa@example.org", &[Role::Buyer])
        .done();
    assert_eq!(world.state::<EmailClaim>(claim()), Some(id(5)));
    // Nor does a second erasure of the first take it away.
    erase(&mut world).nothing();
    assert_eq!(world.state::<EmailClaim>(claim()), Some(id(5)));
}

#[test]
fn the_last_administrator_stays() {
    let mut world = World::empty();
    world
        .register(AWA, "awa@example.org", &[Role::Admin])
        .done();
    erase(&mut world).refused(administrators::Rejection::Last);
    world
        .register(id(5), "fatou@example.org", &[Role::Admin])
        .done();
    erase(&mut world).recorded(&["AccountErased", "EmailReleased", "AdministratorRemoved"]);
}

#[test]
fn an_open_request_goes_with_its_account() {
    let mut world = World::empty();
    let apply = |streams: &mut _| apply_as_seller(streams, registration(), None, Language::French);
    world.run(apply).done();
    erase(&mut world).recorded(&["AccountErased", "EmailReleased", "SellerRequestWithdrawn"]);
    let request = world
        .state::<SellerRequest>(seller_request_id(AWA))
        .unwrap();
    assert_eq!(request.status, Status::Withdrawn);
    let approve = world.run(|streams| {
        let id = seller_request_id(AWA);
        domain::decisions::settle_seller_request::approve_seller_request(streams, id)
    });
    approve.refused(seller_request::Rejection::Settled(Status::Withdrawn));
}

#[test]
fn an_address_that_is_not_confirmed_in_time_is_free_again() {
    let mut world = World::empty();
    let link = Link {
        token_id: id(7),
        expires_at: world.now + CONFIRMATION_LIFETIME,
    };
    let sign_up = |streams: &mut _| sign_up(streams, registration(), link, Language::French);
    world
        .run(sign_up)
        .recorded(&["AccountRegistered", "ConfirmationRequested", "EmailClaimed"]);
    expire(&mut world).recorded(&["AccountErased", "EmailReleased"]);
    expire(&mut world).nothing();
    assert_eq!(world.state::<EmailClaim>(claim()), None);
    let mut world = signed_in();
    expire(&mut world).nothing();
    let account = world.state::<Account>(AWA).unwrap();
    assert_eq!(account.standing, Standing::Active);
}
