//! The very row that an append wrote, inserted by pgbench: one INSERT a transaction, into a copy
//! of the events table with the same indexes.

use anyhow::Context;
use sqlx::{Executor, Row};

use super::fill::columns;
use super::pgbench::Script;
use super::server::connect;

const TABLE: &str = "
    CREATE SCHEMA bare;
    CREATE TABLE bare.events (LIKE log.events INCLUDING ALL);
    CREATE SEQUENCE bare.position;";

/// Makes the table, and the script that inserts a row like the last one of the log: same columns,
/// its values sent as parameters; ids drawn by lot, the position from a sequence, times of now.
pub(super) async fn prepare(url: &str) -> anyhow::Result<Script> {
    let mut connection = connect(url).await?;
    connection.execute(TABLE).await?;
    let columns = columns(&mut connection).await?;
    let row = sqlx::query(
        "SELECT column_name, value FROM \
             (SELECT * FROM log.events ORDER BY position DESC LIMIT 1) AS sample, \
             json_each_text(to_json(sample)) AS member (column_name, value)",
    )
    .fetch_all(&mut connection)
    .await?;
    let mut variables = Vec::new();
    let mut values = Vec::new();
    for column in &columns {
        values.push(match column.as_str() {
            "aggregate_id" | "event_id" => "gen_random_uuid()".to_owned(),
            "position" => "nextval('bare.position')".to_owned(),
            "recorded_at" | "occurred_at" => "now()".to_owned(),
            _ => {
                let member = row
                    .iter()
                    .find(|member| member.try_get::<&str, _>(0).ok() == Some(column));
                let value: String = member.context("the log has no event yet")?.try_get(1)?;
                variables.push((column.clone(), value));
                format!(":{column}")
            }
        });
    }
    Ok(Script {
        statement: format!(
            "INSERT INTO bare.events ({}) VALUES ({});\n",
            columns.join(", "),
            values.join(", ")
        ),
        variables,
    })
}
