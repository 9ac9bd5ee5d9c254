//! The picture of the engine that consoles and HTTP read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::campaign::{
    AttemptId, CallView, Disposition, EndedBy, HangupCause, LeadId, LeadRow, Leads, Limit, Number,
    RunId, RunState, Stats, Streak, Time,
};

use super::trends::Trends;
use crate::mirror::MirrorView;

/// An immutable picture. The engine publishes one when something has happened, at most ten
/// times a second, one a second while nothing does, and one right after each command. Taking one costs the same with ten
/// leads as with a million: the leads are shared, not copied.
///
/// As JSON it is without leads and trends, of which a reader is told differences.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Time,
    /// The run.
    pub run: RunId,
    /// What the run belongs to: the list's path, or the number itself.
    pub list: Arc<str>,
    /// What answered people are connected to: `Local/777@default`.
    pub target: Arc<str>,
    /// The run's state.
    pub state: RunState,
    /// Set once the process is to end: nothing is dialed any more.
    pub stopping: Option<Stop>,
    /// The link to Asterisk.
    pub link: LinkView,
    /// The journal.
    pub journal: JournalView,
    /// Recordings on their way here.
    pub recordings: RecordingsView,
    /// The copy in MySQL.
    pub mirror: MirrorView,
    /// How many calls may be up, and how many are.
    pub limit: Limit,
    /// All leads of the run.
    #[serde(skip)]
    pub leads: Leads,
    /// The live calls, the oldest first.
    pub calls: Vec<CallView>,
    /// How well the live calls sound, where Asterisk has told.
    pub quality: Arc<BTreeMap<AttemptId, Quality>>,
    /// Figures of this process's calls.
    pub stats: Stats,
    /// The last ten minutes, second by second.
    #[serde(skip)]
    pub trends: Arc<Trends>,
    /// The latest commands, the newest last.
    pub audit: Arc<[AuditEntry]>,
    /// The streak that paused the run last, while somebody of it could be called again.
    #[serde(default)]
    pub streak: Option<Streak>,
    /// News that nobody took in time.
    pub news_dropped: u64,
}

/// The process is to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Who asked for it.
    pub by: String,
    /// When what is still up is hung up.
    pub hang_up_at: Time,
    /// It is being hung up.
    pub hung_up: bool,
}

/// How the link to Asterisk stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    /// Host and port, as `ARI_URL` has them.
    pub asterisk: Arc<str>,
    /// Why no call can be placed, and since when; `None` while the link is up.
    pub down: Option<(Time, String)>,
    /// When Asterisk was last heard: an event, or the answer to a ping.
    pub last_heard: Option<Time>,
    /// How often the link was lost since this process began.
    pub lost: u32,
    /// How many channels entered our Stasis application that belong to no call.
    #[serde(default)]
    pub strangers: u64,
}

/// How the journal stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JournalView {
    /// Since when it takes no records, and why. Nothing is dialed meanwhile.
    pub full: Option<(Time, String)>,
    /// Records that wait to be written.
    pub queued: usize,
    /// Since when the oldest of them waits. An engine of an earlier version does not tell.
    #[serde(default)]
    pub oldest: Option<Time>,
}

/// How the fetching of recordings stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordingsView {
    /// Fetched by this process.
    pub saved: u64,
    /// Still to be fetched.
    pub waiting: usize,
    /// Since when fetching does not succeed, and why. Calls go on, and the recordings wait in
    /// Asterisk's spool.
    pub delayed: Option<(Time, String)>,
}

/// RTP figures of a leg A, as Asterisk measures them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Asked for at.
    pub at: Time,
    /// Packets that came.
    pub received: u64,
    /// Packets that did not come.
    pub lost: u64,
    /// Jitter of what came, in milliseconds.
    pub jitter_ms: f64,
    /// Round trip time in milliseconds, where RTCP has told it.
    pub rtt_ms: Option<f64>,
    /// Asterisk's media experience score of what came, 0 to 100, where this version has it.
    pub score: Option<f64>,
}

/// A command and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Time,
    /// Who: `keyboard anna (ssh 192.0.2.7)`.
    pub by: String,
    /// What was asked.
    pub command: String,
    /// What came of it.
    pub outcome: String,
}

/// All there is to know of one lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// The lead.
    pub lead: LeadId,
    /// Its number.
    pub number: Number,
    /// Where it stands.
    pub row: LeadRow,
    /// Its attempts in this run, the latest first.
    pub attempts: Vec<AttemptDetail>,
}

/// One attempt, as the journal and the engine's memory have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptDetail {
    /// The attempt.
    pub attempt: AttemptId,
    /// The call's id in reports and file names.
    pub call_id: String,
    /// The channel ids of leg A and leg B and the bridge's id, as Asterisk knows them.
    pub channel_a: String,
    /// See `channel_a`.
    pub channel_b: String,
    /// See `channel_a`.
    pub bridge: String,
    /// The SIP Call-ID of leg A, where Asterisk has told it.
    pub sip_call_id: Option<String>,
    /// What happened, in order. Of calls of this process all of it (of the last thousand that
    /// ended), of older ones what the journal has.
    pub timeline: Vec<(Time, String)>,
    /// How it ended.
    pub end: Option<AttemptOutcome>,
    /// What became of the recording: a path, or a sentence.
    pub recording: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptOutcome {
    /// What it is called.
    pub disposition: Disposition,
    /// The first cause that was seen.
    pub cause: HangupCause,
    /// Who ended it.
    pub by: EndedBy,
    /// More, for a reader.
    pub note: Option<String>,
}
