//! When the next picture of the engine is due.

use std::time::Duration;

use crate::campaign::{Time, sabotaged};

/// The console's frame rate: more pictures nobody sees.
const CHANGED: Duration = Duration::from_millis(100);
/// Where nothing happens, a picture tells only that the engine lives.
const UNCHANGED: Duration = Duration::from_secs(1);

/// Paces the pictures: each is a copy of all live calls, so none is made for nothing.
#[derive(Debug, Default)]
pub(super) struct PicturePace {
    taken_at: Option<Time>,
    changed: bool,
    at_once: bool,
}

impl PicturePace {
    /// Something has happened that a picture may show.
    pub(super) const fn change(&mut self) {
        self.changed = true;
    }

    /// Somebody waits for the next picture: a command has been carried out.
    pub(super) const fn at_once(&mut self) {
        self.at_once = true;
    }

    /// When the next is due; `None` is at once.
    pub(super) fn due(&self) -> Option<Time> {
        let pause = match (self.at_once, self.changed) {
            (true, _) => return None,
            (false, true) if sabotaged!(LatePicture) => UNCHANGED,
            (false, true) => CHANGED,
            (false, false) => UNCHANGED,
        };
        self.taken_at.map(|at| at + pause)
    }

    /// Whether one is to be taken now. It is then taken as taken.
    pub(super) fn take(&mut self, now: Time) -> bool {
        if self.due().is_some_and(|due| now < due) {
            return false;
        }
        self.taken_at = Some(now);
        self.changed = false;
        self.at_once = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::default() + Duration::from_millis(ms)
    }

    #[test]
    fn the_first_picture_is_taken_at_once() {
        assert!(PicturePace::default().take(at(0)));
    }

    #[test]
    fn changes_are_shown_ten_times_a_second_at_the_most() {
        let mut pace = PicturePace::default();
        let mut taken = Vec::new();
        for ms in 0..=1000 {
            pace.change();
            if pace.take(at(ms)) {
                taken.push(ms);
            }
        }
        let tenths: Vec<u64> = (0..=10).map(|n| n * 100).collect();
        assert_eq!(taken, tenths);
    }

    #[test]
    fn a_change_after_a_quiet_time_is_shown_at_once() {
        let mut pace = PicturePace::default();
        assert!(pace.take(at(0)));
        assert!(!pace.take(at(700)));
        pace.change();
        assert!(pace.take(at(700)));
    }

    #[test]
    fn what_a_command_did_is_shown_at_once_and_what_follows_in_its_time() {
        let mut pace = PicturePace::default();
        assert!(pace.take(at(0)));
        pace.change();
        assert!(!pace.take(at(1)));
        pace.at_once();
        assert!(pace.take(at(1)));
        pace.change();
        assert!(!pace.take(at(100)));
        assert!(pace.take(at(101)));
    }

    #[test]
    fn without_a_change_there_is_one_a_second() {
        let mut pace = PicturePace::default();
        let taken = (0..3500)
            .filter(|ms| pace.take(at(*ms)))
            .collect::<Vec<_>>();
        assert_eq!(taken, [0, 1000, 2000, 3000]);
    }
}
