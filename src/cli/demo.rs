//! `dialdeck demo`: a whole campaign against the built-in simulator.
//!
//! It reads no `.env` and leaves nothing behind: journal and recordings live in a temporary
//! folder that goes with the process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::DemoArgs;
use super::exit::Failure;
use super::session::{ConsoleArgs, PATIENCE, Session, drive, runtime};
use crate::campaign::{CallSettings, MaxCc, Numbers, PauseAfter, Recordings, Target};
use crate::config::{
    Ari, ControlSettings, ListSource, Log, LogFormat, OnHangup, OnInterrupted, Secret, Settings,
};
use crate::engine::Options;
use crate::keys::KeyMap;
use crate::simulator::{self, SimConfig};

pub(super) fn run(args: &DemoArgs, console: Option<ConsoleArgs>) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("dialdeck-demo-")
        .tempdir()
        .map_err(|e| Failure::Unexpected(format!("no temporary folder can be made: {e}")))?;
    let runtime = runtime()?;
    let result = runtime.block_on(campaign(args, console, folder.path()));
    runtime.shutdown_timeout(PATIENCE);
    // What can't be removed now goes with the system's temporary files.
    let _ = folder.close();
    result
}

async fn campaign(
    args: &DemoArgs,
    console: Option<ConsoleArgs>,
    folder: &Path,
) -> Result<(), Failure> {
    let config = SimConfig {
        seed: args.seed,
        speed: args.speed,
        ..SimConfig::default()
    };
    let (username, password) = (config.username.clone(), config.password.clone());
    let trunk = config.trunk.clone();
    let asterisk = simulator::start(config)
        .await
        .map_err(|e| Failure::Unexpected(e.to_string()))?;
    let url = Url::parse(&asterisk.url()).map_err(|e| Failure::Unexpected(e.to_string()))?;
    let ari = Ari {
        url,
        username,
        password: Secret::new(&password),
        ca: None,
        app: "outbound_dialer".to_owned(),
    };
    let count = usize::try_from(args.calls).unwrap_or(usize::MAX);
    let numbers = demo_numbers(args.seed, count);
    let seed = args.seed;
    let settings = settings(args, folder, ari, trunk)?;
    let again = settings.clone();
    let session = Session {
        settings,
        options: Options {
            start: true,
            new_run: false,
            take_over: false,
            // At the console the end is there to be looked at.
            exit_when_done: console.is_none(),
        },
        console,
        fail_in: args.fail_in,
        serve: false,
        reload_env: false,
        reread: Arc::new(move || Ok((again.clone(), demo_numbers(seed, count)))),
    };
    drive(session, numbers).await
}

fn demo_numbers(seed: u64, count: usize) -> Numbers {
    let mut numbers = Numbers::default();
    for number in simulator::demo_numbers(seed, count) {
        numbers.push(&number);
    }
    numbers
}

/// What a `.env` would say, but for the places.
fn settings(args: &DemoArgs, folder: &Path, ari: Ari, trunk: String) -> Result<Settings, Failure> {
    let max_cc = MaxCc::new(args.max_cc)
        .ok_or_else(|| Failure::Settings("--max-cc must be 1 or more".to_owned()))?;
    let patience = Duration::from_secs(20);
    Ok(Settings {
        ari,
        list: ListSource::File(folder.join("demo")),
        region: None,
        max_cc,
        call: CallSettings {
            trunk,
            caller_id: None,
            call_timeout: patience,
            target: Target {
                endpoint: "Local/777@default".to_owned(),
                timeout: patience,
                staged: true,
                moh_class: None,
            },
            max_call: None,
            recordings: Recordings {
                dir: folder.join("recordings"),
                format: "wav".to_owned(),
                keep_on_asterisk: false,
            },
        },
        state_file: folder.join("dialdeck.db"),
        autostart: false,
        start_again_after: Some(Duration::ZERO),
        on_interrupted: OnInterrupted::Skip,
        // Nobody could look at it again.
        on_hangup: OnHangup::Drain,
        drain: Duration::from_secs(60),
        give_up: Duration::from_secs(60),
        pause_after: PauseAfter::NEVER,
        log_file: folder.join("dialdeck.log"),
        log: Log {
            format: args.log_format.unwrap_or(LogFormat::Human),
            ..Log::default()
        },
        keys: KeyMap::default(),
        control: ControlSettings {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            token: None,
        },
        mysql: None,
    })
}
