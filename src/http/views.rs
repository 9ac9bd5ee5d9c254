//! What the API shows, as JSON. Times are RFC 3339 in UTC, durations seconds, in the names'
//! endings.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::campaign::{CallView, Disposition, HeldBack, LeadId, LeadState, RunState, Time};
use crate::engine::{AttemptDetail, Detail, Snapshot};
use crate::headless::rfc3339;
use crate::mirror::{MirrorState, MirrorView};

/// `GET /api/v1/status`.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    at: String,
    run: u32,
    list: String,
    target: String,
    state: &'static str,
    reason: Option<String>,
    stopping: bool,
    calls: LimitBody,
    waiting_for: Option<&'static str>,
    link: LinkBody,
    journal: JournalBody,
    recordings: RecordingsBody,
    mysql: MysqlBody,
    leads: LeadsBody,
    figures: Figures,
}

#[derive(Debug, Serialize)]
struct LimitBody {
    in_use: usize,
    effective: usize,
    max_cc: usize,
}

#[derive(Debug, Serialize)]
struct LinkBody {
    asterisk: String,
    up: bool,
    down_since: Option<String>,
    why: Option<String>,
    last_heard: Option<String>,
    lost: u32,
}

#[derive(Debug, Serialize)]
struct JournalBody {
    well: bool,
    full_since: Option<String>,
    why: Option<String>,
    queued: usize,
}

#[derive(Debug, Serialize)]
struct RecordingsBody {
    saved: u64,
    waiting: usize,
    failed: u32,
    delayed_since: Option<String>,
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct MysqlBody {
    state: &'static str,
    away_since: Option<String>,
    why: Option<String>,
    waiting: u64,
    oldest: Option<String>,
}

#[derive(Debug, Serialize)]
struct LeadsBody {
    all: usize,
    waiting: usize,
    ended: BTreeMap<&'static str, u32>,
}

#[derive(Debug, Serialize)]
struct Figures {
    attempts: u32,
    asr: f64,
    acd_seconds: f64,
    cps: f64,
    dead_air_ms: BTreeMap<&'static str, Option<u32>>,
}

impl Status {
    pub(super) fn of(shown: &Snapshot) -> Self {
        let reason = match &shown.state {
            RunState::Paused(reason) => Some(reason.clone()),
            _ => None,
        };
        let ended = Disposition::ALL.map(|d| (d.as_str(), shown.leads.ended_as(d)));
        let dead_air = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)];
        Self {
            at: rfc3339(shown.at),
            run: shown.run.0,
            list: shown.list.to_string(),
            target: shown.target.to_string(),
            state: shown.state.word(),
            reason,
            stopping: shown.stopping.is_some(),
            calls: LimitBody {
                in_use: shown.limit.in_use,
                effective: shown.limit.effective,
                max_cc: shown.limit.requested.calls(),
            },
            waiting_for: shown.limit.held.as_ref().map(held),
            link: link(shown),
            journal: JournalBody {
                well: shown.journal.full.is_none(),
                full_since: shown.journal.full.as_ref().map(|(at, _)| rfc3339(*at)),
                why: shown.journal.full.as_ref().map(|(_, why)| why.clone()),
                queued: shown.journal.queued,
            },
            recordings: recordings(shown),
            mysql: mysql(&shown.mirror),
            leads: LeadsBody {
                all: shown.leads.len(),
                waiting: shown.leads.waiting(),
                ended: ended.into_iter().collect(),
            },
            figures: Figures {
                attempts: shown.stats.attempts,
                asr: shown.stats.asr(),
                acd_seconds: shown.stats.acd().as_secs_f64(),
                cps: shown.trends.cps(10),
                dead_air_ms: dead_air
                    .map(|(name, share)| (name, shown.stats.dead_air_ms(share)))
                    .into_iter()
                    .collect(),
            },
        }
    }
}

/// What holds dialing back, in one word.
pub(super) const fn held(held: &HeldBack) -> &'static str {
    match held {
        HeldBack::NotDialing => "not dialing",
        HeldBack::LinkDown => "link",
        HeldBack::JournalFull => "journal",
        HeldBack::Reconciling => "reconciling",
        HeldBack::Silent { .. } => "silent",
        HeldBack::CarrierAway { .. } => "carrier",
        HeldBack::Saturated { .. } => "saturated",
    }
}

fn link(shown: &Snapshot) -> LinkBody {
    let link = &shown.link;
    LinkBody {
        asterisk: link.asterisk.to_string(),
        up: link.down.is_none(),
        down_since: link.down.as_ref().map(|(at, _)| rfc3339(*at)),
        why: link.down.as_ref().map(|(_, why)| why.clone()),
        last_heard: link.last_heard.map(rfc3339),
        lost: link.lost,
    }
}

fn recordings(shown: &Snapshot) -> RecordingsBody {
    let recordings = &shown.recordings;
    RecordingsBody {
        saved: recordings.saved,
        waiting: recordings.waiting,
        failed: shown.stats.recordings_failed,
        delayed_since: recordings.delayed.as_ref().map(|(at, _)| rfc3339(*at)),
        why: recordings.delayed.as_ref().map(|(_, why)| why.clone()),
    }
}

fn mysql(mirror: &MirrorView) -> MysqlBody {
    let (state, away) = match &mirror.state {
        MirrorState::Off => ("off", None),
        MirrorState::Connecting => ("connecting", None),
        MirrorState::Connected => ("connected", None),
        MirrorState::Away { since, why } => ("away", Some((since, why))),
    };
    MysqlBody {
        state,
        away_since: away.map(|(since, _)| rfc3339(*since)),
        why: away.map(|(_, why)| why.to_string()),
        waiting: mirror.waiting,
        oldest: mirror.oldest.map(rfc3339),
    }
}

/// One of `GET /api/v1/calls`.
#[derive(Debug, Serialize)]
pub(super) struct CallBody {
    attempt: u64,
    lead: u32,
    number: String,
    state: &'static str,
    since: String,
    begun_at: String,
    ringing_at: Option<String>,
    early_media_at: Option<String>,
    answered_at: Option<String>,
    bridged_at: Option<String>,
    recording: bool,
}

impl CallBody {
    pub(super) fn of(call: &CallView) -> Self {
        Self {
            attempt: call.attempt.0,
            lead: call.lead.0,
            number: call.number.to_string(),
            state: call.word.as_str(),
            since: rfc3339(call.since),
            begun_at: rfc3339(call.begun_at),
            ringing_at: call.ringing_at.map(rfc3339),
            early_media_at: call.early_media_at.map(rfc3339),
            answered_at: call.answered_at.map(rfc3339),
            bridged_at: call.bridged_at.map(rfc3339),
            recording: call.recording,
        }
    }
}

/// One of `GET /api/v1/leads`.
#[derive(Debug, Serialize)]
pub(super) struct LeadBody {
    pub(super) lead: u32,
    number: String,
    pub(super) state: &'static str,
    disposition: Option<&'static str>,
    attempts: u16,
    cause: u16,
    sip_code: Option<u16>,
}

impl LeadBody {
    pub(super) fn of(shown: &Snapshot, id: LeadId) -> Option<Self> {
        let row = shown.leads.row(id)?;
        let (state, disposition) = match row.state {
            LeadState::Waiting => ("waiting", None),
            LeadState::Calling(_) => ("calling", None),
            LeadState::Final(disposition) => ("ended", Some(disposition.as_str())),
        };
        Some(Self {
            lead: id.0,
            number: shown.leads.number_text(id)?.to_owned(),
            state,
            disposition,
            attempts: row.attempts,
            cause: row.cause.q850,
            sip_code: row.cause.sip,
        })
    }

    /// Whether it is what `word` asks for: a state or a disposition.
    pub(super) fn is(&self, word: &str) -> bool {
        self.state == word || self.disposition == Some(word)
    }

    pub(super) fn has(&self, digits: &str) -> bool {
        self.number.contains(digits)
    }
}

/// `GET /api/v1/leads/{lead}`.
#[derive(Debug, Serialize)]
pub(super) struct LeadDetail {
    lead: u32,
    number: String,
    attempts: Vec<Tried>,
}

#[derive(Debug, Serialize)]
struct Tried {
    attempt: u64,
    call_id: String,
    sip_call_id: Option<String>,
    disposition: Option<&'static str>,
    cause: Option<u16>,
    sip_code: Option<u16>,
    ended_by: Option<&'static str>,
    note: Option<String>,
    recording: Option<String>,
    timeline: Vec<Moment>,
}

#[derive(Debug, Serialize)]
struct Moment {
    at: String,
    what: String,
}

impl LeadDetail {
    pub(super) fn of(detail: &Detail) -> Self {
        Self {
            lead: detail.lead.0,
            number: detail.number.to_string(),
            attempts: detail.attempts.iter().map(tried).collect(),
        }
    }
}

fn tried(attempt: &AttemptDetail) -> Tried {
    let end = attempt.end.as_ref();
    let moment = |(at, what): &(Time, String)| Moment {
        at: rfc3339(*at),
        what: what.clone(),
    };
    Tried {
        attempt: attempt.attempt.0,
        call_id: attempt.call_id.clone(),
        sip_call_id: attempt.sip_call_id.clone(),
        disposition: end.map(|end| end.disposition.as_str()),
        cause: end.map(|end| end.cause.q850),
        sip_code: end.and_then(|end| end.cause.sip),
        ended_by: end.map(|end| end.by.as_str()),
        note: end.and_then(|end| end.note.clone()),
        recording: attempt.recording.clone(),
        timeline: attempt.timeline.iter().map(moment).collect(),
    }
}
