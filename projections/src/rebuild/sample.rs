//! Some streams, folded anew and compared with their live rows: cheap, and no proof. Rows across
//! streams need a pass over the log.

use std::collections::BTreeMap;

use event_store::{RecordedEvent, read};
use serde_json::Value;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::anew::Keys;
use super::compare::{Difference, FrozenTable, difference};
use super::explain::{EventOf, explain};
use super::past::opened;
use super::progress::{Step, Teller};
use super::{Databases, Error, anew, shadow};
use crate::runtime::{Registered, Slot};

/// Compares the live rows of about so many streams, drawn by lot, with a fresh fold of theirs.
/// Rows that no event explains are found by a full comparison only.
pub(super) async fn sample(
    databases: &Databases,
    projection: &Registered,
    streams: u32,
    teller: &Teller,
) -> Result<Vec<Difference>, Error> {
    let Some(mut live) = FrozenTable::take(databases, projection).await? else {
        return Ok(Vec::new());
    };
    let key = shadow::key_columns(&databases.read, projection).await?;
    let drawn = drawn(databases, projection, streams).await?;
    if projection.across_streams {
        let mut keys = Keys::new();
        for stream in drawn {
            let events = past_of(databases, projection, &live, stream).await?;
            let events = opened(databases, &live.standing, events).await?;
            anew::touch(&mut keys, projection, &events);
        }
        let found = anew::compare(databases, projection, &mut live, keys, teller).await;
        let mut differences = found?;
        let past = (&live.standing, &live.parked);
        explain(databases, projection, &mut differences, past, teller).await?;
        return Ok(differences);
    }
    teller.begin(Step::Comparing, drawn.len() as u64);
    let mut differences = Vec::new();
    for stream in drawn {
        let mut events = past_of(databases, projection, &live, stream).await?;
        databases.keyring.open_events(&mut events).await?;
        teller.advance(1);
        // A stream that can't be folded is parked, and says nothing here.
        let (Ok(touched), Ok(rows)) = (touched(projection, &events), folded(projection, &events))
        else {
            continue;
        };
        differences.extend(compare(&mut live.session, projection, &key, touched, rows).await?);
    }
    let is_parked = live.parked();
    differences.retain(|difference| !is_parked(difference));
    Ok(differences)
}

/// Streams whose events stand at positions drawn by lot: long ones are drawn more often.
async fn drawn(
    databases: &Databases,
    projection: &Registered,
    streams: u32,
) -> Result<Vec<Uuid>, Error> {
    // Events of other types stand between them, so more positions are drawn than streams wanted.
    let drawn = sqlx::query_scalar(
        "SELECT DISTINCT aggregate_id FROM events \
         WHERE aggregate_type = $1 AND position = ANY(ARRAY( \
             SELECT 1 + floor(random() * head.position)::bigint \
             FROM head, generate_series(1, 8 * $2))) \
         LIMIT $2",
    )
    .bind(projection.aggregate_type)
    .bind(i64::from(streams))
    .fetch_all(&databases.log)
    .await?;
    Ok(drawn)
}

/// The events of a stream up to where the live table stands.
async fn past_of(
    databases: &Databases,
    projection: &Registered,
    live: &FrozenTable,
    stream: Uuid,
) -> Result<Vec<RecordedEvent>, Error> {
    let mut events = read::stream(&databases.log, projection.aggregate_type, stream, 0).await?;
    events.retain(|event| live.standing.has(event));
    Ok(events)
}

/// The keys of the rows that events touch, and the events, by the key as JSON.
pub(super) type Touched = BTreeMap<String, (Value, Vec<EventOf>)>;

fn touched(projection: &Registered, events: &[RecordedEvent]) -> Result<Touched, Error> {
    let mut touched = Touched::new();
    for event in events {
        let keys = (projection.keys)(event).map_err(|why| Error::unfoldable(event, &why))?;
        for key in keys {
            let place = touched.entry(key.to_string());
            let (_, events) = place.or_insert_with(|| (key, Vec::new()));
            events.push(EventOf::of(event));
        }
    }
    Ok(touched)
}

/// The rows of one stream, as a JSON array.
fn folded(projection: &Registered, events: &[RecordedEvent]) -> Result<Value, Error> {
    let mut collect = (projection.collect)();
    for event in events {
        let folded = collect.add(event);
        folded.map_err(|why| Error::unfoldable(event, &why))?;
    }
    let rows = collect
        .take()
        .map_err(|why| Error::shape(projection, why))?;
    Ok(rows.into_iter().map(Value::Object).collect())
}

/// Where the live rows of the keys in `touched` are not the `rows` given, a JSON array.
pub(super) async fn compare(
    session: &mut PgConnection,
    projection: &Registered,
    key: &[String],
    touched: Touched,
    rows: Value,
) -> Result<Vec<Difference>, Error> {
    let live = projection.relation(Slot::Live);
    let (key, columns) = (key.join(", "), key);
    let same = |side: &str| {
        let columns = columns.iter().map(|column| format!("{side}.{column}"));
        columns.collect::<Vec<_>>().join(", ")
    };
    // PostgreSQL itself says what a row is like in the table.
    let sql = format!(
        "SELECT to_jsonb(given)::text AS rebuilt, to_jsonb(held)::text AS live \
         FROM (SELECT {key} FROM jsonb_populate_recordset(NULL::{live}, $1)) AS asked \
             LEFT JOIN jsonb_populate_recordset(NULL::{live}, $2) AS given \
                 ON ({}) = ({}) \
             LEFT JOIN {live} AS held ON ({}) = ({}) \
         WHERE to_jsonb(given) IS DISTINCT FROM to_jsonb(held)",
        same("given"),
        same("asked"),
        same("held"),
        same("asked"),
    );
    let keys: Value = touched.values().map(|(key, _)| key.clone()).collect();
    let found = sqlx::query(&sql)
        .bind(keys)
        .bind(rows)
        .fetch_all(session)
        .await?;
    let mut differences = Vec::new();
    for row in found {
        let mut found = difference(projection, row.try_get("live")?, row.try_get("rebuilt")?)?;
        if let Some((_, events)) = touched.get(&found.key.to_string()) {
            found.events.clone_from(events);
        }
        differences.push(found);
    }
    Ok(differences)
}
