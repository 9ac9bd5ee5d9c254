//! Keys about one call or one lead: hang up, skip, call again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::desk::{
    Desk, LATER, SIZES, SOON, confirm, in_use, numbers, select_first, selected, state, wait,
    waiting, watch,
};
use crate::support::screen::key;

#[test]
fn x_asks_and_hangs_up_exactly_the_selected_call() {
    for size in SIZES {
        let list = numbers("80", 3);
        let desk = Desk::new(3, &list);
        let screen = desk.dialing(size, 3);
        screen.wait_until(
            "three conversations",
            |text| text.matches("bridged   ").count() == 3,
            SOON,
        );
        screen.keys("x");
        screen.wait_for("no live call is selected", SOON);

        screen.keys(key::DOWN);
        screen.keys(key::DOWN);
        let number = list[1].clone();
        let second = |text: &str| selected(text).as_ref() == Some(&number);
        screen.wait_until("the second row", second, SOON);
        screen.keys("x");
        screen.wait_for(&format!("Hang up {number} (bridged)?"), SOON);
        screen.wait_for("▶[ Cancel ]", SOON);
        screen.keys(key::ENTER);
        screen.wait_until("no question", |text| !text.contains("Cancel"), SOON);
        watch(&screen, "all three", Duration::from_secs(2), |text| {
            in_use(text) == 3
        });

        screen.keys("x");
        screen.wait_for(&format!("Hang up {number} (bridged)?"), SOON);
        confirm(&screen);
        screen.wait_until("two calls", |text| in_use(text) == 2, SOON);
        // Its row stays and tells how it ended, so that no other call takes its place.
        let text = screen.wait_for("(answered)", SOON);
        assert_eq!(selected(&text), Some(number.clone()), "{text}");
        screen.keys("x");
        screen.wait_for("this call has ended", SOON);
        for (called, disposition, by) in desk.ends() {
            let expected = if called == number {
                ("answered", "operator")
            } else {
                ("", "")
            };
            assert_eq!((&*disposition, &*by), expected, "{called}");
        }
    }
}

#[test]
fn capital_x_asks_and_hangs_up_all() {
    let desk = Desk::new(3, &numbers("80", 9));
    let screen = desk.dialing((24, 80), 3);
    screen.wait_until(
        "three conversations",
        |text| text.matches("bridged   ").count() == 3,
        SOON,
    );
    screen.keys("p");
    screen.wait_until("PAUSED", |text| state(text) == "PAUSED", SOON);
    screen.keys("X");
    screen.wait_for("Hang up 3 live calls?", SOON);
    screen.wait_for("▶[ Cancel ]", SOON);
    screen.keys(key::ESC);
    screen.wait_until("no question", |text| !text.contains("Cancel"), SOON);
    watch(&screen, "all three", Duration::from_secs(1), |text| {
        in_use(text) == 3
    });

    screen.keys("X");
    screen.wait_for("Hang up 3 live calls?", SOON);
    confirm(&screen);
    let text = screen.wait_until("no calls", |text| in_use(text) == 0, SOON);
    assert_eq!(waiting(&text), Some(6));
    wait("an empty Asterisk", SOON, || {
        desk.asterisk.channels().is_empty()
    });
    let ended = desk.ends().into_iter().filter(|end| end.2 == "operator");
    assert_eq!(ended.count(), 3);
    assert_eq!(desk.placed(), 3);
    screen.keys("X");
    screen.wait_for("no call is up", SOON);
}

/// How often each number was called.
fn times(desk: &Desk) -> BTreeMap<String, u32> {
    let mut times = BTreeMap::new();
    for number in desk.asterisk.calls_placed() {
        *times.entry(number).or_insert(0) += 1;
    }
    times
}

#[test]
fn a_skipped_lead_is_never_called_and_one_asked_for_again_is_called_again() {
    // All busy but the first, who is reached.
    let list = [numbers("77", 1), numbers("10", 5)].concat();
    let desk = Desk::new(1, &list);
    let screen = desk.open((24, 80));
    screen.keys("i");
    screen.wait_for("no lead is selected", SOON);
    screen.keys("1");
    screen.keys("G");
    let text = screen.wait_until("a selected row", |text| selected(text).is_some(), SOON);
    let skipped = selected(&text).expect("just seen");
    assert_eq!(skipped, list[5]);
    screen.keys("i");
    screen.wait_until("one fewer", |text| waiting(text) == Some(5), SOON);
    screen.wait_for("skipped", SOON);

    screen.keys("s");
    screen.wait_until("DONE", |text| state(text) == "DONE", LATER);
    let mut expected: BTreeMap<String, u32> =
        list[..5].iter().map(|number| (number.clone(), 1)).collect();
    assert_eq!(times(&desk), expected);

    // At DONE it is dialed at once, so the key asks.
    screen.keys(&format!("/{}\r", list[1]));
    screen.wait_for(&format!("/{} (1)", list[1]), SOON);
    assert_eq!(select_first(&screen), list[1]);
    screen.keys("r");
    screen.wait_for("Call it again?", SOON);
    screen.keys(key::ENTER);
    screen.wait_until("no question", |text| !text.contains("again?"), SOON);
    watch(&screen, "done", Duration::from_secs(1), |text| {
        state(text) == "DONE"
    });
    assert_eq!(times(&desk), expected);
    screen.keys("r");
    screen.wait_for("Call it again?", SOON);
    confirm(&screen);
    wait("the second call", SOON, || times(&desk)[&list[1]] == 2);
    screen.wait_until("DONE", |text| state(text) == "DONE", LATER);
    expected.insert(list[1].clone(), 2);
    assert_eq!(times(&desk), expected);

    // Who was reached is asked about by that.
    screen.keys("/\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f");
    screen.keys(&format!("{}\r", list[0]));
    screen.wait_for(&format!("/{} (1)", list[0]), SOON);
    assert_eq!(select_first(&screen), list[0]);
    screen.keys("r");
    screen.wait_for("was reached", SOON);
    screen.keys(key::ESC);
    screen.wait_until("no question", |text| !text.contains("was reached"), SOON);
    assert_eq!(times(&desk), expected);
}
