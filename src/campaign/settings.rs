//! The settings that the campaign decides by, and what a call keeps of them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::ids::MaxCc;
use super::number::Emergency;
use super::streak::PauseAfter;

/// What the campaign decides by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The most calls at once.
    pub max_cc: MaxCc,
    /// The least time between two calls. A burst of originates is a burst of answers some
    /// seconds later, and whoever answers in a burst waits for the others.
    pub spacing: Duration,
    /// Whether leads whose attempt was interrupted by a crash wait again.
    pub retry_interrupted: bool,
    /// How many calls in a row that came to nothing pause the run.
    pub pause_after: PauseAfter,
    /// How long after its end a run that nobody new has joined is called again by a start; not
    /// at all without.
    pub start_again_after: Option<Duration>,
    /// The numbers that are never dialed.
    pub emergency: Emergency,
    /// The settings by which the next call begins.
    pub call: Arc<CallSettings>,
}

/// What a call keeps from its beginning to its end, whatever the settings become meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSettings {
    /// `ARI_TRUNK`: the PJSIP endpoint that numbers are dialed through.
    pub trunk: String,
    /// `CALLER_ID`; the trunk's own where there is none.
    pub caller_id: Option<CallerId>,
    /// `CALL_TIMEOUT`: how long leg A rings, 1 to 600 s.
    pub call_timeout: Duration,
    /// Whom people are connected to.
    pub target: Target,
    /// `MAX_CALL_SECONDS`: when an answered call is hung up, 1 to 86,400 s.
    pub max_call: Option<Duration>,
    /// Where the recording goes.
    pub recordings: Recordings,
}

/// What the person dialed sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerId {
    /// A number, a name, or `Name <number>`.
    Shown(String),
    /// No number: the carrier is asked to present none.
    Anonymous,
}

impl CallerId {
    /// What is shown.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::Shown(text) => Some(text.clone()),
            Self::Anonymous => None,
        }
    }
}

impl fmt::Display for CallerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(text) => f.write_str(text),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// Leg B.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// One endpoint, `Tech/resource`: `TARGET_ENDPOINT`, or the `Local` one made of
    /// `TARGET_EXTENSION` and `TARGET_CONTEXT`.
    pub endpoint: String,
    /// `TARGET_TIMEOUT`: how long it may ring, 1 to 600 s.
    pub timeout: Duration,
    /// `STAGE_TARGET`: make leg B while A rings, and not only after A's answer.
    pub staged: bool,
    /// `MOH_CLASS`: what A hears until B answers.
    pub moh_class: Option<String>,
}

/// Where recordings go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recordings {
    /// `RECORDINGS_DIR`.
    pub dir: PathBuf,
    /// `RECORDING_FORMAT`, which is also the files' ending: letters and digits.
    pub format: String,
    /// `KEEP_ON_ASTERISK`: leave what was fetched in Asterisk's spool.
    pub keep_on_asterisk: bool,
}
