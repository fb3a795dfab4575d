//! Tables as they stood, folded into schemas of their own.

mod as_of;
mod erased;
mod every_projection;
mod killed;
mod under_load;
mod wrong;

use std::time::Duration;

use event_store::as_of::{AsOf, Moment};
use projections::rebuild::replay::{Asked, Error, Outcome, Schema, replay};
use projections::runtime::Registered;
use sqlx::PgPool;

use crate::rebuild::{databases, unwatched};
use crate::support::System;

const LIMIT: Duration = Duration::from_secs(60);

fn registered(name: &str) -> Registered {
    projections::named(name).unwrap()
}

async fn moment(system: &System, as_of: AsOf) -> Moment {
    as_of.find(system.log.pool()).await.unwrap()
}

/// What a replay as of `moment` of `projection` is asked for by, under its usual name.
fn asked(projection: &Registered, moment: Moment) -> Asked {
    Asked {
        moment,
        schema: Schema::usual(projection, moment.position),
        workers: 2,
    }
}

/// Replays a table under its usual name.
pub async fn replayed(
    system: &System,
    projection: &Registered,
    as_of: AsOf,
) -> Result<Outcome, Error> {
    let asked = asked(projection, moment(system, as_of).await);
    replay(&databases(system), projection, &asked, unwatched()).await
}

/// The rows of a table, given with its schema, in order.
async fn rows(read: &PgPool, relation: &str) -> Vec<String> {
    let sql = format!("SELECT held::text FROM {relation} AS held ORDER BY 1");
    sqlx::query_scalar(&sql).fetch_all(read).await.unwrap()
}

/// The rows of a replay.
async fn rows_of(system: &System, outcome: &Outcome) -> Vec<String> {
    let relation = format!("{}.{}", outcome.schema, outcome.marker.projection);
    rows(&system.read, &relation).await
}
