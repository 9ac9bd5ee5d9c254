//! What something costs the people who are called meanwhile: one campaign, now with it and now
//! without, by turns. Whatever else the machine does takes from both.

mod consoles;
mod flood;

use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::deck::{Deck, Running};
use crate::support::lab::Lab;
use crate::support::wait::wait;
use crate::support::web::client;

/// Numbers that answer after 0.3 s and talk for a second.
const SHORT: &str = "8355";
const SOON: Duration = Duration::from_secs(20);
/// How many turns there are of either kind.
const TURNS: usize = 6;
/// Long enough for forty answers.
const TURN: Duration = Duration::from_secs(3);
/// What a turn begins with belongs to the one before.
const SETTLING: Duration = Duration::from_millis(300);
/// Noise of a minute or two may spoil as many rounds less one.
const ROUNDS: usize = 3;

/// A time span since 1970, in milliseconds.
type Span = (f64, f64);

/// Dials, and every other turn calls `disturb` with the time at which it must be back. Half of
/// the answers may wait 2 ms longer for it than without: an engine that is held up for half of
/// the time, 10 ms each, adds 3, and Asterisk's clock has whole ones. Of the forty answers of a
/// turn the slowest may wait 15 ms longer, less than a packet of sound lasts, or twice as long
/// where the machine is slow by itself; and of a hundred of all turns 100 ms, which one hears.
/// The best of a few rounds counts: other programs on the machine add to a time, and none takes
/// from it.
fn assert_unnoticed(lab: &Lab, mut disturb: impl FnMut(&Deck, &str, Instant)) {
    let mut faults = Vec::new();
    while let Err(fault) = round(lab, &mut disturb) {
        faults.push(fault);
        assert!(faults.len() < ROUNDS, "in no round: {faults:#?}");
    }
}

fn round(lab: &Lab, disturb: &mut impl FnMut(&Deck, &str, Instant)) -> Result<(), String> {
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 20)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    // More than the turns last.
    deck.list((0..2000).map(|i| format!("{SHORT}{i:05}")));
    let observer = lab.observe();
    let engine = deck.spawn(&["--headless", "--start"]);
    let api = engine.api();
    engine.wait_for("call.ended", SOON);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        without.push(turn(std::thread::sleep));
        with.push(turn(|left| disturb(&deck, &api, Instant::now() + left)));
    }
    drained(engine, &api);
    let (seen, each) = observer.verdict_and_each();
    let (without, with) = (Lags::of(&each, &without), Lags::of(&each, &with));
    // Figures are for a reader of every run; without a standard error there is none.
    let _ = writeln!(
        std::io::stderr(),
        "\nWithout {without:?}\nwith    {with:?}\n{seen}"
    );
    assert_eq!(seen["left_up"], 0, "{seen}");
    lab.assert_nothing_left();
    judged(&without, &with, &seen)
}

fn judged(without: &Lags, with: &Lags, seen: &Value) -> Result<(), String> {
    let fault = |what: &str| {
        Err(format!(
            "{what}: without {without:?}, with {with:?}, {seen}"
        ))
    };
    if seen["bridged"] != seen["answered"] {
        return fault("not everybody was bridged");
    }
    if without.count.min(with.count) < 100 {
        return fault("too few to judge by");
    }
    if with.p50 > without.p50 + 2.0 {
        return fault("median");
    }
    if with.slowest > f64::max(without.slowest + 15.0, without.slowest * 2.0) {
        return fault("the slowest of a turn");
    }
    if with.p99 > f64::max(without.p99 + 100.0, without.p99 * 2.0) {
        return fault("p99");
    }
    Ok(())
}

/// A turn of `what`, which is told how long: when it was, without its beginning.
fn turn(what: impl FnOnce(Duration)) -> Span {
    let ms = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("it is past 1970").as_secs_f64() * 1000.0
    };
    let begun = ms();
    what(TURN);
    (begun + SETTLING.as_secs_f64() * 1000.0, ms())
}

/// Ends it, and reads what it counted: no event was dropped, neither Asterisk's nor the log's.
fn drained(engine: Running, api: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let drain = client().post(format!("{api}/api/v1/drain")).send();
    let drain = runtime.block_on(drain).expect("an answer");
    assert!(drain.status().is_success(), "{}", drain.status());
    wait("the end of the last call", SOON, || {
        engine.stdout().contains(" state state=IDLE")
    });
    let metrics = runtime.block_on(async {
        let answer = client().get(format!("{api}/metrics")).send().await;
        answer.expect("an answer").text().await.expect("text")
    });
    // A link whose events came faster than they were taken is lost, and says so.
    for counter in ["log_events_dropped_total", "link_lost_total"] {
        let line = format!("\ndialdeck_{counter} 0\n");
        assert!(metrics.contains(&line), "{counter} is not 0: {metrics}");
    }
    engine.signal("TERM");
    let ended = engine.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stdout.contains(" link.down"), "the link was lost");
}

/// Dead air, in milliseconds.
#[derive(Debug)]
struct Lags {
    count: usize,
    p50: f64,
    /// The slowest of a turn; half of the turns had a faster one. What else the machine does
    /// comes in bursts, and spoils a turn or two.
    slowest: f64,
    p99: f64,
}

impl Lags {
    /// Of those of `each` that were answered in one of the turns.
    fn of(each: &[(f64, f64)], turns: &[Span]) -> Self {
        let turns: Vec<Vec<f64>> = turns.iter().map(|turn| within(each, *turn)).collect();
        let slowest = turns.iter().filter_map(|turn| turn.last().copied());
        let slowest = sorted(slowest.collect());
        let all = sorted(turns.concat());
        Self {
            count: all.len(),
            p50: at(&all, 50),
            slowest: at(&slowest, 50),
            p99: at(&all, 99),
        }
    }
}

/// The dead air of those that were answered in this turn, in order.
fn within(each: &[(f64, f64)], turn: Span) -> Vec<f64> {
    let inside = each.iter().filter(|(at, _)| (turn.0..turn.1).contains(at));
    sorted(inside.map(|(_, lag)| *lag).collect())
}

fn sorted(mut lags: Vec<f64>) -> Vec<f64> {
    lags.sort_by(f64::total_cmp);
    lags
}

/// The one that so many of a hundred are below.
fn at(sorted: &[f64], hundredth: usize) -> f64 {
    let lag = sorted.get(sorted.len() * hundredth / 100);
    lag.copied().unwrap_or(f64::INFINITY)
}
