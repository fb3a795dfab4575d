//! An account may no longer sign in. The last administrator stays.

use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::identity::account::{self, Account};
use crate::streams::{Halt, Streams};

/// Deactivates the account `id`.
pub fn deactivate_account(streams: &mut Streams, id: Uuid) -> Result<(), Halt> {
    streams.decide::<Account>(id, account::Command::Deactivate)?;
    follow_administration(streams, id)
}
