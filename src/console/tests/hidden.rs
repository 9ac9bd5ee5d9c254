//! `*` hides the digits of numbers wherever they stand.

use super::rig::{NOW, ago, busy, done, model, number, press, show};
use super::screen::text;
use crate::campaign::{self, LeadId};
use crate::console::log::PaneFormat;
use crate::console::model::Model;
use crate::console::update::{ConsoleEvent, update};
use crate::control::Command;
use crate::engine::{AttemptDetail, AuditEntry, Detail, Snapshot};

const HIDDEN: &str = "+12*******22";

/// A campaign over one number, which is named wherever the engine may name it.
fn talkative() -> Snapshot {
    let mut snapshot = busy();
    let number = number(22);
    snapshot.list = format!("{number}").into();
    snapshot.target = format!("PJSIP/{number}@trunk").into();
    snapshot.audit = std::sync::Arc::from([AuditEntry {
        at: ago(9),
        by: "keyboard anna".to_owned(),
        command: format!("skip {number}"),
        outcome: format!("{number} is called already"),
    }]);
    snapshot
}

fn detail(model: &mut Model) {
    let lead = LeadId(22);
    let number = number(22);
    let attempt = AttemptDetail {
        attempt: campaign::AttemptId(23),
        call_id: format!("call-{number}"),
        channel_a: format!("PJSIP/{number}-1"),
        channel_b: format!("PJSIP/{number}-2"),
        bridge: format!("bridge-{number}"),
        sip_call_id: Some(format!("{number}@192.0.2.1")),
        timeline: vec![(NOW, format!("{number} rings"))],
        end: None,
        recording: Some(format!("/rec/{number}.wav")),
    };
    let detail = Detail {
        lead,
        number,
        row: model.live.leads.row(lead).expect("a lead"),
        attempts: vec![attempt],
    };
    update(model, ConsoleEvent::Detail(lead, Some(Box::new(detail))));
}

/// No number of the list is on the screen; some hidden one is.
fn check(model: &mut Model, place: &str) {
    for size in [(40, 12), (80, 24), (200, 60)] {
        model.size = size;
        let screen = text(model);
        assert!(
            !screen.contains("2025550"),
            "{place} at {size:?}:\n{screen}"
        );
    }
    let screen = text(model);
    assert!(screen.contains(HIDDEN), "{place}:\n{screen}");
}

#[test]
fn digits_are_hidden_in_every_pane_page_and_question() {
    for keys in ["", "1", "g", "z", "a", "gx", "X", "q", "/1\r"] {
        let mut model = model(talkative());
        press(&mut model, &format!("*{keys}"));
        check(&mut model, keys);
    }
    let mut model = model(talkative());
    press(&mut model, "*g\r");
    detail(&mut model);
    check(&mut model, "detail");
}

#[test]
fn digits_are_hidden_in_questions_about_leads_and_the_list() {
    for keys in ["n", "1gr"] {
        let mut snapshot = talkative();
        snapshot.state = campaign::RunState::Done;
        snapshot.calls.clear();
        snapshot.leads = done().leads;
        let mut model = model(snapshot);
        press(&mut model, &format!("*{keys}"));
        assert!(model.popup.is_some());
        check(&mut model, keys);
    }
}

#[test]
fn digits_are_hidden_in_what_is_said_also_if_it_was_said_before() {
    let mut model = model(talkative());
    // It waits already.
    press(&mut model, "1gr*");
    check(&mut model, "refused before");
    let pause = Command::Campaign(campaign::Command::Pause);
    let outcome = Ok(format!("paused while {} rings", number(22)));
    update(&mut model, ConsoleEvent::Outcome(pause, outcome));
    check(&mut model, "outcome");
}

#[test]
fn a_filter_s_digits_are_hidden_once_it_is_typed() {
    let mut model = model(talkative());
    press(&mut model, "*/+12025550122\r");
    check(&mut model, "the title");
}

#[test]
fn digits_are_hidden_in_the_log() {
    let format = |hide_digits| PaneFormat {
        theme: super::rig::COLOUR,
        hide_digits,
    };
    let line = format!("{} rings", number(22));
    assert_eq!(format(true).text(&line), format!("{HIDDEN} rings"));
    assert_eq!(format(false).text(&line), line);
}

#[test]
fn figures_that_are_no_number_s_stay() {
    let mut model = model(busy());
    press(&mut model, "*g\r");
    detail(&mut model);
    let screen = text(&mut model);
    assert!(screen.contains("36000 packets received"), "{screen}");
}

#[test]
fn the_key_shows_them_again() {
    let mut model = model(busy());
    press(&mut model, "**");
    show(&mut model, &busy(), 1);
    assert!(text(&mut model).contains("+12025550122"));
}
