//! Whatever is typed, pasted and shown in whatever order: nothing breaks, a read-only console
//! gives no command, and a dangerous one comes only out of an answered question.

use std::sync::Arc;

use super::rig::{NOW, busy, done, end, idle, model};
use super::screen::draw;
use crate::campaign::{self, Disposition, LeadId, LeadState, RunId, RunState, Time};
use crate::console::model::Model;
use crate::console::popup::Popup;
use crate::console::update::{Ask, ConsoleEvent, max_cc_asked, update};
use crate::control::Command;
use crate::engine::Snapshot;
use crate::keys::{BINDINGS, Key, KeyCode};

/// Mostly keys that do something, and those that answer.
fn random_key(random: &mut fastrand::Rng) -> Key {
    match random.u8(0..10) {
        0 => Key::plain(KeyCode::Enter),
        1 => Key::plain(
            *random
                .choice(&[KeyCode::Left, KeyCode::Right, KeyCode::Esc])
                .expect("one"),
        ),
        2 => Key {
            code: KeyCode::Char(char::from(random.u8(b' '..=b'~'))),
            ctrl: random.u8(0..4) == 0,
        },
        _ => {
            let binding = random.choice(BINDINGS).expect("there are keys");
            *random.choice(binding.keys).expect("it has keys")
        }
    }
}

/// Another picture: calls end, leads change, the state changes.
fn random_picture(random: &mut fastrand::Rng, later: u64) -> Arc<Snapshot> {
    let mut snapshot = match random.u8(0..8) {
        0 => idle(),
        1 => done(),
        _ => busy(),
    };
    snapshot.at = Time(NOW.0 + later * 100_000);
    snapshot.run = RunId(3 + u32::from(random.u8(0..20) == 0));
    snapshot.calls.retain(|_| random.bool());
    snapshot.limit.in_use = snapshot.calls.len();
    snapshot.limit.requested = super::rig::max_cc(random.u32(1..40));
    for _ in 0..random.u8(0..6) {
        let lead = LeadId(random.u32(0..60));
        end(
            &mut snapshot.leads,
            lead,
            Disposition::ALL[random.usize(0..Disposition::ALL.len())],
        );
    }
    if random.u8(0..4) == 0 {
        snapshot.state = RunState::Paused("a rule".to_owned());
        snapshot.link.down = Some((NOW, "gone".to_owned()));
    }
    Arc::new(snapshot)
}

fn random_text(random: &mut fastrand::Rng) -> String {
    let length = random.usize(0..40);
    let pick = [
        'x', 'X', 'q', 'y', '\n', '\r', '1', '\u{1b}', '\u{202e}', '世', '\u{301}',
    ];
    (0..length)
        .map(|_| *random.choice(&pick).expect("one"))
        .collect()
}

fn random_event(random: &mut fastrand::Rng, model: &Model, step: u64) -> ConsoleEvent {
    match random.u8(0..20) {
        0 => ConsoleEvent::Paste(random_text(random)),
        1 => ConsoleEvent::Resize(random.u16(1..=130), random.u16(1..=50)),
        2 | 3 => ConsoleEvent::Picture(random_picture(random, step)),
        4 => ConsoleEvent::Tick(Time(NOW.0 + step * 100_000)),
        5 if model.pending > 0 => {
            let max_cc = campaign::Command::SetMaxCc(super::rig::max_cc(max_cc_asked(model)));
            let outcome = if random.bool() {
                Ok("so".to_owned())
            } else {
                Err("no".to_owned())
            };
            ConsoleEvent::Outcome(Command::Campaign(max_cc), outcome)
        }
        _ => ConsoleEvent::Key(random_key(random)),
    }
}

/// Whether it must have been asked about, where `MAX_CC` was this before.
fn is_dangerous(model: &Model, max_cc: u32, command: &Command) -> bool {
    use campaign::Command as Campaign;
    let Command::Campaign(command) = command else {
        return true;
    };
    match command {
        Campaign::HangUp(_)
        | Campaign::HangUpAll
        | Campaign::Drain
        | Campaign::StopNow
        | Campaign::RequeueMany(_) => true,
        Campaign::Requeue(lead) => {
            let state = model.live.leads.row(*lead).map(|row| row.state);
            let reached = matches!(state, Some(LeadState::Final(d)) if d.is_seizure());
            reached || model.live.state == RunState::Done
        }
        Campaign::SetMaxCc(to) => to.calls() >= max_cc as usize + 10,
        Campaign::Start | Campaign::Pause | Campaign::Skip(_) => false,
    }
}

#[test]
fn a_dangerous_command_comes_only_out_of_an_answered_question() {
    let (mut given, mut dangerous) = (0, 0);
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut model = model(busy());
        for step in 0..500 {
            let event = random_event(&mut random, &model, step);
            let told = format!("seed {seed}, step {step}: {event:?}");
            let answers = match &event {
                ConsoleEvent::Key(key) => {
                    !key.ctrl && matches!(key.code, KeyCode::Enter | KeyCode::Char('y'))
                }
                _ => false,
            };
            let asked = matches!(model.popup, Some(Popup::Question(_))) && answers;
            let before = max_cc_asked(&model);
            let asks = update(&mut model, event);
            for ask in asks {
                if let Ask::Give(command) = ask {
                    let danger = is_dangerous(&model, before, &command);
                    assert!(!danger || asked, "{told} gave {command:?}");
                    given += 1;
                    dangerous += u32::from(danger);
                }
            }
            if step % 4 == 0 {
                draw(&mut model);
            }
            model.drawn();
        }
    }
    // Or it would have proved nothing.
    assert!(
        given > 500 && dangerous > 50,
        "{given} given, {dangerous} dangerous"
    );
}

#[test]
fn a_read_only_console_gives_no_command_whatever_is_pressed() {
    for binding in BINDINGS {
        for pressed in binding.keys {
            let mut model = model(busy());
            model.setup.read_only = true;
            let asks = update(&mut model, ConsoleEvent::Key(*pressed));
            assert!(!gives(&asks), "{pressed}");
        }
    }
    let mut random = fastrand::Rng::with_seed(5);
    let mut model = model(busy());
    model.setup.read_only = true;
    for step in 0..20_000 {
        let pressed = random_key(&mut random);
        let asks = update(&mut model, ConsoleEvent::Key(pressed));
        assert!(!gives(&asks), "step {step}: {pressed} gave {asks:?}");
        let question = matches!(model.popup, Some(Popup::Question(_)));
        assert!(!question, "step {step}: {pressed} asked");
        if step % 97 == 0 {
            update(
                &mut model,
                ConsoleEvent::Picture(random_picture(&mut random, step)),
            );
            draw(&mut model);
        }
    }
}

fn gives(asks: &[Ask]) -> bool {
    asks.iter().any(|ask| matches!(ask, Ask::Give(_)))
}

#[test]
fn pasted_text_is_no_key_wherever_it_falls() {
    let pasted = "xXqyd\r\nsp+n1\u{1b}";
    for keys in ["", "1g", "gx", "X", "q", "m", "/", "?", "g\r"] {
        let mut model = model(busy());
        super::rig::press(&mut model, keys);
        let before = model.popup.clone();
        let asks = update(&mut model, ConsoleEvent::Paste(pasted.to_owned()));
        assert_eq!(asks, [], "after {keys:?}");
        match (&model.popup, before) {
            (Some(Popup::Prompt(prompt)), _) => {
                let typed = if keys == "m" { "" } else { "xXqyd" };
                assert_eq!(prompt.text, typed, "its first line");
            }
            (popup, before) => {
                assert_eq!(*popup, before, "after {keys:?}");
                let said = super::rig::said(&model);
                assert!(said.starts_with("pasted text is no command"), "{said}");
            }
        }
    }
}
