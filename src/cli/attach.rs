//! `dialdeck attach`: the console on an engine that runs in another process.
//!
//! Whatever happens to this process, its terminal or its line, nothing happens to the engine.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use tokio::sync::mpsc;

use super::AttachArgs;
use super::exit::Failure;
use super::session::{PATIENCE, attached, panics, runtime};
use crate::attach::{Attached, Place, attach};
use crate::config::{self, Reach};
use crate::console::{self, ConsoleOptions, Left, Ports, can_show};
use crate::control::Who;
use crate::wire::LogLine;

pub(super) fn run(args: &AttachArgs) -> Result<(), Failure> {
    let reach = config::reach(Path::new("."), std::env::vars_os())
        .map_err(|problems| Failure::Settings(problems.to_string()))?;
    let ca = args.ca_file.as_deref().map(certificates).transpose()?;
    let place = place(args.url.as_deref(), &reach, ca.as_deref())?;
    if !can_show() {
        return Err(Failure::Settings(
            "attach shows a console, and this is no terminal that can: use the API instead"
                .to_owned(),
        ));
    }
    panics::watch_quietly();
    let runtime = runtime()?;
    let result = runtime.block_on(show(args, &reach, place));
    runtime.shutdown_timeout(PATIENCE);
    result
}

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    config::certificates(path)
        .map_err(|why| Failure::Settings(format!("--ca-file {}: {why}", path.display())))
}

pub(super) fn place(
    url: Option<&str>,
    reach: &Reach,
    ca: Option<&[CertificateDer<'static>]>,
) -> Result<Place, Failure> {
    let place = match url {
        Some(url) => Place::new(url, reach.token.clone(), ca),
        None if reach.addr.port() == 0 => {
            return Err(Failure::Settings(
                "CONTROL_ADDR has port 0, which is any: give the URL that the engine has told, \
                 as in dialdeck attach http://127.0.0.1:40123"
                    .to_owned(),
            ));
        }
        None => Place::new(&reach.url(), reach.token.clone(), None),
    };
    place.map_err(|error| Failure::Settings(error.to_string()))
}

async fn show(args: &AttachArgs, reach: &Reach, place: Place) -> Result<(), Failure> {
    let address = place.address().to_owned();
    let user = Who::user_from_env();
    let mut attached = attach(place, user).await.map_err(Failure::Unexpected)?;
    let (no_more, log) = mpsc::channel(1);
    let log = std::mem::replace(&mut attached.log, log);
    drop(no_more);
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || tell(log))
        .map_err(|e| Failure::Unexpected(format!("the log's thread cannot be started: {e}")))?;
    let options = ConsoleOptions {
        keys: reach.keys.clone(),
        read_only: args.console.read_only,
        fps: args.console.fps,
    };
    let left = attached::until_left(options, ports(&attached)).await?;
    if let Some(told) = panics::told_here() {
        return Err(Failure::Unexpected(told));
    }
    if !matches!(left, Some(Left::TerminalGone(_))) {
        // Nobody needs it who can't read it.
        let _ = writeln!(
            io::stdout(),
            "Left the console; the engine at {address} goes on."
        );
    }
    Ok(())
}

fn ports(attached: &Attached) -> Ports {
    Ports {
        desk: Arc::clone(&attached.desk) as _,
        snapshots: attached.snapshots.clone(),
        away: Some(attached.away.clone()),
        runtime: tokio::runtime::Handle::current(),
        clock: attached.clock,
    }
}

fn tell(mut log: mpsc::Receiver<Vec<LogLine>>) {
    while let Some(lines) = log.blocking_recv() {
        for line in &lines {
            console::tell_line(line);
        }
    }
}
