//! HTTP → command → log.
//!
//! A handler reads a request, names a decision of the domain, and answers; [`execute`] does what
//! all commands share: load, decide, append, idempotency, `If-Match`, consistency token.

pub mod answer;
pub mod execute;
pub mod hotels;
pub mod identity;
pub mod request;
pub mod support;

use std::ops::Deref;
use std::sync::Arc;

use event_store::Log;
use service_kit::access::{Route, Routes};
use service_kit::derived_token::DerivedTokens;
use service_kit::keys::MasterKey;
use service_kit::token::Tokens;
use utoipa_axum::router::OpenApiRouter;

use identity::passwords::Passwords;

/// What the handlers share, behind one pointer: a request has it cloned several times.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// The log.
    pub log: Log,
    /// What names e-mail claims and digests requests.
    pub master_key: MasterKey,
    /// What signs and verifies access tokens.
    pub tokens: Tokens,
    /// What makes and reads the tokens of links and sessions.
    pub derived: DerivedTokens,
    /// What hashes passwords.
    pub passwords: Passwords,
}

impl App {
    /// Shares `parts`.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Adds the routes of a context.
pub type ContextRoutes = fn(Routes<App>) -> Routes<App>;

/// The commands, context by context.
pub const CONTEXTS: &[ContextRoutes] = &[identity::routes, hotels::routes, support::routes];

/// The router of `contexts` with its OpenAPI document, and who may call what.
pub fn router(app: App, contexts: &[ContextRoutes]) -> (OpenApiRouter, Vec<Route>) {
    let none = Routes::new(app.tokens.clone());
    let all = contexts.iter().fold(none, |routes, add| add(routes));
    let (router, table) = all.finish();
    (router.with_state(app), table)
}
