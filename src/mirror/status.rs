//! What the replaced program's table and summary line call a disposition.

use crate::campaign::{Disposition, HangupCause};

/// The word for a disposition, for `leg_a_status` and the summary line.
#[must_use]
pub fn sql_status(disposition: Disposition, cause: HangupCause) -> &'static str {
    match disposition {
        Disposition::Answered => "ANSWERED",
        // Who answered and never reached the target spoke to nobody.
        Disposition::Abandoned | Disposition::NoAnswer | Disposition::Interrupted => "NO ANSWER",
        Disposition::Busy => "BUSY",
        Disposition::Congestion => "CONGESTION",
        Disposition::Rejected | Disposition::Blocked | Disposition::Redirected => "REJECTED",
        Disposition::InvalidNumber => "INVALID NUMBER",
        Disposition::Cancelled => "CANCELLED",
        Disposition::Skipped => "SKIPPED",
        Disposition::Failed => cause_text(cause.q850),
    }
}

/// Q.850 causes that are not a disposition of their own, in Asterisk's words (`causes` in its
/// `main/channel.c`), which the replaced program wrote.
const fn cause_text(q850: u16) -> &'static str {
    match q850 {
        2 => "No route to specified transmit network",
        3 => "No route to destination",
        6 => "Channel unacceptable",
        16 => "Normal Clearing",
        20 => "Subscriber absent",
        23 => "Redirected to new destination",
        29 => "Facility rejected",
        31 => "Normal, unspecified",
        41 => "Temporary failure",
        44 => "Requested channel not available",
        50 => "Facility not subscribed",
        57 => "Bearer capability not authorized",
        58 => "Bearer capability not available",
        65 => "Bearer capability not implemented",
        69 => "Facility not implemented",
        88 => "Incompatible destination",
        111 => "Protocol error, unspecified",
        127 => "Interworking, unspecified",
        _ => "Unknown",
    }
}
