//! Hangup causes in words.

use crate::campaign::HangupCause;

/// The cause as Q.850 (05/98, table 1) means it, with the SIP status where there was one.
pub(crate) fn cause_words(cause: HangupCause) -> String {
    let words = match cause.q850 {
        0 => "",
        1 => "no such number",
        2 | 3 => "no route",
        16 => "normal clearing",
        17 => "user busy",
        18 => "no reply",
        19 => "rang, no answer",
        20 => "subscriber absent",
        21 => "call rejected",
        22 => "number changed",
        23 => "redirected",
        27 => "destination down",
        28 => "bad number format",
        29 => "facility rejected",
        31 => "normal",
        34 => "no circuit free",
        38 => "network down",
        41 => "temporary failure",
        42 => "congestion",
        44 => "channel unavailable",
        50 => "not subscribed",
        58 => "no common codec",
        102 => "timer expired",
        127 => "interworking",
        other => return with_sip(&format!("cause {other}"), cause.sip),
    };
    with_sip(words, cause.sip)
}

fn with_sip(words: &str, sip: Option<u16>) -> String {
    match sip {
        Some(sip) if words.is_empty() => format!("SIP {sip}"),
        Some(sip) => format!("{sip} {words}"),
        None => words.to_owned(),
    }
}
