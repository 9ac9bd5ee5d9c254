//! The footer and the help page follow the table of keys.

use super::rig::{PLAIN, busy, done, idle, model, model_of, press};
use super::screen::{draw, rows, text};
use crate::console::view::SMALLEST;
use crate::keys::{BINDINGS, KeyMap};

fn footer(model: &mut crate::console::model::Model) -> String {
    rows(&draw(model)).pop().unwrap_or_default()
}

#[test]
fn help_and_quit_are_named_on_every_screen_that_is_large_enough() {
    let widths = [SMALLEST.0, 41, 60, 79, 80, 120, 200];
    for size in widths
        .into_iter()
        .flat_map(|w| [(w, SMALLEST.1), (w, 24), (w, 60)])
    {
        for snapshot in [busy(), idle(), done()] {
            for keys in ["", "1", "3", "?", "a", "t", "g\r"] {
                let mut model = model_of(snapshot.clone(), PLAIN, size);
                press(&mut model, keys);
                let footer = footer(&mut model);
                assert!(footer.contains("? help"), "{size:?} {keys:?}: {footer}");
                assert!(footer.contains("q quit"), "{size:?} {keys:?}: {footer}");
            }
        }
    }
}

/// All that the help page says, scrolled through.
fn help(keys: KeyMap) -> String {
    let mut model = model_of(busy(), PLAIN, (120, 24));
    model.setup.keys = keys;
    press(&mut model, "?");
    let mut all = text(&mut model);
    for _ in 0..10 {
        model.page_scroll += 10;
        all.push_str(&text(&mut model));
    }
    all
}

#[test]
fn the_help_page_lists_every_key_with_what_it_does() {
    let help = help(KeyMap::default());
    for binding in BINDINGS {
        let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
        let line = format!("  {:<14}{}", keys.join(" "), binding.help);
        assert!(help.contains(&line), "{line:?} is not on the help page");
    }
}

#[test]
fn remapped_keys_show_where_keys_are_shown() {
    let map = || KeyMap::with("pause=F5,help=F2,quit=F10").expect("a good map");
    let help = help(map());
    assert!(!help.contains("Ctrl-C"), "quit has another key now");
    let mut model = model(busy());
    model.setup.keys = map();
    let footer = footer(&mut model);
    for words in ["F5 pause", "F2 help", "F10 quit"] {
        assert!(footer.contains(words), "{footer}");
    }
    press(&mut model, "p");
    assert_eq!(
        super::rig::said(&model),
        "p does nothing here; F2 lists the keys"
    );
}

#[test]
fn what_cannot_be_done_is_not_offered() {
    let mut model = model(busy());
    model.setup.read_only = true;
    let read_only = footer(&mut model);
    assert!(
        !read_only.contains("pause") && !read_only.contains("hang up"),
        "{read_only}"
    );
    model.setup.read_only = false;
    model.engine_ended = Some("it panicked".to_owned());
    let ended = footer(&mut model);
    assert!(
        !ended.contains("pause") && !ended.contains("hang up"),
        "{ended}"
    );
}
