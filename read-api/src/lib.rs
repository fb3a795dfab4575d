//! Read tables → HTTP. It reads the event store for histories, and never writes it.

pub mod answer;
pub mod as_of;
pub mod audit;
pub mod fresh;
pub mod history;
pub mod hotels;
pub mod identity;
pub mod lag;
pub mod list;
pub mod query;
pub mod standing;
pub mod support;

use std::sync::Arc;

use event_store::personal::{self, Keyring};
use event_store::relay;
use projections::runtime::Registered;
use service_kit::access::{Route, Routes};
use service_kit::token::Tokens;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use query::Tables;
use standing::Visibility;

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct App {
    /// The read tables, for queries.
    pub tables: Tables,
    /// Their database, for what is no query.
    pub read: PgPool,
    /// The log's database, for histories.
    pub log: PgPool,
    /// What opens personal data in histories.
    pub keyring: Keyring,
    /// Which log the read tables are of.
    pub epoch: Uuid,
    /// What verifies access tokens.
    pub tokens: Tokens,
    /// What tells whether a command is visible.
    pub visibility: Visibility,
    /// Whose live tables are queried.
    pub projections: Arc<[Registered]>,
    /// Whose turn it is to look at the whole log.
    pub audits: Arc<Semaphore>,
    /// Where Kafka is, when it is known: for auditors alone.
    pub kafka: Option<relay::Options>,
    /// The policies that follow the log: for auditors alone.
    pub policies: Arc<[::audit::reconcile::Policy]>,
}

/// Adds the routes of a context.
pub type ContextRoutes = fn(Routes<App>) -> Routes<App>;

/// The queries, context by context.
pub const CONTEXTS: &[ContextRoutes] = &[
    identity::routes,
    hotels::routes,
    support::routes,
    audit::routes,
];

/// The router of `contexts` with its OpenAPI document, and who may call what.
pub fn router(app: App, contexts: &[ContextRoutes]) -> (OpenApiRouter, Vec<Route>) {
    let none = Routes::new(app.tokens.clone());
    let all = contexts.iter().fold(none, |routes, add| add(routes));
    let (router, table) = all.finish();
    (router.with_state(app), table)
}

/// The problem that personal data is which can't be opened.
pub fn closed(error: personal::Error) -> service_kit::problem::Problem {
    match error {
        personal::Error::Database(error) => database(error),
        error if error.is_of_a_lost_key() => {
            service_kit::problem::Problem::person_keys_missing(&error)
        }
        error => service_kit::problem::Problem::fault("personal data can't be opened", &error),
    }
}

/// The problem that a failed query is.
pub fn database(error: sqlx::Error) -> service_kit::problem::Problem {
    use service_kit::problem::Problem;
    if event_store::database::is_away(&error) {
        tracing::warn!(%error, "the read database is away");
        return away();
    }
    match error {
        // Data exceptions: a value that PostgreSQL has no room for, such as a date before 4713 BC.
        sqlx::Error::Database(refusal) if refusal.code().is_some_and(|c| c.starts_with("22")) => {
            Problem::malformed("a parameter is out of range")
        }
        error => Problem::fault("the read database refused", &error),
    }
}

pub(crate) fn away() -> service_kit::problem::Problem {
    service_kit::problem::Problem::unavailable("read-side-away", "the read side is away", 1)
}
