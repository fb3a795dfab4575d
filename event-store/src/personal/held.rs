//! How long keys and opened personal data stay in memory.

use std::time::{Duration, Instant};

/// How long a key stays in memory, and so does a state that holds what keys have opened. A state
/// may have been opened with a key as old as a key gets: both together stay below the 60 seconds
/// within which an erasure is everywhere.
pub const KEPT: Duration = Duration::from_secs(25);

/// Since when a state in memory holds personal data in clear; by default it holds none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Held(Option<Instant>);

impl Held {
    /// After personal data came in: opened, or decided and not yet sealed. What came in first
    /// counts, so that a stream that is used all the time is forgotten too.
    #[must_use]
    pub fn and_now(self) -> Self {
        Self(self.0.or_else(|| Some(Instant::now())))
    }

    /// As one whose time is over.
    #[must_use]
    pub fn over(self) -> Self {
        Self(self.0.and_then(|since| since.checked_sub(KEPT)))
    }

    /// Whether its time is over.
    pub fn is_over(self) -> bool {
        self.time_left() == Some(Duration::ZERO)
    }

    /// How long the state may still be used; none when it may be for ever.
    pub fn time_left(self) -> Option<Duration> {
        self.0.map(|since| KEPT.saturating_sub(since.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_first_counts() {
        assert_eq!(Held::default().time_left(), None);
        let first = Held(Instant::now().checked_sub(KEPT / 2)).and_now();
        assert!(first.time_left().is_some_and(|left| left <= KEPT / 2));
        let over = Held(Instant::now().checked_sub(KEPT)).and_now();
        assert_eq!(over.time_left(), Some(Duration::ZERO));
    }

    #[test]
    fn an_erasure_is_everywhere_within_a_minute() {
        assert!(KEPT * 2 < Duration::from_secs(60));
    }
}
