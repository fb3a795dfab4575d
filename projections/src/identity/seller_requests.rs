//! `seller_requests`: a row a wish to sell.

use chrono::{DateTime, Utc};
use domain::identity::seller_request::{Event, SellerRequest, Status};
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
    account_id: Uuid,
    message: Option<String>,
    status: Status,
    reason: Option<String>,
    requested_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
}

/// The projection.
pub struct SellerRequests;

impl Projection for SellerRequests {
    const TABLE: &'static str = "seller_requests";
    const VERSION: i32 = 1;
    type Of = SellerRequest;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, SellerRequest>) -> Vec<Key> {
        vec![Key {
            id: happened.recorded.aggregate_id,
        }]
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, SellerRequest>) -> Option<Row> {
        let (version, at) = (happened.recorded.sequence, happened.recorded.occurred_at);
        let settled = |status, reason| {
            row.map(|row| Row {
                version,
                status,
                reason,
                settled_at: Some(at),
                ..row
            })
        };
        match &happened.event {
            Event::SellerRequested {
                account_id,
                message,
                ..
            } => Some(Row {
                id: key.id,
                version,
                account_id: *account_id,
                message: message.as_ref().and_then(|one| one.value.clone()),
                status: Status::Pending,
                reason: None,
                requested_at: at,
                settled_at: None,
            }),
            Event::SellerRequestApproved { .. } => settled(Status::Approved, None),
            Event::SellerRequestRejected { reason, .. } => {
                settled(Status::Rejected, reason.value.clone())
            }
            Event::SellerRequestWithdrawn {} => settled(Status::Withdrawn, None),
        }
    }
}
