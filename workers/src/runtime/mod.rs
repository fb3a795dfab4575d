//! The runtime of policies and effects: it reads the log, has what follows from each event done, and
//! keeps what is due later.

mod backoff;
mod carry_out;
mod cause;
mod due;
mod effect;
mod error;
pub mod failed;
mod follows;
mod lanes;
mod lead;
pub mod parked;
mod policy;
mod positions;
mod react;
mod reading;
mod registered;
pub mod replay;
mod run;
mod slot;
pub mod standing;
mod timers;
mod work;

pub use backoff::{backoff, jitter};
pub use cause::Cause;
pub use due::run_due;
pub use effect::Effect;
pub use error::{Error, Failure};
pub use event_store::Happened;
pub use follows::Follows;
pub use policy::{Policy, Reaction};
pub use positions::register;
pub use registered::Registered;
pub use run::run_policies;

/// The channel that tells of new timers, and of what an operator asks for.
pub const WORKERS: &str = "comptoir_workers";
