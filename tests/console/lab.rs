//! The same keys on a real Asterisk, with the carrier's witness beside the screen. The lab is
//! one, so these take it in turns.

use std::cell::Cell;
use std::time::Duration;

use super::desk::{
    LATER, SIZES, SOON, confirm, figures, in_use, ready, select_first, state, wait, waiting, watch,
};
use super::hostile::{HOSTILE_NAME, assert_screen_and_log};
use crate::support::deck::Deck;
use crate::support::lab::{Lab, Node};
use crate::support::screen::{Modes, Screen, key};

fn deck(lab: &Lab, max_cc: u32) -> Deck {
    Deck::new(lab.env())
        .set("MAX_CC", max_cc)
        .set("CALL_TIMEOUT", 3)
        .set("TARGET_ENDPOINT", "Local/100@lab")
}

fn open(deck: &Deck, (rows, cols): (u16, u16)) -> Screen {
    let screen = deck.open(&[], rows, cols);
    screen.wait_until("IDLE and the link", ready, SOON);
    screen
}

/// How many channels to the carrier are up.
fn up(lab: &Lab) -> usize {
    let channels = lab.channels(Node::Pbx);
    channels
        .iter()
        .filter(|c| c.starts_with("PJSIP/mytrunk-"))
        .count()
}

/// `86NN`: answered at once, hung up by the callee after NN seconds.
fn talks(seconds: u32, count: usize) -> Vec<String> {
    (0..count)
        .map(|n| format!("86{seconds:02}55{n:04}"))
        .collect()
}

fn row<'a>(
    report: &'a [std::collections::BTreeMap<String, serde_json::Value>],
    number: &str,
) -> &'a std::collections::BTreeMap<String, serde_json::Value> {
    let row = report.iter().find(|row| row["number"] == number);
    row.unwrap_or_else(|| panic!("no row for {number}"))
}

#[test]
fn a_shift_at_the_console() {
    let lab = Lab::get();
    for size in SIZES {
        lab.clear_witnesses();
        let mut deck = deck(&lab, 3);
        let list = [talks(10, 3), talks(60, 20)].concat();
        deck.list(&list);
        let mut screen = open(&deck, size);
        assert_eq!(lab.carrier_calls().len(), 0, "it dials only when told to");
        screen.keys("s");
        let talking = |n: usize| {
            screen.wait_until(
                &format!("{n} conversations"),
                |text| text.matches("bridged   ").count() == n,
                SOON,
            )
        };
        talking(3);

        // Paused: whoever is up talks on to their own end, and the carrier sees nobody new.
        screen.keys("p");
        let text = screen.wait_until("PAUSED", |text| state(text) == "PAUSED", SOON);
        let left = waiting(&text).expect("a queue");
        assert_eq!((left, lab.carrier_calls().len()), (20, 3));
        let most = Cell::new(3);
        screen.wait_until(
            "the calls' own end",
            |text| {
                assert!(
                    in_use(text) <= most.get() && waiting(text) == Some(20),
                    "{text}"
                );
                most.set(in_use(text));
                most.get() == 0
            },
            SOON,
        );
        assert_eq!(lab.carrier_calls().len(), 3);
        let report = deck.report();
        for number in talks(10, 3) {
            let row = row(&report, &number);
            assert_eq!(
                (&row["disposition"], &row["ended_by"]),
                (&"answered".into(), &"callee".into())
            );
        }

        screen.keys("s");
        talking(3);
        limits(&lab, &screen);
        hang_up_one(&lab, &deck, &screen);
        look(&screen);

        // The drain lasts until its time is over: 60 seconds of talk are more.
        screen.keys("q");
        screen.wait_for("▶[ Cancel ]", SOON);
        confirm(&screen);
        screen.wait_for("QUITTING: by keyboard", SOON);
        let placed = lab.carrier_calls().len();
        screen.keys("q");
        screen.wait_for("┌ Quit now ", SOON);
        confirm(&screen);
        assert_eq!(screen.wait(SOON), Some(0));
        assert_eq!(screen.modes(), Modes::PLAIN);
        assert!(!screen.is_raw());
        assert_eq!(lab.carrier_calls().len(), placed);
        lab.assert_nothing_left();
    }
}

fn limits(lab: &Lab, screen: &Screen) {
    let shows = |figure| {
        let same = |text: &str| figures(text) == Some(figure);
        screen.wait_until(&format!("{figure:?}"), same, SOON);
    };
    screen.keys("+");
    shows((4, 4, 4));
    wait("a fourth call", SOON, || up(lab) == 4);
    let placed = lab.carrier_calls().len();
    screen.keys("--");
    shows((4, 2, 2));
    watch(screen, "4 over 2", Duration::from_secs(3), |text| {
        figures(text) == Some((4, 2, 2))
    });
    assert_eq!((up(lab), lab.carrier_calls().len()), (4, placed));
    screen.keys("m5\r");
    shows((5, 5, 5));
    wait("a fifth call", SOON, || up(lab) == 5);
}

fn hang_up_one(lab: &Lab, deck: &Deck, screen: &Screen) {
    screen.keys("p");
    screen.wait_until("PAUSED", |text| state(text) == "PAUSED", SOON);
    screen.wait_until(
        "5 conversations",
        |text| text.matches("bridged   ").count() == 5,
        SOON,
    );
    let number = select_first(screen);
    screen.keys("x");
    screen.wait_for(&format!("Hang up {number} (bridged)?"), SOON);
    screen.keys(key::ENTER);
    screen.wait_until("no question", |text| !text.contains("Cancel"), SOON);
    watch(screen, "all five", Duration::from_secs(1), |text| {
        in_use(text) == 5
    });
    assert_eq!(up(lab), 5);
    screen.keys("x");
    screen.wait_for("▶[ Cancel ]", SOON);
    confirm(screen);
    screen.wait_until("four calls", |text| in_use(text) == 4, SOON);
    wait("four channels", SOON, || up(lab) == 4);
    let by_operator: Vec<String> = deck
        .report()
        .iter()
        .filter(|row| row["ended_by"] == "operator")
        .map(|row| row["number"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(by_operator, [number]);
}

/// Filter, freeze and detail, with real calls behind them.
fn look(screen: &Screen) {
    screen.keys(key::ESC);
    screen.wait_until("nothing selected", |text| !text.contains('▶'), SOON);
    screen.keys("/0003\r");
    screen.wait_for("/0003 (1)", SOON);
    let number = select_first(screen);
    assert!(number.ends_with("0003"), "{number}");
    screen.keys("f");
    screen.wait_for("FROZEN", SOON);
    screen.wait_for("FROZEN 0:02", SOON);
    screen.keys("f");
    screen.wait_until("no freeze", |text| !text.contains("FROZEN"), SOON);
    screen.keys(key::ENTER);
    screen.wait_for(&format!(": {number}"), SOON);
    screen.wait_for("packets received", SOON);
    screen.keys(key::ESC);
    screen.wait_for("1 Queue", SOON);
}

#[test]
fn quitting_drains_the_real_calls() {
    for size in SIZES {
        quit_drains_at(size);
    }
}

fn quit_drains_at(size: (u16, u16)) {
    let lab = Lab::get();
    let mut deck = deck(&lab, 3);
    deck.list(talks(6, 20));
    let mut screen = open(&deck, size);
    screen.keys("s");
    screen.wait_until("three calls", |text| in_use(text) == 3, SOON);
    wait("three at the carrier", SOON, || {
        lab.carrier_calls().len() == 3
    });
    screen.keys("q");
    screen.wait_for("▶[ Cancel ]", SOON);
    confirm(&screen);
    screen.wait_for("QUITTING: by keyboard", SOON);
    assert_eq!(screen.wait(LATER), Some(0));
    assert_three_came_to_their_end(&lab, &deck);
}

#[test]
fn the_terminal_vanishes_and_everybody_is_called_once() {
    let lab = Lab::get();
    let mut deck = deck(&lab, 5);
    let list: Vec<String> = (0..30)
        .map(|n| format!("{}55{n:04}", ["10", "81", "30", "83", "40"][n % 5]))
        .collect();
    deck.list(&list);
    let mut screen = open(&deck, (24, 80));
    screen.keys("s");
    let middle = |text: &str| in_use(text) == 5 && waiting(text).is_some_and(|n| n <= 22);
    screen.wait_until("the middle", middle, SOON);
    screen.hang_up();
    let open = |row: &std::collections::BTreeMap<String, serde_json::Value>| {
        row["disposition"].as_str().unwrap_or_default().is_empty()
    };
    wait("every number's end", LATER, || {
        !deck.report().iter().any(open)
    });
    assert!(screen.is_running(), "it lives on headless");
    let mut called: Vec<String> = lab.carrier_calls().into_iter().map(|c| c.callee).collect();
    called.sort();
    let mut expected = list;
    expected.sort();
    assert_eq!(called, expected, "the carrier saw each number once");
    screen.signal("TERM");
    assert_eq!(screen.wait(SOON), Some(0));
    lab.assert_nothing_left();
}

#[test]
fn the_terminal_vanishes_and_on_hangup_drain_ends_it() {
    let lab = Lab::get();
    let mut deck = deck(&lab, 3).set("ON_HANGUP", "drain");
    deck.list(talks(6, 20));
    let mut screen = open(&deck, (24, 80));
    screen.keys("s");
    screen.wait_until("three calls", |text| in_use(text) == 3, SOON);
    wait("three at the carrier", SOON, || {
        lab.carrier_calls().len() == 3
    });
    screen.hang_up();
    assert_eq!(screen.wait(LATER), Some(0));
    assert_three_came_to_their_end(&lab, &deck);
}

/// The three calls that were up talked to their end, and nobody else was called.
fn assert_three_came_to_their_end(lab: &Lab, deck: &Deck) {
    assert_eq!(lab.carrier_calls().len(), 3);
    for row in deck.report().iter().take(3) {
        assert_eq!(
            (&row["disposition"], &row["ended_by"]),
            (&"answered".into(), &"callee".into())
        );
    }
    lab.assert_nothing_left();
}

/// A target whose dialplan names its caller and its callee in a hostile way: Asterisk hands the
/// names on as they are, in the events of the channels.
#[test]
fn a_caller_s_name_steers_no_terminal() {
    let lab = Lab::get();
    let steps = [
        format!("Set(CALLERID(name)={HOSTILE_NAME})"),
        format!("Set(CONNECTEDLINE(name)={HOSTILE_NAME})"),
        "Answer()".to_owned(),
        "Wait(60)".to_owned(),
    ];
    for (n, step) in steps.iter().enumerate() {
        let add = format!(
            "dialplan add extension 188,{},{step} into lab-evil replace",
            n + 1
        );
        lab.cli(Node::Pbx, &add);
    }
    let mut deck = deck(&lab, 2).set("TARGET_ENDPOINT", "Local/188@lab-evil");
    deck.list(talks(60, 2));
    let screen = open(&deck, (48, 160));
    screen.keys("s");
    screen.wait_until(
        "2 conversations",
        |text| text.matches("bridged   ").count() == 2,
        SOON,
    );
    let named = |channel: &str| {
        let (name, _) = channel.split_once('!').expect("a channel");
        lab.cli(Node::Pbx, &format!("core show channel {name}"))
            .contains(HOSTILE_NAME)
    };
    assert!(lab.channels(Node::Pbx).iter().any(|channel| named(channel)));
    select_first(&screen);
    screen.keys(key::ENTER);
    screen.wait_for("packets received", SOON);
    screen.keys("X");
    screen.wait_for("Hang up 2 live calls?", SOON);
    confirm(&screen);
    screen.wait_until("no calls", |text| in_use(text) == 0, SOON);
    assert_screen_and_log(&screen, &deck);
    lab.cli(Node::Pbx, "dialplan remove context lab-evil");
}
