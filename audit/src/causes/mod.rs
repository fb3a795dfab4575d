//! Causation: from any event back to the request behind it, and on to everything that followed.
//!
//! Nothing in the log is indexed by event, cause or request. An event id is a UUIDv7, so its time
//! says where to look. What policies did about an event is kept under keys made of both, and what
//! effects and timers have to do stands in `due`: so what followed is looked up, and not searched.

mod append;
pub mod find;
mod follow;
mod name;
mod origin;
mod reactions;
pub mod svg;
pub mod text;
mod tree;
mod words;

use event_store::Position;
use sqlx::PgPool;

pub use name::{EventName, Malformed};
pub use tree::{Append, Causes, Event, Origin, Outcome, Reaction};

use crate::streams::Error;

/// How far it is looked.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most events of a tree. Those between the request and the event asked for come first.
    pub events: usize,
    /// The most steps from the request on.
    pub depth: usize,
    /// Whether an event that is not found by the time in its id is looked for in the whole log.
    pub whole_log: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            events: 500,
            depth: 32,
            whole_log: false,
        }
    }
}

/// The tree that `event` is in; none when it is not found.
///
/// # Errors
/// See [`Error`].
pub async fn of(pool: &PgPool, event: EventName, bounds: Bounds) -> Result<Option<Causes>, Error> {
    let Some((asked, found)) = find::event(pool, event, bounds.whole_log).await? else {
        return Ok(None);
    };
    let traced = origin::of(pool, asked, bounds).await?;
    let grown = follow::all(pool, &traced, asked, bounds).await?;
    Ok(Some(Causes {
        asked,
        found,
        origin: traced.origin,
        happened: grown.append,
        cut: grown.cut || traced.cut,
    }))
}

/// What is behind an event, before it is known what followed.
struct Traced {
    origin: Origin,
    /// The events that led to it and the event itself, first the one of the request.
    path: Vec<Position>,
    cut: bool,
}
