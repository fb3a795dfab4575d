//! A long log, filled fast: streams of ten events, copied in the database from such as the log
//! itself wrote. Positions are dense, sequences and head are right, ids are in the order of time and
//! a stream has one partition, if not the one that our hash gives; leaf hashes are right too.

use anyhow::Context;
use sha2::{Digest, Sha256};
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use super::ours::{Ours, PARTITIONS};
use super::server::connect;

/// Events of a stream.
const EVENTS: u64 = 10;
/// Streams whose events lie among each other's, as those of streams that live at one time do.
const AT_ONE_TIME: u64 = 1_000;
/// Events of one transaction.
const AT_ONCE: u64 = 200_000;

/// When the first stream began, as its id says: milliseconds since 1970.
const BEGUN: u64 = 1_700_000_000_000;

/// What its streams are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Streams {
    /// Inventories of rooms; and a row of the read side for each.
    Inventories,
    /// Reservations: ten events, one row.
    Reservations,
    /// The one and the other, in turns.
    Both,
}

/// A log that is filled.
pub(super) struct Filled {
    url: String,
    of: Streams,
    /// The streams that are copied, in turns.
    patterns: Vec<Uuid>,
    streams: u64,
    /// Events it was filled with.
    pub(super) events: u64,
}

impl Filled {
    /// Begins one in the database at `url`: the streams to copy.
    pub(super) async fn begin(url: String, of: Streams) -> anyhow::Result<Self> {
        let ours = Ours::open(&url).await?;
        let mut patterns = Vec::new();
        if of != Streams::Reservations {
            patterns.push(Uuid::now_v7());
            ours.seed(patterns[0], EVENTS).await?;
        }
        if of != Streams::Inventories {
            let pattern = Uuid::now_v7();
            ours.seed_reservation(pattern, EVENTS).await?;
            patterns.push(pattern);
        }
        ours.close();
        Ok(Self {
            url,
            of,
            patterns,
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
            if self.of == Streams::Inventories {
                self.reservations(&mut connection, blocks * streams).await?;
            }
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
        let number = lot % self.streams;
        let digest = Sha256::digest(number.to_string());
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        id[..6].copy_from_slice(&(BEGUN + number).to_be_bytes()[2..]);
        (id[6], id[8]) = (id[6] & 0x0f | 0x70, id[8] & 0x0f | 0x80);
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
        let values = columns.iter().map(|column| match column.as_str() {
            "aggregate_id" => ID.to_owned(),
            "partition" => format!("('x' || substr(hash, 1, 7))::bit(28)::integer % {PARTITIONS}"),
            "position" => "head.position + n + 1".to_owned(),
            "event_id" => "place.event_id".to_owned(),
            "leaf_hash" => leaf_hash(),
            "recorded_at" | "occurred_at" => "now()".to_owned(),
            copied => format!("pattern.{copied}"),
        });
        let patterns: Vec<String> = self.patterns.iter().map(|id| format!("'{id}'")).collect();
        let patterns = format!("ARRAY[{}]::uuid[]", patterns.join(", "));
        let sql = format!(
            "WITH pattern AS MATERIALIZED \
                 (SELECT * FROM log.events WHERE aggregate_id = ANY({patterns})), \
                 head AS MATERIALIZED (SELECT position FROM log.head) \
             INSERT INTO log.events ({}) SELECT {} \
                 FROM (SELECT n, number, {HASH} AS hash, gen_random_uuid() AS event_id FROM \
                     (SELECT n, {number} AS number FROM generate_series(0, {events} - 1) AS n) \
                         AS numbered) AS place \
                 JOIN pattern ON pattern.sequence = n / {streams} % {EVENTS} + 1 \
                     AND pattern.aggregate_id = ({patterns})[number % {} + 1] \
                 CROSS JOIN head",
            columns.join(", "),
            values.collect::<Vec<_>>().join(", "),
            self.patterns.len(),
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
        let first = self.streams;
        let sql = format!(
            "INSERT INTO read.reservations (id, version, hotel_id, booked_by, status, room_type, \
                 check_in, check_out, rooms, adults, children, price_amount, total_amount, \
                 currency, booked_at) \
             SELECT {ID}, 1, md5((n % 997)::text)::uuid, md5((n % 9973)::text)::uuid, 'confirmed', \
                 'double', current_date + n % 365, current_date + n % 365 + 2, 1, 2, 0, 10000, \
                 20000, 'EUR', now() \
             FROM (SELECT number - {first} AS n, number, {HASH} AS hash \
                 FROM generate_series({first}, {first} + {count} - 1) AS number) AS place"
        );
        connection
            .execute(sql.as_str())
            .await
            .context("filling the read table")?;
        Ok(())
    }
}

/// SQL for the leaf hash of an event, as `event_store::leaf_hash` reckons it.
fn leaf_hash() -> String {
    let text =
        |column: &str| format!("int8send(octet_length({column})) || convert_to({column}, 'UTF8')");
    let now = "int8send((extract(epoch FROM now()) * 1000000)::bigint)";
    let texts: Vec<String> = ["event_type", "event_version", "payload", "metadata"]
        .map(|column| text(&format!("pattern.{column}")))
        .into();
    format!(
        "sha256('\\x00'::bytea || {} || uuid_send({ID}) || int8send(pattern.sequence) || {} \
             || uuid_send(place.event_id) || {now} || {now})",
        text("pattern.aggregate_type"),
        texts.join(" || "),
    )
}

/// SQL for what is drawn for the stream of a number.
const HASH: &str = "encode(sha256(number::text::bytea), 'hex')";
/// SQL for its id, as [`Filled::drawn`] reckons it.
const ID: &str = "(lpad(to_hex(1700000000000 + number), 12, '0') || '7' || substr(hash, 14, 3) \
     || '8' || substr(hash, 18, 15))::uuid";

/// The columns of the events table.
pub(super) async fn columns(connection: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    let columns = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns \
         WHERE table_schema = 'log' AND table_name = 'events' ORDER BY ordinal_position",
    );
    Ok(columns.fetch_all(connection).await?)
}
