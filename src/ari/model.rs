//! What Asterisk answers. Only fields that Dialdeck uses; unknown ones are passed over,
//! and those that a version may leave out are optional.

use serde::{Deserialize, Deserializer};

/// A channel, as REST answers and events show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its unique id: ours where Dialdeck made it.
    pub id: String,
    /// Its name: `PJSIP/trunk-00000001`.
    pub name: String,
    /// What it does.
    pub state: ChannelState,
    /// The SIP Call-ID, the key to a SIP trace. New, so older versions leave it out;
    /// empty for channels that have none.
    pub protocol_id: Option<String>,
    /// The number of its caller ID.
    pub caller_number: String,
    /// The number of its connected line.
    pub connected_number: String,
    /// The dialplan application that it runs, empty where it runs none: `Stasis`.
    pub dialplan_app: String,
    /// What that application was given: `outbound_dialer,a`.
    pub dialplan_data: String,
    /// The last SIP answer on it, `SIP 603 Network Blocked`; only where `channelvars` in `ari.conf`
    /// has Asterisk tell that, as in `asterisk_conf/`. These are a stranger's bytes.
    pub sip_answer: Option<String>,
}

/// What Asterisk shows as the application of a channel that was dialed and has only just
/// answered: it has not entered the Stasis application yet (measured on 22.10.1).
const OUTGOING: &str = "AppDial2";

impl ChannelInfo {
    /// Whether it is in the Stasis application `app`.
    #[must_use]
    pub fn is_in(&self, app: &str) -> bool {
        let given = self.dialplan_data.split(',').next();
        self.dialplan_app == "Stasis" && given == Some(app)
    }

    /// Whether it was answered, and somebody moved it out of the Stasis application `app`, alive:
    /// a redirect, `continue`, a move into another application.
    #[must_use]
    pub fn is_elsewhere(&self, app: &str) -> bool {
        let waits = self.dialplan_app.is_empty() || self.dialplan_app == OUTGOING;
        self.state == ChannelState::Up && !waits && !self.is_in(app)
    }
}

/// What a channel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelState {
    /// Nothing yet.
    Down,
    /// Reserved for a call.
    Reserved,
    /// Off the hook.
    OffHook,
    /// It dials.
    Dialing,
    /// It rings us.
    Ring,
    /// The far end rings.
    Ringing,
    /// Answered.
    Up,
    /// The line is busy.
    Busy,
    /// Any other word.
    Other,
}

impl ChannelState {
    fn from_word(word: &str) -> Self {
        match word {
            "Down" => Self::Down,
            "Rsrvd" => Self::Reserved,
            "OffHook" => Self::OffHook,
            "Dialing" => Self::Dialing,
            "Ring" => Self::Ring,
            "Ringing" => Self::Ringing,
            "Up" => Self::Up,
            "Busy" => Self::Busy,
            _ => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for ChannelInfo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawChannel::deserialize(deserializer)?;
        Ok(Self {
            id: raw.id,
            name: raw.name,
            state: ChannelState::from_word(&raw.state),
            protocol_id: raw.protocol_id.filter(|id| !id.is_empty()),
            caller_number: raw.caller.number,
            connected_number: raw.connected.number,
            dialplan_app: raw.dialplan.app_name,
            dialplan_data: raw.dialplan.app_data,
            sip_answer: sip_answer(&raw.channelvars),
        })
    }
}

#[derive(Deserialize)]
struct RawChannel {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    state: String,
    #[serde(default)]
    protocol_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    caller: RawCallerId,
    #[serde(default, deserialize_with = "or_default")]
    connected: RawCallerId,
    #[serde(default, deserialize_with = "or_default")]
    dialplan: RawDialplan,
    /// By the names in `channelvars` of `ari.conf`.
    #[serde(default)]
    channelvars: serde_json::Value,
}

fn sip_answer(variables: &serde_json::Value) -> Option<String> {
    let mut values = variables.as_object()?.values();
    let answer = values.find_map(|value| value.as_str().filter(|text| text.starts_with("SIP ")));
    answer.map(str::to_owned)
}

#[derive(Deserialize, Default)]
struct RawDialplan {
    #[serde(default, deserialize_with = "or_default")]
    app_name: String,
    #[serde(default, deserialize_with = "or_default")]
    app_data: String,
}

#[derive(Deserialize, Default)]
struct RawCallerId {
    #[serde(default, deserialize_with = "or_default")]
    number: String,
}

/// A bridge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bridge {
    /// Its unique id: ours where Dialdeck made it.
    pub id: String,
    /// The name it was given.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// How it mixes: `simple_bridge` joins two legs cheaply, `softmix` mixes.
    #[serde(default, deserialize_with = "or_default")]
    pub technology: String,
    /// The ids of the channels in it.
    #[serde(default, deserialize_with = "or_default")]
    pub channels: Vec<String>,
}

/// A Stasis application: what it is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Application {
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The channels it hears of.
    #[serde(default, deserialize_with = "or_default")]
    pub channel_ids: Vec<String>,
    /// The bridges it hears of.
    #[serde(default, deserialize_with = "or_default")]
    pub bridge_ids: Vec<String>,
    /// The endpoints it hears of.
    #[serde(default, deserialize_with = "or_default")]
    pub endpoint_ids: Vec<String>,
}

impl Application {
    /// Whether it hears of no channel and no bridge.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.channel_ids.is_empty() && self.bridge_ids.is_empty()
    }
}

/// An endpoint: a trunk or a phone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    /// `PJSIP`.
    #[serde(default, deserialize_with = "or_default")]
    pub technology: String,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub resource: String,
    /// `online`, `offline` or `unknown`. Without `qualify` a trunk is `unknown` or
    /// `offline` and still takes calls.
    #[serde(default)]
    pub state: Option<String>,
    /// The ids of its channels.
    #[serde(default, deserialize_with = "or_default")]
    pub channel_ids: Vec<String>,
}

/// A recording in Asterisk's spool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoredRecording {
    /// Its name, relative to the spool, without the ending.
    pub name: String,
    /// Its ending.
    #[serde(default, deserialize_with = "or_default")]
    pub format: String,
}

/// A recording that runs, or has just ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LiveRecording {
    /// Its name, relative to the spool, without the ending.
    pub name: String,
    /// Its ending.
    #[serde(default, deserialize_with = "or_default")]
    pub format: String,
    /// What is recorded: `channel:<id>` or `bridge:<id>`.
    #[serde(default, deserialize_with = "or_default")]
    pub target_uri: String,
    /// Whole seconds, once it has ended.
    #[serde(default, deserialize_with = "lenient")]
    pub duration: Option<u64>,
    /// Why it failed, in Asterisk's words. Hostile until made harmless.
    #[serde(default)]
    pub cause: Option<String>,
}

/// The sound of a channel, as RTP counts it and the RTCP reports of both ends tell it.
///
/// "Received" is what came to Asterisk; "sent" is what left it, as the far end reports. The
/// first report comes 5 s after the sound began. Asterisk's own names mix this up: `txjitter`
/// and `txmes` are those of what it received (measured on 22.10.1; its `ast_rtp_get_stat`
/// says the same). What a version leaves out is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RtpStatistics {
    /// Packets that came until now (`rxcount`).
    pub received: Option<u64>,
    /// Packets that should have come and had not at the last report (`rxploss`). Where
    /// nothing ever came it is 1.
    pub received_lost: Option<u64>,
    /// Jitter of what comes, in milliseconds (`txjitter`, in seconds there).
    pub received_jitter_ms: Option<f64>,
    /// Media experience score of what came, 0 to 100 (`txmes`): 88 is G.711 without a fault.
    /// `None` before the first report, and from an Asterisk that does not compute it.
    pub received_score: Option<f64>,
    /// Packets that left until now (`txcount`).
    pub sent: Option<u64>,
    /// Packets that left and had not arrived at the far end's last report (`txploss`).
    pub sent_lost: Option<u64>,
    /// Jitter of what left, in milliseconds, at the far end's last report (`rxjitter`, in
    /// seconds there); 0 before the first.
    pub sent_jitter_ms: Option<f64>,
    /// As [`Self::received_score`], of what left (`rxmes`).
    pub sent_score: Option<f64>,
    /// Round trip time in milliseconds at the far end's last report (`rtt`, in seconds
    /// there). `None` until RTCP has told it, some 10 s after the sound began.
    pub rtt_ms: Option<f64>,
}

impl<'de> Deserialize<'de> for RtpStatistics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawRtp::deserialize(deserializer)?;
        // Packets that came twice make a loss negative.
        let count = |n: Option<i64>| n.map(|n| u64::try_from(n).unwrap_or(0));
        let millis = |seconds: Option<f64>| seconds.map(|s| s * 1000.0);
        // Where nothing has been reported yet, Asterisk says 0.
        let reported = |n: Option<f64>| n.filter(|n| *n > 0.0);
        Ok(Self {
            received: count(raw.rxcount),
            received_lost: count(raw.rxploss),
            received_jitter_ms: millis(raw.txjitter),
            received_score: reported(raw.txmes),
            sent: count(raw.txcount),
            sent_lost: count(raw.txploss),
            sent_jitter_ms: millis(raw.rxjitter),
            sent_score: reported(raw.rxmes),
            rtt_ms: millis(reported(raw.rtt)),
        })
    }
}

#[derive(Deserialize)]
struct RawRtp {
    #[serde(default, deserialize_with = "lenient")]
    rxcount: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    rxploss: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    rxjitter: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    rxmes: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    txcount: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    txploss: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    txjitter: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    txmes: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    rtt: Option<f64>,
}

/// Which Asterisk this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// `22.10.1`.
    pub version: String,
    /// The id that tells this Asterisk from others.
    pub entity_id: String,
    /// When it started, in Asterisk's own form. A change means that it was restarted.
    pub startup_time: String,
}

impl<'de> Deserialize<'de> for Info {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawInfo::deserialize(deserializer)?;
        Ok(Self {
            version: raw.system.version,
            entity_id: raw.system.entity_id,
            startup_time: raw.status.startup_time,
        })
    }
}

#[derive(Deserialize)]
struct RawInfo {
    system: RawSystem,
    #[serde(default)]
    status: RawStatus,
}

#[derive(Deserialize)]
struct RawSystem {
    version: String,
    #[serde(default, deserialize_with = "or_default")]
    entity_id: String,
}

#[derive(Deserialize, Default)]
struct RawStatus {
    #[serde(default, deserialize_with = "or_default")]
    startup_time: String,
}

/// A value that is nothing where it has another shape than expected: a field that is not
/// needed must not make an event unreadable.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape<T> {
        Expected(T),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Shape::deserialize(deserializer)? {
        Shape::Expected(value) => Some(value),
        Shape::Other(_) => None,
    })
}

/// The default where there is `null`.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
