//! What happened to the calls of this process, for whoever looks at one of them.
//!
//! It listens to what passes through the engine and keeps it in a few bytes; sentences are
//! made when somebody asks. Nothing is decided by it, and memory is bounded: so many entries
//! a call, the calls that are up, and [`ENDED`] that are not.

mod entry;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::channels::Channels;
use super::snapshot::{AttemptDetail, AttemptOutcome};
use crate::ari::{ChannelInfo, Event, EventKind, harmless};
use crate::campaign::{
    AttemptId, CallSettings, CallStep, DialStatus, Input, LeadId, LegEvent, Notice, Number, Op,
    OpError, Part, Record, RunId, Time,
};
use crate::journal::call_id;
pub(super) use entry::over;
use entry::{TimelineEntry, sentence};

/// How many ended calls are remembered.
const ENDED: usize = 1000;
/// How many entries a call has at the most.
const ENTRIES: usize = 64;
/// Of a call with more of them, so many of the first are kept; the others are the latest.
const FIRST: usize = 24;

/// All that sentences need beside what happened.
#[derive(Debug, Clone)]
pub(super) struct TimelineIds<'a> {
    pub(super) channels: &'a Channels,
    pub(super) journal: uuid::Uuid,
}

/// The timelines of this process's calls.
#[derive(Debug, Default)]
pub(super) struct Timelines {
    calls: BTreeMap<AttemptId, Timeline>,
    /// Those that have ended, the oldest first.
    ended: VecDeque<AttemptId>,
}

#[derive(Debug)]
struct Timeline {
    run: RunId,
    lead: LeadId,
    settings: Arc<CallSettings>,
    entries: Vec<(Time, TimelineEntry)>,
    sip_call_id: Option<Box<str>>,
    end: Option<AttemptOutcome>,
    recording: Option<String>,
}

impl Timelines {
    /// How many are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.calls.len().max(self.ended.len())
    }

    /// The call of a dead process, which this one settles.
    pub(super) fn take_over(
        &mut self,
        now: Time,
        attempt: AttemptId,
        (run, lead): (RunId, LeadId),
        settings: &Arc<CallSettings>,
    ) {
        self.open(
            now,
            attempt,
            (run, lead),
            settings,
            TimelineEntry::TakenOver,
        );
    }

    fn open(
        &mut self,
        now: Time,
        attempt: AttemptId,
        (run, lead): (RunId, LeadId),
        settings: &Arc<CallSettings>,
        first: TimelineEntry,
    ) {
        let timeline = Timeline {
            run,
            lead,
            settings: Arc::clone(settings),
            entries: vec![(now, first)],
            sip_call_id: None,
            end: None,
            recording: None,
        };
        self.calls.insert(attempt, timeline);
    }

    /// Something is written down. `settings`: those by which calls begin now.
    pub(super) fn record(&mut self, now: Time, record: &Record, settings: &Arc<CallSettings>) {
        match record {
            Record::AttemptBegun {
                attempt, run, lead, ..
            } => self.open(now, *attempt, (*run, *lead), settings, TimelineEntry::Begun),
            Record::AttemptWithdrawn { attempt } => self.forget(*attempt),
            Record::AttemptEnded { attempt, end } => {
                let outcome = AttemptOutcome {
                    disposition: end.disposition,
                    cause: end.cause,
                    by: end.by,
                    note: end.note.clone(),
                };
                self.note(now, *attempt, TimelineEntry::Ended(end.disposition, end.by));
                self.end(*attempt, outcome);
            }
            _ => {}
        }
    }

    fn end(&mut self, attempt: AttemptId, outcome: AttemptOutcome) {
        let Some(timeline) = self.calls.get_mut(&attempt) else {
            return;
        };
        timeline.end = Some(outcome);
        self.ended.push_back(attempt);
        if self.ended.len() > ENDED
            && !crate::campaign::sabotaged!(KeepsTimelines)
            && let Some(oldest) = self.ended.pop_front()
        {
            self.calls.remove(&oldest);
        }
    }

    /// It never left: there is nothing to tell of it.
    fn forget(&mut self, attempt: AttemptId) {
        self.calls.remove(&attempt);
    }

    /// Something is asked of Asterisk.
    pub(super) fn asked(&mut self, now: Time, attempt: AttemptId, op: Op) {
        self.note(now, attempt, TimelineEntry::Asked(op));
    }

    /// Something has happened.
    pub(super) fn input(&mut self, now: Time, input: &Input) {
        match input {
            Input::NotDurable(attempt) => self.forget(*attempt),
            Input::Answer {
                attempt,
                op,
                result,
            } => match (op, result) {
                (Op::Record, Ok(())) => self.note(now, *attempt, TimelineEntry::Records),
                // What was to be taken down is gone: that is no trouble.
                (Op::HangUp(_) | Op::DestroyBridge | Op::Find(_), Err(OpError::NotFound))
                | (Op::AskTarget { .. }, _)
                | (_, Ok(())) => {}
                (_, Err(error)) => self.note(now, *attempt, TimelineEntry::Failed(*op, *error)),
            },
            Input::Leg {
                attempt,
                part,
                event,
                ..
            } => self.leg(now, *attempt, *part, *event),
            Input::RecordingEnded { attempt, ok } => {
                self.note(now, *attempt, TimelineEntry::RecordingEnded(*ok));
            }
            _ => {}
        }
    }

    /// Steps of the call itself come as notices; these are the channels' own.
    fn leg(&mut self, now: Time, attempt: AttemptId, part: Part, event: LegEvent) {
        let tells = match event {
            LegEvent::Gone(_) => matches!(part, Part::A | Part::B),
            LegEvent::Leaving(cause) | LegEvent::HungUp(cause) => {
                cause.is_some() && matches!(part, Part::A | Part::B)
            }
            // That it is up says the same, and says it of every kind of target.
            LegEvent::HandedOver => matches!(part, Part::A | Part::B),
            LegEvent::Dial(DialStatus::Answer)
            | LegEvent::Entered
            | LegEvent::Left
            | LegEvent::Blocked
            | LegEvent::LeftApp => false,
            LegEvent::Joined
            | LegEvent::Up
            | LegEvent::Ringing
            | LegEvent::EarlyMedia
            | LegEvent::Dial(_) => part == Part::B,
        };
        if tells {
            self.note(now, attempt, TimelineEntry::Leg(part, event));
        }
    }

    /// People are told something.
    pub(super) fn told(&mut self, now: Time, notice: &Notice) {
        match notice {
            // That it is dialed is told by the request.
            Notice::Call {
                step: CallStep::Dialing | CallStep::Withdrawn,
                ..
            } => {}
            Notice::Call { attempt, step, .. } => {
                self.note(now, *attempt, TimelineEntry::Step(*step));
            }
            Notice::RecordingFailed { attempt, why } => self.no_recording(now, *attempt, why),
            Notice::Kept { attempt, part, .. } => {
                self.note(now, *attempt, TimelineEntry::Kept(*part));
            }
            Notice::Transferred {
                attempt, by, to, ..
            } => self.note(
                now,
                *attempt,
                TimelineEntry::Transferred(*by, to.as_str().into()),
            ),
            _ => {}
        }
    }

    /// A person or a program wants it hung up.
    pub(super) fn hung_up(&mut self, now: Time, attempt: AttemptId, by: &Arc<str>) {
        self.note(now, attempt, TimelineEntry::HungUpBy(Arc::clone(by)));
    }

    /// Its recording lies in the folder.
    pub(super) fn saved(&mut self, now: Time, attempt: AttemptId, path: String) {
        self.note(now, attempt, TimelineEntry::Saved);
        if let Some(timeline) = self.calls.get_mut(&attempt) {
            timeline.recording = Some(path);
        }
    }

    /// There is no recording of it.
    pub(super) fn no_recording(&mut self, now: Time, attempt: AttemptId, why: &str) {
        let why = harmless(why);
        self.note(now, attempt, TimelineEntry::NotSaved(why.as_str().into()));
        if let Some(timeline) = self.calls.get_mut(&attempt) {
            timeline.recording = Some(format!("none: {why}"));
        }
    }

    /// Asterisk's event may tell the SIP Call-ID of leg A.
    pub(super) fn event(&mut self, ids: &Channels, event: &Event) {
        let Some(channel) = channel_of(&event.kind) else {
            return;
        };
        let Some(id) = &channel.protocol_id else {
            return;
        };
        if let Some((attempt, Part::A)) = ids.parse(&channel.id)
            && let Some(timeline) = self.calls.get_mut(&attempt)
            && timeline.sip_call_id.is_none()
        {
            timeline.sip_call_id = Some(harmless(id).into());
        }
    }

    /// Each thing is noted once: events come twice, and hangups are asked for again.
    fn note(&mut self, now: Time, attempt: AttemptId, what: TimelineEntry) {
        let Some(timeline) = self.calls.get_mut(&attempt) else {
            return;
        };
        let entries = &mut timeline.entries;
        if entries.iter().any(|(_, known)| *known == what) {
            return;
        }
        if entries.len() == ENTRIES {
            entries.remove(FIRST);
        }
        entries.push((now, what));
    }

    /// What is known of the attempts at a lead, the latest first.
    pub(super) fn of(
        &self,
        run: RunId,
        lead: LeadId,
        number: &Number,
        setting: &TimelineIds<'_>,
    ) -> Vec<AttemptDetail> {
        let calls = self.calls.iter().rev();
        calls
            .filter(|(_, call)| (call.run, call.lead) == (run, lead))
            .map(|(attempt, call)| call.detail(*attempt, number, setting))
            .collect()
    }
}

impl Timeline {
    fn detail(
        &self,
        attempt: AttemptId,
        number: &Number,
        setting: &TimelineIds<'_>,
    ) -> AttemptDetail {
        let id = |part| setting.channels.id(self.run, attempt, part);
        let sentences = self.entries.iter().map(|(at, what)| {
            let text = sentence(what, number, &self.settings);
            (*at, text)
        });
        AttemptDetail {
            attempt,
            call_id: call_id(setting.journal, attempt).to_string(),
            channel_a: id(Part::A),
            channel_b: id(Part::B),
            bridge: id(Part::Bridge),
            sip_call_id: self.sip_call_id.as_deref().map(str::to_owned),
            timeline: sentences.collect(),
            end: self.end.clone(),
            recording: self.recording.clone(),
        }
    }
}

pub(super) const fn channel_of(kind: &EventKind) -> Option<&ChannelInfo> {
    match kind {
        EventKind::StasisStart { channel, .. }
        | EventKind::StasisEnd { channel }
        | EventKind::ChannelCreated { channel }
        | EventKind::ChannelStateChange { channel }
        | EventKind::ChannelDestroyed { channel, .. }
        | EventKind::ChannelHangupRequest { channel, .. }
        | EventKind::ChannelEnteredBridge { channel, .. }
        | EventKind::ChannelLeftBridge { channel, .. }
        | EventKind::Dial { peer: channel, .. } => Some(channel),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
