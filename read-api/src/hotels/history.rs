//! What happened to a reservation, from the log itself.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::decider::Decider;
use domain::hotels::CONTEXT;
use domain::hotels::reservation::Reservation;
use event_store::RecordedEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use service_kit::access::Caller;
use service_kit::extract::Path;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::reservations;
use crate::answer::view;
use crate::fresh::Fresh;
use crate::{App, database};

/// What happened to something, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    events: Vec<HistoryEvent>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryEvent {
    /// The version that it made.
    version: i64,
    /// Its place in the log.
    position: i64,
    id: Uuid,
    #[serde(rename = "type")]
    event_type: String,
    occurred_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    /// What happened.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// Who asked for it, in which request.
    #[schema(value_type = Object)]
    metadata: Box<RawValue>,
}

impl TryFrom<RecordedEvent> for HistoryEvent {
    type Error = serde_json::Error;

    fn try_from(event: RecordedEvent) -> Result<Self, serde_json::Error> {
        Ok(Self {
            version: event.sequence,
            position: event.position,
            id: event.event_id,
            event_type: event.event_type,
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
            data: RawValue::from_string(event.payload)?,
            metadata: RawValue::from_string(event.metadata)?,
        })
    }
}

/// What happened to a reservation: every event, who asked for it, and when.
#[utoipa::path(get, path = "/api/reservations/{id}/history", tag = "hotels",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = History), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub async fn show_history(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    app.contain(&fresh, CONTEXT, &["reservations", "hotels"])
        .await?;
    reservations::find(&app, &actor, id).await?;
    let events = event_store::read::stream(&app.log, Reservation::TYPE, id, 0)
        .await
        .map_err(database)?;
    let events = events
        .into_iter()
        .map(HistoryEvent::try_from)
        .collect::<Result<_, _>>()
        .map_err(|error| Problem::fault("a stored event is not JSON", &error))?;
    view(&headers, &History { events })
}
