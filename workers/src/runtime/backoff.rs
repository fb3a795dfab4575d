//! How long to wait before something is tried again.

use std::time::Duration;

/// The wait after the attempt `attempt` (1, 2, …) failed: doubled from `first` each time, at most
/// `longest`, less up to half of it by `jitter` (0 to 1), so that what failed together is not tried
/// again together.
pub fn backoff(attempt: u32, first: Duration, longest: Duration, jitter: f64) -> Duration {
    let doubled = 2_f64.powi(attempt.saturating_sub(1).min(62).cast_signed());
    let wait = (first.as_secs_f64() * doubled).min(longest.as_secs_f64());
    Duration::from_secs_f64(wait * (1.0 - jitter.clamp(0.0, 1.0) / 2.0))
}

/// A number from 0 to 1 that differs each time.
pub fn jitter() -> f64 {
    let random = uuid::Uuid::now_v7().as_u128() as u32;
    f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(30);
    const LONGEST: Duration = Duration::from_secs(3600);

    #[test]
    fn it_doubles_up_to_the_longest() {
        let waits: Vec<u64> = (1..=9)
            .map(|attempt| backoff(attempt, FIRST, LONGEST, 0.0).as_secs())
            .collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(backoff(u32::MAX, FIRST, LONGEST, 0.0), LONGEST);
        assert_eq!(backoff(0, FIRST, LONGEST, 0.0), FIRST);
    }

    #[test]
    fn jitter_takes_away_half_at_most() {
        assert_eq!(backoff(1, FIRST, LONGEST, 1.0).as_secs(), 15);
        assert_eq!(backoff(1, FIRST, LONGEST, 0.5).as_millis(), 22_500);
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&jitter()));
        }
    }
}
