//! Links that are sent to an address: each is good once, for a while, until another is asked for.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a link to confirm an address is good for.
pub const CONFIRMATION_LIFETIME: TimeDelta = TimeDelta::hours(48);
/// How long a link to set a new password is good for.
pub const RESET_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// Another one is sent after that at the soonest, so that nobody's mailbox is flooded.
pub const PAUSE: TimeDelta = TimeDelta::minutes(1);

/// A link, by the id of its token: the token itself is derived when it is sent, and is nowhere kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The id of its token.
    pub token_id: Uuid,
    /// From when on it is good no more.
    pub expires_at: DateTime<Utc>,
}

impl Link {
    /// Whether the token `id` is this link's, and in time.
    pub fn opens(&self, id: Uuid, now: DateTime<Utc>) -> bool {
        self.token_id == id && now < self.expires_at
    }

    /// Whether it was asked for so shortly before `next` that `next` is not sent.
    pub fn just_before(&self, next: &Self) -> bool {
        next.expires_at - self.expires_at < PAUSE
    }
}
