//! How a call sounds: which counters there are, and when.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::{
    ANSWERS, EARLY_MEDIA, NEVER_ANSWERS, TALKS, bridged, destroy_bridge, dial_a, dial_b, hang_up,
    stage_b,
};
use crate::contract::session::Session;

/// Time enough for a few packets, and for none of RTCP's reports.
const SOME_PACKETS: Duration = Duration::from_millis(500);

/// Time enough for two reports: the first comes after 5 s, a round trip only with the second.
const TWO_REPORTS: Duration = Duration::from_secs(11);

/// Puts the names and types of the counters of `role` into the trace. The values are the
/// line's own.
async fn look(s: &mut Session, role: &str) -> Value {
    let path = format!("/channels/{}/rtp_statistics", s.id(role));
    let answer = s.silently(Method::GET, &path, &[], None).await;
    s.note(&format!("RTP statistics of {role} -> {}", answer.status));
    let fields = answer.body.as_object().into_iter().flatten();
    let mut lines: Vec<String> = fields.map(|(name, value)| shape(name, value)).collect();
    lines.sort();
    for line in lines {
        s.note(&line);
    }
    answer.body
}

fn shape(name: &str, value: &Value) -> String {
    let kind = match value {
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a whole number",
        Value::String(text) if name == "message" => text,
        Value::String(_) => "a text",
        _ => "something else",
    };
    format!("  {name}: {kind}")
}

/// Puts into the trace which of these counters are above 0.
fn note_signs(s: &mut Session, body: &Value, names: &[&str]) {
    for name in names {
        let sign = match body[name].as_f64() {
            Some(n) if n > 0.0 => "above 0",
            Some(_) => "0",
            None => "absent",
        };
        s.note(&format!("  {name} is {sign}"));
    }
}

pub(crate) async fn the_counters_of_a_call_that_is_up(s: &mut Session) {
    let told_by_reports = ["rtt", "txmes", "rxmes"];
    bridged(s, ANSWERS, TALKS).await;
    tokio::time::sleep(SOME_PACKETS).await;
    let early = look(s, "a").await;
    note_signs(s, &early, &["txcount", "rxcount", "rxoctetcount"]);
    note_signs(s, &early, &told_by_reports);
    tokio::time::sleep(TWO_REPORTS).await;
    let later = look(s, "a").await;
    note_signs(s, &later, &told_by_reports);
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    look(s, "a").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

pub(crate) async fn a_call_without_an_answer_has_no_sound(s: &mut Session) {
    s.connect().await;
    dial_a(s, NEVER_ANSWERS, "20").await;
    s.until_dial("a", "RINGING").await;
    look(s, "a").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn early_media_come_one_way(s: &mut Session) {
    s.connect().await;
    dial_a(s, EARLY_MEDIA, "20").await;
    s.until_dial("a", "PROGRESS").await;
    tokio::time::sleep(SOME_PACKETS).await;
    let early = look(s, "a").await;
    note_signs(s, &early, &["txcount", "rxcount"]);
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn what_is_no_sip_has_no_counters(s: &mut Session) {
    s.connect().await;
    stage_b(s, TALKS).await;
    look(s, "b").await;
    dial_b(s, "20").await;
    s.until_dial("b", "ANSWER").await;
    look(s, "b").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}
