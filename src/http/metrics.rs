//! `/metrics` in Prometheus' text format, `/healthz` and `/readyz`.

use std::fmt::{Display, Write as _};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::runtime::Handle;

use super::Api;
use crate::campaign::{CallWord, Disposition, RunState, Stats, Time};
use crate::engine::Snapshot;
use crate::mirror::MirrorState;

/// A picture older than this means that the engine does not answer: it gives one a second.
const OLD_SECONDS: u64 = 10;
/// The histogram's bounds in milliseconds, where the campaign's own counts end exactly.
const DEAD_AIR_MS: [u32; 12] = [1, 2, 5, 10, 20, 50, 100, 127, 255, 511, 1023, 2047];

/// 200 while the engine answers.
pub(super) async fn healthz(State(api): State<Api>) -> Response {
    let age = api.clock.now().since(api.snapshots.borrow().at);
    let ended = api.snapshots.has_changed().is_err();
    if ended || age.as_secs() >= OLD_SECONDS {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the engine does not answer\n",
        )
            .into_response();
    }
    "ok\n".into_response()
}

/// 200 while calls could be placed.
pub(super) async fn readyz(State(api): State<Api>) -> Response {
    let shown = api.snapshots.borrow().clone();
    let why = if let Some((_, why)) = &shown.link.down {
        why.clone()
    } else if let Some((_, why)) = &shown.journal.full {
        why.clone()
    } else if shown.stopping.is_some() {
        "the process is ending".to_owned()
    } else {
        return "ok\n".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}

pub(super) async fn metrics(State(api): State<Api>) -> Response {
    let shown = api.snapshots.borrow().clone();
    let format = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    let tasks = Tasks {
        engine: api.tasks.num_alive_tasks(),
        http: Handle::current().metrics().num_alive_tasks(),
    };
    (format, exposition(&shown, &tasks)).into_response()
}

/// One metric after the other, each with its help and type.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn metric(&mut self, name: &str, kind: &str, help: &str) -> &mut Self {
        // Writing into a string can't fail.
        let _ = writeln!(
            self.0,
            "# HELP dialdeck_{name} {help}\n# TYPE dialdeck_{name} {kind}"
        );
        self
    }

    fn value(&mut self, name: &str, value: impl Display) -> &mut Self {
        let _ = writeln!(self.0, "dialdeck_{name} {value}");
        self
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.metric(name, "gauge", help).value(name, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.metric(name, "counter", help).value(name, value);
    }
}

/// Tasks that have not ended.
struct Tasks {
    engine: usize,
    http: usize,
}

fn exposition(shown: &Snapshot, tasks: &Tasks) -> String {
    let mut out = Exposition::default();
    out.metric("state", "gauge", "1 for the state that the run is in.");
    for state in [
        RunState::Idle,
        RunState::Dialing,
        RunState::Paused(String::new()),
        RunState::Draining,
        RunState::Done,
    ] {
        let is = u8::from(state.word() == shown.state.word());
        out.value(&format!("state{{state=\"{}\"}}", state.word()), is);
    }
    let limit = &shown.limit;
    out.gauge(
        "max_cc",
        "How many calls were asked for at once.",
        limit.requested,
    );
    out.gauge(
        "max_cc_effective",
        "How many calls may be up now.",
        limit.effective,
    );
    out.metric("calls", "gauge", "Live calls by what they are doing.");
    for word in [
        CallWord::Dialing,
        CallWord::Ringing,
        CallWord::EarlyMedia,
        CallWord::Answered,
        CallWord::Bridged,
        CallWord::Ending,
    ] {
        let calls = shown.calls.iter().filter(|call| call.word == word).count();
        out.value(&format!("calls{{state=\"{}\"}}", word.as_str()), calls);
    }
    leads(&mut out, shown);
    dead_air(&mut out, shown);
    surroundings(&mut out, shown);
    out.metric(
        "tasks",
        "gauge",
        "Tasks in the process that have not ended.",
    );
    out.value("tasks{of=\"engine\"}", tasks.engine);
    out.value("tasks{of=\"http\"}", tasks.http);
    out.0
}

fn leads(out: &mut Exposition, shown: &Snapshot) {
    out.gauge("leads", "Leads of the run.", shown.leads.len());
    out.gauge("leads_waiting", "Leads that wait.", shown.leads.waiting());
    out.metric(
        "leads_ended",
        "gauge",
        "Leads of the run by how they ended.",
    );
    for disposition in Disposition::ALL {
        let name = format!("leads_ended{{disposition=\"{disposition}\"}}");
        out.value(&name, shown.leads.ended_as(disposition));
    }
    attempts(out, &shown.stats);
}

/// Of this process: they begin at 0 with it, and no new run sets them back.
fn attempts(out: &mut Exposition, stats: &Stats) {
    out.counter(
        "attempts_total",
        "Attempts of this process that ended.",
        stats.attempts,
    );
    out.metric(
        "attempts_ended_total",
        "counter",
        "Attempts of this process by how they ended.",
    );
    for disposition in Disposition::ALL.into_iter().filter(|d| d.is_of_attempts()) {
        let name = format!("attempts_ended_total{{disposition=\"{disposition}\"}}");
        out.value(&name, stats.ended_as(disposition));
    }
    out.counter(
        "answers_total",
        "Attempts that a person answered.",
        stats.seizures,
    );
    out.counter(
        "talk_seconds_total",
        "Length of all conversations.",
        stats.talk.as_secs_f64(),
    );
}

fn dead_air(out: &mut Exposition, shown: &Snapshot) {
    let name = "dead_air_seconds";
    let help = "From a person's answer until both legs are up and bridged.";
    out.metric(name, "histogram", help);
    let stats = &shown.stats;
    for ms in DEAD_AIR_MS {
        let bound = f64::from(ms) / 1000.0;
        let below = stats.dead_air_up_to(ms);
        out.value(&format!("{name}_bucket{{le=\"{bound}\"}}"), below);
    }
    out.value(
        &format!("{name}_bucket{{le=\"+Inf\"}}"),
        stats.dead_air_count(),
    );
    out.value(&format!("{name}_sum"), stats.dead_air_sum().as_secs_f64());
    out.value(&format!("{name}_count"), stats.dead_air_count());
}

fn surroundings(out: &mut Exposition, shown: &Snapshot) {
    let link = &shown.link;
    out.gauge(
        "link_up",
        "Whether calls can be placed.",
        u8::from(link.down.is_none()),
    );
    out.counter("link_lost_total", "How often the link was lost.", link.lost);
    out.counter(
        "strangers_total",
        "Channels that entered the Stasis application and belonged to no call.",
        link.strangers,
    );
    let journal = &shown.journal;
    out.gauge(
        "journal_well",
        "Whether the journal takes records.",
        u8::from(journal.full.is_none()),
    );
    out.gauge(
        "journal_queued",
        "Records that wait to be written.",
        journal.queued,
    );
    let lag = lag_seconds(shown, journal.oldest);
    out.gauge("journal_lag_seconds", "Age of the oldest of them.", lag);
    let recordings = &shown.recordings;
    out.counter(
        "recordings_saved_total",
        "Recordings fetched.",
        recordings.saved,
    );
    out.gauge(
        "recordings_waiting",
        "Recordings still to be fetched.",
        recordings.waiting,
    );
    let failed = shown.stats.recordings_failed;
    out.counter(
        "recordings_failed_total",
        "Recordings that could not be made.",
        failed,
    );
    mirror(out, shown);
    let dropped = shown.news_dropped;
    out.counter(
        "log_events_dropped_total",
        "Events that did not fit into the log.",
        dropped,
    );
}

/// Of the copy in `MySQL`, where it is switched on.
fn mirror(out: &mut Exposition, shown: &Snapshot) {
    let mirror = &shown.mirror;
    if mirror.state == MirrorState::Off {
        return;
    }
    out.gauge(
        "mysql_up",
        "Whether MySQL takes rows.",
        u8::from(mirror.state == MirrorState::Connected),
    );
    out.gauge(
        "mysql_waiting",
        "Rows that wait to be written to MySQL.",
        mirror.waiting,
    );
    let lag = lag_seconds(shown, mirror.oldest);
    out.gauge("mysql_lag_seconds", "Age of the oldest of them.", lag);
}

/// How long the oldest of what waits has waited; nothing where nothing does.
fn lag_seconds(shown: &Snapshot, oldest: Option<Time>) -> f64 {
    oldest.map_or(0.0, |at| shown.at.since(at).as_secs_f64())
}
