//! The counters of a call's sound. None flows here: each line is given a quality that hangs on
//! the number it leads to, and the counters follow from that and from how long it has run.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::World;
use super::message::{Answer, Response};
use crate::simulator::scenario::dice;

/// How far packets are apart.
const PACKET: Duration = Duration::from_millis(20);

/// How many octets of G.711 a packet has.
const OCTETS: u64 = 160;

/// How often the two ends report to each other by RTCP. Losses, round trip and score are
/// those of the last report (measured: round trip and score are 0 until the first).
const REPORT: Duration = Duration::from_secs(5);

/// What Asterisk gives a line of G.711 that loses nothing.
const BEST_SCORE: f64 = 88.0;

/// How good a line is.
#[derive(Debug, Clone, Copy)]
struct Line {
    /// Of 10,000 packets.
    lost: u64,
    /// In seconds.
    jitter: f64,
    /// In seconds.
    round_trip: f64,
}

impl Line {
    /// One line in eight is a bad one.
    fn draw(dice: &mut fastrand::Rng) -> Self {
        let (lost, jitter, round_trip) = if dice.u8(..8) == 0 {
            (200..=600, 15..=40, 150..=400)
        } else {
            (0..=20, 1..=4, 20..=80)
        };
        Self {
            lost: dice.u64(lost),
            jitter: f64::from(dice.u32(jitter)) / 1000.0,
            round_trip: f64::from(dice.u32(round_trip)) / 1000.0,
        }
    }

    fn lost_of(self, packets: u64) -> u64 {
        packets * self.lost / 10_000
    }

    /// Falls with loss, jitter and delay as Asterisk's does, without being computed like it.
    fn score(self) -> f64 {
        let lost = f64::from(u32::try_from(self.lost).unwrap_or(u32::MAX)) / 100.0;
        let late = self.jitter * 400.0 + self.round_trip * 20.0;
        (BEST_SCORE - 5.0 * lost - late).max(1.0)
    }
}

impl World {
    /// The counters of a call's sound.
    pub(super) fn rtp_statistics(&self, id: &str) -> Answer {
        let channel = self.channel(id)?;
        if !channel.is_sip() {
            return Err(Response::error(403, "Unsupported channel type"));
        }
        let Some(since) = channel.sound_since else {
            return Err(Response::error(404, "RTP info not found"));
        };
        let number = &channel.dial_string;
        let line = Line::draw(&mut dice(self.config.seed, "line", number, 0));
        let mut body = counters(line, self.now.since(since));
        // Early media come one way.
        if channel.up_since.is_none() {
            body.insert("txcount".to_owned(), json!(0));
            body.insert("txoctetcount".to_owned(), json!(0));
        }
        body.insert("local_ssrc".to_owned(), json!(2 * channel.serial));
        body.insert("remote_ssrc".to_owned(), json!(2 * channel.serial + 1));
        body.insert("channel_uniqueid".to_owned(), json!(channel.id));
        Ok(Response::ok(Value::Object(body)))
    }
}

/// What a line shows after `time`.
fn counters(line: Line, time: Duration) -> Map<String, Value> {
    let reported = Duration::from_secs(time.as_secs() - time.as_secs() % REPORT.as_secs());
    let told = !reported.is_zero();
    let sent = packets(time);
    let received = sent - line.lost_of(sent);
    let lost = line.lost_of(packets(reported));
    let round_trip = if told { line.round_trip } else { 0.0 };
    let score = if told { line.score() } else { 0.0 };
    let mut body = Map::new();
    let mut insert = |name: String, value: Value| body.insert(name, value);
    for (way, packets) in [("tx", sent), ("rx", received)] {
        insert(format!("{way}count"), json!(packets));
        insert(format!("{way}octetcount"), json!(packets * OCTETS));
        insert(format!("{way}ploss"), json!(lost));
        insert(format!("{way}jitter"), json!(line.jitter));
        insert(format!("{way}mes"), whole(score));
    }
    insert("rtt".to_owned(), json!(round_trip));
    let lost = f64::from(u32::try_from(lost).unwrap_or(u32::MAX));
    let seen = [("jitter", line.jitter), ("rxploss", lost), ("mes", score)];
    for (measure, share) in [("max", 1.0), ("min", 1.0), ("normdev", 1.0), ("stdev", 0.0)] {
        insert(format!("{measure}rtt"), json!(round_trip * share));
        for (what, seen) in seen {
            insert(format!("local_{measure}{what}"), json!(seen * share));
            insert(format!("remote_{measure}{what}"), json!(seen * share));
        }
    }
    body
}

fn packets(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / PACKET.as_millis()).unwrap_or(u64::MAX)
}

/// Asterisk writes the scores of now without their fraction.
#[expect(clippy::cast_possible_truncation, reason = "a score is 0 to 100")]
fn whole(score: f64) -> Value {
    json!(score as i64)
}
