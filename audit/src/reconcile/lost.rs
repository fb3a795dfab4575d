//! What is lost of events that were missing, when some of them came after all.

use event_store::Position;
use sqlx::PgPool;

use super::ledger::Missing;
use super::report::Finding;

/// How many positions are read at once.
const PAGE: i64 = 10_000;

/// The stretches of `missing` that never came.
pub(super) async fn of(log: &PgPool, missing: &Missing) -> Result<Vec<Finding>, sqlx::Error> {
    let Missing { from, to, came, .. } = missing;
    if came.is_empty() {
        return Ok(vec![finding(missing, *from, *to, missing.events)]);
    }
    // Only the log knows which of the positions between are of this partition.
    let mut findings = Vec::new();
    let (mut after, mut open) = (from - 1, None);
    loop {
        let page = positions(log, missing, after).await?;
        let Some(last) = page.last() else { break };
        after = *last;
        for position in page {
            open = match (open, came.contains(&position)) {
                (Some((first, last, events)), true) => {
                    findings.push(finding(missing, first, last, events));
                    None
                }
                (None, true) => None,
                (Some((first, _, events)), false) => Some((first, position, events + 1)),
                (None, false) => Some((position, position, 1)),
            };
        }
    }
    if let Some((first, last, events)) = open {
        findings.push(finding(missing, first, last, events));
    }
    Ok(findings)
}

async fn positions(
    log: &PgPool,
    missing: &Missing,
    after: Position,
) -> Result<Vec<Position>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT position FROM events WHERE position > $1 AND position <= $2 \
             AND partition = $3 AND split_part(aggregate_type, '.', 1) = $4 \
         ORDER BY position LIMIT $5",
    )
    .bind(after)
    .bind(missing.to)
    .bind(missing.place.partition)
    .bind(&missing.place.context)
    .bind(PAGE)
    .fetch_all(log)
    .await
}

fn finding(missing: &Missing, from: Position, to: Position, events: u64) -> Finding {
    Finding::Lost {
        topic: missing.place.topic.clone(),
        partition: missing.place.partition,
        from,
        to,
        events,
    }
}
