//! The picture of one live call.

use serde::{Deserialize, Serialize};

use super::ids::{AttemptId, LeadId};
use super::number::Number;
use super::time::Time;

/// What a live call is doing, in the console's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallWord {
    /// Asked for.
    Dialing,
    /// A rings.
    Ringing,
    /// A sends early media, and does not ring.
    EarlyMedia,
    /// A answered, B is being reached.
    Answered,
    /// Both talk.
    Bridged,
    /// It is being hung up.
    Ending,
}

impl CallWord {
    /// The word for screens and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dialing => "dialing",
            Self::Ringing => "ringing",
            Self::EarlyMedia => "early media",
            Self::Answered => "answered",
            Self::Bridged => "bridged",
            Self::Ending => "ending",
        }
    }
}

/// A live call, as others see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallView {
    /// The attempt.
    pub attempt: AttemptId,
    /// The lead.
    pub lead: LeadId,
    /// The number.
    pub number: Number,
    /// What it is doing.
    pub word: CallWord,
    /// When the attempt began.
    pub begun_at: Time,
    /// Since when it is doing that.
    pub since: Time,
    /// When A rang.
    pub ringing_at: Option<Time>,
    /// When A sent early media first.
    pub early_media_at: Option<Time>,
    /// When A answered.
    pub answered_at: Option<Time>,
    /// When both were bridged.
    pub bridged_at: Option<Time>,
    /// Whether it is being recorded.
    pub recording: bool,
}
