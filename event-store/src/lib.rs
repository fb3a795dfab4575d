//! The log in PostgreSQL: append, read, and the relay to Kafka.
//!
//! Positions are dense and in commit order (law 1), a command is all or nothing (law 2), and it is
//! answered only after its commit (law 3). `docs/architecture.md` has the walk.

pub mod append;
pub mod as_of;
pub mod database;
pub mod epoch;
mod frozen;
pub mod idempotency;
pub mod import;
mod leaf;
pub mod load;
mod log;
pub mod measure;
pub mod message;
pub mod migrate;
pub mod partition;
pub mod personal;
pub mod pick;
pub mod read;
mod recorded;
pub mod relay;
pub mod seen;
mod statements;
pub mod stock;
pub mod trace;
pub mod tree;
pub mod wake;
pub mod wire;

pub use frozen::{FrozenLog, StreamRange, StreamReader};
pub use leaf::{leaf_hash, leaf_input};
pub use log::{Log, OpenError, Options, Topic, Topics, head};
pub use recorded::{BorrowedEvent, DecodeError, Happened, Position, RecordedEvent};
