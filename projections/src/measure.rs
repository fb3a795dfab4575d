//! What projectors and read tables measure.
//!
//! `comptoir_projector_…` is what one projector does. `comptoir_projection_…` is how its tables are,
//! which anybody can tell who has the databases: the read API does too, so it is known of tables
//! whose projector is gone.

use std::convert::Infallible;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::rebuild::{Tables, tables};
use crate::runtime::parked::{Count, counts};
use crate::runtime::{Lag, Registered, lags};

/// How often the tables are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Describes every metric of this crate to whoever collects metrics.
pub fn describe() {
    describe_counter!(
        "comptoir_projector_events_total",
        "Events that a projection was given for the first time."
    );
    describe_counter!(
        "comptoir_projector_rows_changed_total",
        "Rows of a table that were written or deleted."
    );
    describe_counter!(
        "comptoir_projector_parked_events_total",
        "Events that were parked."
    );
    describe_counter!(
        "comptoir_projector_duplicates_total",
        "Events that came again, counted for each projection."
    );
    describe_counter!(
        "comptoir_projector_holes_filled_total",
        "Holes in what Kafka brought that were filled from the log."
    );
    describe_counter!(
        "comptoir_projector_events_filled_total",
        "Events that were read from the log since Kafka had lost them."
    );
    describe_counter!(
        "comptoir_projector_batches_lost_total",
        "Batches that were dropped since another projector has the partition."
    );
    describe_counter!(
        "comptoir_projector_careful_batches_total",
        "Batches that did not go the fast way: something in them was seen before, missing, parked or refused."
    );
    describe_gauge!(
        "comptoir_projector_position",
        "The last position of a partition that this projector has committed."
    );
    describe_histogram!(
        "comptoir_projector_batch_events",
        "Events of a batch that was committed."
    );
    describe_histogram!(
        "comptoir_projector_batch_duration_seconds",
        Unit::Seconds,
        "How long a batch took from its begin to its commit."
    );
    describe_histogram!(
        "comptoir_projector_delay_seconds",
        Unit::Seconds,
        "From the recording of a batch's oldest new event to its being visible."
    );
    describe_gauge!(
        "comptoir_projection_position",
        "Everything of a partition up to here is in the table."
    );
    describe_gauge!(
        "comptoir_projection_lag_events",
        "Events of a partition that the table does not have; reckoned where they are many."
    );
    describe_gauge!(
        "comptoir_projection_lag_seconds",
        Unit::Seconds,
        "Age of the oldest of them; 0 when there is none."
    );
    describe_gauge!(
        "comptoir_projection_parked_events",
        "Events that are parked now."
    );
    describe_gauge!(
        "comptoir_projection_parked_streams",
        "Streams that are parked now."
    );
    describe_gauge!(
        "comptoir_projection_built",
        "1 when this version has a live table, else 0."
    );
    describe_gauge!(
        "comptoir_projection_shadow",
        "1 when there is a shadow table, else 0."
    );
    describe_gauge!(
        "comptoir_projection_rebuilding",
        "1 while the table is rebuilt, compared or rolled back, else 0."
    );
}

/// Keeps the gauges of the live tables of `projections` up to date, until `stop`.
///
/// # Errors
/// None: what can't be read now is told as not known (NaN), and read again.
pub async fn measure(
    log: PgPool,
    read: PgPool,
    projections: Vec<Registered>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let mut ticks = tokio::time::interval(EVERY);
    let mut told = Vec::new();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match look(&log, &read, &projections).await {
            Ok(lags) => told = lags,
            Err(error) => {
                tracing::debug!(%error, "can't measure the read tables now");
                told.iter().for_each(unknown);
            }
        }
    }
    Ok(())
}

async fn look(
    log: &PgPool,
    read: &PgPool,
    projections: &[Registered],
) -> Result<Vec<Lag>, sqlx::Error> {
    let lags = lags(log, read, projections).await?;
    lags.iter().for_each(tell);
    for table in tables(read, projections).await? {
        tell_table(&table);
    }
    let parked = counts(read).await?;
    for one in projections {
        let count = parked.get(&(one.name.to_owned(), one.version));
        tell_parked(one, count.copied().unwrap_or_default());
    }
    Ok(lags)
}

fn tell(lag: &Lag) {
    set("comptoir_projection_position", lag, lag.position as f64);
    set("comptoir_projection_lag_events", lag, lag.events as f64);
    set("comptoir_projection_lag_seconds", lag, lag.seconds);
}

fn unknown(lag: &Lag) {
    set("comptoir_projection_lag_events", lag, f64::NAN);
    set("comptoir_projection_lag_seconds", lag, f64::NAN);
}

fn set(name: &'static str, lag: &Lag, value: f64) {
    let labels = [
        ("projection", lag.projection.to_owned()),
        ("version", lag.version.to_string()),
        ("partition", lag.partition.to_string()),
    ];
    gauge!(name, &labels).set(value);
}

fn tell_table(table: &Tables) {
    let of = &table.projection;
    set_of("comptoir_projection_built", of, table.built.into());
    set_of("comptoir_projection_shadow", of, table.shadow.into());
    set_of(
        "comptoir_projection_rebuilding",
        of,
        table.rebuilding.into(),
    );
}

fn tell_parked(of: &Registered, count: Count) {
    set_of("comptoir_projection_parked_events", of, count.events);
    set_of("comptoir_projection_parked_streams", of, count.streams);
}

fn set_of(name: &'static str, of: &Registered, value: i64) {
    gauge!(name, "projection" => of.name, "version" => of.version.to_string()).set(value as f64);
}
