//! The display stands still; the engine does not, and commands are about what lives.

use super::rig::{NOW, attempt_of, busy, call, model, press, said, show};
use super::screen::{draw, row_with, text};
use crate::campaign::{self, CallWord, LeadId, RunId, RunState, Time};
use crate::console::model::{Model, View};
use crate::console::update::{Ask, ConsoleEvent, update};
use crate::control::Command;
use crate::engine::{Detail, Snapshot};

/// Ten seconds later one call has ended and another one is up.
fn later() -> Snapshot {
    let mut later = busy();
    later.calls.remove(0);
    later.calls.push(call(50, CallWord::Ringing, 3, 3));
    later.state = RunState::Draining;
    later
}

fn frozen(keys: &str) -> Model {
    let mut model = model(busy());
    press(&mut model, keys);
    press(&mut model, "f");
    show(&mut model, &later(), 10);
    model
}

#[test]
fn a_frozen_display_shows_the_old_picture_and_its_age() {
    let mut model = model(busy());
    press(&mut model, "g");
    let before = text(&mut model);
    press(&mut model, "f");
    show(&mut model, &later(), 10);
    let screen = text(&mut model);
    assert!(screen.contains("FROZEN 0:10"), "{screen}");
    // All panes are as they were: clocks, calls, figures.
    let panes = |screen: &str| {
        screen
            .lines()
            .skip(1)
            .take(20)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(panes(&screen), panes(&before));
    assert!(screen.contains("DIALING"), "the state too");
    press(&mut model, "f");
    let screen = text(&mut model);
    assert!(
        screen.contains("DRAINING") && screen.contains("+12025550150"),
        "{screen}"
    );
    assert!(!screen.contains("FROZEN"));
}

#[test]
fn x_on_a_call_that_has_meanwhile_ended_is_refused() {
    let mut model = frozen("g");
    row_with(&draw(&mut model), "▶+12025550122");
    assert_eq!(press(&mut model, "x"), []);
    assert_eq!((said(&model), &model.popup), ("this call has ended", &None));
}

#[test]
fn x_on_a_call_that_lives_hangs_up_this_one() {
    let mut model = frozen("gj");
    let command = campaign::Command::HangUp(attempt_of(23));
    let expected = [Ask::Give(Command::Campaign(command))];
    assert_eq!(press(&mut model, "xl\r"), expected);
}

#[test]
fn questions_tell_what_lives_and_not_what_is_shown() {
    let mut later = later();
    later.limit.in_use = 1;
    let mut model = frozen("g");
    show(&mut model, &later, 11);
    press(&mut model, "X");
    let screen = text(&mut model);
    assert!(screen.contains("Hang up 1 live call?"), "{screen}");
}

fn detail(lead: LeadId) -> Detail {
    let snapshot = busy();
    Detail {
        lead,
        number: snapshot.leads.number(lead).expect("a lead"),
        row: snapshot.leads.row(lead).expect("a lead"),
        attempts: Vec::new(),
    }
}

#[test]
fn a_detail_that_is_opened_while_frozen_fills_once_and_then_stands() {
    let mut model = frozen("gj");
    let lead = LeadId(23);
    assert_eq!(press(&mut model, "\r"), [Ask::Detail(lead)]);
    update(
        &mut model,
        ConsoleEvent::Detail(lead, Some(Box::new(detail(lead)))),
    );
    assert!(matches!(&model.view, View::Detail(_, Some(_))));
    let tick = ConsoleEvent::Tick(Time(NOW.0 + 12_000_000));
    assert_eq!(update(&mut model, tick), [], "it is not asked for again");
    let mut newer = detail(lead);
    newer.row.attempts = 9;
    update(
        &mut model,
        ConsoleEvent::Detail(lead, Some(Box::new(newer))),
    );
    assert!(!text(&mut model).contains("9 attempts"));
}

#[test]
fn an_open_detail_follows_keeps_what_it_has_and_takes_nobody_else_s() {
    let mut model = model(busy());
    let lead = LeadId(22);
    assert_eq!(press(&mut model, "g\r"), [Ask::Detail(lead)]);
    update(
        &mut model,
        ConsoleEvent::Detail(LeadId(3), Some(Box::new(detail(LeadId(3))))),
    );
    assert_eq!(model.view, View::Detail(lead, None));
    update(
        &mut model,
        ConsoleEvent::Detail(lead, Some(Box::new(detail(lead)))),
    );
    // The engine is gone and has no answer any more.
    update(&mut model, ConsoleEvent::Detail(lead, None));
    assert_eq!(model.view, View::Detail(lead, Some(Box::new(detail(lead)))));
    let tick = ConsoleEvent::Tick(Time(NOW.0 + 1_000_000));
    assert_eq!(update(&mut model, tick), [Ask::Detail(lead)]);
}

#[test]
fn a_detail_closes_when_a_new_run_begins() {
    let mut model = model(busy());
    press(&mut model, "g\r");
    let mut next = busy();
    next.run = RunId(4);
    show(&mut model, &next, 1);
    assert_eq!(model.view, View::Panes, "the id is another person's now");
}
