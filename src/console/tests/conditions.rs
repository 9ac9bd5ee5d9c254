//! What is unwell is told, on every size and however much of it there is.

use super::rig::{NOW, PLAIN, ago, busy, model_of};
use super::screen::{rows, text};
use crate::campaign::{HeldBack, RunState, Time};
use crate::console::view::SMALLEST;
use crate::engine::{Snapshot, Stop};
use crate::mirror::MirrorState;

type Condition = (&'static str, fn(&mut Snapshot));

/// Each with the word that stands for it.
const ALL: [Condition; 8] = [
    ("QUITTING", |s| {
        s.stopping = Some(Stop {
            by: "SIGTERM".to_owned(),
            hang_up_at: Time(NOW.0 + 9_000_000),
            hung_up: false,
        });
    }),
    ("LINK DOWN", |s| {
        s.link.down = Some((ago(5), "no route to host".to_owned()));
    }),
    ("JOURNAL FULL", |s| {
        s.journal.full = Some((ago(5), "no space".to_owned()));
    }),
    ("PAUSED", |s| {
        s.state = RunState::Paused("no such trunk".to_owned());
    }),
    ("WAITING", |s| s.limit.held = Some(HeldBack::Reconciling)),
    ("RECORDINGS DELAYED", |s| {
        s.recordings.delayed = Some((ago(5), "disk full".to_owned()));
    }),
    ("MYSQL AWAY", |s| {
        s.mirror.state = MirrorState::Away {
            since: ago(5),
            why: "nothing listens at db:3306".into(),
        };
        s.mirror.waiting = 12;
    }),
    ("LOG LAGS", |s| s.news_dropped = 3),
];

#[test]
fn each_condition_is_told_as_a_word_at_every_size() {
    for (word, change) in ALL {
        for size in [SMALLEST, (40, 12), (80, 24), (200, 60)] {
            let mut snapshot = busy();
            change(&mut snapshot);
            let screen = text(&mut model_of(snapshot, PLAIN, size));
            assert!(screen.contains(word), "{word} at {size:?}:\n{screen}");
        }
    }
}

#[test]
fn however_many_there_are_none_goes_untold() {
    let mut snapshot = busy();
    for (_, change) in ALL {
        change(&mut snapshot);
    }
    for size in [(80, 24), (120, 40), (200, 60)] {
        let screen = text(&mut model_of(snapshot.clone(), PLAIN, size));
        for (word, _) in ALL {
            assert!(screen.contains(word), "{word} at {size:?}:\n{screen}");
        }
    }
}

#[test]
fn two_conditions_share_the_lines_of_a_small_screen() {
    let mut snapshot = busy();
    (ALL[1].1)(&mut snapshot);
    (ALL[5].1)(&mut snapshot);
    let mut model = model_of(snapshot, PLAIN, (40, 12));
    let screen = rows(&super::screen::draw(&mut model));
    assert!(
        screen[2].starts_with("LINK DOWN since 14:03:04 (0:05): "),
        "{screen:?}"
    );
    assert!(
        screen[3].starts_with("RECORDINGS DELAYED since"),
        "{screen:?}"
    );
}

#[test]
fn a_healthy_engine_has_no_conditions() {
    let screen = text(&mut model_of(busy(), PLAIN, (80, 24)));
    for (word, _) in ALL {
        assert!(!screen.contains(word), "{word}:\n{screen}");
    }
}

#[test]
fn an_asterisk_that_answers_nothing_is_told_with_since_when() {
    let mut snapshot = busy();
    snapshot.limit.held = Some(HeldBack::Silent { since: ago(5) });
    let screen = rows(&super::screen::draw(&mut model_of(
        snapshot,
        PLAIN,
        (120, 40),
    )));
    assert!(
        screen
            .iter()
            .any(|row| row
                .starts_with("SATURATED since 14:03:04 (0:05): Asterisk answers no requests")),
        "{screen:?}"
    );
}

#[test]
fn rows_that_are_late_are_told_and_others_are_not() {
    let mut snapshot = busy();
    snapshot.mirror.state = MirrorState::Connected;
    snapshot.mirror.waiting = 12;
    snapshot.mirror.oldest = Some(ago(9));
    let screen = text(&mut model_of(snapshot.clone(), PLAIN, (80, 24)));
    assert!(!screen.contains("MYSQL"), "{screen}");
    snapshot.mirror.oldest = Some(ago(11));
    let screen = text(&mut model_of(snapshot, PLAIN, (80, 24)));
    let told = "MYSQL LAGS since 14:02:58 (0:11): calls go on, 12 rows wait";
    assert!(screen.contains(told), "{screen}");
}

#[test]
fn the_header_tells_whether_mysql_takes_rows() {
    let mut snapshot = busy();
    let (off, up, away) = (
        "MySQL",
        "heard 0 s ago, MySQL up",
        "heard 0 s ago, MySQL AWAY",
    );
    snapshot.link.last_heard = Some(NOW);
    let header = |snapshot: &Snapshot| {
        let mut model = model_of(snapshot.clone(), PLAIN, (120, 40));
        rows(&super::screen::draw(&mut model))[0].clone()
    };
    assert!(!header(&snapshot).contains(off));
    snapshot.mirror.state = MirrorState::Connected;
    assert!(header(&snapshot).contains(up), "{}", header(&snapshot));
    (ALL[6].1)(&mut snapshot);
    assert!(header(&snapshot).contains(away), "{}", header(&snapshot));
}
