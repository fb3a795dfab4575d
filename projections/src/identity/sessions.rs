//! `sessions`: a row a session that is not over, unless by its time.

use chrono::{DateTime, Utc};
use domain::identity::sessions::{Event, Sessions};
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
    account_id: Uuid,
    agent: Option<String>,
    started_at: DateTime<Utc>,
    continued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// The projection.
pub struct OpenSessions;

impl Projection for OpenSessions {
    const TABLE: &'static str = "sessions";
    const VERSION: i32 = 1;
    type Of = Sessions;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Sessions>) -> Vec<Key> {
        match &happened.event {
            Event::SessionStarted { session_id, .. }
            | Event::SessionContinued { session_id, .. } => vec![Key { id: *session_id }],
            Event::SessionsEnded { session_ids, .. } => {
                session_ids.iter().map(|id| Key { id: *id }).collect()
            }
        }
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, Sessions>) -> Option<Row> {
        let at = happened.recorded.occurred_at;
        match &happened.event {
            Event::SessionStarted {
                account_id,
                expires_at,
                agent,
                ..
            } => Some(Row {
                id: key.id,
                account_id: *account_id,
                agent: agent.as_ref().and_then(|agent| agent.value.clone()),
                started_at: at,
                continued_at: at,
                expires_at: *expires_at,
            }),
            Event::SessionContinued { expires_at, .. } => row.map(|row| Row {
                continued_at: at,
                expires_at: *expires_at,
                ..row
            }),
            Event::SessionsEnded { .. } => None,
        }
    }
}
