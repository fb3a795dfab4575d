//! What an account may be changes. The last administrator stays one.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::actor::Role;
use crate::identity::account::{self, Account};
use crate::streams::{Halt, Streams};

/// Replaces the roles of the account `id`.
pub fn change_roles(streams: &mut Streams, id: Uuid, roles: BTreeSet<Role>) -> Result<(), Halt> {
    streams.decide::<Account>(id, account::Command::ChangeRoles(roles))?;
    follow_administration(streams, id)
}
