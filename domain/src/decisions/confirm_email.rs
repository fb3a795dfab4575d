//! Somebody shows that an e-mail address is theirs: their account may sign in, and an admin then
//! counts among the administrators.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::identity::account::{self, Account};
use crate::streams::{Halt, Streams};

/// Confirms the address of the account `id` by the token `token_id` of a link.
pub fn confirm_email(
    streams: &mut Streams,
    id: Uuid,
    token_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Halt> {
    streams.decide::<Account>(id, account::Command::ConfirmEmail { token_id, now })?;
    follow_administration(streams, id)
}
