//! A decoder that is told the differences has the source's picture, whatever happens between
//! two of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::campaign::{
    AttemptId, CallView, CallWord, HeldBack, LeadId, Leads, Limit, MaxCc, Number, RunId, RunState,
    Stats,
};
use crate::engine::{
    AuditEntry, JournalView, LinkView, Quality, RecordingsView, Snapshot, Stop, Trends,
};
use crate::mirror::MirrorView;

fn time(rng: &mut fastrand::Rng) -> Time {
    Time(rng.u64(1..1 << 50))
}

fn maybe<T>(rng: &mut fastrand::Rng, make: impl FnOnce(&mut fastrand::Rng) -> T) -> Option<T> {
    rng.bool().then(|| make(rng))
}

fn text(rng: &mut fastrand::Rng) -> String {
    (0..rng.usize(0..6)).map(|_| rng.char(..)).collect()
}

fn number(n: u32) -> Number {
    Number::parse(&format!("{n:07}")).expect("a number")
}

fn call(rng: &mut fastrand::Rng) -> CallView {
    let words = [CallWord::Dialing, CallWord::Ringing, CallWord::Bridged];
    CallView {
        attempt: AttemptId(rng.u64(..)),
        lead: LeadId(rng.u32(..)),
        number: number(rng.u32(0..9_999_999)),
        word: words[rng.usize(0..3)],
        begun_at: time(rng),
        since: time(rng),
        ringing_at: maybe(rng, time),
        early_media_at: None,
        answered_at: maybe(rng, time),
        bridged_at: maybe(rng, time),
        recording: rng.bool(),
    }
}

fn quality(rng: &mut fastrand::Rng) -> (AttemptId, Quality) {
    let quality = Quality {
        at: time(rng),
        received: rng.u64(..),
        lost: rng.u64(..),
        jitter_ms: f64::from(rng.u16(..)) / 4.0,
        rtt_ms: maybe(rng, |rng| f64::from(rng.u16(..)) / 4.0),
        score: maybe(rng, |rng| f64::from(rng.u16(..)) / 4.0),
    };
    (AttemptId(rng.u64(..)), quality)
}

fn second(rng: &mut fastrand::Rng) -> Second {
    Second {
        calls: rng.u32(..),
        dialed: rng.u32(..),
        answered: rng.u32(..),
        dead_air_ms: maybe(rng, |rng| rng.u32(..)),
    }
}

/// A picture of nothing, of the year 1970.
pub(crate) fn blank() -> Snapshot {
    Snapshot {
        at: Time(0),
        run: RunId(1),
        list: "numbers.txt".into(),
        target: "Local/777@default".into(),
        state: RunState::Idle,
        stopping: None,
        link: LinkView {
            asterisk: "127.0.0.1:8088".into(),
            down: None,
            last_heard: None,
            lost: 0,
            strangers: 0,
        },
        journal: JournalView::default(),
        recordings: RecordingsView::default(),
        mirror: MirrorView::default(),
        limit: Limit {
            requested: MaxCc::new(1).expect("not 0"),
            effective: 0,
            in_use: 0,
            held: None,
        },
        leads: Leads::default(),
        calls: Vec::new(),
        quality: Arc::default(),
        stats: Stats::default(),
        trends: Arc::new(Trends {
            newest: 1_000_000,
            seconds: VecDeque::from([Second::default()]),
        }),
        audit: Arc::from([]),
        streak: None,
        news_dropped: 0,
    }
}

/// Something changes.
fn change(picture: &mut Snapshot, rng: &mut fastrand::Rng) {
    match rng.u32(0..14) {
        0 => picture.at = time(rng),
        1 => picture.state = RunState::Paused(text(rng)),
        2 => picture.state = RunState::Dialing,
        3 => {
            picture.stopping = maybe(rng, |rng| Stop {
                by: text(rng),
                hang_up_at: time(rng),
                hung_up: rng.bool(),
            });
        }
        4 => {
            picture.link.down = maybe(rng, |rng| (time(rng), text(rng)));
            picture.link.last_heard = maybe(rng, time);
        }
        5 => picture.journal.full = maybe(rng, |rng| (time(rng), text(rng))),
        6 => picture.recordings.delayed = maybe(rng, |rng| (time(rng), text(rng))),
        7 => {
            picture.limit.held = maybe(rng, |rng| HeldBack::Saturated {
                until: time(rng),
                refusals: rng.u32(..),
            });
        }
        8 => picture.calls = (0..rng.usize(0..9)).map(|_| call(rng)).collect(),
        9 => picture.quality = Arc::new((0..rng.usize(0..9)).map(|_| quality(rng)).collect()),
        10 => {
            picture.stats.attempts = rng.u32(..);
            picture.stats.talk = Duration::from_micros(rng.u64(0..1 << 50));
        }
        11 => {
            let entry = |rng: &mut fastrand::Rng| AuditEntry {
                at: time(rng),
                by: text(rng),
                command: text(rng),
                outcome: text(rng),
            };
            picture.audit = (0..rng.usize(0..4)).map(|_| entry(rng)).collect();
        }
        12 => trends(Arc::make_mut(&mut picture.trends), rng),
        _ => {
            for _ in 0..rng.u32(0..3000) {
                let next = u32::try_from(picture.leads.len()).expect("few");
                picture.leads.add(&number(next), picture.at);
            }
        }
    }
}

/// Time passes, now and then a lot of it, and the newest second counts.
fn trends(trends: &mut Trends, rng: &mut fastrand::Rng) {
    let passed = [0, 1, 3, 1000][rng.usize(0..4)];
    trends.newest += passed;
    for _ in 0..passed.min(600) {
        trends.seconds.push_back(second(rng));
    }
    let over = trends.seconds.len().saturating_sub(600);
    trends.seconds.drain(..over);
    if let Some(newest) = trends.seconds.back_mut() {
        *newest = second(rng);
    }
}

/// All that a picture shows, as text.
fn seen(picture: &Snapshot) -> String {
    let numbers: Vec<_> = picture.leads.numbers().iter().collect();
    let rest = Snapshot {
        leads: Leads::default(),
        ..picture.clone()
    };
    format!("{rest:?} {numbers:?}")
}

fn tell(decoder: &mut Decoder, message: &StreamLine) -> Option<Snapshot> {
    let line = serde_json::to_string(message).expect("it can be written");
    assert!(!line.contains('\n'), "one line each: {line}");
    match serde_json::from_str(&line).expect("it can be read") {
        StreamLine::Leads(changes) => decoder.leads(&changes).expect("it makes sense"),
        StreamLine::Picture(difference) => {
            return Some(decoder.picture(difference).expect("it makes sense"));
        }
        other => panic!("{other:?}"),
    }
    None
}

#[test]
fn the_decoders_picture_is_the_sources() {
    for seed in 0..10 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let mut source = blank();
        for round in 0..30 {
            for _ in 0..rng.u32(0..4) {
                change(&mut source, &mut rng);
            }
            if rng.u32(0..20) == 0 {
                // The stream broke off, maybe within a picture.
                (encoder, decoder) = (Encoder::default(), decoder.anew());
            }
            if rng.u32(0..20) == 0 {
                source.run.0 += 1;
                source.leads = Leads::default();
            }
            let mut told = Arc::new(source.clone());
            let mut shown = None;
            while let Some(message) = encoder.next_message(&told) {
                if let Some(picture) = tell(&mut decoder, &message) {
                    shown = Some(picture);
                } else if rng.bool() {
                    // While leads are told, the engine goes on.
                    change(&mut source, &mut rng);
                    told = Arc::new(source.clone());
                }
            }
            if let Some(shown) = shown {
                let (shown, source) = (seen(&shown), seen(&source));
                // Thousands of numbers are no help to a reader.
                let same = shown
                    .chars()
                    .zip(source.chars())
                    .take_while(|(a, b)| a == b);
                let same = same.count().saturating_sub(40);
                let rest = |text: &str| text.chars().skip(same).take(120).collect::<String>();
                let place = format!("seed {seed}, round {round}");
                assert_eq!(rest(&shown), rest(&source), "{place}");
            }
        }
    }
}

#[test]
fn what_did_not_change_is_not_told() {
    let mut picture = blank();
    let mut encoder = Encoder::default();
    let first = Arc::new(picture.clone());
    while encoder.next_message(&first).is_some() {}
    picture.at = Time(7);
    let Some(StreamLine::Picture(told)) = encoder.next_message(&Arc::new(picture)) else {
        panic!("no picture");
    };
    let line = serde_json::to_string(&told).expect("it can be written");
    assert_eq!(line, r#"{"at":7}"#);
}

#[test]
fn nonsense_is_no_picture() {
    let mut decoder = Decoder::default();
    decoder
        .picture(Difference::default())
        .expect_err("there was no first picture");
    let trends = Difference {
        trends: Some((5, 3, vec![Second::default()])),
        ..Difference::default()
    };
    decoder
        .picture(trends)
        .expect_err("two seconds are missing");
}
