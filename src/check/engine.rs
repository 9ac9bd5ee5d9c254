//! The journal, the control port, and the engine of our own that may hold both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::place::why_not_writable;
use super::report::Finding;
use crate::campaign::{AsteriskIds, RunState};
use crate::config::{ControlSettings, Settings};
use crate::journal::{JournalError, Look, Recovered, look};

/// How long whoever has the control port may take to say who it is.
const ANSWER: Duration = Duration::from_secs(3);

/// What is known of engines on this machine.
pub(super) struct RunningEngine {
    pub(super) findings: Vec<Finding>,
    /// An engine of this journal runs and answers: what it holds is ours.
    pub(super) runs: bool,
    /// What this journal's ids in Asterisk begin with, where there is a journal.
    pub(super) prefix: Option<String>,
}

/// Who has the control port.
enum Port {
    Free,
    /// A Dialdeck, and its status.
    Dialdeck(Value),
    /// A Dialdeck that asks for another token.
    Locked,
    /// The address cannot be had, and this is why.
    Refused(std::io::Error),
    /// Something else.
    Stranger,
}

pub(super) async fn examine(settings: &Settings) -> RunningEngine {
    let file = settings.state_file.clone();
    let looked = tokio::task::spawn_blocking(move || look(&file));
    let (looked, port) = tokio::join!(looked, port(&settings.control));
    let looked = match looked {
        Ok(looked) => looked,
        Err(error) => Err(JournalError::Io {
            path: settings.state_file.clone(),
            doing: "look at the journal",
            source: error.into(),
        }),
    };
    let held = match &looked {
        Ok(Look::Held { pid }) => Some(*pid),
        _ => None,
    };
    let runs = held.is_some() && matches!(port, Port::Dialdeck(_));
    let prefix = match &looked {
        Ok(Look::Free(known)) => Some(AsteriskIds::new(&known.token).prefix().to_owned()),
        _ => None,
    };
    let control = control(settings, &port, held);
    RunningEngine {
        findings: vec![journal(settings, looked, runs), control],
        runs,
        prefix,
    }
}

fn journal(settings: &Settings, looked: Result<Look, JournalError>, runs: bool) -> Finding {
    let path = &settings.state_file;
    match looked {
        Err(JournalError::Sqlite { source, .. }) => Finding::fault(
            "journal",
            format!("{} cannot be read: {source}", path.display()),
            "look at STATE_FILE and at the rights of its folder",
        ),
        Err(error) => Finding::refused("journal", &error.to_string()),
        Ok(Look::Held { pid }) if runs => Finding::ok(
            "journal",
            format!("held by your own engine, process {pid}, which runs"),
        ),
        Ok(Look::Held { pid }) => Finding::fault(
            "journal",
            format!(
                "another engine, process {pid}, holds {}, and its control API does not answer at CONTROL_ADDR",
                path.display()
            ),
            "stop it, or give this one a STATE_FILE of its own",
        ),
        Ok(found) => free(settings, path, &found),
    }
}

/// Nobody holds it. Whether an engine could.
fn free(settings: &Settings, path: &Path, found: &Look) -> Finding {
    let folder = path.parent().unwrap_or(path);
    let why = why_not_writable(folder).or_else(|| {
        let there = !matches!(found, Look::Absent);
        there.then(|| why_not_writable(path)).flatten()
    });
    if let Some(why) = why {
        return Finding::fault(
            "journal",
            format!("{} cannot be written: {why}", path.display()),
            "give this user the right to write STATE_FILE and its folder, or set another STATE_FILE",
        );
    }
    match found {
        Look::Free(known) => left(settings, known),
        Look::Older => Finding::ok(
            "journal",
            "of an older release; the start brings it up to date",
        ),
        Look::Absent | Look::Held { .. } => {
            Finding::ok("journal", "there is none yet; the start makes it")
        }
    }
}

/// What the last engine left.
fn left(settings: &Settings, known: &Recovered) -> Finding {
    let Some(run) = &known.run else {
        return Finding::ok("journal", "no run yet");
    };
    let list = settings.list.to_string();
    let state = run.state.word();
    if run.list != list {
        return Finding::fault(
            "journal",
            format!(
                "it holds run {} of {}, and the list is {list}",
                run.run, run.list
            ),
            "begin a new run with --new-run (it calls numbers that the other run has called), or set another STATE_FILE",
        );
    }
    let fact = format!("run {} is {state}, with {} leads", run.run, run.leads);
    match &run.state {
        RunState::Paused(reason) => Finding::warning(
            "journal",
            format!("{fact}; it was paused: {reason}"),
            "resume it when that is over: --start leaves it paused",
        ),
        _ => Finding::ok("journal", fact),
    }
}

fn control(settings: &Settings, port: &Port, held: Option<u32>) -> Finding {
    let addr = settings.control.addr;
    match port {
        Port::Free if addr.port() == 0 => {
            Finding::ok("control", "any free port, which the log tells")
        }
        Port::Free => Finding::ok("control", format!("{addr} is free{}", guarded(settings))),
        Port::Dialdeck(status) if held.is_some() => Finding::ok("control", told(addr, status)),
        Port::Dialdeck(status) => Finding::fault(
            "control",
            format!(
                "{addr} is another Dialdeck's, with the list {}",
                status["list"]
            ),
            "give each its own CONTROL_ADDR",
        ),
        Port::Locked => Finding::fault(
            "control",
            format!("a Dialdeck at {addr} does not take this CONTROL_TOKEN"),
            "set its CONTROL_TOKEN, or another CONTROL_ADDR",
        ),
        Port::Refused(why) => Finding::fault(
            "control",
            format!("{addr} cannot be listened on: {why}"),
            "set CONTROL_ADDR to an address of this machine, and a port that this user may have",
        ),
        Port::Stranger => Finding::fault(
            "control",
            format!("{addr} is taken by another program"),
            "stop it (is it the Node.js program that Dialdeck replaces?), or set another CONTROL_ADDR",
        ),
    }
}

fn guarded(settings: &Settings) -> &'static str {
    match &settings.control.token {
        Some(_) => ", and asks for CONTROL_TOKEN",
        None => ", for this machine only",
    }
}

fn told(addr: SocketAddr, status: &Value) -> String {
    let state = status["state"].as_str().unwrap_or("?");
    let calls = status["calls"]["in_use"].as_u64().unwrap_or(0);
    format!("your own engine answers at {addr}: {state}, live calls {calls}")
}

/// Asks at the door before it tries the handle: whoever listens is asked who it is.
async fn port(control: &ControlSettings) -> Port {
    let addr = control.addr;
    if addr.port() == 0 {
        return Port::Free;
    }
    match TcpListener::bind(addr) {
        Ok(_) => Port::Free,
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => who_has(control).await,
        Err(e) => Port::Refused(e),
    }
}

async fn who_has(control: &ControlSettings) -> Port {
    match tokio::time::timeout(ANSWER, status(control)).await {
        Ok(Ok((200, body))) if body["state"].is_string() && body["run"].is_number() => {
            Port::Dialdeck(body)
        }
        Ok(Ok((401, body)))
            if body["error"]
                .as_str()
                .is_some_and(|e| e.contains("CONTROL_TOKEN")) =>
        {
            Port::Locked
        }
        _ => Port::Stranger,
    }
}

/// `GET /api/v1/status`. Whoever else listens there may have a `/start` that dials, which is
/// never asked for.
async fn status(control: &ControlSettings) -> Result<(u16, Value), reqwest::Error> {
    let mut addr = control.addr;
    match addr.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let client = crate::ari::plain_http()?;
    let mut request = client.get(format!("http://{addr}/api/v1/status"));
    if let Some(token) = &control.token {
        request = request.bearer_auth(token.expose());
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.json().await?))
}
