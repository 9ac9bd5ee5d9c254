//! `GET /metrics` and `GET /healthz`.

use std::collections::BTreeMap;

use super::{BUSY, Rig, STAYS, Served};
use crate::support::numbers::{mixed, numbers};
use crate::support::promtool::promtool_agrees;

/// Answers after some ringing, and talks for a second.
const TALKS: &str = "83";

/// What is scraped: each line's name and labels, without the program's own name, and its value.
struct Scrape {
    text: String,
    values: BTreeMap<String, f64>,
}

impl Scrape {
    fn of(rig: &Rig, served: &Served) -> Self {
        let answer = rig.get(served, "/metrics");
        assert_eq!(answer.status, 200);
        let lines = answer.text.lines().filter(|line| !line.starts_with('#'));
        let value = |line: &str| {
            let (name, value) = line.rsplit_once(' ').expect("name and value");
            let name = name.strip_prefix("dialdeck_").expect("it is ours");
            (name.to_owned(), value.parse().expect("a number"))
        };
        let values = lines.map(value).collect();
        let text = answer.text;
        Self { text, values }
    }

    #[track_caller]
    fn assert(&self, expected: &[(&str, f64)]) {
        for (name, value) in expected {
            let found = self.values.get(*name);
            assert_eq!(found, Some(value), "{name} in\n{}", self.text);
        }
    }

    /// Of all lines that begin so.
    fn sum(&self, prefix: &str) -> f64 {
        let lines = self
            .values
            .iter()
            .filter(|(name, _)| name.starts_with(prefix));
        lines.map(|(_, value)| value).sum()
    }

    /// The dead air's buckets, the least bound first.
    fn dead_air(&self) -> Vec<(f64, f64)> {
        let bound = |name: &str| {
            let bound = name.strip_prefix("dead_air_seconds_bucket{le=\"")?;
            bound.trim_end_matches("\"}").parse::<f64>().ok()
        };
        let buckets = self.values.iter();
        let mut buckets: Vec<(f64, f64)> = buckets
            .filter_map(|(name, value)| Some((bound(name)?, *value)))
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets
    }
}

/// Whether each line has a type before it.
fn has_types(text: &str) {
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let base = line.split(['{', ' ']).next().expect("a name");
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .fold(base, |b, end| b.strip_suffix(end).unwrap_or(b));
        let kind = format!("# TYPE {base} ");
        assert!(text.contains(&kind), "{line} has no type");
    }
}

#[test]
fn before_a_call_every_figure_is_there_and_nothing_has_been_counted() {
    let rig = Rig::new(&numbers(BUSY, 4), &[]);
    let served = rig.serve();
    assert_eq!(rig.get(&served, "/healthz").status, 200);
    rig.until(&served, "the link", |s| s["link"]["up"] == true);
    assert_eq!(rig.get(&served, "/readyz").status, 200);
    let idle = Scrape::of(&rig, &served);
    has_types(&idle.text);
    promtool_agrees(&idle.text);
    idle.assert(&[
        ("state{state=\"IDLE\"}", 1.0),
        ("leads_waiting", 4.0),
        ("attempts_total", 0.0),
        ("attempts_ended_total{disposition=\"answered\"}", 0.0),
        ("attempts_ended_total{disposition=\"interrupted\"}", 0.0),
        ("dead_air_seconds_bucket{le=\"+Inf\"}", 0.0),
        ("link_up", 1.0),
        ("link_lost_total", 0.0),
        ("journal_well", 1.0),
        ("journal_queued", 0.0),
        ("journal_lag_seconds", 0.0),
    ]);
    // Nobody attempts a lead that is skipped.
    assert!(
        !idle
            .text
            .contains("attempts_ended_total{disposition=\"skipped\"}")
    );
    // MySQL is not switched on.
    assert!(!idle.text.contains("mysql"), "{}", idle.text);
    served.process.kill();
}

#[test]
fn calls_are_counted_by_how_they_ended_and_dead_air_by_how_long_it_was() {
    // The target rings for half a second.
    let settings = [("TARGET_ENDPOINT", "Local/111@lab"), ("MAX_CC", "4")];
    let list = mixed(&[BUSY, TALKS, "40", STAYS], 8);
    let rig = Rig::new(&list, &settings);
    let served = rig.serve();
    assert_eq!(rig.post(&served, "/leads/7/skip").status, 200);
    assert_eq!(rig.post(&served, "/start").status, 200);
    rig.until(&served, "one who talks on", |s| {
        let ended = &s["leads"]["ended"];
        ended["answered"] == 2 && ended["busy"] == 2 && ended["invalid-number"] == 2
    });
    let during = Scrape::of(&rig, &served);
    has_types(&during.text);
    promtool_agrees(&during.text);
    during.assert(&[
        ("state{state=\"DIALING\"}", 1.0),
        ("calls{state=\"bridged\"}", 1.0),
        ("max_cc", 4.0),
        ("leads", 8.0),
        ("leads_ended{disposition=\"skipped\"}", 1.0),
        ("attempts_ended_total{disposition=\"answered\"}", 2.0),
        ("attempts_ended_total{disposition=\"busy\"}", 2.0),
        ("attempts_ended_total{disposition=\"invalid-number\"}", 2.0),
        ("attempts_ended_total{disposition=\"no-answer\"}", 0.0),
        ("attempts_total", 6.0),
        ("answers_total", 2.0),
        ("dead_air_seconds_count", 2.0),
        ("dead_air_seconds_bucket{le=\"+Inf\"}", 2.0),
        ("dead_air_seconds_bucket{le=\"0.255\"}", 0.0),
    ]);
    let buckets = during.dead_air();
    assert_eq!(buckets.len(), 13);
    assert!(buckets.is_sorted_by(|a, b| a.1 <= b.1), "{buckets:?}");
    let sum = during.values["dead_air_seconds_sum"];
    assert!(sum >= 1.0, "twice half a second, and more: {sum}");
    let talked = during.values["talk_seconds_total"];
    assert!((0.5..20.0).contains(&talked), "{talked}");

    assert_eq!(rig.post(&served, "/calls/hangup").status, 200);
    rig.until(&served, "the end", |s| s["state"] == "DONE");
    // A run's leads begin anew with the next one, and what is counted goes on.
    assert_eq!(rig.post(&served, "/new_run").status, 200);
    rig.until(&served, "four who are busy or unknown", |s| {
        let ended = &s["leads"]["ended"];
        s["run"] == 2 && ended["busy"] == 2 && ended["invalid-number"] == 2
    });
    let next = Scrape::of(&rig, &served);
    next.assert(&[
        ("leads_ended{disposition=\"busy\"}", 2.0),
        ("attempts_ended_total{disposition=\"busy\"}", 4.0),
        ("attempts_ended_total{disposition=\"invalid-number\"}", 4.0),
    ]);
    let by_end = next.sum("attempts_ended_total{");
    assert_eq!(
        by_end.to_string(),
        next.values["attempts_total"].to_string()
    );
    served.process.kill();
}
