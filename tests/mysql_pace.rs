//! Dialing does not wait for the database, whatever is wrong with it.

#![expect(
    clippy::print_stdout,
    reason = "figures are worth a look, and those of a failing run more so"
)]

use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::support::copied::{
    DIAL, Rig, SOON, TABLE, assert_tells_what_the_report_does, rig, settings, wait_for,
};
use crate::support::database::{Database, Session};
use crate::support::deck::{Deck, Running};

const CALLS: usize = 80;

/// Busy, congestion, invalid, no answer, and half of all are answered: people who talk for a
/// second and are recorded.
const KINDS: [&str; 8] = ["10", "81", "20", "81", "40", "83", "30", "81"];

/// What stands beside the dialer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// A database that takes every row at once.
    Database,
    LockedTable,
    /// Connections are refused.
    Stopped,
    /// It falls asleep with a connection open: nothing is refused, and nothing answered.
    Asleep,
}

const ALL: [Beside; 5] = [
    Beside::Nothing,
    Beside::Database,
    Beside::LockedTable,
    Beside::Stopped,
    Beside::Asleep,
];

/// A campaign that is held back by nothing but the dialer's own spacing. Gives its calls per
/// second, and leaves the database mended and with a right row of each call.
fn calls_per_second(server: &mut Database, beside: Beside) -> f64 {
    make_anew(server);
    let rig = campaign(server, beside);
    if beside == Beside::Stopped {
        server.stop();
    }
    let lock = (beside == Beside::LockedTable).then(|| locked(server));
    let running = rig.deck.spawn(&["--headless", "--start"]);
    let pace = pace(&rig, || {
        if beside == Beside::Asleep {
            server.signal("STOP");
        }
    });
    wait_for_all(&running);
    if let Some(mut session) = lock {
        let written = session.rows(&format!("SELECT call_id FROM {TABLE}"));
        assert!(written.is_empty(), "it was not locked");
    }
    match beside {
        Beside::Stopped => server.up(),
        Beside::Asleep => server.signal("CONT"),
        Beside::Nothing | Beside::Database | Beside::LockedTable => {}
    }
    finish(&rig.deck, running);
    if beside != Beside::Nothing {
        assert_tells_what_the_report_does(server, &rig.deck);
    }
    pace
}

fn campaign(server: &Database, beside: Beside) -> Rig {
    let env = server.env();
    let env = if beside == Beside::Nothing {
        &[]
    } else {
        &env[..]
    };
    let number = |i| format!("{}77{i:05}", KINDS[i % KINDS.len()]);
    let mut rig = rig((0..CALLS).map(number), env);
    rig.deck.change("MAX_CC", CALLS);
    rig.deck.change("CALL_TIMEOUT", 1);
    rig
}

/// An empty table, as the dialer makes it.
fn make_anew(server: &Database) {
    server.run(&format!("DROP TABLE IF EXISTS {TABLE}"));
    let runtime = Runtime::new().expect("a runtime");
    let made = runtime.block_on(dialdeck::mirror::prepare(&settings(server)));
    assert_eq!(made, Ok(()));
}

fn locked(server: &Database) -> Session<'_> {
    let mut session = server.session();
    session.run(&format!("LOCK TABLES {TABLE} WRITE"));
    session
}

/// How fast calls come to the carrier, by its own log: what the dialer says of itself is when
/// it decided to dial. `amid` is done at the first of them.
fn pace(rig: &Rig, amid: impl FnOnce()) -> f64 {
    let moment = |calls: usize| {
        let until = Instant::now() + SOON;
        while rig.asterisk.calls_placed().len() < calls {
            assert!(Instant::now() < until, "no {calls} calls");
            sleep(Duration::from_millis(1));
        }
        Instant::now()
    };
    let first = moment(1);
    amid();
    let span = moment(CALLS).duration_since(first).as_secs_f64();
    f64::from(u32::try_from(CALLS - 1).expect("few")) / span
}

fn wait_for_all(running: &Running) {
    let ended = || running.stdout().matches(" call.ended ").count();
    wait_for("all calls", || ended() == CALLS);
}

/// Ends the process. Rows for which its last three seconds were too few the next start writes.
fn finish(deck: &Deck, running: Running) {
    running.signal("TERM");
    let ended = running.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    if ended.stdout.contains("wait in the journal for MySQL") {
        let later = deck.run(&DIAL);
        assert_eq!(later.code, Some(0), "{}", later.stdout);
    }
    let recorded = deck.report().into_iter().filter(|lead| {
        let path = lead["recording"].as_str();
        path.is_some_and(|path| !path.is_empty())
    });
    assert_eq!(recorded.count(), CALLS / 2, "recordings");
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// So many rounds and no more, judged once at the end: whoever stops when the figures please
/// finds nothing. What else the machine does falls on all alike, for each round has all of
/// them, beginning with another one, and only figures of one round are compared.
fn is_dialed_as_fast(rounds: usize) {
    let _alone = crate::alone();
    let mut server = Database::start();
    let mut figures = [const { Vec::new() }; ALL.len()];
    for round in 0..rounds {
        for turn in 0..ALL.len() {
            let which = (round + turn) % ALL.len();
            figures[which].push(calls_per_second(&mut server, ALL[which]));
        }
    }
    let [without, besides @ ..] = figures;
    println!("calls per second without a database: {without:.1?}");
    let mut slower = Vec::new();
    for (beside, with) in ALL[1..].iter().zip(besides) {
        let shares = with
            .iter()
            .zip(&without)
            .map(|(with, without)| with / without);
        let share = median(shares.collect());
        println!("{beside:?}: {with:.1?}, {share:.3} of that");
        if share < 0.95 {
            slower.push(beside);
        }
    }
    assert!(slower.is_empty(), "slower: {slower:?}");
}

#[test]
fn calls_leave_as_fast_whatever_the_database_does_and_no_row_is_lost() {
    is_dialed_as_fast(3);
}

#[test]
#[ignore = "long: tests/long mysql"]
fn calls_leave_as_fast_whatever_the_database_does_in_many_rounds() {
    is_dialed_as_fast(11);
}
