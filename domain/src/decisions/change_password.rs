//! An account gets another password, and sessions that began by the old one are over.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::identity::account::{Account, Command};
use crate::identity::sessions::{self, EndedBecause, Sessions, Which, sessions_id};
use crate::language::Language;
use crate::streams::{Halt, Streams};

/// Sets the password of the row `credential_id`, by a link that was sent. No session stays.
pub fn reset_password(
    streams: &mut Streams,
    account_id: Uuid,
    token_id: Uuid,
    credential_id: Uuid,
    language: Language,
    now: DateTime<Utc>,
) -> Result<(), Halt> {
    let reset = Command::ResetPassword {
        token_id,
        credential_id,
        language,
        now,
    };
    change(streams, account_id, reset, Which::All)
}

/// Sets the password of the row `credential_id` for somebody who knew the one of the row `known`.
/// Sessions other than `from` are over.
pub fn change_password(
    streams: &mut Streams,
    account_id: Uuid,
    known: Uuid,
    credential_id: Uuid,
    language: Language,
    from: Option<Uuid>,
) -> Result<(), Halt> {
    let change_it = Command::ChangePassword {
        known,
        credential_id,
        language,
    };
    change(
        streams,
        account_id,
        change_it,
        from.map_or(Which::All, Which::Others),
    )
}

fn change(
    streams: &mut Streams,
    account_id: Uuid,
    command: Command,
    over: Which,
) -> Result<(), Halt> {
    streams.decide::<Account>(account_id, command)?;
    let end = sessions::Command::End(over, EndedBecause::PasswordChanged);
    streams.decide::<Sessions>(sessions_id(account_id), end)
}
