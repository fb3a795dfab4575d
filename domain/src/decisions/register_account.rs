//! An account is registered together with its claim on its e-mail address.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::actor::Role;
use crate::identity::account::{self, Account};
use crate::identity::administrators::{ADMINISTRATORS, Administrators, Command as Circle};
use crate::identity::email::{self, EmailAddress, EmailClaim};
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
    let id = registration.id;
    let claim = email::Command::Claim { account_id: id };
    let register = account::Command::Register {
        id,
        email: registration.email,
        name: registration.name,
        roles: registration.roles,
        credential_id: registration.credential_id,
    };
    streams.decide::<Account>(id, register)?;
    streams.decide::<EmailClaim>(registration.email_claim_id, claim)?;
    follow_administration(streams, id)
}

/// Registers the first administrator of a platform that has none. Refused when it has one.
pub fn register_first_admin(streams: &mut Streams, registration: Registration) -> Result<(), Halt> {
    let first = Circle::AddFirst(registration.id);
    streams.decide::<Administrators>(ADMINISTRATORS, first)?;
    register_account(streams, registration)
}
