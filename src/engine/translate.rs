//! From Asterisk's events to the campaign's inputs.

use super::channels::Channels;
use crate::ari::{ChannelInfo, ChannelState, DialStatus as Ari, Event, EventKind};
use crate::campaign::{DialStatus, HangupCause, Input, LegEvent, Part, sabotaged};

/// What `event` means to the campaign; `None` where it means nothing.
#[must_use]
pub fn translate(ids: &Channels, event: &Event) -> Option<Input> {
    let (channel, leg_event) = match &event.kind {
        EventKind::StasisStart { channel, .. } => (channel, LegEvent::Entered),
        EventKind::StasisEnd { channel } => (channel, LegEvent::LeftApp),
        EventKind::ChannelStateChange { channel } => (channel, state_change(channel)?),
        EventKind::ChannelEnteredBridge { bridge, channel } => (
            channel,
            in_its_bridge(ids, bridge, channel, LegEvent::Joined)?,
        ),
        EventKind::ChannelLeftBridge { bridge, channel } => (
            channel,
            in_its_bridge(ids, bridge, channel, LegEvent::Left)?,
        ),
        EventKind::ChannelHangupRequest {
            channel,
            cause,
            tech_cause,
            soft,
        } => {
            // 0 says nothing, and 32 is a hangup that a program asked for, Asterisk's own
            // dial timeout among them: the channel's end, next to come, has the cause.
            let cause = cause
                .filter(|q850| !matches!(q850, 0 | 32))
                .map(|q850| HangupCause {
                    q850,
                    sip: *tech_cause,
                });
            let event_of = if *soft {
                LegEvent::Leaving
            } else {
                LegEvent::HungUp
            };
            (channel, event_of(cause))
        }
        EventKind::ChannelDestroyed {
            channel,
            cause,
            tech_cause,
            ..
        } => {
            let cause = HangupCause {
                q850: *cause,
                sip: *tech_cause,
            };
            (channel, LegEvent::Gone(cause))
        }
        EventKind::Dial {
            caller,
            peer,
            status,
            redirected,
            ..
        } => {
            let is_a = matches!(ids.parse(&peer.id), Some((_, Part::A)));
            if !(*redirected && is_a) {
                return dial(ids, event, caller.as_ref(), peer, *status);
            }
            let cause = HangupCause {
                q850: HangupCause::REDIRECTED,
                sip: None,
            };
            (peer, LegEvent::HungUp(Some(cause)))
        }
        EventKind::RecordingFinished { recording } => {
            return recording_ended(ids, &recording.name, true);
        }
        EventKind::RecordingFailed { recording } => {
            return recording_ended(ids, &recording.name, false);
        }
        _ => return None,
    };
    let mut input = leg(ids, event, &channel.id, leg_event);
    if let Some(Input::Leg { is_up, .. }) = &mut input {
        *is_up = channel.state == ChannelState::Up;
    }
    input
}

/// What happens in other bridges than the attempt's own is somebody else's: a leg that was moved
/// elsewhere may enter some.
fn in_its_bridge(
    ids: &Channels,
    bridge: &str,
    channel: &ChannelInfo,
    event: LegEvent,
) -> Option<LegEvent> {
    let (attempt, _) = ids.parse(&channel.id)?;
    (ids.parse(bridge) == Some((attempt, Part::Bridge))).then_some(event)
}

fn state_change(channel: &ChannelInfo) -> Option<LegEvent> {
    match channel.state {
        ChannelState::Ringing => Some(LegEvent::Ringing),
        ChannelState::Up => Some(LegEvent::Up),
        _ => None,
    }
}

/// A dial made *by* the second half of leg B is a queue or a dialplan that reaches for an
/// agent; any other is about the channel that is dialed.
fn dial(
    ids: &Channels,
    event: &Event,
    caller: Option<&ChannelInfo>,
    peer: &ChannelInfo,
    status: Ari,
) -> Option<Input> {
    if let Some(caller) = caller
        && matches!(ids.parse(&caller.id), Some((_, Part::B2)))
    {
        let answered = status == Ari::Answer;
        let event_of = LegEvent::Dial(DialStatus::Answer);
        return answered
            .then(|| leg(ids, event, &caller.id, event_of))
            .flatten();
    }
    let leg_event = match status {
        Ari::Ringing => LegEvent::Ringing,
        Ari::Progress => LegEvent::EarlyMedia,
        Ari::Answer => LegEvent::Dial(DialStatus::Answer),
        // The channel stays while the dialplan plays its tone: the status is all there is.
        Ari::Busy => LegEvent::Dial(DialStatus::Busy),
        Ari::Congestion => LegEvent::Dial(DialStatus::Unavailable),
        // The channel's end, which comes next, has the status and not its words.
        Ari::NoAnswer
            if peer.sip_answer.as_deref().is_some_and(is_of_analytics)
                && !sabotaged!(TakesBlockedForRejected) =>
        {
            LegEvent::Blocked
        }
        // NOANSWER stands for 403 and 404 as well. The channel's end tells more, at once.
        _ => return None,
    };
    leg(ids, event, &peer.id, leg_event)
}

/// Whether a SIP answer is that of an analytics service which takes the call for spam: a 603 with
/// these words (ATIS-1000099), where the 603 of a person says `Decline` (RFC 3261).
fn is_of_analytics(answer: &str) -> bool {
    let words = answer.strip_prefix("SIP 603 ");
    words.is_some_and(|words| words.trim().eq_ignore_ascii_case("network blocked"))
}

fn leg(ids: &Channels, event: &Event, channel: &str, leg_event: LegEvent) -> Option<Input> {
    let (attempt, part) = ids.parse(channel)?;
    Some(Input::Leg {
        attempt,
        part,
        event: leg_event,
        is_up: false,
        stamp_ms: event.stamp_ms,
    })
}

fn recording_ended(ids: &Channels, name: &str, ok: bool) -> Option<Input> {
    // A recording keeps its name when another channel goes on with it after a transfer.
    let attempt = if sabotaged!(ForgetsRecordings) {
        ids.parse(name)
    } else {
        ids.ids().parse(name)
    };
    let (attempt, part) = attempt?;
    (part == Part::Snoop).then_some(Input::RecordingEnded { attempt, ok })
}
