//! What the machine, and none of the programs on it, takes away from a test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How late a thread that sleeps is woken here.
#[derive(Debug)]
pub(crate) struct Lateness {
    /// Half of the times, in milliseconds.
    pub(crate) p50: f64,
    /// Once in a hundred, in milliseconds.
    pub(crate) p99: f64,
    /// Seconds in which nothing ran for longer than a packet of sound lasts, all together: a
    /// sound that is played meanwhile is that much shorter where it is recorded.
    pub(crate) lost: f64,
}

/// A packet of sound, in milliseconds.
const PACKET: f64 = 20.0;

/// Does `work`, and looks at the machine meanwhile.
pub(crate) fn watching_the_machine<T>(work: impl FnOnce() -> T) -> (T, Lateness) {
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = AtomicBool::new(false);
    let sleeps = || {
        let nap = Duration::from_millis(2);
        let mut late = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let slept_at = Instant::now();
            thread::sleep(nap);
            late.push(slept_at.elapsed().saturating_sub(nap).as_secs_f64() * 1000.0);
        }
        let lost: f64 = late.iter().filter(|late| **late > PACKET).sum();
        late.sort_by(f64::total_cmp);
        let at = |hundredth| late[(late.len() - 1) * hundredth / 100];
        Lateness {
            p50: at(50),
            p99: at(99),
            lost: lost / 1000.0,
        }
    };
    thread::scope(|scope| {
        let watch = scope.spawn(sleeps);
        // Also where the work panics, or the watch would go on for ever.
        let done = Over(&over);
        let result = work();
        drop(done);
        (result, watch.join().expect("it only sleeps"))
    })
}
