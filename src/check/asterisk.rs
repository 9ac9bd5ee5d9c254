//! Asterisk: whether it is there, who we are to it, whether the application is free.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::PROBING;
use super::engine::RunningEngine;
use super::probe::Probe;
use super::report::Finding;
use crate::ari::link::{AppPresence, AppVerdict, Occasion, application_verdict, presence};
use crate::ari::{Application, AriError, Client};
use crate::config::Settings;

/// The oldest release whose behaviour is known to suit.
const OLDEST: u32 = 18;
/// Seconds by which two clocks may differ.
const APART: u64 = 2;
/// What systemd touches once it has set the clock by the network.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

/// What Asterisk says.
pub(super) struct AsteriskSeen {
    pub(super) findings: Vec<Finding>,
    /// The application, if there is one.
    pub(super) app: Result<Option<Application>, Unasked>,
}

/// Asterisk could not be asked, which is told elsewhere.
pub(super) struct Unasked;

/// A fault by Asterisk's own answer, or by the lack of one.
pub(super) fn refusal(check: &'static str, error: &AriError) -> Finding {
    let mend = match error {
        AriError::Timeout { .. } | AriError::Saturated { .. } | AriError::Broken { .. } => {
            "check that ARI_URL leads to Asterisk, and that it is not overloaded"
        }
        AriError::Refused { status: 404, .. } => {
            "check that ARI_URL leads to Asterisk, and that ari.conf has enabled=yes"
        }
        AriError::Refused { .. } | AriError::Name(_) | AriError::Withheld { .. } => {
            "see Asterisk's own log for the reason"
        }
        AriError::Connect { .. }
        | AriError::Tls { .. }
        | AriError::NoAri { .. }
        | AriError::Login
        | AriError::ReadOnly
        | AriError::Malformed { .. } => return Finding::refused(check, &error.to_string()),
    };
    Finding::fault(check, error.to_string(), mend)
}

pub(super) async fn examine(
    settings: &Settings,
    client: &Client,
    probe: &mut Probe,
) -> AsteriskSeen {
    let info = match client.info().await {
        Ok(info) => info,
        Err(error) => return unseen(&error),
    };
    let mut findings = vec![release(client, &info.version)];
    let probing = tokio::time::timeout(PROBING, probe.ask(settings));
    let (asked, app, clock) = tokio::join!(
        probing,
        client.application(&settings.ari.app),
        clock(client)
    );
    findings.extend(asked.unwrap_or_else(|_| {
        vec![Finding::fault(
            "permissions",
            format!("Asterisk did not answer within {PROBING:?}"),
            "see whether it is overloaded: `core show channels count`, its CPU and its log",
        )]
    }));
    findings.push(clock);
    let app = app.map_err(|error| {
        findings.push(refusal("application", &error));
        Unasked
    });
    AsteriskSeen { findings, app }
}

fn unseen(error: &AriError) -> AsteriskSeen {
    let mut findings = vec![refusal("ari", error)];
    for check in [
        "permissions",
        "trunk",
        "transfers",
        "refusals",
        "target",
        "format",
        "clock",
    ] {
        findings.push(Finding::not_checked(check, "see ari"));
    }
    AsteriskSeen {
        findings,
        app: Err(Unasked),
    }
}

fn release(client: &Client, version: &str) -> Finding {
    let fact = format!("Asterisk {version} at {}", client.base_url());
    let major = version
        .split('.')
        .next()
        .and_then(|n| n.parse::<u32>().ok());
    match major {
        Some(major) if major < OLDEST => Finding::warning(
            "ari",
            format!("{fact}, which is older than any that Dialdeck was tried on"),
            "run Asterisk 20 or 22",
        ),
        _ => Finding::ok("ari", fact),
    }
}

async fn clock(client: &Client) -> Finding {
    let theirs = match client.epoch().await {
        Ok(Some(seconds)) => seconds,
        Ok(None) => return Finding::not_checked("clock", "Asterisk did not tell its time"),
        Err(error) => return refusal("clock", &error),
    };
    let ours = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    judge_clock(ours, theirs, Path::new(SYNCHRONIZED).exists())
}

fn judge_clock(ours: u64, theirs: u64, by_network: bool) -> Finding {
    let apart = ours.abs_diff(theirs);
    if apart > APART {
        return Finding::warning(
            "clock",
            format!("this machine and Asterisk are {apart} s apart"),
            "let both take their time from the network (chrony or systemd-timesyncd): times in reports would not match Asterisk's log",
        );
    }
    let network = if by_network {
        ", and set by the network"
    } else {
        ""
    };
    Finding::ok("clock", format!("the same as Asterisk's{network}"))
}

/// Judged as an engine does before it connects.
pub(super) async fn application(
    settings: &Settings,
    client: &Client,
    app: Result<Option<Application>, Unasked>,
    engine: &RunningEngine,
) -> Finding {
    let name = &settings.ari.app;
    let Ok(app) = app else {
        return Finding::not_checked("application", "Asterisk could not be asked");
    };
    if engine.runs {
        return Finding::ok("application", format!("{name} is held by your own engine"));
    }
    // Of a journal that there is not yet, nothing can be ours.
    let prefix = engine.prefix.as_deref().unwrap_or("\0");
    let judge = |presence| application_verdict(app.as_ref(), prefix, Occasion::First, presence);
    let verdict = match judge(AppPresence::NotAsked) {
        AppVerdict::Ask => match presence(client, name).await {
            Ok(presence) => judge(presence),
            Err(why) => return Finding::refused("application", &why.to_string()),
        },
        told => told,
    };
    let mend = "stop that one, set another STASIS_APP, or start with --take-over";
    let held = |by| Finding::fault("application", format!("{name} is held by {by}"), mend);
    match (verdict, app) {
        (AppVerdict::Connect, None) => Finding::ok("application", format!("{name} is free")),
        (AppVerdict::Connect, Some(_)) => Finding::ok(
            "application",
            format!(
                "{name} has left-overs of a program that is gone, which the next start settles"
            ),
        ),
        (AppVerdict::HeldByDialdeck, _) => held("another Dialdeck, which has calls"),
        (AppVerdict::HeldByProgram | AppVerdict::Ask, _) => {
            held("another program, which is connected")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Level;

    #[test]
    fn clocks_that_are_apart_are_told_with_how_much() {
        let apart = judge_clock(1_000, 1_090, false);
        assert_eq!(apart.level, Level::Warning);
        assert!(apart.fact.contains("90 s"), "{apart:?}");
        assert_eq!(judge_clock(1_000, 1_001, false).level, Level::Ok);
    }
}
