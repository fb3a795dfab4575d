//! Rows of the log as an earlier version of the code has left them.

use chrono::{SubsecRound, Utc};
use domain::streams::StreamId;
use event_store::partition::partition_of;
use event_store::{Log, RecordedEvent, leaf_hash};
use sqlx::{Executor, Row};
use uuid::Uuid;

/// Stores events of version 1, each a name and its JSON, as the first of `stream`.
pub async fn insert(log: &Log, stream: StreamId, events: &[(&str, &str)]) {
    insert_version(log, stream, "1", events).await;
}

pub async fn insert_version(log: &Log, stream: StreamId, version: &str, events: &[(&str, &str)]) {
    let mut tx = log.pool().begin().await.unwrap();
    sqlx::query("SELECT 1 FROM epoch FOR UPDATE")
        .execute(&mut *tx)
        .await
        .unwrap();
    let head = sqlx::query("SELECT position FROM head");
    let head: i64 = head.fetch_one(&mut *tx).await.unwrap().get("position");
    let partition = partition_of(stream.id, 3).cast_signed();
    let now = Utc::now().trunc_subsecs(6);
    for (sequence, (event_type, payload)) in (1..).zip(events) {
        let event = RecordedEvent {
            position: head + sequence,
            event_id: Uuid::now_v7(),
            aggregate_type: stream.aggregate_type.to_owned(),
            aggregate_id: stream.id,
            sequence,
            event_type: (*event_type).to_owned(),
            event_version: version.to_owned(),
            payload: (*payload).to_owned(),
            metadata: "{}".to_owned(),
            recorded_at: now,
            occurred_at: now,
            partition,
        };
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, \
                 event_version, payload, metadata, position, event_id, recorded_at, occurred_at, \
                 partition, leaf_hash) \
             VALUES ($1, $2, $3, $4, $5, $6::json, $7::json, $8, $9, $10, $10, $11, $12)",
        )
        .bind(&event.aggregate_type)
        .bind(event.aggregate_id)
        .bind(event.sequence)
        .bind(&event.event_type)
        .bind(&event.event_version)
        .bind(&event.payload)
        .bind(&event.metadata)
        .bind(event.position)
        .bind(event.event_id)
        .bind(event.recorded_at)
        .bind(event.partition)
        .bind(leaf_hash(&event).to_vec())
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.execute("NOTIFY comptoir_log").await.unwrap();
    tx.commit().await.unwrap();
}
