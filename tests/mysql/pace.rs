//! Dialing does not wait for the database.

use std::sync::PoisonError;

use crate::support::database::Database;
use crate::{TABLE, rig};

const CALLS: usize = 200;

/// What stands beside the dialer.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    Database,
    LockedTable,
}

/// Calls per second of a campaign that is held back by nothing but the dialer's own spacing.
fn calls_per_second(beside: Beside) -> f64 {
    let server = match beside {
        Beside::Nothing => None,
        Beside::Database | Beside::LockedTable => Some(Database::start()),
    };
    let env = server.as_ref().map(Database::env);
    let numbers = (0..CALLS).map(|i| format!("10{i:06}"));
    let rig = rig(numbers, env.as_ref().map_or(&[], |env| env.as_slice()));
    let lock = server.as_ref().map(|server| {
        let mut session = server.session();
        if let Beside::LockedTable = beside {
            session.run(&format!("CREATE TABLE {TABLE} (call_id INT)"));
            session.run(&format!("LOCK TABLES {TABLE} WRITE"));
        }
        session
    });
    rig.deck.dial();
    drop(lock);
    if let (Beside::Database, Some(server)) = (beside, &server) {
        assert_eq!(crate::count(server), CALLS, "it was written meanwhile");
    }
    let mut dialed: Vec<jiff::Timestamp> = rig
        .deck
        .report()
        .iter()
        .map(|lead| lead["dialed_at"].as_str().expect("it was dialed"))
        .map(|at| at.parse().expect("RFC 3339"))
        .collect();
    dialed.sort();
    let span = dialed[CALLS - 1].duration_since(dialed[0]).as_secs_f64();
    f64::from(u32::try_from(CALLS - 1).expect("few")) / span
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Other tests take of the same processors: what a few rounds leave open, more decide.
fn is_dialed_as_fast(rounds: usize) -> String {
    let _alone = crate::ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let (mut without, mut with, mut locked) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=3 * rounds {
        without.push(calls_per_second(Beside::Nothing));
        with.push(calls_per_second(Beside::Database));
        locked.push(calls_per_second(Beside::LockedTable));
        let shares = [&with, &locked].map(|beside| median(beside) / median(&without));
        if round >= rounds && shares.iter().all(|share| *share >= 0.95) {
            return format!("without {without:.1?}, with {with:.1?}, locked {locked:.1?}");
        }
    }
    panic!("slower: without {without:?}, with {with:?}, with a locked table {locked:?}");
}

#[test]
fn calls_leave_as_fast_with_a_database_as_without() {
    println!("calls per second: {}", is_dialed_as_fast(3));
}

#[test]
#[ignore = "long: tests/long mysql"]
fn calls_leave_as_fast_with_a_database_as_without_in_many_rounds() {
    println!("calls per second: {}", is_dialed_as_fast(11));
}
