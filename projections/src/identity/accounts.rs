//! `accounts`: a row an account.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::actor::Role;
use domain::identity::account::{Account, Event};
use domain::identity::email::EmailAddress;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::runtime::{Happened, Projection};

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    id: Uuid,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    id: Uuid,
    version: i64,
    email: Option<EmailAddress>,
    name: Option<String>,
    roles: BTreeSet<Role>,
    active: bool,
    registered_at: DateTime<Utc>,
}

/// The projection.
pub struct Accounts;

impl Projection for Accounts {
    const TABLE: &'static str = "accounts";
    const VERSION: i32 = 1;
    type Of = Account;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Account>) -> Vec<Key> {
        vec![Key {
            id: happened.recorded.aggregate_id,
        }]
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, Account>) -> Option<Row> {
        if let Event::AccountRegistered {
            email,
            name,
            roles,
            active,
            ..
        } = &happened.event
        {
            return Some(Row {
                id: key.id,
                version: happened.recorded.sequence,
                email: email.value.clone(),
                name: name.value.clone(),
                roles: roles.clone(),
                active: *active,
                registered_at: happened.recorded.occurred_at,
            });
        }
        let mut row = row?;
        row.version = happened.recorded.sequence;
        match &happened.event {
            Event::AccountRegistered { .. } => {}
            Event::AccountActivated {} | Event::EmailConfirmed { .. } => row.active = true,
            Event::AccountDeactivated {} => row.active = false,
            Event::RolesChanged { roles } => row.roles = roles.clone(),
            Event::AccountErased { .. } => {
                row.active = false;
                row.email = None;
                row.name = None;
            }
            Event::ConfirmationRequested { .. }
            | Event::PasswordResetRequested { .. }
            | Event::PasswordChanged { .. }
            | Event::ProfileChanged(_) => {}
        }
        Some(row)
    }
}
