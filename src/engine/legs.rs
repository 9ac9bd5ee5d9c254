//! What the SQL copy wants to know of the channels of a call, and nobody else: what was
//! dialed, the channels' names, how the target failed and when it went.
//!
//! It listens to what passes through the engine and gives records, each once for a call of
//! this process. Where there is no SQL copy, there is nothing to write down.

use std::collections::BTreeMap;

use super::channels::Channels;
use super::timeline::channel_of;
use crate::ari::{Event, harmless};
use crate::campaign::{
    AttemptId, CallSettings, DialStatus, Input, LegEvent, LegNote, Number, Op, Part, Record,
    TargetFailure, Time, trunk_endpoint,
};

/// As much as the copy's column holds; Asterisk's own names have 80 at the most.
const LONGEST_NAME: usize = 255;

/// The calls that are up, and what was noted of each.
#[derive(Debug, Default)]
pub(super) struct Legs {
    /// `None` where there is no SQL copy.
    calls: Option<BTreeMap<AttemptId, Noted>>,
}

/// What was written down already of a call.
#[derive(Debug, Default)]
struct Noted(Vec<NotedOnce>);

/// What is written down once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NotedOnce {
    ANamed,
    BNamed,
    BFailed,
    BGone,
}

impl Noted {
    /// Whether this is the first of its kind.
    fn first(&mut self, what: NotedOnce) -> bool {
        let first = !self.0.contains(&what);
        if first {
            self.0.push(what);
        }
        first
    }
}

impl Legs {
    /// For a SQL copy; `calls` are those of a dead process that may still be up.
    pub(super) fn of(calls: impl Iterator<Item = AttemptId>) -> Self {
        let calls = calls.map(|attempt| (attempt, Noted::default())).collect();
        Self { calls: Some(calls) }
    }

    fn call(&mut self, attempt: AttemptId) -> Option<&mut Noted> {
        self.calls.as_mut()?.get_mut(&attempt)
    }

    /// Something is asked of Asterisk.
    pub(super) fn asked(
        &mut self,
        now: Time,
        (attempt, op): (AttemptId, Op),
        number: &Number,
        settings: &CallSettings,
    ) -> Option<Record> {
        let calls = self.calls.as_mut()?;
        let (part, endpoint) = match op {
            Op::OriginateA => {
                calls.insert(attempt, Noted::default());
                (Part::A, trunk_endpoint(number, &settings.trunk))
            }
            Op::DialB | Op::OriginateB => (Part::B, settings.target.endpoint.clone()),
            _ => return None,
        };
        if !calls.contains_key(&attempt) {
            return None;
        }
        let to = match endpoint.split_once('/') {
            Some((_, resource)) => resource.to_owned(),
            None => endpoint,
        };
        Some(Record::Leg {
            attempt,
            part,
            note: LegNote::Dialed { to, at: now },
        })
    }

    /// An event tells a channel's name, if it is the first to do so.
    pub(super) fn event(&mut self, ids: &Channels, event: &Event) -> Option<Record> {
        self.calls.as_ref()?;
        let channel = channel_of(&event.kind)?;
        let (attempt, part) = ids.parse(&channel.id)?;
        let noted = self.call(attempt)?;
        let what = match part {
            Part::A => NotedOnce::ANamed,
            Part::B => NotedOnce::BNamed,
            _ => return None,
        };
        if channel.name.is_empty() || !noted.first(what) {
            return None;
        }
        let name = harmless(&channel.name).chars().take(LONGEST_NAME).collect();
        Some(Record::Leg {
            attempt,
            part,
            note: LegNote::Named(name),
        })
    }

    /// Something has happened to the target.
    pub(super) fn input(&mut self, now: Time, input: &Input) -> Option<Record> {
        let Input::Leg {
            attempt,
            part: Part::B,
            event,
            ..
        } = input
        else {
            return None;
        };
        let noted = self.call(*attempt)?;
        let (what, note) = match event {
            LegEvent::Dial(DialStatus::Busy) => {
                (NotedOnce::BFailed, LegNote::Failed(TargetFailure::Busy))
            }
            LegEvent::Dial(DialStatus::Unavailable) => (
                NotedOnce::BFailed,
                LegNote::Failed(TargetFailure::Unavailable),
            ),
            LegEvent::Gone(_) => (NotedOnce::BGone, LegNote::Gone(now)),
            _ => return None,
        };
        noted.first(what).then_some(Record::Leg {
            attempt: *attempt,
            part: Part::B,
            note,
        })
    }

    /// Of a call that is over nothing more is written.
    pub(super) fn record(&mut self, record: &Record) {
        if let (
            Some(calls),
            Record::AttemptEnded { attempt, .. } | Record::AttemptWithdrawn { attempt },
        ) = (&mut self.calls, record)
        {
            calls.remove(attempt);
        }
    }
}
