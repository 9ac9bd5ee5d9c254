//! The settings that the campaign decides by, and what a call keeps of them.

use std::sync::Arc;
use std::time::Duration;

use super::ids::MaxCc;
use super::number::Emergency;
use super::streak::PauseAfter;

/// How calls are made: what of the settings the campaign decides by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The most calls at once.
    pub max_cc: MaxCc,
    /// The least time between two calls. A burst of originates is a burst of answers some
    /// seconds later, and whoever answers in a burst waits for the others.
    pub spacing: Duration,
    /// How long A may ring.
    pub call_timeout: Duration,
    /// How long B may take to answer.
    pub target_timeout: Duration,
    /// How long a conversation may last, if there is a limit.
    pub max_call: Option<Duration>,
    /// Whether B is made while A rings.
    pub stage_target: bool,
    /// Whether A hears music until B answers.
    pub music: bool,
    /// Whether leads whose attempt was interrupted by a crash wait again.
    pub retry_interrupted: bool,
    /// How many calls in a row that came to nothing pause the run.
    pub pause_after: PauseAfter,
    /// How long after its end a run that nobody new has joined is called again by a start; not
    /// at all without.
    pub start_again_after: Option<Duration>,
    /// The numbers that are never dialed.
    pub emergency: Emergency,
}

/// What a call keeps from its beginning, whatever the settings become.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) call_timeout: Duration,
    pub(super) target_timeout: Duration,
    pub(super) max_call: Option<Duration>,
    pub(super) stage_target: bool,
    pub(super) music: bool,
    pub(super) recording_format: Arc<str>,
}

impl Policy {
    /// What a call that begins now keeps to its end.
    pub(super) fn rules(&self, recording_format: &Arc<str>) -> Rules {
        Rules {
            call_timeout: self.call_timeout,
            target_timeout: self.target_timeout,
            max_call: self.max_call,
            stage_target: self.stage_target,
            music: self.music,
            recording_format: Arc::clone(recording_format),
        }
    }
}
