//! A step as a request to the public API.

use anyhow::Context;
use chrono::SecondsFormat;
use serde_json::{Value, json};
use uuid::Uuid;

use super::plan::{Plan, Step, Verb};

/// A command as it is sent, and sent again: with the same key each time.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) key: String,
    pub(super) occurred_at: String,
}

/// The request of a step; `hotel` and `reservation` are the ids that earlier steps were answered.
pub(super) fn request(
    plan: &Plan,
    run: Uuid,
    step: &Step,
    hotel: Option<Uuid>,
    reservation: Option<Uuid>,
) -> anyhow::Result<Request> {
    let (path, body) = match step.verb {
        Verb::Open => ("/api/hotels".to_owned(), Some(json!(plan.hotel))),
        Verb::Book => {
            let hotel = hotel.context("the hotel is not created yet")?;
            let path = format!("/api/hotels/{hotel}/reservations");
            (path, Some(booking(plan, step)?))
        }
        verb => {
            let reservation = reservation.context("the reservation is not booked yet")?;
            (format!("/api/reservations/{reservation}/{verb}"), None)
        }
    };
    Ok(Request {
        path,
        body,
        key: format!("demo-{run}-{}-{}", step.row, step.verb),
        occurred_at: step.time.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}

fn booking(plan: &Plan, step: &Step) -> anyhow::Result<Value> {
    let row = plan.row(step).context("the step has no row")?;
    Ok(json!({
        "room_type": row.room_type,
        "check_in": row.check_in,
        "check_out": row.check_out,
        "rooms": 1,
        "adults": row.adults,
        "children": row.children,
    }))
}
