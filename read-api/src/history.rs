//! What happened to something, from the log itself.

use chrono::{DateTime, Utc};
use domain::decider::{Decider, Event};
use domain::streams::stored_json;
use event_store::{RecordedEvent, read};
use serde::Serialize;
use serde_json::value::RawValue;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{App, closed, database};

/// What happened to something, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    events: Vec<HistoryEvent>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryEvent {
    /// The version that it made. Several events may have made one version together.
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

/// Every event of the aggregate `id` of `D`, as today's code knows it: old ones are upcast, and
/// what is personal is in clear unless it was erased.
///
/// # Errors
/// `503` when the log is away; `500` when a stored event can't be read.
pub async fn of<D: Decider>(app: &App, id: Uuid) -> Result<History, Problem> {
    let mut recorded = read::stream(&app.log, D::TYPE, id, 0)
        .await
        .map_err(database)?;
    app.keyring
        .open_events(&mut recorded)
        .await
        .map_err(closed)?;
    let mut events = Vec::with_capacity(recorded.len());
    for one in &recorded {
        let happened = one.decode::<D>();
        for event in happened.map_err(|error| unreadable(&error))? {
            events.push(shown(one, &event).map_err(|error| unreadable(&error))?);
        }
    }
    Ok(History { events })
}

fn shown(recorded: &RecordedEvent, event: &impl Event) -> Result<HistoryEvent, serde_json::Error> {
    Ok(HistoryEvent {
        version: recorded.sequence,
        position: recorded.position,
        id: recorded.event_id,
        event_type: event.name().to_owned(),
        occurred_at: recorded.occurred_at,
        recorded_at: recorded.recorded_at,
        data: RawValue::from_string(stored_json(event))?,
        metadata: RawValue::from_string(recorded.metadata.clone())?,
    })
}

fn unreadable(error: &dyn std::fmt::Display) -> Problem {
    Problem::fault("a stored event can't be read", error)
}
