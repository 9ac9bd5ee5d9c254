//! What goes wrong, as data: the faults a simulation makes on purpose.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::scenario::Span;

/// The faults of a simulation. The default has none. Shares are in percent, times in
/// milliseconds of real time: the simulation's speed leaves them alone. No request should be
/// held back for 15 s or more: its connection would be taken for an idle one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Each request waits so long before it is carried out.
    pub latency: Option<Span>,
    /// Each answer is held back so long after its request was carried out: the events that
    /// it causes come before it.
    pub answer_delay: Option<Span>,
    /// A channel made by `channels/create` or by snooping enters Stasis so long after the
    /// answer: until then it joins no bridge, cannot be dialed and not recorded. A busy
    /// Asterisk does this by itself.
    pub stasis_delay: Option<Span>,
    /// So many requests in a hundred are answered with 500 and not carried out.
    pub errors_percent: u8,
    /// So many requests in a hundred are carried out and answered too late.
    pub slow_answers_percent: u8,
    /// How late such an answer comes.
    pub slow_answer: Option<Span>,
    /// So many events in a hundred are sent twice.
    pub duplicate_events_percent: u8,
    /// So many events in a hundred are overtaken by those after them.
    pub late_events_percent: u8,
    /// How late such an event comes.
    pub late_event: Option<Span>,
    /// So many recordings in a hundred are reported as finished and are not there.
    pub lost_recordings_percent: u8,
    /// So many channels in a hundred whose far end hangs up stay as they are, in no bridge: they
    /// are listed, and a request to end one is answered with 204 and does nothing. Seen of a
    /// starved Asterisk 22.10.1.
    pub kept_channels_percent: u8,
    /// Of so many numbers in a hundred that are asked to go while somebody may be there, each
    /// request to end the channel is answered with 204 and does nothing.
    pub deaf_channels_percent: u8,
    /// After so long a kept or deaf channel ends all the same; without it, when Asterisk
    /// restarts.
    pub kept_for: Option<Span>,
    /// The event sockets are dropped again and again, so far apart.
    pub drop_sockets_every: Option<Span>,
    /// Faults at set times after the start.
    pub scheduled: Vec<ScheduledFault>,
}

/// A fault at a set time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduledFault {
    /// When, in milliseconds after the faults were set.
    pub at: u64,
    /// What.
    pub fault: Fault,
}

/// Something that goes wrong at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// All event sockets are closed.
    DropSockets,
    /// All event sockets go silent and stay open: nothing is read from them, no ping is
    /// answered, what should be sent is lost.
    StallSockets,
    /// Asterisk ends with all its channels and comes back.
    Restart {
        /// For so many milliseconds connections are refused.
        down: u64,
    },
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handling {
    /// Wait so long before carrying it out.
    pub before: Duration,
    /// Answer 500 and don't carry it out.
    pub refuse: bool,
    /// Hold the answer back so long.
    pub after: Duration,
}

impl Faults {
    /// What happens to the next request.
    pub(super) fn handling(&self, dice: &mut fastrand::Rng) -> Handling {
        let mut after = length(self.answer_delay, dice);
        if chance(self.slow_answers_percent, dice) {
            after += length(self.slow_answer, dice);
        }
        Handling {
            before: length(self.latency, dice),
            refuse: chance(self.errors_percent, dice),
            after,
        }
    }

    /// Whether the next recording is lost.
    pub(super) fn loses_recording(&self, dice: &mut fastrand::Rng) -> bool {
        chance(self.lost_recordings_percent, dice)
    }

    /// Whether the next channel that is asked to go does not hear of it.
    pub(super) fn deafens_channel(&self, dice: &mut fastrand::Rng) -> bool {
        chance(self.deaf_channels_percent, dice)
    }

    /// Whether the next channel whose far end hangs up is kept.
    pub(super) fn keeps_channel(&self, dice: &mut fastrand::Rng) -> bool {
        chance(self.kept_channels_percent, dice)
    }

    /// After how long the next channel that is kept or deaf ends all the same.
    pub(super) fn keeps_for(&self, dice: &mut fastrand::Rng) -> Option<Duration> {
        self.kept_for.map(|span| span.draw(dice))
    }

    /// When, from now, the copies of the next event are sent.
    pub(super) fn copies(&self, dice: &mut fastrand::Rng) -> Copies {
        let late = chance(self.late_events_percent, dice).then(|| length(self.late_event, dice));
        Copies {
            first: late.unwrap_or_default(),
            twice: chance(self.duplicate_events_percent, dice),
        }
    }
}

/// How one event is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copies {
    /// So long after it happened.
    pub(super) first: Duration,
    /// Two of it.
    pub(super) twice: bool,
}

fn length(span: Option<Span>, dice: &mut fastrand::Rng) -> Duration {
    span.map_or(Duration::ZERO, |span| span.draw(dice))
}

/// True in so many cases of a hundred. Draws only where there is a choice, so that a
/// simulation without faults is not moved by them.
fn chance(percent: u8, dice: &mut fastrand::Rng) -> bool {
    percent > 0 && dice.u8(0..100) < percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_faults_nothing_is_changed() {
        let mut dice = fastrand::Rng::with_seed(1);
        let faults = Faults::default();
        let handling = faults.handling(&mut dice);
        assert_eq!(
            (handling.before, handling.after),
            (Duration::ZERO, Duration::ZERO)
        );
        assert!(!handling.refuse);
        let copies = faults.copies(&mut dice);
        assert!(!copies.twice && copies.first.is_zero());
    }

    #[test]
    fn shares_are_kept() {
        let mut dice = fastrand::Rng::with_seed(1);
        let faults = Faults {
            errors_percent: 30,
            ..Faults::default()
        };
        let refused = (0..10_000)
            .filter(|_| faults.handling(&mut dice).refuse)
            .count();
        assert!((2_700..3_300).contains(&refused), "{refused}");
    }

    #[test]
    fn faults_are_read_from_json() {
        let faults: Faults = serde_json::from_str(
            r#"{"errors_percent": 2, "latency": [5, 50],
                "scheduled": [{"at": 3000, "fault": {"restart": {"down": 2000}}},
                              {"at": 9000, "fault": "stall_sockets"}]}"#,
        )
        .expect("well-formed faults");
        assert_eq!(faults.scheduled[0].fault, Fault::Restart { down: 2000 });
        assert!(serde_json::from_str::<Faults>(r#"{"eror_percent": 2}"#).is_err());
    }
}
