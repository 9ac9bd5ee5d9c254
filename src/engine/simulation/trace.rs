//! What the engine is told, as a line of a seed's trace.

use crate::ari::EventKind;
use crate::ari::link::LinkEvent;
use crate::campaign::{AsteriskIds, AttemptId, Part};
use crate::engine::{Incoming, Message, Request};

/// The attempt whose answer this event tells.
pub(super) fn heard(incoming: &Incoming, ids: &AsteriskIds) -> Option<AttemptId> {
    let Incoming::Link(LinkEvent::Event(event)) = incoming else {
        return None;
    };
    let EventKind::StasisStart { channel, .. } = &event.kind else {
        return None;
    };
    let (attempt, part) = ids.parse(&channel.id)?;
    (part == Part::A).then_some(attempt)
}

/// The channel that has left the application, by this event.
pub(super) fn left_app(incoming: &Incoming) -> Option<&str> {
    let Incoming::Link(LinkEvent::Event(event)) = incoming else {
        return None;
    };
    match &event.kind {
        EventKind::StasisEnd { channel } => Some(&channel.id),
        _ => None,
    }
}

/// Whose phone has hung up, by Asterisk's word.
pub(super) fn hung_up(incoming: &Incoming, ids: &AsteriskIds) -> Option<AttemptId> {
    let Incoming::Link(LinkEvent::Event(event)) = incoming else {
        return None;
    };
    let EventKind::ChannelHangupRequest { channel, soft, .. } = &event.kind else {
        return None;
    };
    let (attempt, part) = ids.parse(&channel.id)?;
    (part == Part::A && !soft).then_some(attempt)
}

pub(super) fn shown(incoming: &Incoming) -> String {
    match incoming {
        Incoming::Message(Message::Durable(begun, result)) => {
            format!("<- durable {begun:?} {result:?}")
        }
        Incoming::Message(Message::Answer {
            attempt,
            op,
            result,
        }) => format!("<- {attempt} {op:?} {result:?}"),
        Incoming::Message(Message::Trunk(attempt, trunk)) => {
            format!("<- trunk {attempt} {trunk:?}")
        }
        Incoming::Message(Message::Carrier { attempt, answered }) => {
            format!("<- carrier {attempt} {answered}")
        }
        Incoming::Message(Message::Target(fault)) => format!("<- target {fault:?}"),
        Incoming::Message(Message::Sounds(..)) => "<- sounds".to_owned(),
        Incoming::Message(Message::Probed { answered }) => {
            format!("<- Asterisk answers: {answered}")
        }
        Incoming::Message(Message::Format { format, known }) => {
            format!("<- format {format}: {known}")
        }
        Incoming::Message(Message::Listed { link, survey }) => {
            format!("<- listing of link {link}: {survey:?}")
        }
        Incoming::Message(Message::Surveyed { link, survey }) => {
            format!("<- survey of link {link}: {survey:?}")
        }
        Incoming::Link(event) => format!("<- {event:?}"),
        Incoming::Request(Request::Command { command, .. }) => format!("<- {command:?}"),
        Incoming::Request(Request::NewRun { .. }) => "<- new run".to_owned(),
        Incoming::Request(Request::Reload { .. }) => "<- reload".to_owned(),
        Incoming::Request(Request::StartAgain { .. }) => "<- start again".to_owned(),
        Incoming::Request(Request::Add { numbers, .. }) => format!("<- add {numbers:?}"),
        Incoming::Request(Request::Detail { lead, .. }) => format!("<- detail of {lead}"),
        Incoming::Request(Request::Stop { now, .. }) => format!("<- stop, at once: {now}"),
        Incoming::Fetched(fetched) => format!("<- {fetched:?}"),
        Incoming::Tick => "<- tick".to_owned(),
    }
}

/// A survey came to its end, or nobody waits for it any more.
pub(super) fn ends_survey(incoming: &Incoming) -> bool {
    let is_whole = matches!(
        incoming,
        Incoming::Message(Message::Surveyed { survey: Ok(_), .. })
    );
    is_whole || matches!(incoming, Incoming::Link(_))
}
