//! What happened in a script, in a form that two places can be compared by.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// What one script saw: the answers in the order of the requests, and the events of each
/// channel, bridge and recording in the order in which they came. Between two subjects there
/// is no order: Asterisk's threads race there, and the dialer relies on none.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) answers: Vec<String>,
    pub(crate) events: BTreeMap<String, Vec<String>>,
}

/// Fields whose values differ from run to run and that only have to be there.
const PRESENT: [&str; 5] = [
    "timestamp",
    "asterisk_id",
    "creationtime",
    "protocol_id",
    "duration",
];

/// Fields that the dialer does not rely on. Where a channel stands in the dialplan, and whom
/// an event shows as caller and connected, hangs on the configuration of each Asterisk; the
/// state that a `Dial` event shows hangs on how far another of its threads has come; whom a
/// queue dials is the lab's affair; and a request to hang up that the far end made shows
/// cause 16 or none, as it happens. Of a bridge that is left, who is still in it hangs on whose
/// thread is the first.
fn is_ignored(path: &str, event: &Value) -> bool {
    let of_a_queue = event["type"] == "Dial" && event.get("caller").is_some();
    let far_end = event["type"] == "ChannelHangupRequest" && event["cause"] == 16;
    path.ends_with("dialplan")
        || path.ends_with(".caller")
        || path.ends_with(".connected")
        || path == "peer.state"
        || far_end && path == "cause"
        || event["type"] == "ChannelLeftBridge" && path == "bridge.channels"
        || of_a_queue && (path.starts_with("peer") || path == "dialstring")
}

impl Trace {
    /// The whole as lines, a heading before each subject.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec!["== answers".to_owned()];
        lines.extend(self.answers.iter().cloned());
        for (subject, events) in &self.events {
            lines.push(format!("== events of {subject}"));
            lines.extend(events.iter().cloned());
        }
        lines
    }
}

/// One line for `value`, with what differs from run to run made equal: ids that begin with
/// `tag`, Asterisk's counters in channel names, times.
pub(crate) fn line(value: &Value, tag: &str) -> String {
    let mut out = String::new();
    flatten(value, "", (value, tag), &mut out);
    out
}

fn flatten(value: &Value, path: &str, (whole, tag): (&Value, &str), out: &mut String) {
    let field = path.rsplit('.').next().unwrap_or(path);
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                if !is_ignored(&path, whole) {
                    flatten(inner, &path, (whole, tag), out);
                }
            }
        }
        // What a channel was answered before it is refused hangs on how far Asterisk has come, and
        // the words are each carrier's own.
        Value::String(text) if path.contains("channelvars.") => {
            let status = text.strip_prefix("SIP ").unwrap_or_default();
            if let [b'3'..=b'6', ..] = status.as_bytes() {
                let _ = write!(out, " refused={}", status.get(..3).unwrap_or_default());
            }
        }
        Value::String(text) if PRESENT.contains(&field) => {
            let _ = write!(
                out,
                " {path}={}",
                if text.is_empty() { "none" } else { "*" }
            );
        }
        Value::Number(_) if PRESENT.contains(&field) => {
            let _ = write!(out, " {path}=*");
        }
        // How far the recorder's thread has come when the answer is written is its own affair.
        Value::String(text)
            if path == "state" && matches!(text.as_str(), "queued" | "recording" | "failed") =>
        {
            let _ = write!(out, " {}\"asked for\"", name(path));
        }
        Value::String(text) => {
            let _ = write!(out, " {}{:?}", name(path), normal(text, tag));
        }
        Value::Array(items) => {
            let mut all: Vec<String> = items.iter().map(|item| line(item, tag)).collect();
            all.sort();
            let all: Vec<&str> = all.iter().map(|item| item.trim_start()).collect();
            let _ = write!(out, " {path}=[{}]", all.join(", "));
        }
        other => {
            let _ = write!(out, " {}{other}", name(path));
        }
    }
}

fn name(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}=")
    }
}

/// `text` without the script's own prefix of ids and with Asterisk's counters blanked:
/// `PJSIP/trunk-0000001a` and `Local/777@default-00000003;1`, and the ids that it makes itself:
/// `1796028165.28`.
pub(crate) fn normal(text: &str, tag: &str) -> String {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((seconds, count)) = text.split_once('.')
        && seconds.len() == 10
        && is_number(seconds)
        && is_number(count)
    {
        return "#.#".to_owned();
    }
    let text = text.replace(&format!("{tag}-"), "");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(dash) = rest.find('-') {
        let (before, after) = rest.split_at(dash);
        out.push_str(before);
        let hex = after[1..].bytes().take_while(u8::is_ascii_hexdigit).count();
        if hex == 8 {
            out.push_str("-#");
            rest = &after[9..];
        } else {
            out.push('-');
            rest = &after[1..];
        }
    }
    out.push_str(rest);
    out
}

/// The lines that differ between two traces, with what stands around them; `None` where
/// they are the same. A line only in the first begins with `-`, one only in the second with `+`.
pub(crate) fn diff(first: &[String], second: &[String]) -> Option<String> {
    if first == second {
        return None;
    }
    let common = common_lengths(first, second);
    let (mut i, mut j) = (0, 0);
    let mut out = String::new();
    while i < first.len() || j < second.len() {
        if i < first.len() && j < second.len() && first[i] == second[j] {
            let _ = writeln!(out, "  {}", first[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == second.len() || (i < first.len() && common[i + 1][j] >= common[i][j + 1]) {
            let _ = writeln!(out, "- {}", first[i]);
            i += 1;
        } else {
            let _ = writeln!(out, "+ {}", second[j]);
            j += 1;
        }
    }
    Some(out)
}

/// For each pair of places, how many lines the two rests have in common.
fn common_lengths(first: &[String], second: &[String]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; second.len() + 1]; first.len() + 1];
    for i in (0..first.len()).rev() {
        for j in (0..second.len()).rev() {
            table[i][j] = if first[i] == second[j] {
                table[i + 1][j + 1] + 1
            } else {
                table[i + 1][j].max(table[i][j + 1])
            };
        }
    }
    table
}
