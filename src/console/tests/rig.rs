//! A made-up engine's picture with everything in it, and a console on it.
//!
//! Times are fixed and told in UTC, so that screens are the same everywhere and always.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::campaign::{
    AttemptId, CallView, CallWord, Disposition, HangupCause, LeadId, LeadRow, LeadState, Leads,
    Limit, MaxCc, Number, RunId, RunState, Stats, Time,
};
use crate::console::model::{Model, Setup};
use crate::console::theme::Theme;
use crate::console::update::{Ask, ConsoleEvent, update};
use crate::engine::{
    AuditEntry, JournalView, LinkView, Quality, RecordingsView, Second, Snapshot, Trends,
};
use crate::keys::{Key, KeyCode, KeyMap};
use crate::mirror::MirrorView;

/// 2026-11-22 14:03:09 UTC.
pub(super) const NOW: Time = Time::from_millis(1_795_356_189_000);

pub(super) const COLOUR: Theme = Theme {
    colour: true,
    ascii: false,
};
pub(super) const MONO: Theme = Theme {
    colour: false,
    ascii: false,
};
pub(super) const PLAIN: Theme = Theme {
    colour: false,
    ascii: true,
};

/// So many seconds before [`NOW`].
pub(super) fn ago(seconds: u64) -> Time {
    Time(NOW.0 - seconds * 1_000_000)
}

pub(super) fn number(lead: u32) -> Number {
    Number::parse(&format!("+1202555{:04}", 100 + lead)).expect("a number")
}

/// How each disposition comes about, in the order of the contract.
const CAUSES: [(u16, Option<u16>); Disposition::ALL.len()] = [
    (16, None),
    (16, None),
    (17, Some(486)),
    (19, None),
    (34, Some(503)),
    (21, Some(603)),
    (127, Some(608)),
    (16, Some(302)),
    (1, Some(404)),
    (127, Some(488)),
    (0, None),
    (0, None),
    (0, None),
];

/// The live calls: word, seconds since it began, seconds in this state, recorded.
const CALLS: [(CallWord, u64, u64, bool); 6] = [
    (CallWord::Bridged, 754, 731, true),
    (CallWord::Bridged, 95, 71, true),
    (CallWord::Answered, 19, 1, false),
    (CallWord::Ringing, 14, 12, false),
    (CallWord::Dialing, 2, 2, false),
    (CallWord::Ending, 61, 0, false),
];

/// A lead for each disposition and some more come first, then those being called.
pub(super) const FIRST_CALLED: u32 = 22;
pub(super) const FIRST_WAITING: u32 = FIRST_CALLED + 6;
const LEADS: u32 = 60;

/// The first lead that ended so.
pub(super) fn ended_as(disposition: Disposition) -> LeadId {
    LeadId(disposition as u32)
}

pub(super) fn attempt_of(lead: u32) -> AttemptId {
    AttemptId(u64::from(lead) + 1)
}

/// Sixty leads that wait.
pub(super) fn fresh_leads() -> Leads {
    let mut leads = Leads::default();
    for lead in 0..LEADS {
        leads.add(&number(lead), ago(3600));
    }
    leads
}

fn ended_leads() -> Leads {
    let mut leads = fresh_leads();
    for (place, disposition) in (0..).zip(Disposition::ALL.into_iter().cycle().take(22)) {
        end(&mut leads, LeadId(place), disposition);
    }
    leads
}

/// A lead has ended so, with the cause that goes with it.
pub(super) fn end(leads: &mut Leads, lead: LeadId, disposition: Disposition) {
    let (q850, sip) = CAUSES[disposition as usize];
    let tried = disposition != Disposition::Skipped;
    let row = LeadRow {
        state: LeadState::Final(disposition),
        attempts: u16::from(tried) + u16::from(tried && lead.0 >= 13),
        last: tried.then(|| attempt_of(lead.0)),
        cause: HangupCause { q850, sip },
    };
    leads.restore_row(lead, row);
}

/// A call that began so many seconds ago.
pub(super) fn call(lead: u32, word: CallWord, begun: u64, since: u64) -> CallView {
    let bridged = word == CallWord::Bridged;
    CallView {
        attempt: attempt_of(lead),
        lead: LeadId(lead),
        number: number(lead),
        word,
        begun_at: ago(begun),
        since: ago(since),
        ringing_at: Some(ago(begun)),
        early_media_at: None,
        answered_at: bridged.then(|| ago(since)),
        bridged_at: bridged.then(|| ago(since)),
        recording: false,
    }
}

fn calls() -> Vec<CallView> {
    (FIRST_CALLED..)
        .zip(CALLS)
        .map(|(lead, (word, begun, since, recording))| CallView {
            recording,
            ..call(lead, word, begun, since)
        })
        .collect()
}

fn quality() -> BTreeMap<AttemptId, Quality> {
    let measured = |received, lost, score| Quality {
        at: ago(2),
        received,
        lost,
        jitter_ms: 3.25,
        rtt_ms: Some(41.0),
        score,
    };
    let first = attempt_of(FIRST_CALLED);
    let second = attempt_of(FIRST_CALLED + 1);
    BTreeMap::from([
        (first, measured(36_000, 12, Some(87.0))),
        (second, measured(3_500, 129, None)),
    ])
}

/// Ten minutes of a campaign that comes and goes in waves.
fn trends() -> Trends {
    let second = |s: u32| Second {
        calls: (s / 7) % 11,
        dialed: u32::from(s.is_multiple_of(3)) + s % 2,
        answered: u32::from(s.is_multiple_of(9)),
        dead_air_ms: s.is_multiple_of(9).then(|| 40 + s % 130),
    };
    Trends {
        newest: NOW.millis() / 1000,
        seconds: (0..600).map(second).collect(),
    }
}

fn audit() -> Arc<[AuditEntry]> {
    let entry = |seconds, by: &str, command: &str, outcome: &str| AuditEntry {
        at: ago(seconds),
        by: by.to_owned(),
        command: command.to_owned(),
        outcome: outcome.to_owned(),
    };
    Arc::from([
        entry(3500, "keyboard anna (ssh 192.0.2.7)", "start", "dialing"),
        entry(
            1200,
            "http 127.0.0.1:50022",
            "hang up call 7",
            "refused: call 7 is not up",
        ),
        entry(
            61,
            "keyboard anna (ssh 192.0.2.7)",
            "hang up call 28",
            "call 28 is hung up",
        ),
    ])
}

fn stats() -> Stats {
    let mut stats = Stats::default();
    stats.attempts = 25;
    stats.seizures = 9;
    stats.bridged = 6;
    stats.talk = std::time::Duration::from_secs(6 * 83);
    stats
}

/// A campaign in full swing: leads in every state and disposition, calls in every word.
pub(super) fn busy() -> Snapshot {
    let mut leads = ended_leads();
    let calls = calls();
    for call in &calls {
        let row = LeadRow {
            state: LeadState::Calling(call.attempt),
            attempts: 1,
            last: Some(call.attempt),
            cause: HangupCause::default(),
        };
        leads.restore_row(call.lead, row);
    }
    Snapshot {
        at: NOW,
        run: RunId(3),
        list: "/srv/lists/numbers.txt".into(),
        target: "Local/777@default".into(),
        state: RunState::Dialing,
        stopping: None,
        link: LinkView {
            asterisk: "127.0.0.1:8088".into(),
            down: None,
            last_heard: Some(NOW),
            lost: 0,
            strangers: 0,
        },
        journal: JournalView::default(),
        recordings: RecordingsView::default(),
        mirror: MirrorView::default(),
        limit: Limit {
            requested: max_cc(10),
            effective: 10,
            in_use: calls.len(),
            held: None,
        },
        leads,
        calls,
        quality: Arc::new(quality()),
        stats: stats(),
        trends: Arc::new(trends()),
        audit: audit(),
        streak: None,
        news_dropped: 0,
    }
}

/// A process that has just started.
pub(super) fn idle() -> Snapshot {
    let mut idle = quiet(RunState::Idle, fresh_leads());
    idle.stats = Stats::default();
    idle.trends = Arc::default();
    idle.audit = Arc::default();
    idle
}

/// Everybody was called.
pub(super) fn done() -> Snapshot {
    let mut leads = ended_leads();
    for lead in FIRST_CALLED..LEADS {
        end(&mut leads, LeadId(lead), Disposition::NoAnswer);
    }
    quiet(RunState::Done, leads)
}

fn quiet(state: RunState, leads: Leads) -> Snapshot {
    let mut snapshot = busy();
    snapshot.state = state;
    snapshot.leads = leads;
    snapshot.calls = Vec::new();
    snapshot.quality = Arc::default();
    snapshot.limit.in_use = 0;
    snapshot.limit.effective = 0;
    snapshot
}

pub(super) fn max_cc(calls: u32) -> MaxCc {
    MaxCc::new(calls).expect("not 0")
}

pub(super) fn setup(theme: Theme) -> Setup {
    Setup {
        attached: false,
        theme,
        keys: KeyMap::default(),
        read_only: false,
        zone: TimeZone::UTC,
    }
}

/// A console of 80x24 in colour.
pub(super) fn model(snapshot: Snapshot) -> Model {
    model_of(snapshot, COLOUR, (80, 24))
}

pub(super) fn model_of(snapshot: Snapshot, theme: Theme, size: (u16, u16)) -> Model {
    Model::new(setup(theme), Arc::new(snapshot), size)
}

pub(super) fn key(c: char) -> Key {
    Key::plain(match c {
        '\r' => KeyCode::Enter,
        '\x1b' => KeyCode::Esc,
        '\t' => KeyCode::Tab,
        c => KeyCode::Char(c),
    })
}

/// Presses one key after the other, each once what the one before did is on the screen; what
/// they asked for, all together.
pub(super) fn press(model: &mut Model, keys: &str) -> Vec<Ask> {
    let mut asks = Vec::new();
    for c in keys.chars() {
        model.drawn();
        asks.extend(update(model, ConsoleEvent::Key(key(c))));
    }
    model.drawn();
    asks
}

/// The engine has another picture, so many seconds later.
pub(super) fn show(model: &mut Model, snapshot: &Snapshot, later: u64) {
    let mut snapshot = snapshot.clone();
    snapshot.at = Time(NOW.0 + later * 1_000_000);
    model.now = snapshot.at;
    update(model, ConsoleEvent::Picture(Arc::new(snapshot)));
}

/// What was said last.
pub(super) fn said(model: &Model) -> &str {
    model.message.as_ref().map_or("", |m| m.text.as_str())
}
