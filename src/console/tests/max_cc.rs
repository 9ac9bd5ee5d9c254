//! `MAX_CC`, one step or typed: no press is lost, and none goes by an old picture.

use super::rig::{busy, max_cc, model, press, said, show};
use crate::campaign;
use crate::console::model::Model;
use crate::console::popup::Popup;
use crate::console::update::{Ask, ConsoleEvent, update};
use crate::control::Command;

fn to(calls: u32) -> Command {
    Command::Campaign(campaign::Command::SetMaxCc(max_cc(calls)))
}

fn gives(calls: u32) -> Vec<Ask> {
    vec![Ask::Give(to(calls))]
}

fn answer(model: &mut Model, calls: u32, outcome: Result<String, String>) {
    update(model, ConsoleEvent::Outcome(to(calls), outcome));
}

#[test]
fn five_quick_presses_ask_for_five_more() {
    let mut model = model(busy());
    let given = press(&mut model, "+++++");
    assert_eq!(given, [11, 12, 13, 14, 15].map(to).map(Ask::Give));
    assert_eq!(press(&mut model, "--"), [14, 13].map(to).map(Ask::Give));
}

#[test]
fn a_press_between_the_answer_and_the_picture_counts_from_the_answer() {
    let mut model = model(busy());
    press(&mut model, "+");
    answer(&mut model, 11, Ok("MAX_CC is 11".to_owned()));
    assert_eq!(press(&mut model, "+"), gives(12));
    // The picture that shows the first is older than the second.
    let mut picture = busy();
    picture.limit.requested = max_cc(11);
    show(&mut model, &picture, 1);
    assert_eq!(press(&mut model, "+"), gives(13));
}

#[test]
fn what_others_ask_for_counts_once_ours_is_in_the_picture() {
    let mut model = model(busy());
    press(&mut model, "+");
    answer(&mut model, 11, Ok("MAX_CC is 11".to_owned()));
    let mut picture = busy();
    picture.limit.requested = max_cc(30);
    show(&mut model, &picture, 1);
    assert_eq!(press(&mut model, "+"), gives(31));
}

#[test]
fn a_step_that_was_refused_is_no_base_for_the_next() {
    let mut model = model(busy());
    press(&mut model, "+");
    answer(&mut model, 11, Err("no".to_owned()));
    assert_eq!(press(&mut model, "+"), gives(11));
}

#[test]
fn a_step_after_a_large_raise_counts_from_the_raise() {
    let mut model = model(busy());
    assert_eq!(press(&mut model, "m60\r"), []);
    assert_eq!(press(&mut model, "l\r"), gives(60));
    assert_eq!(press(&mut model, "-"), gives(59));
}

#[test]
fn a_raise_by_ten_or_more_asks_and_a_smaller_one_does_not() {
    assert_eq!(press(&mut model(busy()), "m19\r"), gives(19));
    assert_eq!(press(&mut model(busy()), "m1\r"), gives(1));
    let mut model = model(busy());
    assert_eq!(press(&mut model, "m20\r"), []);
    assert!(matches!(model.popup, Some(Popup::Question(_))));
}

#[test]
fn what_is_no_limit_stays_in_the_prompt_with_what_is_allowed() {
    for typed in ["0", "10001", "99999999999", ""] {
        let mut model = model(busy());
        assert_eq!(press(&mut model, &format!("m{typed}\r")), []);
        let Some(Popup::Prompt(prompt)) = &model.popup else {
            panic!("{typed:?} was taken: {}", said(&model));
        };
        let allowed = "a whole number from 1 to 10000";
        assert_eq!(prompt.wrong.as_deref(), Some(allowed));
        assert_eq!(prompt.text, typed);
    }
    assert_eq!(
        press(&mut model(busy()), "mx1z2\r"),
        gives(12),
        "letters are not typed"
    );
}

#[test]
fn it_never_goes_below_one() {
    let mut snapshot = busy();
    snapshot.limit.requested = max_cc(1);
    assert_eq!(press(&mut model(snapshot), "-"), gives(1));
}

#[test]
fn a_key_that_is_held_down_asks_before_it_has_raised_by_ten() {
    let mut model = model(busy());
    let given = press(&mut model, "++++++++++");
    assert_eq!(given.len(), 9);
    assert!(
        matches!(model.popup, Some(Popup::Question(_))),
        "{:?}",
        model.popup
    );
}
