//! An account may no longer sign in, and its sessions are over. The last administrator stays.

use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::identity::account::{self, Account};
use crate::identity::sessions::{self, EndedBecause, Sessions, Which, sessions_id};
use crate::streams::{Halt, Streams};

/// Deactivates the account `id`.
pub fn deactivate_account(streams: &mut Streams, id: Uuid) -> Result<(), Halt> {
    streams.decide::<Account>(id, account::Command::Deactivate)?;
    let end = sessions::Command::End(Which::All, EndedBecause::Deactivated);
    streams.decide::<Sessions>(sessions_id(id), end)?;
    follow_administration(streams, id)
}
