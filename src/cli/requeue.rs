//! `dialdeck requeue`: calls many again that have ended, in an engine that runs.

use std::io::{self, Write};
use std::path::Path;

use jiff::{Span, Timestamp};
use serde_json::json;

use super::RequeueArgs;
use super::attach::{certificates, place};
use super::exit::Failure;
use super::session::{PATIENCE, runtime};
use crate::config;

pub(super) fn run(args: &RequeueArgs) -> Result<(), Failure> {
    let reach = config::reach(Path::new("."), std::env::vars_os())
        .map_err(|problems| Failure::Settings(problems.to_string()))?;
    let ca = args.ca_file.as_deref().map(certificates).transpose()?;
    let place = place(args.url.as_deref(), &reach, ca.as_deref())?;
    let body = json!({
        "since": args.since.map(|at| at.to_string()),
        "disposition": args.disposition,
        "reached": args.reached,
    });
    let runtime = runtime()?;
    let outcome = runtime.block_on(place.requeue(&body));
    runtime.shutdown_timeout(PATIENCE);
    let said = outcome.map_err(Failure::Unexpected)?;
    // Who does not read it has the exit code.
    let _ = writeln!(io::stdout(), "{said}");
    Ok(())
}

/// A time, or how long ago: `2026-01-31T09:00:00Z`, `30m`.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    let ago = |span: Span| Timestamp::now().checked_sub(span).ok();
    let span = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    let at = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| span.and_then(ago));
    at.ok_or_else(|| "a time such as 2026-01-31T09:00:00Z, or how long ago, such as 30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_how_long_ago_is_taken_and_nothing_else() {
        let at: Timestamp = "2026-01-31T09:00:00Z".parse().expect("a time");
        assert_eq!(since("2026-01-31T09:00:00Z"), Ok(at));
        let half_an_hour = since("30m").expect("how long ago");
        let ago = Timestamp::now().duration_since(half_an_hour).as_secs();
        assert!((1800..1860).contains(&ago), "{ago}");
        for bad in ["", "yesterday", "-30m", "09:00"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }
}
