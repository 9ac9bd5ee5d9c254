//! What the campaign has written down: the records of the journal.

use serde::{Deserialize, Serialize};

use super::disposition::{Disposition, EndedBy, HangupCause};
use super::ids::{AttemptId, LeadId, Part, RunId};
use super::number::Number;
use super::time::Time;

/// One thing to write into the journal. The order in which the campaign gives them is the
/// order in which they must become durable.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A run begins over a list (its path, or the number itself).
    RunOpened {
        /// The run.
        run: RunId,
        /// What the run belongs to.
        list: String,
        /// When.
        at: Time,
    },
    /// Leads join the run, with consecutive ids from `first`.
    LeadsListed {
        /// The run.
        run: RunId,
        /// The id of the first of `numbers`.
        first: LeadId,
        /// The numbers, in the order of the list.
        numbers: Vec<Number>,
    },
    /// The same for leads that a command adds: no reading of the list takes them off.
    LeadsAdded {
        /// The run.
        run: RunId,
        /// The id of the first of `numbers`.
        first: LeadId,
        /// The numbers, in the order in which they were given.
        numbers: Vec<Number>,
    },
    /// The run's state changes.
    RunState {
        /// The run.
        run: RunId,
        /// What it is now.
        state: RunState,
        /// When.
        at: Time,
    },
    /// A waiting lead was taken off, for good in this run.
    LeadSkipped {
        /// The run.
        run: RunId,
        /// The lead.
        lead: LeadId,
        /// Why, for a reader: "no longer listed".
        why: String,
        /// When.
        at: Time,
    },
    /// A lead that had ended waits again, at its place in the line.
    LeadRequeued {
        /// The run.
        run: RunId,
        /// The lead.
        lead: LeadId,
        /// When.
        at: Time,
    },
    /// An attempt is about to be dialed. Nothing of it may leave before this is durable.
    AttemptBegun {
        /// The attempt.
        attempt: AttemptId,
        /// Its run.
        run: RunId,
        /// Its lead.
        lead: LeadId,
        /// When the lead joined the line, for the report.
        queued_at: Time,
        /// When the decision to dial fell.
        at: Time,
    },
    /// An attempt that was begun has not been dialed, and its lead waits again: a pause or a
    /// lost link came between, or Asterisk refused for a reason that lies with the settings.
    AttemptWithdrawn {
        /// The attempt.
        attempt: AttemptId,
    },
    /// A living attempt came further.
    AttemptProgress {
        /// The attempt.
        attempt: AttemptId,
        /// How far.
        step: Step,
        /// When.
        at: Time,
    },
    /// A phone has transferred an attempt's call. Of several the last counts.
    AttemptTransferred {
        /// The attempt.
        attempt: AttemptId,
        /// Where to, for a reader: `100@from-agents`.
        to: String,
    },
    /// An attempt ended. Exactly one of these for each begun and not withdrawn.
    AttemptEnded {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        end: AttemptEnd,
    },
    /// What became of an attempt's recording.
    Recording {
        /// The attempt.
        attempt: AttemptId,
        /// What became of it.
        state: RecordingState,
    },
    /// How long the sound in an attempt's saved recording is.
    RecordingLasts {
        /// The attempt.
        attempt: AttemptId,
        /// In milliseconds.
        ms: u64,
    },
    /// What Asterisk told of a leg's channel before the attempt ended. Only the report and the
    /// SQL copy want it; nothing is decided by it.
    Leg {
        /// The attempt.
        attempt: AttemptId,
        /// Leg A or leg B.
        part: Part,
        /// What.
        note: LegNote,
    },
    /// The SQL copy has these rows.
    Mirrored(Vec<Sent>),
    /// Somebody gave a command.
    Audit {
        /// When.
        at: Time,
        /// Who: "signal", "keyboard", "http 127.0.0.1".
        by: String,
        /// What was asked.
        command: String,
        /// What came of it.
        outcome: String,
    },
}

/// What a run is, across restarts. WAITING, LINK DOWN and so on are conditions, not states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Nothing was asked for.
    Idle,
    /// Calls are placed.
    Dialing,
    /// No new calls, with the reason.
    Paused(String),
    /// No new calls; ends when the live ones end.
    Draining,
    /// Every lead has its final disposition.
    Done,
}

impl RunState {
    /// The word for the header, in capitals.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Dialing => "DIALING",
            Self::Paused(_) => "PAUSED",
            Self::Draining => "DRAINING",
            Self::Done => "DONE",
        }
    }
}

/// How far a living attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A rings.
    Ringing,
    /// A sends early media.
    EarlyMedia,
    /// A answered.
    Answered,
    /// A and B are up in one bridge.
    Bridged,
    /// Behind a local channel that was up at once, an agent answered.
    Agent,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptEnd {
    /// When A was gone.
    pub at: Time,
    /// What it is called.
    pub disposition: Disposition,
    /// The first cause that was seen.
    pub cause: HangupCause,
    /// Who ended it.
    pub by: EndedBy,
    /// What happened, in a few words for a reader, where the disposition does not say it:
    /// "target busy", "MAX_CALL_SECONDS reached". Never text from a stranger.
    pub note: Option<String>,
    /// From A's answer until both legs were up and bridged, by Asterisk's clock, in
    /// milliseconds.
    pub dead_air_ms: Option<u32>,
}

/// What became of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingState {
    /// It was asked for and runs in Asterisk, under this name in its spool.
    Started {
        /// Relative to Asterisk's recording spool, without the format's ending.
        name: String,
        /// The format's ending: `wav`.
        format: String,
    },
    /// It lies in `RECORDINGS_DIR` under this absolute path.
    Saved {
        /// The path.
        path: String,
    },
    /// There is none, and why. The call went on.
    Failed {
        /// Why, for a reader.
        why: String,
    },
}

/// What is noted of a leg's channel. Of two of one kind the first counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegNote {
    /// It was asked for.
    Dialed {
        /// What was dialed, without the technology: `777@default`.
        to: String,
        /// When.
        at: Time,
    },
    /// It exists, and this is its name: `PJSIP/mytrunk-0000002a`.
    Named(String),
    /// A dial came to this; the channel may stay while a tone is played.
    Failed(TargetFailure),
    /// A carrier refused it with this SIP status and these words: `603 Network Blocked`. A
    /// stranger's bytes, made harmless.
    Refused(String),
    /// It is no more.
    Gone(Time),
}

/// What a target said instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetFailure {
    /// It is busy.
    Busy,
    /// It can't be reached.
    Unavailable,
}

impl TargetFailure {
    const ALL: [Self; 2] = [Self::Busy, Self::Unavailable];

    /// The word in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }

    /// The failure that `word` stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == word)
    }
}

/// A row that the SQL copy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The attempt that it tells of.
    pub attempt: AttemptId,
    /// How often the attempt had changed when it was read.
    pub version: i64,
}
