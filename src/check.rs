//! `dialdeck check`: every setting against reality, before anybody is called.
//!
//! It changes nothing and leaves nothing behind: no file, no channel, no recording. It never
//! connects under the application's name, which would take it away from an engine, and never
//! dials. All of it takes at most ten seconds, each question less.
//!
//! | file | what it looks at |
//! | --- | --- |
//! | `check/asterisk.rs` | ARI, the trunk, the application, the clock |
//! | `check/probe.rs` | what only a channel can be asked: the target, the recording format |
//! | `check/engine.rs` | the journal, the control port, and the engine that holds both |
//! | `check/place.rs` | folders, the list, open files |
//! | `check/database.rs` | the MySQL copy |
//! | `check/report.rs` | what was found, for people and for programs |

mod asterisk;
mod database;
mod engine;
mod place;
mod probe;
mod report;
mod transfers;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

pub use report::{Finding, Level, Report};

use crate::ari::{Client, Connection};
use crate::config::{self, Problem, Problems, Settings, Warning};
use probe::Probe;

/// How long Asterisk may take for one answer.
const ANSWER: Duration = Duration::from_secs(3);
/// How long everything that a channel is asked may take.
const PROBING: Duration = Duration::from_secs(5);

/// Checks the settings of the folder `dir` and of `environment`. `stop` ends it early, with
/// nothing left behind; then there is no report.
pub async fn run(
    dir: &Path,
    environment: impl Iterator<Item = (OsString, OsString)>,
    stop: impl Future<Output = ()>,
) -> Option<Report> {
    let loaded = match config::load(dir, environment) {
        Ok(loaded) => loaded,
        Err(Problems(problems)) => {
            let findings = problems.iter().map(wrong).collect();
            return Some(Report { findings });
        }
    };
    let mut findings = vec![read(&loaded.warnings)];
    findings.extend(loaded.warnings.iter().map(doubtful));
    let settings = loaded.settings;
    let client = match Client::new(&connection(&settings)) {
        Ok(client) => client,
        Err(error) => {
            findings.push(Finding::refused("ari", &error.to_string()));
            return Some(Report { findings });
        }
    };
    let mut probe = Probe::new(&settings, "check");
    let found = tokio::select! {
        found = examine(&settings, &client, &mut probe) => Some(found),
        () = stop => None,
    };
    probe.close().await;
    findings.extend(found?);
    Some(Report { findings })
}

/// What is wrong with the target, as [`run`] would find it, with what to mend. `None` where it is
/// there, and where Asterisk does not tell. Rings nobody.
pub async fn target_fault(settings: &Settings) -> Option<String> {
    let mut probe = Probe::new(settings, "target");
    let asked = tokio::time::timeout(ANSWER, probe.ask_target(settings)).await;
    probe.close().await;
    let Finding { fact, mend, .. } = asked.ok().flatten()?;
    Some(match mend {
        Some(mend) => format!("{fact}: {mend}"),
        None => fact,
    })
}

/// The engine's connection, with less patience.
fn connection(settings: &Settings) -> Connection {
    Connection {
        timeout: ANSWER,
        ..crate::engine::connection(settings)
    }
}

async fn examine(settings: &Settings, client: &Client, probe: &mut Probe) -> Vec<Finding> {
    let (asterisk, engine, mut place, database) = tokio::join!(
        asterisk::examine(settings, client, probe),
        engine::examine(settings),
        place::examine(settings),
        database::examine(settings.mysql.as_ref()),
    );
    let application = asterisk::application(settings, client, asterisk.app, &engine).await;
    let mut findings = asterisk.findings;
    findings.push(application);
    findings.extend(engine.findings);
    findings.append(&mut place);
    findings.push(database);
    findings
}

fn read(warnings: &[Warning]) -> Finding {
    let fact = match warnings.len() {
        0 => "all are allowed, and none is misspelt".to_owned(),
        1 => "all are allowed; one may be meant otherwise".to_owned(),
        n => format!("all are allowed; {n} may be meant otherwise"),
    };
    Finding::ok("settings", fact)
}

/// What is allowed may have a colon of its own, so the first one parts what is from the mend.
fn wrong(problem: &Problem) -> Finding {
    if let Problem::Missing {
        name,
        help,
        allowed,
    } = problem
    {
        let mend = format!("set it to {help}: {allowed}");
        return Finding::fault("settings", format!("{name} is not set"), mend);
    }
    let sentence = problem.to_string();
    match sentence.trim_end_matches('.').split_once(": ") {
        Some((fact, mend)) => Finding::fault("settings", fact, mend),
        None => Finding::refused("settings", &sentence),
    }
}

/// A placeholder is no password, whatever else is right.
fn doubtful(warning: &Warning) -> Finding {
    let finding = Finding::refused("settings", &warning.to_string());
    match warning {
        Warning::PlaceholderPassword { .. } => finding,
        _ => finding.no_more_than_a_warning(),
    }
}
