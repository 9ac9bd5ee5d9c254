//! The picture of the engine that consoles and HTTP read.

use crate::campaign::{CallView, Disposition, MaxCc, RunId, RunState, Stats, Time};

/// An immutable picture. The engine publishes one when something has happened, at most ten
/// times a second, and one a second while nothing does.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Time,
    /// The run.
    pub run: RunId,
    /// Its state.
    pub state: RunState,
    /// Why no call can be placed, and since when; `None` while the link is up.
    pub link_down: Option<(Time, String)>,
    /// Whether the journal takes records.
    pub journal_well: bool,
    /// The most calls at once.
    pub max_cc: MaxCc,
    /// All leads of the run.
    pub leads: usize,
    /// Those that wait.
    pub waiting: usize,
    /// How many leads ended as what.
    pub ended: Vec<(Disposition, u32)>,
    /// The live calls.
    pub calls: Vec<CallView>,
    /// Figures.
    pub stats: Stats,
    /// Recordings fetched by this process.
    pub recordings_saved: u64,
    /// Recordings still to be fetched.
    pub recordings_waiting: usize,
    /// News that nobody took in time.
    pub news_dropped: u64,
}
