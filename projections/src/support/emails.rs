//! `emails`: a row an e-mail. It holds nothing personal: whose it is, is told by the account.

use chrono::{DateTime, Utc};
use domain::language::Language;
use domain::support::email::{Email, Event, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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
    person: Uuid,
    language: Language,
    template: String,
    status: Status,
    attempts: i64,
    trouble: Option<Value>,
    next_at: Option<DateTime<Utc>>,
    queued_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
}

/// The projection.
pub struct Emails;

impl Projection for Emails {
    const TABLE: &'static str = "emails";
    const VERSION: i32 = 1;
    type Of = Email;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Email>) -> Vec<Key> {
        vec![Key {
            id: happened.recorded.aggregate_id,
        }]
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, Email>) -> Option<Row> {
        let (version, at) = (happened.recorded.sequence, happened.recorded.occurred_at);
        if let Event::EmailQueued {
            to,
            language,
            template,
        } = &happened.event
        {
            return Some(Row {
                id: key.id,
                version,
                person: to.personal_of,
                language: *language,
                template: <&str>::from(template).to_owned(),
                status: Status::Queued,
                attempts: 0,
                trouble: None,
                next_at: Some(at),
                queued_at: at,
                settled_at: None,
            });
        }
        let row = Row { version, ..row? };
        Some(match &happened.event {
            Event::EmailQueued { .. } => row,
            Event::EmailSent { attempt } => Row {
                status: Status::Sent,
                attempts: i64::from(*attempt),
                trouble: None,
                next_at: None,
                settled_at: Some(at),
                ..row
            },
            Event::EmailAttemptFailed {
                attempt,
                why,
                next_at,
            } => Row {
                attempts: i64::from(*attempt),
                trouble: Some(json!(why)),
                next_at: Some(*next_at),
                ..row
            },
            Event::EmailGivenUp { attempt, why } => Row {
                status: Status::GivenUp,
                attempts: i64::from(*attempt),
                trouble: Some(json!(why)),
                next_at: None,
                settled_at: Some(at),
                ..row
            },
            Event::EmailRetried { .. } => Row {
                status: Status::Queued,
                next_at: Some(at),
                settled_at: None,
                ..row
            },
        })
    }
}
