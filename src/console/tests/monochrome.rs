//! Without colours, and with ASCII alone, everything can still be told.

use ratatui::style::Modifier;

use super::rig::{MONO, PLAIN, busy, call, done, idle, model_of, press};
use super::screen::{draw, has, is_coloured, row_with, rows};
use crate::campaign::{CallWord, Disposition, LeadId, RunState};
use crate::console::filter::lead_word;
use crate::console::model::Model;
use crate::console::theme::Theme;
use crate::engine::Snapshot;

/// Keys that lead to every kind of screen.
const SCREENS: &[&str] = &[
    "", "g", "1g", "3", "z", "?", "?G", "t", "a", "g\r", "gx", "X", "d", "q", "m", "m0\r", "/2",
    "f", "1>>I", "*",
];

fn screens(theme: Theme, mut check: impl FnMut(&mut Model, &str)) {
    for size in [(40, 12), (80, 24), (120, 40)] {
        for snapshot in [busy(), idle(), done()] {
            for keys in SCREENS {
                let mut model = model_of(snapshot.clone(), theme, size);
                press(&mut model, keys);
                check(&mut model, keys);
            }
        }
    }
}

#[test]
fn no_cell_of_any_screen_has_a_colour() {
    screens(MONO, |model, keys| {
        let screen = draw(model);
        assert!(!screen.content.iter().any(is_coloured), "after {keys:?}");
    });
}

#[test]
fn an_ascii_terminal_is_sent_ascii() {
    screens(PLAIN, |model, keys| {
        for row in rows(&draw(model)) {
            assert!(row.is_ascii(), "after {keys:?}: {row}");
        }
    });
}

#[test]
fn the_selected_row_is_marked_and_reversed_and_no_other_is() {
    for theme in [MONO, PLAIN] {
        for keys in ["gj", "1gj"] {
            let mut model = model_of(busy(), theme, (80, 24));
            press(&mut model, keys);
            let screen = draw(&mut model);
            let (row, text) = row_with(&screen, theme.marker());
            assert!(has(&screen, row, Modifier::REVERSED), "{text}");
            for other in (4..16).filter(|other| *other != row) {
                assert!(!has(&screen, other, Modifier::REVERSED), "row {other}");
            }
        }
    }
}

#[test]
fn a_selected_row_of_a_pane_without_the_focus_is_told_apart() {
    let mut model = model_of(busy(), MONO, (80, 24));
    press(&mut model, "gj1");
    let screen = draw(&mut model);
    let (row, _) = row_with(&screen, "▶+12025550123");
    assert!(has(&screen, row, Modifier::UNDERLINED));
    assert!(!has(&screen, row, Modifier::REVERSED));
}

#[test]
fn the_pane_with_the_focus_has_a_bold_frame() {
    for (keys, focused, other) in [("1", 0, 79), ("2", 79, 0)] {
        let mut model = model_of(busy(), MONO, (80, 24));
        press(&mut model, keys);
        let screen = draw(&mut model);
        assert!(screen[(focused, 6)].modifier.contains(Modifier::BOLD));
        assert!(!screen[(other, 6)].modifier.contains(Modifier::BOLD));
    }
}

#[test]
fn every_state_of_a_call_is_a_word_in_its_row() {
    let words = [
        (CallWord::Dialing, "dialing"),
        (CallWord::Ringing, "ringing"),
        (CallWord::Answered, "answered"),
        (CallWord::Bridged, "bridged"),
        (CallWord::Ending, "ending"),
    ];
    for size in [(40, 12), (80, 24), (200, 60)] {
        for (word, expected) in words {
            let mut snapshot = busy();
            snapshot.calls = vec![call(22, word, 9, 9)];
            let screen = draw(&mut model_of(snapshot, PLAIN, size));
            let (_, row) = row_with(&screen, "+12025550122");
            assert!(row.contains(expected), "{row}");
        }
    }
}

#[test]
fn every_state_of_a_lead_is_a_word_in_its_row() {
    for disposition in Disposition::ALL {
        let lead = LeadId(disposition as u32);
        let mut model = model_of(busy(), PLAIN, (40, 12));
        press(&mut model, "1");
        let number = super::rig::number(lead.0);
        press(&mut model, &format!("/{number}\r"));
        let screen = draw(&mut model);
        let (_, row) = row_with(
            &screen,
            &format!("  {}", number.as_str()).replace("  ", "| "),
        );
        let state = crate::campaign::LeadState::Final(disposition);
        assert!(row.contains(lead_word(state)), "{row}");
    }
    for (lead, word) in [(22, "calling"), (40, "waiting")] {
        let mut model = model_of(busy(), PLAIN, (40, 12));
        let number = super::rig::number(lead);
        press(&mut model, &format!("1/{number}\r"));
        let (_, row) = row_with(&draw(&mut model), &format!("| {number}"));
        assert!(row.contains(word), "{row}");
    }
}

#[test]
fn every_state_of_the_run_is_a_word_in_the_header_at_every_width() {
    let states = [
        (RunState::Idle, " IDLE "),
        (RunState::Dialing, " DIALING "),
        (RunState::Paused("by the operator".to_owned()), " PAUSED "),
        (RunState::Draining, " DRAINING "),
        (RunState::Done, " DONE "),
    ];
    for width in [40, 59, 60, 80, 200] {
        for (state, word) in &states {
            let mut snapshot = busy();
            snapshot.state = state.clone();
            let mut model = model_of(snapshot, PLAIN, (width, 24));
            press(&mut model, "f");
            let screen = draw(&mut model);
            let header = &rows(&screen)[0];
            assert!(header.contains(word), "{width}: {header}");
            assert!(header.contains(" FROZEN 0:00 "), "{width}: {header}");
            assert!(header.contains("link up"), "{width}: {header}");
            assert!(has(&screen, 0, Modifier::REVERSED));
        }
    }
}

#[test]
fn the_chosen_answer_is_marked_and_reversed_and_in_sight_on_the_smallest_screen() {
    let long = || {
        let mut long = done();
        long.list = "/srv/lists/".repeat(40).into();
        long
    };
    let asked: [(&dyn Fn() -> Snapshot, &str); 8] = [
        (&long, "n"),
        (&busy, "q"),
        (&busy, "d"),
        (&busy, "gx"),
        (&busy, "X"),
        (&busy, "m9999\r"),
        (&done, "n"),
        (&done, "1gr"),
    ];
    for (snapshot, keys) in asked {
        let mut model = model_of(snapshot(), PLAIN, crate::console::view::SMALLEST);
        press(&mut model, keys);
        for choice in ["[ Cancel ]", "[ "] {
            let screen = draw(&mut model);
            let (row, _) = row_with(&screen, &format!(">{choice}"));
            assert!(has(&screen, row, Modifier::REVERSED));
            press(&mut model, "l");
        }
    }
}
