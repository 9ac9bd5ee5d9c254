//! One entry of a timeline, and its sentence.

use std::sync::Arc;

use crate::ari::harmless;
use crate::campaign::{
    CallSettings, CallStep, DialStatus, Disposition, EndedBy, HangupCause, LegEvent, Number, Op,
    OpError, Part, trunk_endpoint,
};

/// Something that happened to a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TimelineEntry {
    Begun,
    TakenOver,
    Asked(Op),
    Failed(Op, OpError),
    Leg(Part, LegEvent),
    Step(CallStep),
    Records,
    RecordingEnded(bool),
    Saved,
    NotSaved(Box<str>),
    HungUpBy(Arc<str>),
    Ended(Disposition, EndedBy),
    Kept(Part),
    /// Whose phone did it, and where to.
    Transferred(Part, Box<str>),
}

/// `what`, for a reader.
pub(super) fn sentence(what: &TimelineEntry, number: &Number, settings: &CallSettings) -> String {
    match what {
        TimelineEntry::Begun => "taken from the line".to_owned(),
        TimelineEntry::TakenOver => "taken over from an engine that died".to_owned(),
        TimelineEntry::Asked(Op::DialB | Op::OriginateB) => {
            format!("target dialed: {}", settings.target.endpoint)
        }
        TimelineEntry::Asked(op) => format!("asked Asterisk {}", wish(*op, number, settings)),
        TimelineEntry::Failed(op, error) => failure(*error, &wish(*op, number, settings)),
        TimelineEntry::Leg(part, event) => leg(*part, *event),
        TimelineEntry::Step(step) => self::step(*step),
        TimelineEntry::Records => "recording".to_owned(),
        TimelineEntry::RecordingEnded(true) => "the recording ended".to_owned(),
        TimelineEntry::RecordingEnded(false) => "Asterisk could not record".to_owned(),
        TimelineEntry::Saved => "the recording is in the folder".to_owned(),
        TimelineEntry::NotSaved(why) => format!("no recording: {why}"),
        TimelineEntry::HungUpBy(who) => format!("hung up by {}", harmless(who)),
        TimelineEntry::Kept(part) => format!("Asterisk keeps {part}, though it was to go"),
        TimelineEntry::Transferred(part, to) => {
            format!("{part} transferred the call to {}", harmless(to))
        }
        TimelineEntry::Ended(disposition, by) => over(*disposition, *by),
    }
}

/// How an attempt ended.
pub(in crate::engine) fn over(disposition: Disposition, by: EndedBy) -> String {
    match by {
        EndedBy::HandedOver => format!("over: {disposition}, handed over"),
        by => format!("over: {disposition}, by {}", by.as_str()),
    }
}

/// What a request wants, as an infinitive.
fn wish(op: Op, number: &Number, settings: &CallSettings) -> String {
    match op {
        Op::OriginateA => format!("to dial {}", trunk_endpoint(number, &settings.trunk)),
        Op::CreateBridge => "to make the bridge".to_owned(),
        Op::CreateB => format!("to prepare the target {}", settings.target.endpoint),
        Op::DialB | Op::OriginateB => format!("to dial the target {}", settings.target.endpoint),
        Op::Join(part) => format!("to put {part} into the bridge"),
        Op::Snoop => "to listen to leg A for the recording".to_owned(),
        Op::Record => "to record".to_owned(),
        Op::StartMusic => "to play music to leg A".to_owned(),
        Op::StopMusic => "to end the music".to_owned(),
        Op::Find(part) => format!("where {part} is"),
        Op::AskTarget { .. } => "whether the target has answered".to_owned(),
        Op::HangUp(part) => format!("to hang up {part}"),
        Op::DestroyBridge => "to take down the bridge".to_owned(),
    }
}

fn failure(error: OpError, wish: &str) -> String {
    match error {
        OpError::NotSent => format!("the request {wish} could not be sent"),
        OpError::TooEarly => format!("the request {wish} came too early"),
        OpError::Withheld => format!("the request {wish} was kept back: dialing had stopped"),
        OpError::Unknown => format!("no answer in time to the request {wish}"),
        OpError::Login => format!("refused {wish}: the login is not accepted"),
        OpError::NotFound => format!("refused {wish}: status 404"),
        OpError::Refused(status) => format!("refused {wish}: status {status}"),
    }
}

fn leg(part: Part, event: LegEvent) -> String {
    match (part, event) {
        (Part::A, LegEvent::Gone(cause)) => format!("gone: {}", cause_text(cause)),
        (Part::A, LegEvent::Leaving(Some(cause)) | LegEvent::HungUp(Some(cause))) => {
            format!("hangs up: {}", cause_text(cause))
        }
        (_, LegEvent::Gone(cause)) => format!("the target is gone: {}", cause_text(cause)),
        (_, LegEvent::Leaving(Some(cause)) | LegEvent::HungUp(Some(cause))) => {
            format!("the target hangs up: {}", cause_text(cause))
        }
        (_, LegEvent::Leaving(None) | LegEvent::HungUp(None)) => format!("{part} leaves"),
        (_, LegEvent::LeftApp) => format!("{part} left the Stasis application"),
        (_, LegEvent::HandedOver) => format!("{part} was moved elsewhere in Asterisk, and let go"),
        (_, LegEvent::Blocked) => "an analytics service refuses the call".to_owned(),
        (_, LegEvent::Left) => format!("{part} is out of the bridge"),
        (_, LegEvent::Joined) => "bridge and target staged".to_owned(),
        (_, LegEvent::Ringing) => "the target rings".to_owned(),
        (_, LegEvent::EarlyMedia) => "the target sends early media".to_owned(),
        (_, LegEvent::Up | LegEvent::Dial(DialStatus::Answer)) => "the target answered".to_owned(),
        (_, LegEvent::Dial(DialStatus::Busy)) => "the target is busy".to_owned(),
        (_, LegEvent::Dial(DialStatus::NoAnswer)) => "the target does not answer".to_owned(),
        (_, LegEvent::Dial(DialStatus::Unavailable)) => "the target is not reachable".to_owned(),
        (_, LegEvent::Entered) => format!("{part} is ready"),
    }
}

fn step(step: CallStep) -> String {
    match step {
        CallStep::Dialing => "dialed".to_owned(),
        CallStep::Ringing => "rings".to_owned(),
        CallStep::EarlyMedia => "early media".to_owned(),
        CallStep::Answered => "answered".to_owned(),
        CallStep::Bridged { dead_air_ms } => format!("bridged after {dead_air_ms} ms"),
        CallStep::Agent => "agent answered".to_owned(),
        CallStep::Withdrawn => "taken back".to_owned(),
    }
}

fn cause_text(cause: HangupCause) -> String {
    match cause.sip {
        Some(sip) => format!("cause {}, SIP {sip}", cause.q850),
        None => format!("cause {}", cause.q850),
    }
}
