//! Texts that strangers chose - caller names, SIP reasons, file names - are drawn written out:
//! they can neither steer the terminal nor hide from the reader.

use super::rig::{NOW, busy, model, press};
use super::screen::draw;
use crate::campaign::{self, AttemptId, Disposition, EndedBy, HangupCause, LeadId, RunState};
use crate::console::log::PaneFormat;
use crate::console::model::Model;
use crate::console::update::{ConsoleEvent, update};
use crate::control::Command;
use crate::engine::{AttemptDetail, AttemptOutcome, AuditEntry, Detail, Snapshot, Stop};

/// Clears the screen, ends the line, turns letters round, hides some.
const EVIL: &str = "a\x1b[2J\r\nb\u{202e}c\u{200b}d\u{9b}1me";
/// Each of these must be seen.
const SEEN: [&str; 5] = ["\\u{1b}[2J", "\\r\\n", "\\u{202e}", "\\u{200b}", "\\u{9b}"];

fn check(model: &mut Model, place: &str) {
    model.size = (200, 60);
    let screen = draw(model);
    let symbols: String = screen
        .content
        .iter()
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    for c in symbols.chars() {
        let odd = c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        assert!(!odd, "{c:?} is on the screen: {place}");
    }
    for seen in SEEN {
        assert!(
            symbols.contains(seen),
            "{seen} is not on the screen: {place}"
        );
    }
}

type Place = (&'static str, fn(&mut Snapshot));

const PLACES: &[Place] = &[
    ("the reason of a pause", |s| {
        s.state = RunState::Paused(EVIL.to_owned());
    }),
    ("why the link is down", |s| {
        s.link.down = Some((NOW, EVIL.to_owned()));
    }),
    ("why the journal is full", |s| {
        s.journal.full = Some((NOW, EVIL.to_owned()));
    }),
    ("why recordings are delayed", |s| {
        s.recordings.delayed = Some((NOW, EVIL.to_owned()));
    }),
    ("who quits", |s| {
        s.stopping = Some(Stop {
            by: EVIL.to_owned(),
            hang_up_at: NOW,
            hung_up: true,
        });
    }),
    ("the target", |s| s.target = EVIL.into()),
    ("the list", |s| s.list = EVIL.into()),
];

#[test]
fn nothing_that_the_engine_tells_steers_the_terminal() {
    for (place, change) in PLACES {
        let mut snapshot = busy();
        change(&mut snapshot);
        check(&mut model(snapshot), place);
    }
}

#[test]
fn nothing_in_the_audit_steers_the_terminal() {
    let plain = || AuditEntry {
        at: NOW,
        by: "anna".to_owned(),
        command: "start".to_owned(),
        outcome: "dialing".to_owned(),
    };
    let entries = [
        AuditEntry {
            by: EVIL.to_owned(),
            ..plain()
        },
        AuditEntry {
            command: EVIL.to_owned(),
            ..plain()
        },
        AuditEntry {
            outcome: EVIL.to_owned(),
            ..plain()
        },
    ];
    for entry in entries {
        let mut snapshot = busy();
        snapshot.audit = std::sync::Arc::from([entry]);
        let mut model = model(snapshot);
        press(&mut model, "a");
        check(&mut model, "audit");
    }
}

#[test]
fn nothing_that_comes_of_a_command_steers_the_terminal() {
    for outcome in [Ok(EVIL.to_owned()), Err(EVIL.to_owned())] {
        let mut model = model(busy());
        let pause = Command::Campaign(campaign::Command::Pause);
        update(&mut model, ConsoleEvent::Outcome(pause, outcome));
        check(&mut model, "outcome");
    }
    let mut ended = model(busy());
    update(&mut ended, ConsoleEvent::EngineEnded(EVIL.to_owned()));
    check(&mut ended, "the engine's last words");
}

#[test]
fn nothing_in_a_question_or_a_filter_steers_the_terminal() {
    let mut done = super::rig::done();
    done.list = format!("/srv/{EVIL}").into();
    let mut asked = model(done);
    press(&mut asked, "n");
    check(&mut asked, "question");
    let mut filtered = model(busy());
    press(&mut filtered, "/");
    // Typed or pasted, only what is drawn nowhere or backwards could get in.
    update(
        &mut filtered,
        ConsoleEvent::Paste("a\u{202e}\u{200b}".to_owned()),
    );
    for keys in ["", "\r"] {
        press(&mut filtered, keys);
        filtered.size = (200, 60);
        let screen = super::screen::text(&mut filtered);
        assert!(screen.contains("a\\u{202e}\\u{200b}"), "{screen}");
    }
}

fn attempt() -> AttemptDetail {
    AttemptDetail {
        attempt: AttemptId(23),
        call_id: String::new(),
        channel_a: String::new(),
        channel_b: String::new(),
        bridge: String::new(),
        sip_call_id: None,
        timeline: Vec::new(),
        end: None,
        recording: None,
    }
}

#[test]
fn nothing_in_a_detail_steers_the_terminal() {
    let evil = || EVIL.to_owned();
    let outcome = AttemptOutcome {
        disposition: Disposition::Failed,
        cause: HangupCause::default(),
        by: EndedBy::Carrier,
        note: Some(evil()),
    };
    let attempts = [
        AttemptDetail {
            timeline: vec![(NOW, evil())],
            ..attempt()
        },
        AttemptDetail {
            sip_call_id: Some(evil()),
            ..attempt()
        },
        AttemptDetail {
            recording: Some(evil()),
            ..attempt()
        },
        AttemptDetail {
            end: Some(outcome),
            ..attempt()
        },
        AttemptDetail {
            channel_a: evil(),
            ..attempt()
        },
    ];
    for attempt in attempts {
        let mut model = model(busy());
        press(&mut model, "g\r");
        let lead = LeadId(22);
        let detail = Detail {
            lead,
            number: super::rig::number(22),
            row: model.live.leads.row(lead).expect("a lead"),
            attempts: vec![attempt],
        };
        update(
            &mut model,
            ConsoleEvent::Detail(lead, Some(Box::new(detail))),
        );
        check(&mut model, "detail");
    }
}

#[test]
fn nothing_in_the_log_steers_the_terminal() {
    let format = PaneFormat {
        theme: super::rig::COLOUR,
        hide_digits: false,
    };
    let text = format.text(EVIL);
    assert!(!text.chars().any(char::is_control));
    assert!(SEEN.iter().all(|seen| text.contains(seen)), "{text}");
}
