//! Screens as pictures, in `snapshots`: each was looked at by a person when it was taken.
//!
//! A screen that differs, or has no picture yet, fails. `INSTA_UPDATE=always cargo test
//! --lib pictures` takes them anew; look at what has changed before it is committed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::rig::{COLOUR, MONO, NOW, PLAIN, ago, busy, done, idle, model, model_of, press, show};
use super::screen::picture;
use crate::campaign::{
    AttemptId, Disposition, EndedBy, HangupCause, HeldBack, LeadId, LeadState, RunState, Time,
};
use crate::console::model::Model;
use crate::console::theme::Theme;
use crate::console::update::{ConsoleEvent, update};
use crate::engine::{AttemptDetail, AttemptOutcome, Detail, Snapshot, Stop};
use crate::keys::KeyMap;

type Scene = (&'static str, fn() -> Model);

fn check(scenes: &[Scene]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, model) in scenes {
            insta::assert_snapshot!(*name, picture(&mut model()));
        }
    });
}

fn sized(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = model_of(busy(), theme, size);
    press(&mut model, "jj");
    model
}

const SIZES: &[Scene] = &[
    ("busy_40x12", || sized(COLOUR, (40, 12))),
    ("busy_40x12_mono", || sized(MONO, (40, 12))),
    ("busy_40x12_ascii", || sized(PLAIN, (40, 12))),
    ("busy_80x24", || sized(COLOUR, (80, 24))),
    ("busy_80x24_mono", || sized(MONO, (80, 24))),
    ("busy_80x24_ascii", || sized(PLAIN, (80, 24))),
    ("busy_120x40", || sized(COLOUR, (120, 40))),
    ("busy_120x40_mono", || sized(MONO, (120, 40))),
    ("busy_120x40_ascii", || sized(PLAIN, (120, 40))),
    ("busy_200x60", || sized(COLOUR, (200, 60))),
    ("busy_200x60_mono", || sized(MONO, (200, 60))),
    ("busy_200x60_ascii", || sized(PLAIN, (200, 60))),
    ("too_small_20x5", || sized(COLOUR, (20, 5))),
];

#[test]
fn the_panes_of_a_busy_campaign_at_every_size_and_on_every_terminal() {
    check(SIZES);
}

fn with(snapshot: Snapshot, keys: &str) -> Model {
    let mut model = model(snapshot);
    press(&mut model, keys);
    model
}

fn attempt(id: u64, begun: u64) -> AttemptDetail {
    AttemptDetail {
        attempt: AttemptId(id),
        call_id: format!("0d5f8a3e-0000-5000-8000-0000000000{id:02}"),
        channel_a: format!("dd-k3x9-3-{id}-a"),
        channel_b: format!("dd-k3x9-3-{id}-b"),
        bridge: format!("dd-k3x9-3-{id}-bridge"),
        sip_call_id: Some(format!("5f3c{id}@192.0.2.10")),
        timeline: vec![(ago(begun), "dialed".to_owned())],
        end: None,
        recording: None,
    }
}

fn detail_of(snapshot: &Snapshot, lead: LeadId, attempts: Vec<AttemptDetail>) -> Detail {
    Detail {
        lead,
        number: snapshot.leads.number(lead).expect("a lead"),
        row: snapshot.leads.row(lead).expect("a lead"),
        attempts,
    }
}

fn live_detail() -> Model {
    let mut model = with(busy(), "g\r");
    let call = model.live.calls[0].clone();
    let mut now = attempt(23, 754);
    let told = |ms: u64, text: &str| (Time(ago(754).0 + ms * 1000), text.to_owned());
    now.timeline = vec![
        told(0, "dialed"),
        told(1_840, "A rings"),
        told(22_900, "A answers"),
        told(22_963, "bridged after 63 ms"),
    ];
    now.recording = Some("being made".to_owned());
    let detail = detail_of(&model.live, call.lead, vec![now]);
    update(
        &mut model,
        ConsoleEvent::Detail(call.lead, Some(Box::new(detail))),
    );
    model
}

fn failed_detail() -> Model {
    let mut model = with(busy(), "1");
    let lead = LeadId(11 + Disposition::Failed as u32);
    model.queue.selected = Some(lead);
    press(&mut model, "\r");
    let ended = |mut attempt: AttemptDetail, disposition, q850, sip, note: Option<&str>| {
        attempt.end = Some(AttemptOutcome {
            disposition,
            cause: HangupCause { q850, sip },
            by: EndedBy::Carrier,
            note: note.map(str::to_owned),
        });
        attempt
    };
    let note = "Asterisk and the carrier have no codec in common: compare allow= in pjsip.conf";
    let mut latest = ended(
        attempt(19, 300),
        Disposition::Failed,
        58,
        Some(488),
        Some(note),
    );
    let over = "over: failed, by carrier".to_owned();
    latest.timeline.push((ago(299), over));
    let before = ended(attempt(4, 1900), Disposition::Busy, 17, Some(486), None);
    let detail = detail_of(&model.live, lead, vec![latest, before]);
    update(
        &mut model,
        ConsoleEvent::Detail(lead, Some(Box::new(detail))),
    );
    model
}

const VIEWS: &[Scene] = &[
    ("detail_live", live_detail),
    ("detail_failed", failed_detail),
    ("detail_failed_40x12", || {
        let mut model = failed_detail();
        model.size = (40, 12);
        model
    }),
    ("detail_hidden_digits", || {
        let mut model = live_detail();
        press(&mut model, "*");
        model
    }),
    ("trends", || with(busy(), "t")),
    ("trends_ascii_120x40", || {
        let mut model = model_of(busy(), PLAIN, (120, 40));
        press(&mut model, "t");
        model
    }),
    ("audit", || with(busy(), "a")),
    ("help", || with(busy(), "?")),
    ("help_end", || with(busy(), "?G")),
    ("idle", || model(idle())),
    ("done", || model(done())),
    ("queue", || with(busy(), "1Gk")),
    ("queue_filtered_and_sorted", || {
        with(busy(), "1/+1202 a\r>>>Ij")
    }),
    ("log_40x12", || {
        let mut model = sized(COLOUR, (40, 12));
        press(&mut model, "3");
        model
    }),
    ("hidden_digits_zoomed", || with(busy(), "*zj")),
];

#[test]
fn what_lies_behind_the_panes() {
    check(VIEWS);
}

fn small(snapshot: Snapshot, keys: &str) -> Model {
    let mut model = model_of(snapshot, MONO, (40, 12));
    press(&mut model, keys);
    model
}

const POPUPS: &[Scene] = &[
    ("ask_hang_up", || with(busy(), "gx")),
    ("ask_hang_up_all_second_choice", || with(busy(), "Xl")),
    ("ask_drain", || with(busy(), "d")),
    ("ask_again", || with(done(), "1gr")),
    ("ask_new_run", || with(done(), "n")),
    ("ask_max_cc", || with(busy(), "m99\r")),
    ("ask_quit", || with(busy(), "q")),
    ("ask_quit_40x12_mono", || small(busy(), "ql")),
    ("ask_new_run_40x12_mono", || small(done(), "n")),
    ("type_max_cc_wrong", || with(busy(), "m0\r")),
    ("type_filter", || with(busy(), "1/busy")),
    ("type_filter_40x12_mono", || small(busy(), "/20255501")),
];

#[test]
fn every_question_and_every_prompt() {
    check(POPUPS);
}

fn ill(change: impl FnOnce(&mut Snapshot)) -> Model {
    let mut snapshot = busy();
    change(&mut snapshot);
    model(snapshot)
}

fn link_down(s: &mut Snapshot) {
    let why = "127.0.0.1:8088 refuses connections: is Asterisk running? (tried again every 5 s)";
    s.link.down = Some((ago(75), why.to_owned()));
    s.limit.effective = 0;
    s.limit.held = Some(HeldBack::LinkDown);
}

fn journal_full(s: &mut Snapshot) {
    let why = "dialdeck.db: No space left on device".to_owned();
    s.journal.full = Some((ago(9), why));
}

fn delayed(s: &mut Snapshot) {
    s.recordings.waiting = 1204;
    s.recordings.delayed = Some((ago(3700), "/rec: Permission denied".to_owned()));
}

fn saturated(s: &mut Snapshot) {
    s.limit.held = Some(HeldBack::Saturated {
        until: Time(NOW.0 + 8_000_000),
        refusals: 3,
    });
}

fn paused(s: &mut Snapshot) {
    let rule = "Asterisk knows no such trunk: check ARI_TRUNK and pjsip.conf";
    s.state = RunState::Paused(rule.to_owned());
}

fn quitting(s: &mut Snapshot) {
    s.state = RunState::Draining;
    s.stopping = Some(Stop {
        by: "keyboard anna (ssh 192.0.2.7)".to_owned(),
        hang_up_at: Time(NOW.0 + 42_000_000),
        hung_up: false,
    });
}

fn everything(s: &mut Snapshot) {
    paused(s);
    link_down(s);
    journal_full(s);
    delayed(s);
    s.news_dropped = 12_345;
}

/// Frozen ten seconds ago; then a call ended, and the link went down.
fn frozen() -> Model {
    let mut model = with(busy(), "gf");
    let mut later = busy();
    later.calls.remove(0);
    later.limit.in_use -= 1;
    link_down(&mut later);
    show(&mut model, &later, 10);
    model
}

/// A selected call has ended, and another one has begun.
fn ghosts() -> Model {
    let mut model = with(busy(), "gj");
    let mut later = busy();
    let ended = later.calls.remove(1);
    super::rig::end(&mut later.leads, ended.lead, Disposition::Answered);
    let begun = super::rig::call(40, crate::campaign::CallWord::Dialing, 0, 0);
    let calling = LeadState::Calling(begun.attempt);
    later.leads.restore(begun.lead, calling);
    later.calls.push(begun);
    show(&mut model, &later, 3);
    model
}

const CONDITIONS: &[Scene] = &[
    ("link_down", || ill(link_down)),
    ("journal_full_and_recordings_delayed", || {
        ill(|s| {
            journal_full(s);
            delayed(s);
        })
    }),
    ("saturated", || ill(saturated)),
    ("paused_by_a_rule", || ill(paused)),
    ("quitting", || ill(quitting)),
    ("everything_at_once", || ill(everything)),
    ("everything_at_once_40x12", || {
        let mut snapshot = busy();
        everything(&mut snapshot);
        model_of(snapshot, COLOUR, (40, 12))
    }),
    ("engine_ended", || {
        let mut model = model(busy());
        let why = "it panicked: index out of bounds".to_owned();
        update(&mut model, ConsoleEvent::EngineEnded(why));
        model
    }),
    ("engine_silent", || {
        let mut model = model(busy());
        update(&mut model, ConsoleEvent::Tick(Time(NOW.0 + 30_000_000)));
        model
    }),
    ("read_only", || {
        let mut model = model(busy());
        model.setup.read_only = true;
        press(&mut model, "gx");
        model
    }),
    ("remapped", || {
        let mut model = model(busy());
        let map = KeyMap::with("pause=F5,help=F2,hang-up=ctrl-k");
        model.setup.keys = map.expect("a good map");
        model
    }),
    ("frozen", frozen),
    ("frozen_40x12_mono", || {
        let mut model = frozen();
        model.setup.theme = MONO;
        model.size = (40, 12);
        model
    }),
    ("ghosts", ghosts),
];

#[test]
fn every_condition() {
    check(CONDITIONS);
}

#[test]
fn no_picture_is_left_of_a_screen_that_is_gone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/tests/snapshots");
    let known = [SIZES, VIEWS, POPUPS, CONDITIONS].concat();
    for entry in fs::read_dir(folder).expect("the pictures' folder") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy().into_owned();
        // One that was refused lies beside its picture until somebody has looked at it.
        let Some(name) = name.strip_suffix(".snap") else {
            continue;
        };
        assert!(known.iter().any(|(scene, _)| *scene == name), "{name}");
    }
    // A scene stands once, or one picture would have to show two screens.
    let mut names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), known.len());
}

#[test]
fn a_screen_of_any_size_even_of_none_can_be_drawn() {
    for size in [(0, 0), (1, 1), (0, 24), (80, 0), (20, 5), (39, 10), (40, 9)] {
        let mut model = model_of(busy(), COLOUR, size);
        press(&mut model, "q");
        let _ = Arc::new(picture(&mut model));
    }
}
