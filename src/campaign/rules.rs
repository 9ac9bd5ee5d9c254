//! What the settings say, while calls are up that began when they said something else.

use std::sync::Arc;
use std::time::Duration;

use super::{AttemptId, Campaign, Policy};

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

impl Campaign {
    /// New rules, for calls that have not begun: those under way keep theirs. MAX_CC changes
    /// only if the settings have another than last time: else what a person set since holds.
    /// What it allows is done at the next input.
    pub fn set_policy(&mut self, mut policy: Policy, recording_format: &str) {
        let given = std::mem::replace(&mut self.given_max_cc, policy.max_cc);
        if policy.max_cc == given {
            policy.max_cc = self.policy.max_cc;
        }
        self.policy = policy;
        self.recording_format = recording_format.into();
    }

    /// What a call that begins now keeps to its end.
    pub(super) fn rules(&self) -> Rules {
        Rules {
            call_timeout: self.policy.call_timeout,
            target_timeout: self.policy.target_timeout,
            max_call: self.policy.max_call,
            stage_target: self.policy.stage_target,
            music: self.policy.music,
            recording_format: Arc::clone(&self.recording_format),
        }
    }

    /// The id that the next attempt will have.
    #[must_use]
    pub fn next_attempt(&self) -> AttemptId {
        self.next_attempt
    }
}
