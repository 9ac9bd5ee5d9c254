//! What Asterisk reports over the event stream.
//!
//! Parsing is total: whatever arrives becomes an [`Event`] or a [`ParseError`]. Kinds and
//! fields that are not known here are tolerated, and a field that can be done without
//! never makes an event unreadable. Kinds and fields are those of `rest-api/events.json`.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use super::model::{ChannelInfo, LiveRecording, lenient, or_default};

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When, by Asterisk's clock, in milliseconds since 1970; `None` where it is missing
    /// or can't be read.
    pub stamp_ms: Option<i64>,
    /// The Stasis application it was sent to.
    pub app: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A channel entered the application: a leg that was originated has answered.
    StasisStart {
        /// The channel.
        channel: ChannelInfo,
        /// The `appArgs` it was originated with.
        args: Vec<String>,
        /// The channel whose place it takes, in the application and in its bridge: a phone has
        /// transferred its call.
        replaces: Option<ChannelInfo>,
    },
    /// A channel left the application.
    StasisEnd {
        /// The channel.
        channel: ChannelInfo,
    },
    /// A channel came into being.
    ChannelCreated {
        /// The channel.
        channel: ChannelInfo,
    },
    /// A channel rings, is up, and so on.
    ChannelStateChange {
        /// The channel, with its new state.
        channel: ChannelInfo,
    },
    /// A channel is gone. The only end of a leg that never answered.
    ChannelDestroyed {
        /// The channel.
        channel: ChannelInfo,
        /// Q.850 cause; 0 where Asterisk gives none.
        cause: u16,
        /// The cause in Asterisk's words.
        cause_txt: String,
        /// The SIP status behind it. New, so older versions leave it out.
        tech_cause: Option<u16>,
    },
    /// Somebody wants a channel hung up.
    ChannelHangupRequest {
        /// The channel.
        channel: ChannelInfo,
        /// Q.850 cause, where one is given.
        cause: Option<u16>,
        /// The SIP status behind it.
        tech_cause: Option<u16>,
        /// A program asked for it, ARI or Asterisk's own dial timeout among them. Where it is
        /// not set, the far end has hung up or refused (measured on 22.10.1).
        soft: bool,
    },
    /// Dialing came further.
    Dial {
        /// The channel that dials, where there is one.
        caller: Option<ChannelInfo>,
        /// The channel that is dialed.
        peer: ChannelInfo,
        /// How far.
        status: DialStatus,
        /// What was dialed.
        dialstring: String,
        /// The far end sends the call elsewhere (a SIP 3xx), and Asterisk ends this channel for
        /// it, sometimes before it knows the cause: then `ChannelDestroyed` has none (measured
        /// on 22.10.1).
        redirected: bool,
    },
    /// A channel is in a bridge now.
    ChannelEnteredBridge {
        /// The bridge's id.
        bridge: String,
        /// The channel.
        channel: ChannelInfo,
    },
    /// A channel is no longer in a bridge.
    ChannelLeftBridge {
        /// The bridge's id.
        bridge: String,
        /// The channel.
        channel: ChannelInfo,
    },
    /// A bridge is gone.
    BridgeDestroyed {
        /// The bridge's id.
        bridge: String,
    },
    /// A recording runs.
    RecordingStarted {
        /// The recording.
        recording: LiveRecording,
    },
    /// A recording has ended. It does not prove that there is a file.
    RecordingFinished {
        /// The recording, with its duration.
        recording: LiveRecording,
    },
    /// A recording could not run.
    RecordingFailed {
        /// The recording, with the cause.
        recording: LiveRecording,
    },
    /// Another client has connected under our application's name: nothing more will come
    /// over this socket.
    ApplicationReplaced,
    /// Any other kind, by its name. Hostile: bound it before it is shown.
    Other(String),
}

/// How far dialing came: `dialstatus` of a `Dial` event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DialStatus {
    /// The empty status: it begins.
    Begun,
    /// The far end rings.
    Ringing,
    /// There is early media.
    Progress,
    /// The far end works on it.
    Proceeding,
    /// Answered.
    Answer,
    /// Busy.
    Busy,
    /// No room on the way.
    Congestion,
    /// The channel could not be used.
    Unavailable,
    /// Nobody answered in time.
    NoAnswer,
    /// Hung up before an answer.
    Cancel,
    /// Any other word.
    Other,
}

impl DialStatus {
    fn from_word(word: &str) -> Self {
        match word {
            "" => Self::Begun,
            "RINGING" => Self::Ringing,
            "PROGRESS" => Self::Progress,
            "PROCEEDING" => Self::Proceeding,
            "ANSWER" => Self::Answer,
            "BUSY" => Self::Busy,
            "CONGESTION" => Self::Congestion,
            "CHANUNAVAIL" => Self::Unavailable,
            "NOANSWER" => Self::NoAnswer,
            "CANCEL" => Self::Cancel,
            _ => Self::Other,
        }
    }
}

/// Why a message is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is no JSON object with a `type`.
    #[error("a message from Asterisk is no event: {0}")]
    NotAnEvent(String),
    /// It lacks what an event of its kind must have.
    #[error("an event {kind} from Asterisk cannot be read: {why}")]
    Unreadable {
        /// The kind, one of those known here.
        kind: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl ParseError {
    /// The kind to count it under.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotAnEvent(_) => "none",
            Self::Unreadable { kind, .. } => kind,
        }
    }
}

impl Event {
    /// Reads the text of one WebSocket message.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let envelope: Envelope<'_> = serde_json::from_str(text)
            .map_err(|e| ParseError::NotAnEvent(super::error::harmless(&e.to_string())))?;
        Ok(Self {
            kind: EventKind::parse(&envelope.kind, text)?,
            stamp_ms: envelope.timestamp.as_deref().and_then(stamp_ms),
            app: envelope.application.into_owned(),
        })
    }
}

impl EventKind {
    /// `text` is read a second time, now for the fields of its kind: the shapes of equal
    /// names differ between kinds (`peer` is a channel in one and not in another).
    fn parse(kind: &str, text: &str) -> Result<Self, ParseError> {
        Ok(match kind {
            "StasisStart" => body::<StasisStartFields>("StasisStart", text)?.into(),
            "StasisEnd" => Self::StasisEnd {
                channel: body::<OfChannel>("StasisEnd", text)?.channel,
            },
            "ChannelCreated" => Self::ChannelCreated {
                channel: body::<OfChannel>("ChannelCreated", text)?.channel,
            },
            "ChannelStateChange" => Self::ChannelStateChange {
                channel: body::<OfChannel>("ChannelStateChange", text)?.channel,
            },
            "ChannelDestroyed" => body::<Destroyed>("ChannelDestroyed", text)?.into(),
            "ChannelHangupRequest" => body::<HangupRequest>("ChannelHangupRequest", text)?.into(),
            "Dial" => body::<Dial>("Dial", text)?.into(),
            "ChannelEnteredBridge" => {
                let InBridge { bridge, channel } = body("ChannelEnteredBridge", text)?;
                Self::ChannelEnteredBridge {
                    bridge: bridge.id,
                    channel,
                }
            }
            "ChannelLeftBridge" => {
                let InBridge { bridge, channel } = body("ChannelLeftBridge", text)?;
                Self::ChannelLeftBridge {
                    bridge: bridge.id,
                    channel,
                }
            }
            "BridgeDestroyed" => Self::BridgeDestroyed {
                bridge: body::<OfBridge>("BridgeDestroyed", text)?.bridge.id,
            },
            "RecordingStarted" => Self::RecordingStarted {
                recording: body::<OfRecording>("RecordingStarted", text)?.recording,
            },
            "RecordingFinished" => Self::RecordingFinished {
                recording: body::<OfRecording>("RecordingFinished", text)?.recording,
            },
            "RecordingFailed" => Self::RecordingFailed {
                recording: body::<OfRecording>("RecordingFailed", text)?.recording,
            },
            "ApplicationReplaced" => Self::ApplicationReplaced,
            other => Self::Other(other.to_owned()),
        })
    }
}

fn body<'t, T: Deserialize<'t>>(kind: &'static str, text: &'t str) -> Result<T, ParseError> {
    serde_json::from_str(text).map_err(|e| ParseError::Unreadable {
        kind,
        why: super::error::harmless(&e.to_string()),
    })
}

/// Asterisk's form, with its own offset from UTC: `2026-11-22T14:30:43.123+0000`.
fn stamp_ms(text: &str) -> Option<i64> {
    let time = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?;
    Some(time.to_timestamp().ok()?.as_millisecond())
}

#[derive(Deserialize)]
struct Envelope<'t> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'t, str>,
    #[serde(default, borrow, deserialize_with = "lenient")]
    timestamp: Option<Cow<'t, str>>,
    #[serde(default, borrow, deserialize_with = "or_default")]
    application: Cow<'t, str>,
}

#[derive(Deserialize)]
struct OfChannel {
    channel: ChannelInfo,
}

#[derive(Deserialize)]
struct OfBridge {
    bridge: BridgeId,
}

#[derive(Deserialize)]
struct OfRecording {
    recording: LiveRecording,
}

#[derive(Deserialize)]
struct BridgeId {
    id: String,
}

#[derive(Deserialize)]
struct InBridge {
    bridge: BridgeId,
    channel: ChannelInfo,
}

#[derive(Deserialize)]
struct StasisStartFields {
    channel: ChannelInfo,
    #[serde(default, deserialize_with = "or_default")]
    args: Vec<String>,
    #[serde(default, deserialize_with = "channel_or_none")]
    replace_channel: Option<ChannelInfo>,
}

impl From<StasisStartFields> for EventKind {
    fn from(raw: StasisStartFields) -> Self {
        Self::StasisStart {
            channel: raw.channel,
            args: raw.args,
            replaces: raw.replace_channel,
        }
    }
}

#[derive(Deserialize)]
struct Destroyed {
    channel: ChannelInfo,
    #[serde(default, deserialize_with = "lenient")]
    cause: Option<u16>,
    #[serde(default, deserialize_with = "or_default")]
    cause_txt: String,
    #[serde(default, deserialize_with = "lenient")]
    tech_cause: Option<u16>,
}

impl From<Destroyed> for EventKind {
    fn from(raw: Destroyed) -> Self {
        Self::ChannelDestroyed {
            channel: raw.channel,
            cause: raw.cause.unwrap_or(0),
            cause_txt: raw.cause_txt,
            tech_cause: raw.tech_cause.filter(|code| *code != 0),
        }
    }
}

#[derive(Deserialize)]
struct HangupRequest {
    channel: ChannelInfo,
    #[serde(default, deserialize_with = "lenient")]
    cause: Option<u16>,
    #[serde(default, deserialize_with = "lenient")]
    tech_cause: Option<u16>,
    #[serde(default, deserialize_with = "lenient")]
    soft: Option<bool>,
}

impl From<HangupRequest> for EventKind {
    fn from(raw: HangupRequest) -> Self {
        Self::ChannelHangupRequest {
            channel: raw.channel,
            cause: raw.cause,
            tech_cause: raw.tech_cause.filter(|code| *code != 0),
            soft: raw.soft.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct Dial {
    #[serde(default, deserialize_with = "channel_or_none")]
    caller: Option<ChannelInfo>,
    peer: ChannelInfo,
    /// Empty or missing at the beginning.
    #[serde(default, deserialize_with = "or_default")]
    dialstatus: String,
    #[serde(default, deserialize_with = "or_default")]
    dialstring: String,
    /// Where it is sent, and empty where it is not.
    #[serde(default, deserialize_with = "or_default")]
    forward: String,
}

impl From<Dial> for EventKind {
    fn from(raw: Dial) -> Self {
        Self::Dial {
            caller: raw.caller,
            peer: raw.peer,
            status: DialStatus::from_word(&raw.dialstatus),
            dialstring: raw.dialstring,
            redirected: !raw.forward.is_empty(),
        }
    }
}

/// The event can do without it, so one that can't be read is none.
fn channel_or_none<'de, D>(deserializer: D) -> Result<Option<ChannelInfo>, D::Error>
where
    D: Deserializer<'de>,
{
    lenient(deserializer)
}

#[cfg(test)]
mod tests;
