//! An account is registered together with its claim on its e-mail address.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::actor::Role;
use crate::identity::account::{self, Account, Beginning, Confirmation, NewAccount};
use crate::identity::administrators::{ADMINISTRATORS, Administrators, Command as Circle};
use crate::identity::email::{self, EmailAddress, EmailClaim};
use crate::identity::link::Link;
use crate::identity::seller_request::{self, SellerRequest, seller_request_id};
use crate::language::Language;
use crate::streams::{Halt, Streams};

/// An account to be.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Its id.
    pub id: Uuid,
    /// Where it is reached.
    pub email: EmailAddress,
    /// The stream of the claim on that address: a keyed hash of it.
    pub email_claim_id: Uuid,
    /// What its owner is called.
    pub name: String,
    /// What it may be.
    pub roles: BTreeSet<Role>,
    /// The row that holds the hash of its password.
    pub credential_id: Uuid,
}

/// Registers an account that may sign in at once. Refused when the address is taken.
pub fn register_account(streams: &mut Streams, registration: Registration) -> Result<(), Halt> {
    register(streams, registration, Beginning::Active)
}

/// Registers an account that may sign in when its owner has followed `link`, which is sent to the
/// address. Refused when that is taken.
pub fn sign_up(
    streams: &mut Streams,
    registration: Registration,
    link: Link,
    language: Language,
) -> Result<(), Halt> {
    let email_claim_id = registration.email_claim_id;
    let confirmation = Confirmation {
        link,
        language,
        email_claim_id,
    };
    register(streams, registration, Beginning::Unconfirmed(confirmation))
}

/// Registers an account of somebody who wants to sell, and the request to an admin to let them.
/// Refused when the address is taken.
pub fn apply_as_seller(
    streams: &mut Streams,
    registration: Registration,
    message: Option<String>,
    language: Language,
) -> Result<(), Halt> {
    let account_id = registration.id;
    let roles = BTreeSet::new();
    let registration = Registration {
        roles,
        ..registration
    };
    let request = seller_request::Command::Request {
        account_id,
        message,
        language,
    };
    register(streams, registration, Beginning::Inactive)?;
    streams.decide::<SellerRequest>(seller_request_id(account_id), request)
}

/// Registers the first administrator of a platform that has none. Refused when it has one.
pub fn register_first_admin(streams: &mut Streams, registration: Registration) -> Result<(), Halt> {
    let first = Circle::AddFirst(registration.id);
    streams.decide::<Administrators>(ADMINISTRATORS, first)?;
    register_account(streams, registration)
}

fn register(
    streams: &mut Streams,
    registration: Registration,
    beginning: Beginning,
) -> Result<(), Halt> {
    let id = registration.id;
    let claim = email::Command::Claim { account_id: id };
    let register = account::Command::Register(NewAccount {
        id,
        email: registration.email,
        name: registration.name,
        roles: registration.roles,
        credential_id: registration.credential_id,
        beginning,
    });
    streams.decide::<Account>(id, register)?;
    streams.decide::<EmailClaim>(registration.email_claim_id, claim)?;
    follow_administration(streams, id)
}
