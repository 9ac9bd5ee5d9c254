//! What an attached console is told, and what it asks: the engine's pictures as a first one
//! and differences, one JSON object a line.
//!
//! The engine's side has an [`Encoder`] for each console, the console a [`Decoder`]. An encoder
//! knows what its console was told last and makes a difference only when the console can take
//! one: a slow console skips pictures, and nothing queues up for it. Leads come in parts of a
//! bounded size, ahead of the picture they belong to.

mod decoder;
mod encoder;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::campaign::{self, Changes, Time};
use crate::control::Command;
use crate::engine::Second;

pub use decoder::{Decoder, Nonsense};
pub use encoder::Encoder;

/// Which of these protocols is spoken. It changes whenever one side would misread the other.
pub const PROTOCOL: u32 = 3;

/// An order is carried out if it is no older: one that was given on a line that hangs is not
/// carried out when the line comes back, and nobody expects it any more.
pub const ORDER_LIVES: Duration = Duration::from_secs(5);

/// One line from the engine to a console.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamLine {
    /// The first line.
    Hello(Hello),
    /// A part of what has changed in the leads. It holds from the next picture on.
    Leads(Changes),
    /// Lines for the log pane, and the id of the last: a console that comes back gives it as
    /// `after`, and gets no line twice.
    Log {
        /// The id of the last line.
        last: String,
        /// The lines, the oldest first.
        lines: Vec<LogLine>,
    },
    /// A picture: what has changed since the one before.
    Picture(Difference),
    /// The engine's process lives, and has for so many milliseconds. Comes every second.
    Beat(u64),
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// The engine's version.
    pub version: String,
    /// What time it is there.
    pub now: Time,
    /// As in [`StreamLine::Beat`].
    #[serde(default)]
    pub beat: u64,
}

/// One line of the log pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Time,
    /// `error`, `warn`, `info` or `debug`.
    pub level: String,
    /// The kind of event: `call`, `link`.
    pub target: String,
    /// What happened.
    pub text: String,
}

/// What has changed from one picture to the next.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Fields of the picture that are no longer as they were, whole; leads and trends are not
    /// among them.
    #[serde(flatten)]
    rest: Map<String, Value>,
    /// The newest second of the trends, how many there are, and the last ones of them: all that
    /// are no longer as they were.
    #[serde(default, rename = "_trends", skip_serializing_if = "Option::is_none")]
    trends: Option<(u64, usize, Vec<Second>)>,
}

/// A command from an attached console. Ending the engine's process is none: `q` leaves the
/// console.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct Order {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// When it was given, as [`StreamLine::Beat`] counts: no clock of either machine is believed.
    pub at: u64,
    /// What is asked.
    pub what: What,
    /// Who sits at the console, for the audit.
    pub user: String,
}

/// What an attached console may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Something for the campaign.
    Campaign(campaign::Command),
    /// At DONE: a new run.
    NewRun,
}

impl What {
    /// The order that stands for a command; `None` for one that ends the process.
    #[must_use]
    pub fn of(command: Command) -> Option<Self> {
        match command {
            Command::Campaign(command) => Some(Self::Campaign(command)),
            Command::NewRun => Some(Self::NewRun),
            Command::Quit | Command::QuitNow => None,
        }
    }
}

impl From<What> for Command {
    fn from(what: What) -> Self {
        match what {
            What::Campaign(command) => Self::Campaign(command),
            What::NewRun => Self::NewRun,
        }
    }
}

/// A mismatch of protocols, for the operator.
#[must_use]
pub fn mismatch(here: u32, there: u32, version: &str) -> String {
    let which = if there > here {
        "newer than this console: start a newer dialdeck here"
    } else {
        "older than this console: restart the engine with this version, or attach with its own"
    };
    format!(
        "the engine is Dialdeck {version}, which speaks protocol {there}, this console {here}: \
         it is {which}"
    )
}
