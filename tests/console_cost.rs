//! What the console writes, against its budgets: bytes and frames are counts, so they hold in
//! every build. Times are measured by `cargo bench --bench console`.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::support::cost::Cost;
use crate::support::load::{self, Busy};
use crate::support::screen::Screen;
use dialdeck::console::bench::Bench;

const SOON: Duration = Duration::from_secs(30);
/// The most bytes that a frame may have on average while much happens.
const FRAME: usize = 1536;
/// The most that a clock's tick may have.
const TICK: usize = 128;

fn demo(args: &[&str]) -> Screen {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialdeck"));
    Screen::open(command.arg("demo").args(args), 40, 120)
}

#[test]
fn a_frame_with_two_hundred_calls_is_small() {
    let mut busy = Busy::new(200, load::leads(5000));
    let mut at = load::BEGIN;
    let mut bench = Bench::new(busy.after(0, at), 120, 40).expect("it draws into memory");
    let mut written = Vec::new();
    for n in 1..=300 {
        at = at + Duration::from_millis(100);
        let frame = bench.picture(busy.after(3, at));
        written.push(frame.expect("it draws into memory").written.len());
        if n % 10 == 0 {
            let frame = bench.tick(at).expect("it draws into memory");
            written.push(frame.written.len());
        }
    }
    let mean = written.iter().sum::<usize>() / written.len();
    // Fewer would mean that nothing has happened.
    assert!((100..=FRAME).contains(&mean), "{mean} bytes a frame");
}

#[test]
fn a_tick_without_a_change_writes_the_clock_and_no_more() {
    let picture = Arc::new(load::picture(load::leads(100), load::BEGIN));
    let bench = Bench::new(Arc::clone(&picture), 120, 40);
    let mut bench = bench.expect("it draws into memory");
    let mut tick = |seconds| {
        let now = load::BEGIN + Duration::from_secs(seconds);
        let frame = bench.tick(now).expect("it draws into memory");
        frame.written.len()
    };
    let all = tick(0);
    assert!(all > 2000, "the first frame has everything: {all}");
    // From the fourth on, a silent engine is told of.
    for seconds in 1..=3 {
        let written = tick(seconds);
        assert!((1..=TICK).contains(&written), "{written} bytes");
    }
}

#[test]
fn under_load_the_shipped_console_draws_ten_small_frames_a_second_at_the_most() {
    let _alone = crate::alone();
    let screen = demo(&["--max-cc", "200", "--calls", "5000", "--speed", "0.4"]);
    screen.wait_for("calls 200/200", SOON);
    // All of the first two hundred are dialed at once, as never again.
    std::thread::sleep(Duration::from_secs(10));
    let cost = Cost::over(&screen, 10);
    assert!(cost.frames >= 10, "it draws: {cost:?}");
    assert!(cost.frames_a_second() <= 10.1, "{cost:?}");
    // A frame may come a moment late, and so into the second of the next ten.
    assert!(cost.most_frames <= 11, "{cost:?}");
    assert!(cost.bytes / cost.frames <= FRAME, "{cost:?}");
}

#[test]
fn at_rest_the_shipped_console_writes_a_clock_s_tick_a_second() {
    let _alone = crate::alone();
    let screen = demo(&["--calls", "3", "--speed", "20"]);
    screen.wait_for(" DONE ", SOON);
    // Messages leave after a while, and recordings are fetched.
    std::thread::sleep(Duration::from_secs(5));
    let cost = Cost::over(&screen, 5);
    assert!((4..=6).contains(&cost.frames), "{cost:?}");
    assert!(cost.bytes <= cost.frames * TICK, "{cost:?}");
}
