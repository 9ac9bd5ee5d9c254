//! Channels and bridges, and how Asterisk writes them down.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::campaign::Time;
use crate::simulator::scenario::{Callee, Target};

/// A channel's state, as far as one can be seen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Down,
    /// Of the second half of a local channel: its dialplan has not answered.
    Ring,
    Ringing,
    /// Of the second half: its dialplan plays the busy tone.
    Busy,
    Up,
}

/// How a channel stays though it was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It goes when it is to go.
    None,
    /// Its far end has hung up, and nothing ends it.
    Kept,
    /// It does not hear that it is to go; its far end may be there.
    Deaf,
}

/// What a channel is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Role {
    /// Dialed through the trunk.
    Callee(Callee),
    /// A target. What it does is decided when it is dialed: only then is it known for whom.
    Target(TargetLeg),
    /// The second half of the local channel `first`.
    Half { first: String },
    /// Listens to the channel `spied`.
    Snoop { spied: String },
}

/// What is particular to a target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TargetLeg {
    /// `777@default`, `agent`.
    pub(super) name: String,
    /// The id of the second half, where it is a local channel.
    pub(super) half: Option<String>,
    /// What it does, once it is dialed.
    pub(super) fate: Option<Target>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Channel {
    /// Tells it from an earlier one of the same id.
    pub(super) serial: u64,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) state: State,
    /// The SIP Call-ID, empty where there is no SIP.
    pub(super) protocol_id: String,
    /// Name and number.
    pub(super) caller: (String, String),
    pub(super) connected: (String, String),
    pub(super) created: Time,
    /// What is dialed: the endpoint without its technology.
    pub(super) dial_string: String,
    /// Where its dialplan stands: context and extension.
    pub(super) place: (String, String),
    pub(super) app: String,
    pub(super) args: Vec<String>,
    pub(super) in_stasis: bool,
    /// Made by `channels/create`, to be dialed later.
    pub(super) staged: bool,
    /// Its dialing has begun.
    pub(super) dialed: bool,
    pub(super) bridge: Option<String>,
    /// Since when somebody has moved it out of its application.
    pub(super) elsewhere_since: Option<Time>,
    /// The channel that has taken its place.
    pub(super) replaced_by: Option<String>,
    /// The channel whose place it has taken.
    pub(super) stands_for: Option<String>,
    /// How it stays though it was to go.
    pub(super) hold: Hold,
    /// The live recording on it.
    pub(super) recording: Option<String>,
    /// Since when it is up.
    pub(super) up_since: Option<Time>,
    /// How the far end refused, `SIP 603 Decline`.
    pub(super) sip_answer: Option<String>,
    /// Since when sound goes over it: early media, or the answer.
    pub(super) sound_since: Option<Time>,
}

/// The variable that `asterisk_conf/ari.conf` has every event of a channel tell.
const SIP_ANSWER: &str = "EVAL(${HANGUPCAUSE(${CHANNEL(name)},tech)})";

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Down => "Down",
            Self::Ring => "Ring",
            Self::Ringing => "Ringing",
            Self::Busy => "Busy",
            Self::Up => "Up",
        }
    }
}

impl Channel {
    /// Whether SIP carries it.
    pub(super) fn is_sip(&self) -> bool {
        !self.protocol_id.is_empty()
    }

    /// Whether it was dialed through the trunk.
    pub(super) fn is_callee(&self) -> bool {
        matches!(self.role, Role::Callee(_))
    }

    pub(super) fn target(&self) -> Option<&TargetLeg> {
        match &self.role {
            Role::Target(target) => Some(target),
            _ => None,
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "state": self.state.word(),
            "protocol_id": self.protocol_id,
            "caller": { "name": self.caller.0, "number": self.caller.1 },
            "connected": { "name": self.connected.0, "number": self.connected.1 },
            "accountcode": "",
            "dialplan": self.dialplan(),
            "creationtime": written(self.created),
            "language": "en",
            "channelvars": { SIP_ANSWER: self.sip_answer.as_deref().unwrap_or_default() },
        })
    }

    fn dialplan(&self) -> Value {
        let (name, data) = if self.in_stasis {
            let mut data = self.app.clone();
            for arg in &self.args {
                data.push(',');
                data.push_str(arg);
            }
            ("Stasis", data)
        } else if self.elsewhere_since.is_some() {
            ("Wait", "3600".to_owned())
        } else if self.staged || matches!(self.role, Role::Half { .. } | Role::Snoop { .. }) {
            ("", String::new())
        } else {
            ("AppDial2", "(Outgoing Line)".to_owned())
        };
        json!({
            "context": self.place.0,
            "exten": self.place.1,
            "priority": 1,
            "app_name": name,
            "app_data": data,
        })
    }
}

/// A bridge.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bridge {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: Time,
    /// Who is in it, in the order of entering.
    pub(super) channels: Vec<String>,
}

impl Bridge {
    pub(super) fn json(&self) -> Value {
        let technology = if self.channels.len() > 2 {
            "softmix"
        } else {
            "simple_bridge"
        };
        json!({
            "id": self.id,
            "technology": technology,
            "bridge_type": "mixing",
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": self.name,
            "channels": self.channels,
            "creationtime": written(self.created),
            "video_mode": "talker",
        })
    }
}

/// A time as Asterisk writes it: `2026-11-22T15:30:00.123+0000`.
pub(super) fn written(time: Time) -> String {
    let micros = i64::try_from(time.0).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(micros)
        .unwrap_or_default()
        .strftime("%Y-%m-%dT%H:%M:%S.%3f+0000")
        .to_string()
}

/// What Asterisk calls a hangup cause.
pub(super) const fn cause_text(cause: u16) -> &'static str {
    match cause {
        1 => "Unallocated (unassigned) number",
        16 => "Normal Clearing",
        17 => "User busy",
        18 => "No user responding",
        19 => "User alerting, no answer",
        20 => "Subscriber absent",
        21 => "Call Rejected",
        22 => "Number changed",
        26 => "Answered elsewhere",
        27 => "Destination out of order",
        28 => "Invalid number format",
        29 => "Facility rejected",
        34 => "Circuit/channel congestion",
        38 => "Network out of order",
        42 => "Switching equipment congestion",
        58 => "Bearer capability not available",
        102 => "Recover on timer expiry",
        127 => "Interworking, unspecified",
        _ => "Unknown",
    }
}
