//! The rate of something that goes through a whole, without its beginning and its end.

use std::time::Instant;

/// Counts between a tenth and nine tenths of the whole, where work is under way on both ends.
pub(super) struct Window {
    whole: f64,
    begun: (Instant, f64),
    entered: Option<(Instant, f64)>,
}

impl Window {
    /// Begins now with nothing of `whole`.
    pub(super) fn of(whole: f64) -> Self {
        Self {
            whole,
            begun: (Instant::now(), 0.0),
            entered: None,
        }
    }

    /// So much is done now; gives how much a second once nine tenths are.
    pub(super) fn look(&mut self, done: f64) -> Option<f64> {
        let now = Instant::now();
        if done >= 0.9 * self.whole {
            // What is over in one step has no middle.
            let (since, before) = self.entered.unwrap_or(self.begun);
            return Some((done - before) / (now - since).as_secs_f64());
        }
        if done >= 0.1 * self.whole && self.entered.is_none() {
            self.entered = Some((now, done));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_counts() {
        let mut window = Window::of(100.0);
        assert!(window.look(5.0).is_none() && window.entered.is_none());
        assert!(window.look(10.0).is_none());
        assert_eq!(window.entered.map(|(_, done)| done), Some(10.0));
        assert!(window.look(89.0).is_none());
        assert!(window.look(95.0).is_some_and(|rate| rate > 0.0));
        assert!(Window::of(100.0).look(100.0).is_some());
    }
}
