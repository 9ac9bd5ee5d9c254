//! The live-calls pane: rows stand still while one is selected.

use super::rig::{NOW, attempt_of, busy, call, key, model, press, said, show};
use super::screen::{row_with, rows, text};
use crate::campaign::{AttemptId, CallView, CallWord, Time};
use crate::console::calls::{CallSort, CallsPane};
use crate::console::model::Model;
use crate::console::popup::Popup;
use crate::console::update::{ConsoleEvent, update};

fn listed(model: &Model) -> Vec<AttemptId> {
    let rows = model.calls.rows().iter();
    rows.map(|row| row.view.attempt).collect()
}

#[test]
fn rows_stand_still_while_one_is_selected_and_calls_begin_and_end() {
    let mut model = model(busy());
    press(&mut model, "gjj");
    let before = listed(&model);
    let mut later = busy();
    later.calls.remove(4);
    later.calls.remove(0);
    // Older by its number than all others, as one that was adopted would be.
    later.calls.insert(0, call(40, CallWord::Dialing, 0, 0));
    later.limit.in_use = later.calls.len();
    show(&mut model, &later, 1);
    let after = listed(&model);
    assert_eq!(after[..6], before[..]);
    assert_eq!(after[6..], [attempt_of(40)]);
    assert_eq!(model.calls.selected, Some(before[2]));
    let gone: Vec<bool> = model
        .calls
        .rows()
        .iter()
        .map(|r| r.gone_at.is_some())
        .collect();
    assert_eq!(gone, [true, false, false, false, true, false, false]);
    // It is told that they are over.
    let screen = text(&mut model);
    assert_eq!(screen.matches("(ended)").count(), 2, "{screen}");

    press(&mut model, "\x1b");
    let live: Vec<AttemptId> = later.calls.iter().map(|c| c.attempt).collect();
    assert_eq!(listed(&model), live, "Esc drops what has ended");
    assert_eq!(model.calls.selected, None);
}

#[test]
fn the_clock_of_a_call_that_has_ended_stands() {
    let mut model = model(busy());
    press(&mut model, "g");
    let mut later = busy();
    later.calls.remove(0);
    show(&mut model, &later, 1);
    let (_, row) = row_with(&super::screen::draw(&mut model), "+12025550122");
    show(&mut model, &later, 20);
    let (_, same) = row_with(&super::screen::draw(&mut model), "+12025550122");
    assert_eq!(row, same);
}

#[test]
fn a_call_that_has_ended_cannot_be_hung_up_and_no_other_is_in_its_place() {
    let mut model = model(busy());
    press(&mut model, "gj");
    let mut later = busy();
    later.calls.remove(1);
    show(&mut model, &later, 1);
    assert_eq!(press(&mut model, "x"), []);
    assert_eq!(model.popup, None);
    assert_eq!(said(&model), "this call has ended");
}

#[test]
fn a_question_about_a_call_that_ends_meanwhile_closes_and_meets_no_other() {
    let mut model = model(busy());
    press(&mut model, "gjx");
    assert!(model.popup.is_some());
    let mut later = busy();
    later.calls.remove(1);
    show(&mut model, &later, 1);
    assert_eq!(model.popup, None);
    assert_eq!(said(&model), "this call has ended by itself");
}

#[test]
fn a_question_follows_what_happens_and_starts_on_cancel_again() {
    let mut model = model(busy());
    press(&mut model, "Xl");
    let mut later = busy();
    later.limit.in_use += 30;
    show(&mut model, &later, 1);
    let Some(Popup::Question(question)) = &model.popup else {
        panic!("it is still open");
    };
    assert_eq!(question.chosen, 0);
    let calls = later.limit.in_use;
    assert!(
        question.text.contains(&calls.to_string()),
        "{}",
        question.text
    );
    assert_eq!(question.choices[1].label, format!("Hang up {calls}"));
    assert_eq!(press(&mut model, "\r"), []);
}

#[test]
fn a_question_that_nobody_has_seen_is_not_answered() {
    let mut model = model(busy());
    press(&mut model, "gj");
    let keys = ['x', 'y', 'l', '\r'].map(key);
    for key in keys {
        assert_eq!(update(&mut model, ConsoleEvent::Key(key)), []);
    }
    assert!(model.popup.is_some(), "it waits for somebody who reads it");
}

#[test]
fn a_new_run_leaves_nothing_selected_of_the_one_before() {
    let mut model = model(busy());
    press(&mut model, "gjf");
    let mut later = busy();
    later.run = crate::campaign::RunId(later.run.0 + 1);
    show(&mut model, &later, 1);
    assert_eq!((model.calls.selected, model.queue.selected), (None, None));
    assert!(model.frozen.is_none(), "what stood still is of another run");
    assert_eq!(press(&mut model, "r"), []);
}

#[test]
fn without_a_selection_x_hangs_up_nobody() {
    let mut model = model(busy());
    assert_eq!(press(&mut model, "x"), []);
    assert!(model.popup.is_none());
    press(&mut model, "1gx");
    assert!(
        !matches!(&model.popup, Some(Popup::Question(q)) if q.choices.len() != 2),
        "a selected lead is no selected call"
    );
}

/// Calls whose every column has another order.
fn mixed() -> Vec<CallView> {
    let words = [
        CallWord::Ending,
        CallWord::Dialing,
        CallWord::Bridged,
        CallWord::Ringing,
        CallWord::Answered,
    ];
    let numbers = [30, 50, 10, 40, 20];
    let since = [5, 9, 1, 7, 3];
    (0..5)
        .map(|i| {
            let mut view = call(numbers[i], words[i], 100 - i as u64, since[i]);
            view.attempt = AttemptId(i as u64 + 1);
            view
        })
        .collect()
}

#[test]
fn each_column_sorts_by_itself_and_back() {
    let orders = [
        (CallSort::Age, [1, 2, 3, 4, 5]),
        (CallSort::Number, [3, 5, 1, 4, 2]),
        (CallSort::State, [2, 4, 5, 3, 1]),
        (CallSort::InState, [2, 4, 1, 5, 3]),
    ];
    for (sort, mut expected) in orders {
        let mut calls = CallsPane::default();
        calls.sort = sort;
        calls.refresh(&mixed(), NOW);
        let ids = |calls: &CallsPane| {
            calls
                .rows()
                .iter()
                .map(|r| r.view.attempt.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&calls), expected, "{sort:?}");
        calls.descending = true;
        calls.rebuild(&mixed());
        expected.reverse();
        assert_eq!(ids(&calls), expected, "{sort:?} turned round");
    }
}

#[test]
fn the_order_s_keys_go_through_the_columns_and_say_so() {
    let mut model = model(busy());
    for expected in ["number", "state", "time in the state", "age"] {
        press(&mut model, ">");
        assert_eq!(said(&model), format!("sorted by {expected}"));
    }
    press(&mut model, "<I");
    assert_eq!(said(&model), "sorted by time in the state, turned round");
    assert_eq!(model.calls.sort, CallSort::InState);
    assert!(model.calls.descending);
}

#[test]
fn a_filter_shows_the_calls_that_fit_and_says_what_it_is() {
    let mut model = model(busy());
    press(&mut model, "/ringing\r");
    assert_eq!(listed(&model), [attempt_of(25)]);
    assert!(text(&mut model).contains("/ringing (1)"));
    press(&mut model, "\x1b");
    assert_eq!(listed(&model).len(), 6);
}

#[test]
fn a_selection_stays_on_the_screen_when_the_screen_shrinks() {
    let mut snapshot = busy();
    snapshot.calls = (0..50).map(|n| call(n, CallWord::Ringing, 9, 9)).collect();
    let mut model = model(snapshot);
    text(&mut model);
    press(&mut model, "G");
    for size in [(80, 24), (60, 12), (40, 10), (120, 40), (40, 10)] {
        model.size = size;
        let screen = super::screen::draw(&mut model);
        assert!(
            rows(&screen)
                .iter()
                .any(|row| row.contains("▶+12025550149")),
            "{size:?}"
        );
    }
    let at = Time(NOW.0 + 1);
    model.calls.refresh(&[], at);
    assert_eq!(model.calls.rows().len(), 50);
}
