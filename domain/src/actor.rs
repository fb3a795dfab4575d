//! Who asks: an account and its roles.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an account may be. One account may hold several.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Runs the platform.
    Admin,
    /// Sells products and workshops (the artisan).
    Seller,
    /// Buys, books and stays (the client).
    Buyer,
    /// Runs hotels.
    Hotelier,
    /// Teaches sessions.
    Trainer,
    /// Learns in sessions.
    Student,
    /// Trains models.
    Analyst,
}

/// The account that asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Its account.
    pub account: Uuid,
    /// What it may be.
    pub roles: Vec<Role>,
}

impl Actor {
    /// Whether it holds `role`.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether what `owner` owns is its to change: its own, or anything for an admin.
    pub fn may_act_for(&self, owner: Uuid) -> bool {
        self.account == owner || self.is(Role::Admin)
    }
}
