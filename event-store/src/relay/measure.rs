//! How far the relay is behind the log.

use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{counter, gauge, histogram};
use sqlx::{PgPool, Row};
use tokio_util::sync::CancellationToken;

use crate::recorded::Position;

const EVERY: Duration = Duration::from_secs(2);

/// How far Kafka has the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The position of the log's last event.
    pub head: Position,
    /// Everything up to here is with Kafka; none when no relay ever led.
    pub position: Option<Position>,
    /// When the first event after it was recorded.
    pub oldest: Option<DateTime<Utc>>,
}

/// How far Kafka has the log behind `pool`: three rows are read, by their indexes.
///
/// # Errors
/// When the database is away.
pub async fn standing(pool: &PgPool) -> Result<Standing, sqlx::Error> {
    // The limit is for the planner, who takes tables of one row for large ones and would compile
    // the query.
    let row = sqlx::query(
        "SELECT (SELECT position FROM head) AS head, relay.position, relay.fence, \
             (SELECT recorded_at FROM events WHERE events.position = relay.position + 1) AS oldest \
         FROM relay LIMIT 1",
    )
    .fetch_one(pool)
    .await?;
    let led = row.try_get::<i64, _>("fence")? > 0;
    let position: Position = row.try_get("position")?;
    let oldest: Option<DateTime<Utc>> = row.try_get("oldest")?;
    Ok(Standing {
        head: row.try_get("head")?,
        position: led.then_some(position),
        oldest: oldest.filter(|_| led),
    })
}

/// Keeps the gauges of the log's end and the relay's lag up to date, until `stop`. Whoever has the
/// log's database may do it: it tells of a relay that is gone, too.
///
/// # Errors
/// None: what can't be read now is told as not known (NaN), and read again.
pub async fn measure(
    pool: PgPool,
    stop: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let mut ticks = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match standing(&pool).await {
            Ok(standing) => standing.tell(),
            Err(error) => {
                tracing::debug!(%error, "can't measure the relay now");
                gauge!("comptoir_relay_lag_events").set(f64::NAN);
                gauge!("comptoir_relay_lag_seconds").set(f64::NAN);
            }
        }
    }
    Ok(())
}

impl Standing {
    fn tell(&self) {
        gauge!("comptoir_log_position").set(self.head as f64);
        let Some(position) = self.position else {
            return;
        };
        gauge!("comptoir_relay_position").set(position as f64);
        gauge!("comptoir_relay_lag_events").set((self.head - position).max(0) as f64);
        gauge!("comptoir_relay_lag_seconds").set(self.oldest.map_or(0.0, age));
    }
}

/// How long ago `time` was, in seconds; 0 when the database's clock goes before ours.
pub fn age(time: DateTime<Utc>) -> f64 {
    (Utc::now() - time).as_seconds_f64().max(0.0)
}

/// Whether this process leads.
pub(super) fn leads(leads: bool) {
    gauge!("comptoir_relay_leads").set(f64::from(u8::from(leads)));
}

/// So many messages were acknowledged and written down.
pub(super) fn written_down(messages: usize) {
    counter!("comptoir_relay_messages_total").increment(messages as u64);
}

/// Kafka has all of a page of so many events, the oldest of which was recorded at `oldest`.
pub(super) fn acknowledged(oldest: DateTime<Utc>, events: usize) {
    histogram!("comptoir_relay_delay_seconds").record(age(oldest));
    histogram!("comptoir_relay_page_events").record(events as f64);
}
