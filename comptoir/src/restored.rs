//! Whether the log was restored from an older backup: what the read side and Kafka have seen of it.
//!
//! Relay and projector look for themselves, as they can't go on without. The APIs look when they
//! start; what is away then is not asked, since commands do not depend on it.

use std::time::Duration;

use event_store::relay::{self, seen_by_kafka};
use event_store::{Log, seen};
use projections::runtime::seen_by_read_tables;
use sqlx::PgPool;

/// How long Kafka is asked.
const KAFKA_LIMIT: Duration = Duration::from_secs(10);

/// Refuses a log that is not the one that the read tables, or the messages in Kafka, were made from.
///
/// # Errors
/// When it is another, or an older one.
pub async fn refuse(
    log: &Log,
    read: &PgPool,
    kafka: Option<&relay::Options>,
) -> Result<(), seen::Error> {
    let mut all = match seen_by_read_tables(read).await {
        Ok(seen) => seen,
        Err(error) => {
            tracing::warn!(%error, "the log was not compared with the read tables");
            Vec::new()
        }
    };
    if let Some(options) = kafka {
        let asked = seen_by_kafka(options, log.topics());
        match tokio::time::timeout(KAFKA_LIMIT, asked).await {
            Ok(Ok(seen)) => all.extend(seen),
            Ok(Err(error)) => tracing::warn!(%error, "the log was not compared with Kafka"),
            Err(_) => tracing::warn!("the log was not compared with Kafka, which does not answer"),
        }
    }
    match seen::check(log.pool(), &all).await {
        Err(error) if error.is_away() => {
            tracing::warn!(%error, "the log was not compared with what others have seen");
            Ok(())
        }
        done => done,
    }
}
