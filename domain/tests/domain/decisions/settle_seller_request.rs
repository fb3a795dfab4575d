use domain::actor::Role;
use domain::decisions::register_account::apply_as_seller;
use domain::decisions::settle_seller_request::{approve_seller_request, reject_seller_request};
use domain::identity::account::Account;
use domain::identity::seller_request::{Rejection, Status, seller_request_id};
use domain::language::Language;
use uuid::Uuid;

use super::erase_account::registration;
use crate::support::id;
use crate::world::{Outcome, World};

const AWA: Uuid = id(1);

fn applied() -> World {
    let mut world = World::empty();
    let message = Some("pots".to_owned());
    let apply = |streams: &mut _| {
        apply_as_seller(streams, registration(), message.clone(), Language::French)
    };
    world
        .run(apply)
        .recorded(&["AccountRegistered", "EmailClaimed", "SellerRequested"]);
    world
}

fn approve(world: &mut World) -> Outcome<()> {
    world.run(|streams| approve_seller_request(streams, seller_request_id(AWA)))
}

fn reject(world: &mut World) -> Outcome<()> {
    let reason = || "no room".to_owned();
    world.run(|streams| reject_seller_request(streams, seller_request_id(AWA), reason()))
}

#[test]
fn an_approval_gives_the_role_and_lets_them_in() {
    let mut world = applied();
    let account = world.state::<Account>(AWA).unwrap();
    assert!(!account.active() && account.roles.is_empty());
    approve(&mut world).recorded(&["SellerRequestApproved", "RolesChanged", "AccountActivated"]);
    let account = world.state::<Account>(AWA).unwrap();
    assert!(account.active() && account.roles == [Role::Seller].into());
    approve(&mut world).refused(Rejection::Settled(Status::Approved));
}

#[test]
fn a_rejection_leaves_them_out() {
    let mut world = applied();
    reject(&mut world).recorded(&["SellerRequestRejected"]);
    assert!(!world.state::<Account>(AWA).unwrap().active());
    approve(&mut world).refused(Rejection::Settled(Status::Rejected));
}

#[test]
fn a_request_that_is_not_there_is_unknown() {
    approve(&mut World::empty()).refused(Rejection::Unknown);
    reject(&mut World::empty()).refused(Rejection::Unknown);
}
