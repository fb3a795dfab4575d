//! What workers make of events, and what e-mails say.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(missing_docs, unreachable_pub, reason = "tests are read, not called")]

mod deliver_email;
mod identity;
mod mail;
