//! Somebody shows that an address is theirs, and may sign in; an admin then counts among the
//! administrators.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::identity::account::{Account, Command};
use crate::streams::{Halt, Streams};

/// Confirms the address of the account `id` by the link with the token `token_id`.
pub fn confirm_email(
    streams: &mut Streams,
    id: Uuid,
    token_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Halt> {
    streams.decide::<Account>(id, Command::ConfirmEmail { token_id, now })?;
    follow_administration(streams, id)
}
