//! Asterisk's own times: what was first, in whatever order events arrive.
//!
//! All are milliseconds since 1970 by Asterisk's clock, which may be set at any time.

use crate::campaign::ids::Part;
use crate::campaign::io::{DialStatus, LegEvent};

/// Events that are told in another order than they happened lie closer together than this.
/// Where Asterisk's times differ by more, its clock was set meanwhile.
const DISORDER_MS: i64 = 10_000;

/// Whether `one` was before `other`, as far as that can be told.
fn was_before(one: i64, other: i64) -> bool {
    (1..DISORDER_MS).contains(&other.saturating_sub(one))
}

/// Whether with it a channel left the other one.
fn parts(event: LegEvent) -> bool {
    matches!(event, LegEvent::Left | LegEvent::LeftApp) || event.tells_of_the_end()
}

/// When what happened to a channel, where events told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamps {
    /// The last one of the channel that had the id before this one.
    before: Option<i64>,
    /// The last one of this one.
    last: Option<i64>,
    up: Option<i64>,
    joined: Option<i64>,
    left: Option<i64>,
}

impl Stamps {
    /// Of several events that tell the same the first one counts, whichever arrives first.
    pub(crate) fn note(&mut self, part: Part, event: LegEvent, stamp_ms: Option<i64>) {
        self.last = self.last.max(stamp_ms);
        let told = match event {
            LegEvent::Up | LegEvent::Dial(DialStatus::Answer) => &mut self.up,
            LegEvent::Entered if part == Part::A => &mut self.up,
            LegEvent::Joined => &mut self.joined,
            event if parts(event) => &mut self.left,
            _ => return,
        };
        *told = [*told, stamp_ms].into_iter().flatten().min();
    }

    /// Those of the next channel under the same id.
    pub(crate) fn of_the_next(self) -> Self {
        Self {
            before: self.last.max(self.before),
            ..Self::default()
        }
    }

    /// Whether an event is a late one of the channel that had the id before this one.
    pub(crate) fn is_of_the_one_before(self, event: LegEvent, stamp_ms: Option<i64>) -> bool {
        // The next one may begin in the millisecond of its end.
        self.before.zip(stamp_ms).is_some_and(|(before, stamp)| {
            was_before(stamp, before) || stamp == before && parts(event)
        })
    }
}

/// What the events of a call tell of Asterisk's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AsteriskClock {
    latest_ms: Option<i64>,
    was_set_back: bool,
}

impl AsteriskClock {
    pub(crate) fn note(&mut self, stamp_ms: Option<i64>) {
        if let Some((stamp, latest)) = stamp_ms.zip(self.latest_ms) {
            self.was_set_back |= latest.saturating_sub(stamp) >= DISORDER_MS;
        }
        self.latest_ms = self.latest_ms.max(stamp_ms);
    }
}

/// When both were up and in the bridge; `None` where a part of that was not told by an event.
pub(crate) fn met_ms([a, b]: [Stamps; 2]) -> Option<i64> {
    let parts: Option<Vec<i64>> = [a.up, a.joined, b.up, b.joined].into_iter().collect();
    parts?.into_iter().max()
}

/// One of the two had left before the other one came.
pub(crate) fn missed_each_other(legs: [Stamps; 2]) -> bool {
    parted_and_met(legs).is_some_and(|(parted, met)| was_before(parted, met))
}

/// The same, at the moment when the last thing is told that makes a conversation of it: where
/// the clock was set meanwhile, what was told before was before.
pub(crate) fn had_parted(legs: [Stamps; 2], clock: AsteriskClock) -> bool {
    parted_and_met(legs).is_some_and(|(parted, met)| {
        let was_set_forth = met.saturating_sub(parted) >= DISORDER_MS;
        was_before(parted, met) || was_set_forth || clock.was_set_back
    })
}

/// When the first one left, and when they met at the earliest: what no event told may have been
/// later still.
fn parted_and_met([a, b]: [Stamps; 2]) -> Option<(i64, i64)> {
    let left = [a.left, b.left].into_iter().flatten().min();
    let met = [a.up, a.joined, b.up, b.joined].into_iter().flatten().max();
    left.zip(met)
}
