//! Personal data: sealed with a key of its person before it is stored, opened where it is read.
//!
//! [`Keyring`] fetches keys from their table; sealing and opening themselves are pure
//! ([`seal_with`], [`open_with`]), so that whoever has the keys already need not wait. Destroying a
//! person's key is erasure: what it sealed opens to null from then on. `docs/operations/personal-data.md`
//! tells how keys are kept.

mod error;
mod held;
mod key;
mod keyring;
mod master;
mod open;
mod place;
mod rewrap;
mod seal;
mod table;
#[cfg(test)]
mod tests;
mod told;
mod walk;

pub use error::Error;
pub use held::{Held, KEPT};
pub use key::Keys;
pub use keyring::Keyring;
pub use master::{MasterKeys, ParseError};
pub use open::{emptied, open_with, persons_to_open};
pub use place::Place;
pub use rewrap::{Status, rewrap, status};
pub use seal::{persons_to_seal, seal_with};
pub use table::{Erasure, erase};
pub use told::{Missing, closed, told};
pub use walk::mentions;
