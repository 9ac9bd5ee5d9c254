//! What is going to happen, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ConnectionId;
use crate::campaign::Time;
use crate::simulator::faults::Fault;

/// Something that happens by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happening {
    /// A channel takes a step. It must still be the one that the step was meant for: ids can
    /// be used again once their channel is gone, so the serial decides.
    Channel { id: String, serial: u64, step: Step },
    /// An event that was held back is sent.
    Deliver {
        connection: ConnectionId,
        text: String,
    },
    /// A fault of those that were set with this number.
    Fault { faults: u64, fault: Fault },
    /// The sockets are dropped, and again later.
    DropAgain { faults: u64 },
}

/// A step in a channel's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It enters its Stasis app.
    EnterStasis,
    /// Something is heard of it: it rings.
    Signal,
    /// The dialing ends as its fate has it.
    Outcome,
    /// The dialing took too long.
    Timeout,
    /// It hangs up.
    Leave,
    /// It was kept though it had hung up, and ends now.
    EndAtLast,
    /// The agent of the queue behind it picks up.
    Agent,
}

/// The agenda: the earliest goes first, and of two at once the one that was noted first.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Entry>>,
    noted: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    at: Time,
    number: u64,
    what: Happening,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Agenda {
    pub(super) fn note(&mut self, at: Time, what: Happening) {
        self.noted += 1;
        let number = self.noted;
        self.heap.push(Reverse(Entry { at, number, what }));
    }

    /// The next one that is due at `now`, with its time.
    pub(super) fn due(&mut self, now: Time) -> Option<(Time, Happening)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.what))
    }

    /// How many there are, those included whose channel is gone.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }
}
