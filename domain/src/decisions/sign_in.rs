//! Somebody signs in, stays signed in, and signs out.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::account::{Account, Rejection, registered};
use crate::identity::sessions::{
    self, EndedBecause, Judged, LIFETIME, NewSession, Sessions, Which, sessions_id,
};
use crate::streams::{Halt, Streams};

/// Starts a session of an account whose password, that of the row `credential_id`, was given.
/// Refused when that is its password no more, or when the account is not active.
pub fn sign_in(
    streams: &mut Streams,
    credential_id: Uuid,
    session: NewSession,
) -> Result<(), Halt> {
    let account = streams.state::<Account>(session.account_id)?;
    let account = registered(&account)?;
    if !account.active() {
        return Err(Rejection::Inactive.into());
    }
    if account.credential_id != credential_id {
        return Err(Rejection::PasswordChanged.into());
    }
    let stream = sessions_id(session.account_id);
    streams.decide::<Sessions>(stream, sessions::Command::Start(session))
}

/// A token by which somebody wants to stay signed in.
#[derive(Debug, Clone, Copy)]
pub struct Presented {
    /// Whose session.
    pub account_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// The token.
    pub token_id: Uuid,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refreshed {
    /// The session goes on.
    Continued,
    /// The token had been used before, so the session was ended.
    Reused,
    /// The session was over.
    Over,
}

/// Lets a session go on by the token `next`, if the one that was presented is good. An account that
/// is not active goes on with nothing.
pub fn refresh_session(
    streams: &mut Streams,
    presented: Presented,
    next: Uuid,
    now: DateTime<Utc>,
) -> Result<Refreshed, Halt> {
    let stream = sessions_id(presented.account_id);
    let account = streams.state::<Account>(presented.account_id)?;
    let sessions = streams.state::<Sessions>(stream)?;
    let active = account.as_ref().as_ref().is_some_and(|one| one.active());
    let judged = sessions.judge(presented.session_id, presented.token_id, now);
    let (command, refreshed) = match judged {
        Judged::Good if active => {
            let go_on = sessions::Command::Continue {
                session_id: presented.session_id,
                token_id: next,
                expires_at: now + LIFETIME,
            };
            (go_on, Refreshed::Continued)
        }
        Judged::Used => {
            let which = Which::One(presented.session_id);
            let end = sessions::Command::End(which, EndedBecause::TokenReused);
            (end, Refreshed::Reused)
        }
        Judged::Good | Judged::Over => return Ok(Refreshed::Over),
    };
    streams.decide::<Sessions>(stream, command)?;
    Ok(refreshed)
}

/// Ends sessions of an account, as its owner wants. Refused when it is one that there is not.
pub fn end_sessions(
    streams: &mut Streams,
    account_id: Uuid,
    which: Which,
    why: EndedBecause,
) -> Result<(), Halt> {
    let stream = sessions_id(account_id);
    let sessions = streams.state::<Sessions>(stream)?;
    if let Which::One(one) = which
        && why == EndedBecause::Revoked
        && !sessions.has(one)
    {
        return Err(sessions::Rejection::Unknown.into());
    }
    streams.decide::<Sessions>(stream, sessions::Command::End(which, why))
}
