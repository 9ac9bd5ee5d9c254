//! `dialdeck check`: what was found, and the exit code.

use std::io::{self, Write};
use std::path::Path;

use super::CheckArgs;
use super::exit::Failure;
use super::session::{Signals, runtime};
use crate::check::{self, Report};

pub(super) fn run(args: CheckArgs) -> Result<(), Failure> {
    let runtime = runtime()?;
    let report = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        // Whatever is sent, nothing may stay behind in Asterisk.
        let stop = async move { signals.stop().await };
        let report = Box::pin(check::run(Path::new("."), std::env::vars_os(), stop)).await;
        Ok::<_, Failure>(report)
    })?;
    // A disk that hangs may hold a thread; nobody waits for it.
    runtime.shutdown_background();
    let Some(report) = report else {
        return Err(Failure::Unexpected("the check was stopped".to_owned()));
    };
    print(&report, args.json);
    if report.would_dial() {
        Ok(())
    } else {
        Err(Failure::Checked)
    }
}

fn print(report: &Report, json: bool) {
    let text = if json {
        report.json()
    } else {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        report.table(!plain && crate::console::can_show())
    };
    // `head` has seen enough; the exit code says the rest.
    let _ = io::stdout().lock().write_all(text.as_bytes());
}
