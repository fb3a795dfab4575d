//! A long log, filled fast: streams of ten events, copied in the database from one that the log
//! itself wrote. Positions are dense, sequences and head are right; leaf hashes and partitions are
//! the copied ones, so it is a log to measure, not one to prove or to relay.

use anyhow::Context;
use sha2::{Digest, Sha256};
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use super::ours::Ours;
use super::server::connect;

/// Events of a stream.
const EVENTS: u64 = 10;
/// Streams whose events lie among each other's, as those of streams that live at one time do.
const AT_ONE_TIME: u64 = 1_000;
/// Events of one transaction.
const AT_ONCE: u64 = 200_000;

/// A log that is filled.
pub(super) struct Filled {
    url: String,
    pattern: Uuid,
    streams: u64,
    /// Events it was filled with.
    pub(super) events: u64,
}

impl Filled {
    /// Begins one in the database at `url`: the stream to copy.
    pub(super) async fn begin(url: String) -> anyhow::Result<Self> {
        let ours = Ours::open(&url).await?;
        let pattern = Uuid::new_v4();
        ours.seed(pattern, EVENTS).await?;
        ours.close();
        Ok(Self {
            url,
            pattern,
            streams: 0,
            events: 0,
        })
    }

    /// Fills it up to about so many events; opens it afterwards. Nobody else may have it open.
    pub(super) async fn up_to(&mut self, events: u64) -> anyhow::Result<Ours> {
        let mut connection = connect(&self.url).await?;
        let columns = columns(&mut connection).await?;
        while self.events < events {
            let streams = AT_ONE_TIME.min(events / EVENTS).max(1);
            let block = streams * EVENTS;
            let wanted = AT_ONCE.min(events - self.events);
            let blocks = wanted.div_ceil(block);
            self.copy(&mut connection, &columns, streams, blocks * block)
                .await?;
            self.reservations(&mut connection, blocks * streams).await?;
            self.streams += blocks * streams;
            self.events += blocks * block;
        }
        for table in ["log.events", "read.reservations"] {
            let vacuum = format!("VACUUM (ANALYZE) {table}");
            connection.execute(vacuum.as_str()).await?;
        }
        connection.close().await?;
        Ours::open(&self.url).await
    }

    /// The id of the stream, and of the reservation, that a lot points to.
    pub(super) fn drawn(&self, lot: u64) -> Uuid {
        let digest = Sha256::digest((lot % self.streams).to_string());
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Uuid::from_bytes(id)
    }

    async fn copy(
        &self,
        connection: &mut PgConnection,
        columns: &[String],
        streams: u64,
        events: u64,
    ) -> anyhow::Result<()> {
        let number = format!(
            "{} + n / {} * {streams} + n % {streams}",
            self.streams,
            streams * EVENTS
        );
        let id = id(&number);
        let values = columns.iter().map(|column| match column.as_str() {
            "aggregate_id" => id.clone(),
            "position" => "head.position + n + 1".to_owned(),
            "event_id" => "gen_random_uuid()".to_owned(),
            "recorded_at" | "occurred_at" => "now()".to_owned(),
            copied => format!("pattern.{copied}"),
        });
        let sql = format!(
            "WITH pattern AS MATERIALIZED (SELECT * FROM log.events WHERE aggregate_id = '{}'), \
                 head AS MATERIALIZED (SELECT position FROM log.head) \
             INSERT INTO log.events ({}) SELECT {} \
                 FROM generate_series(0, {events} - 1) AS n \
                 JOIN pattern ON pattern.sequence = n / {streams} % {EVENTS} + 1 \
                 CROSS JOIN head",
            self.pattern,
            columns.join(", "),
            values.collect::<Vec<_>>().join(", "),
        );
        let mut transaction = connection.begin().await?;
        transaction
            .execute("SET LOCAL synchronous_commit = off")
            .await?;
        transaction
            .execute("SELECT 1 FROM log.epoch FOR UPDATE")
            .await?;
        transaction
            .execute(sql.as_str())
            .await
            .context("filling the log")?;
        Ok(transaction.commit().await?)
    }

    /// One row of the read side for each stream.
    async fn reservations(&self, connection: &mut PgConnection, count: u64) -> anyhow::Result<()> {
        let id = id(&format!("{} + n", self.streams));
        let sql = format!(
            "INSERT INTO read.reservations (id, version, hotel_id, booked_by, status, room_type, \
                 check_in, check_out, rooms, adults, children, price_amount, total_amount, \
                 currency, booked_at) \
             SELECT {id}, 1, md5((n % 997)::text)::uuid, md5((n % 9973)::text)::uuid, 'confirmed', \
                 'double', current_date + n % 365, current_date + n % 365 + 2, 1, 2, 0, 10000, \
                 20000, 'EUR', now() \
             FROM generate_series(0, {count} - 1) AS n"
        );
        connection
            .execute(sql.as_str())
            .await
            .context("filling the read table")?;
        Ok(())
    }
}

/// SQL for the id of the stream of a number, as [`Filled::drawn`] reckons it.
fn id(number: &str) -> String {
    format!("encode(substr(sha256(({number})::text::bytea), 1, 16), 'hex')::uuid")
}

/// The columns of the events table.
pub(super) async fn columns(connection: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    let columns = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns \
         WHERE table_schema = 'log' AND table_name = 'events' ORDER BY ordinal_position",
    );
    Ok(columns.fetch_all(connection).await?)
}
