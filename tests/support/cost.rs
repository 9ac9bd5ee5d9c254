//! What a console in a terminal costs: bytes, frames, and time of a core.

use std::fs;
use std::time::{Duration, Instant};

use super::screen::Screen;

/// What every frame begins or ends with, whatever it shows: ratatui hides the cursor.
const FRAME: &[u8] = b"\x1b[?25l";

/// What was seen over a while.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) took: Duration,
    pub(crate) bytes: usize,
    pub(crate) frames: usize,
    /// The most frames within a second by our clock.
    pub(crate) most_frames: usize,
    /// How long the thread that draws was on a core.
    pub(crate) drawing: Duration,
}

impl Cost {
    /// Looks on for so many seconds.
    pub(crate) fn over(screen: &Screen, seconds: u32) -> Self {
        let (begun, drawn) = (Instant::now(), on_core(screen.pid(), "console"));
        let mut marks = vec![screen.raw().len()];
        for second in 1..=seconds {
            let until = begun + Duration::from_secs(1) * second;
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            marks.push(screen.raw().len());
        }
        let took = begun.elapsed();
        let drawing = on_core(screen.pid(), "console").saturating_sub(drawn);
        let raw = screen.raw();
        let each: Vec<usize> = marks
            .windows(2)
            .map(|mark| frames(&raw[mark[0]..mark[1]]))
            .collect();
        Self {
            took,
            bytes: marks.last().expect("there is a first") - marks[0],
            frames: each.iter().sum(),
            most_frames: each.into_iter().max().unwrap_or_default(),
            drawing,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    pub(crate) fn bytes_a_frame(&self) -> f64 {
        self.bytes as f64 / self.frames.max(1) as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    pub(crate) fn frames_a_second(&self) -> f64 {
        self.frames as f64 / self.took.as_secs_f64()
    }

    /// The share of one core, in percent.
    pub(crate) fn core_percent(&self) -> f64 {
        self.drawing.as_secs_f64() * 100.0 / self.took.as_secs_f64()
    }
}

fn frames(written: &[u8]) -> usize {
    let windows = written.windows(FRAME.len());
    windows.filter(|window| *window == FRAME).count()
}

/// How long the threads of this name were on a core so far.
fn on_core(pid: u32, name: &str) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut found = Duration::ZERO;
    for task in tasks {
        let task = task.expect("readable").path();
        // A thread may end meanwhile.
        let read = |file| fs::read_to_string(task.join(file)).unwrap_or_default();
        if read("comm").trim() == name {
            let spent = read("schedstat");
            let spent = spent.split(' ').next().and_then(|ns| ns.parse().ok());
            found += Duration::from_nanos(spent.unwrap_or_default());
        }
    }
    found
}
