//! The log for tools that know cqrs-es and postgres-es only.

use postgres_es::PostgresEventRepository;
use sqlx::PgPool;

/// A stock repository that reads the log behind `pool`, through views that cast our column types
/// to those it expects. Writing through it fails: it knows no positions.
pub fn reader(pool: PgPool) -> PostgresEventRepository {
    PostgresEventRepository::new(pool).with_tables("log.cqrs_events", "log.cqrs_snapshots")
}
