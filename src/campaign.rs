//! The dialing logic as a pure state machine: no I/O, no clock, no tokio.

mod disposition;
mod ids;
mod number;
mod numbers;
mod record;
mod time;

pub use disposition::{Disposition, EndedBy, HangupCause};
pub use ids::{ANY_DIALDECK, AsteriskIds, AttemptId, LeadId, MaxCc, Part, RunId, trunk_endpoint};
pub use number::{MAX_NUMBER_LEN, Number, NumberError};
pub use numbers::Numbers;
pub use record::{AttemptEnd, Record, RecordingState, RunState, Step};
pub use time::Time;
