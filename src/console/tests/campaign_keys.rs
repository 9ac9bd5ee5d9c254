//! Every key that changes the campaign gives exactly its command, or asks first.

use super::rig::{attempt_of, busy, done, ended_as, key, max_cc, model, press, said};
use crate::campaign::{self, Again, Command as Campaign, Disposition, LeadId, RunState, Streak};
use crate::console::model::{Model, Pane};
use crate::console::popup::{Popup, Purpose};
use crate::console::update::{Ask, ConsoleEvent, update};
use crate::control::Command;
use crate::keys::{Action, BINDINGS, Group, Key, KeyCode};

/// What a key does.
#[derive(Debug, PartialEq)]
enum Does {
    Gives(Command),
    Asks(Command),
    /// Nothing, and says why.
    Refuses,
    Types,
}

fn gives(command: Campaign) -> Does {
    Does::Gives(Command::Campaign(command))
}

fn asks(command: Campaign) -> Does {
    Does::Asks(Command::Campaign(command))
}

fn states() -> [RunState; 5] {
    [
        RunState::Idle,
        RunState::Dialing,
        RunState::Paused(campaign::BY_OPERATOR.to_owned()),
        RunState::Draining,
        RunState::Done,
    ]
}

/// The console with the first call selected, and this lead in the queue.
fn at(state: &RunState, lead: Option<LeadId>) -> Model {
    let mut snapshot = busy();
    snapshot.state = state.clone();
    let mut model = model(snapshot);
    press(&mut model, "g");
    if let Some(lead) = lead {
        model.focus = Pane::Queue;
        model.queue.selected = Some(lead);
    }
    model
}

/// What comes of a key, told by what it does and not by what it says.
fn does(model: &mut Model, pressed: Key) -> Does {
    let before = model.message.clone();
    let asked = update(model, ConsoleEvent::Key(pressed));
    match (&model.popup, asked.as_slice()) {
        (None, [Ask::Give(command)]) => Does::Gives(command.clone()),
        (Some(Popup::Prompt(prompt)), []) if prompt.purpose == Purpose::MaxCc => Does::Types,
        (Some(Popup::Question(question)), []) => {
            assert_eq!(question.chosen, 0, "it starts on Cancel");
            assert_eq!(question.choices[0].does, None);
            assert_eq!(question.choices.len(), 2);
            let does = question.choices[1].does.clone();
            Does::Asks(does.expect("the second choice does something"))
        }
        (None, []) => {
            assert_ne!(model.message, before, "it says why");
            Does::Refuses
        }
        other => panic!("{other:?}"),
    }
}

fn expected(action: Action, state: &RunState) -> Does {
    let done = *state == RunState::Done;
    match action {
        Action::Start if done => Does::Refuses,
        Action::Start => gives(Campaign::Start),
        Action::Pause if matches!(state, RunState::Paused(_)) => Does::Refuses,
        Action::Pause => gives(Campaign::Pause),
        Action::Drain => asks(Campaign::Drain),
        Action::MaxUp => gives(Campaign::SetMaxCc(max_cc(11))),
        Action::MaxDown => gives(Campaign::SetMaxCc(max_cc(9))),
        Action::MaxType => Does::Types,
        Action::HangUp => asks(Campaign::HangUp(attempt_of(22))),
        Action::HangUpAll => asks(Campaign::HangUpAll),
        Action::NewRun if done => Does::Asks(Command::NewRun),
        // The selected call's lead is being called, and there was no streak.
        Action::NewRun | Action::Requeue | Action::RequeueStreak | Action::Skip => Does::Refuses,
        other => panic!("{other:?} is no key of the campaign that this test knows"),
    }
}

#[test]
fn each_key_gives_its_command_or_asks_in_every_state() {
    for state in states() {
        for binding in BINDINGS.iter().filter(|b| b.group == Group::Campaign) {
            for pressed in binding.keys {
                let found = does(&mut at(&state, None), *pressed);
                let expected = expected(binding.action, &state);
                assert_eq!(found, expected, "{pressed} at {}", state.word());
            }
        }
    }
}

#[test]
fn no_other_key_gives_a_command() {
    for binding in BINDINGS.iter().filter(|b| b.group != Group::Campaign) {
        for pressed in binding.keys {
            let asked = update(
                &mut at(&RunState::Dialing, None),
                ConsoleEvent::Key(*pressed),
            );
            let gave = asked.iter().any(|ask| matches!(ask, Ask::Give(_)));
            assert!(!gave, "{pressed} gave {asked:?}");
        }
    }
}

#[test]
fn a_lead_is_called_again_at_once_only_where_nobody_was_reached() {
    for disposition in Disposition::ALL {
        let lead = ended_as(disposition);
        let command = Campaign::Requeue(lead);
        let reached = matches!(disposition, Disposition::Answered | Disposition::Abandoned);
        for state in states() {
            let found = does(&mut at(&state, Some(lead)), key('r'));
            let expected = if reached || state == RunState::Done {
                asks(command.clone())
            } else {
                gives(command.clone())
            };
            assert_eq!(found, expected, "{disposition} at {}", state.word());
        }
    }
}

#[test]
fn only_who_waits_is_skipped_and_only_who_does_not_is_called_again() {
    let waiting = LeadId(super::rig::FIRST_WAITING);
    let dialing = RunState::Dialing;
    let skip = does(&mut at(&dialing, Some(waiting)), key('i'));
    assert_eq!(skip, gives(Campaign::Skip(waiting)));
    assert_eq!(
        does(&mut at(&dialing, Some(waiting)), key('r')),
        Does::Refuses
    );
    for lead in [
        ended_as(Disposition::Busy),
        LeadId(super::rig::FIRST_CALLED),
    ] {
        assert_eq!(does(&mut at(&dialing, Some(lead)), key('i')), Does::Refuses);
    }
}

/// A console with a question open, and what its second answer does.
fn questions() -> Vec<(Model, Command)> {
    let mut raise = at(&RunState::Dialing, None);
    press(&mut raise, "m20\r");
    let mut new_run = model(done());
    press(&mut new_run, "n");
    let mut quit = at(&RunState::Dialing, None);
    press(&mut quit, "q");
    let mut all = vec![
        (raise, Command::Campaign(Campaign::SetMaxCc(max_cc(20)))),
        (new_run, Command::NewRun),
        (quit, Command::Quit),
    ];
    let lead = ended_as(Disposition::Answered);
    let others = [
        ("d", None, Campaign::Drain),
        ("x", None, Campaign::HangUp(attempt_of(22))),
        ("X", None, Campaign::HangUpAll),
        ("r", Some(lead), Campaign::Requeue(lead)),
    ];
    for (keys, lead, command) in others {
        let mut model = at(&RunState::Dialing, lead);
        press(&mut model, keys);
        all.push((model, Command::Campaign(command)));
    }
    all
}

#[test]
fn a_question_starts_on_cancel_and_enter_gives_nothing() {
    for (mut model, command) in questions() {
        assert!(
            matches!(model.popup, Some(Popup::Question(_))),
            "{command:?}"
        );
        assert_eq!(press(&mut model, "\r"), [], "{command:?}");
        assert_eq!(model.popup, None);
    }
}

#[test]
fn the_second_answer_gives_the_command_that_was_asked_about() {
    for (mut model, command) in questions() {
        assert_eq!(press(&mut model, "l\r"), [Ask::Give(command)]);
        assert!(
            said(&model).ends_with('…'),
            "it shows at once: {}",
            said(&model)
        );
    }
}

/// `y` is a plain yes. Where there are two ways to say it, neither is meant.
#[test]
fn y_confirms_a_question_with_two_answers_and_not_one_with_three() {
    let mut threefold = 0;
    for (mut model, command) in questions() {
        let Some(Popup::Question(question)) = &model.popup else {
            panic!("nothing is asked about {command:?}");
        };
        let answers = question.choices.len();
        let asked = press(&mut model, "y");
        if answers == 2 {
            assert_eq!(asked, [Ask::Give(command)]);
            assert_eq!(model.popup, None);
            continue;
        }
        threefold += 1;
        assert_eq!(asked, [], "{command:?}");
        assert_eq!(press(&mut model, "yyyy"), [], "{command:?}");
        let Some(Popup::Question(question)) = &model.popup else {
            panic!("it is asked no more about {command:?}");
        };
        assert_eq!(question.chosen, 0, "it stays on Cancel");
        assert_eq!(press(&mut model, "\r"), []);
    }
    assert!(threefold > 0, "no question has three answers");
}

#[test]
fn each_of_three_answers_is_reached_in_both_directions() {
    for (keys, command) in [
        ("ql\r", Some(Command::Quit)),
        ("qll\r", Some(Command::QuitNow)),
        ("qlll\r", None),
        ("qh\r", Some(Command::QuitNow)),
        ("qhh\r", Some(Command::Quit)),
        ("qhhh\r", None),
        ("qlh\r", None),
    ] {
        let mut model = at(&RunState::Dialing, None);
        let given = press(&mut model, keys);
        assert_eq!(given, command.map(Ask::Give).as_slice(), "{keys}");
        assert_eq!(model.popup, None, "{keys}");
    }
}

#[test]
fn what_is_no_answer_answers_nothing() {
    let ctrl = |c| Key {
        code: KeyCode::Char(c),
        ctrl: true,
    };
    let closes = [key('\x1b'), key('n'), key('q'), ctrl('c')];
    let ignored = [
        key('x'),
        key(' '),
        key('d'),
        key('Y'),
        key('1'),
        key('2'),
        ctrl('y'),
        ctrl('l'),
        ctrl('n'),
    ];
    for pressed in closes.iter().chain(&ignored) {
        for (mut model, command) in questions() {
            let given: Vec<Ask> = update(&mut model, ConsoleEvent::Key(*pressed))
                .into_iter()
                .filter(|ask| matches!(ask, Ask::Give(_) | Ask::Leave))
                .collect();
            assert_eq!(given, [], "{pressed} to {command:?}");
            assert_eq!(model.popup.is_none(), closes.contains(pressed), "{pressed}");
        }
    }
}

#[test]
fn quitting_asks_which_way_and_leaves_at_once_where_nothing_lives() {
    let mut model = at(&RunState::Dialing, None);
    assert_eq!(press(&mut model, "qll\r"), [Ask::Give(Command::QuitNow)]);
    assert_eq!(
        press(&mut super::rig::model(super::rig::idle()), "q"),
        [Ask::Leave]
    );
    let mut dead = at(&RunState::Dialing, None);
    update(
        &mut dead,
        ConsoleEvent::EngineEnded("it panicked".to_owned()),
    );
    assert_eq!(
        press(&mut dead, "q"),
        [Ask::Leave],
        "nothing is left to drain"
    );
}

#[test]
fn an_engine_that_has_ended_is_given_no_command() {
    for binding in BINDINGS.iter().filter(|b| b.group == Group::Campaign) {
        let mut model = at(&RunState::Dialing, None);
        update(
            &mut model,
            ConsoleEvent::EngineEnded("it panicked".to_owned()),
        );
        assert_eq!(does(&mut model, binding.keys[0]), Does::Refuses);
        assert!(said(&model).contains("the engine has ended: it panicked"));
    }
}

#[test]
fn what_came_of_a_command_is_said() {
    let mut model = at(&RunState::Dialing, None);
    press(&mut model, "p");
    assert_eq!(said(&model), "pause…");
    let pause = Command::Campaign(Campaign::Pause);
    update(
        &mut model,
        ConsoleEvent::Outcome(pause.clone(), Ok("paused".to_owned())),
    );
    assert_eq!(said(&model), "paused");
    update(
        &mut model,
        ConsoleEvent::Outcome(pause, Err("not now".to_owned())),
    );
    assert_eq!(said(&model), "pause: not now");
}

#[test]
fn a_question_about_the_run_before_goes_when_a_new_run_begins() {
    for keys in ["n", "1gr"] {
        let mut model = model(done());
        press(&mut model, keys);
        assert!(model.popup.is_some());
        let mut next = busy();
        next.run = campaign::RunId(4);
        super::rig::show(&mut model, &next, 1);
        assert_eq!(model.popup, None, "its leads are others'");
    }
    let mut model = at(&RunState::Dialing, None);
    press(&mut model, "q");
    let mut next = busy();
    next.run = campaign::RunId(4);
    super::rig::show(&mut model, &next, 1);
    assert!(model.popup.is_some(), "quitting is about no run");
}

#[test]
fn a_streak_is_called_again_after_a_question_that_tells_whom() {
    let mut snapshot = busy();
    for reached in [false, true] {
        snapshot.streak = Some(Streak { leads: 25, reached });
        let mut model = model(snapshot.clone());
        let again = Campaign::RequeueMany(Again {
            reached,
            ..Again::default()
        });
        assert_eq!(does(&mut model, key('R')), asks(again));
        let Some(Popup::Question(question)) = &model.popup else {
            panic!("nothing is asked");
        };
        assert!(question.text.contains("25 numbers"), "{}", question.text);
        assert_eq!(
            question.text.contains("AGAIN"),
            reached,
            "{}",
            question.text
        );
    }
}
