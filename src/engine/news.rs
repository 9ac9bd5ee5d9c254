//! What the engine tells people: one line each in headless mode, the log in the console.

use std::path::PathBuf;

use crate::campaign::{AttemptId, Notice, Time};

/// One piece of news.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// When.
    pub at: Time,
    /// What.
    pub what: Told,
}

/// What is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// From the campaign.
    Campaign(Notice),
    /// The event stream is up and what lives in Asterisk is known.
    LinkUp,
    /// No call can be placed, and why.
    LinkDown {
        /// A sentence with the mend.
        why: String,
    },
    /// A recording lies in the recordings' folder.
    RecordingSaved {
        /// Whose it is.
        attempt: AttemptId,
        /// Where.
        path: PathBuf,
        /// How long the file is.
        bytes: u64,
    },
    /// A recording could not be fetched now.
    RecordingDelayed {
        /// Whose it is.
        attempt: AttemptId,
        /// Why.
        why: String,
    },
    /// A command and what came of it.
    Command {
        /// Who gave it.
        by: String,
        /// What was asked.
        command: String,
        /// What came of it.
        outcome: String,
    },
    /// Something to know about the run or the surroundings, as a sentence.
    Info(String),
    /// Something that should not be, as a sentence with the mend.
    Warning(String),
}
