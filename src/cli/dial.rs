//! `dialdeck`: dials the list of the current directory's `.env`.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::DialArgs;
use super::exit::Failure;
use super::session::{ConsoleArgs, Session, run_session};
use crate::campaign::Numbers;
use crate::config::{self, LogFormat, Settings};
use crate::engine::{Options, StartError};
use crate::journal::JournalError;
use crate::list::{self, List};
use crate::recordings::check_folder;

pub(super) fn run(args: &DialArgs, console: Option<ConsoleArgs>) -> Result<(), Failure> {
    let log_format = args.log_format;
    let settings = with_flag(load_settings()?, log_format);
    check_folder(&settings.call.recordings.dir).map_err(|e| Failure::Settings(e.to_string()))?;
    let list = load_list(&settings)?;
    let session = Session {
        options: Options {
            start: args.start,
            new_run: args.new_run,
            take_over: args.take_over,
            exit_when_done: args.exit_when_done,
        },
        console,
        fail_in: args.fail_in,
        reread: Arc::new(move || read_again(log_format)),
        settings,
        serve: true,
        reload_env: true,
    };
    run_session(session, list.numbers)
}

/// Reads `.env` and the environment; warnings go to standard error.
pub(super) fn load_settings() -> Result<Settings, Failure> {
    let loaded = config::load(Path::new("."), std::env::vars_os())
        .map_err(|problems| Failure::Settings(problems.to_string()))?;
    for warning in &loaded.warnings {
        warn(&warning.to_string());
    }
    Ok(loaded.settings)
}

/// `--log-format` wins over `LOG_FORMAT`, also when settings are read again.
fn with_flag(mut settings: Settings, log_format: Option<LogFormat>) -> Settings {
    settings.log.format = log_format.unwrap_or(settings.log.format);
    settings
}

fn load_list(settings: &Settings) -> Result<List, Failure> {
    let list = list::load(
        &settings.list,
        settings.emergency(),
        &settings.rejects_file(),
    )
    .map_err(|e| Failure::Settings(e.to_string()))?;
    for warning in list.summary.warnings() {
        warn(&warning);
    }
    Ok(list)
}

/// Settings and list as they stand when they are asked for. What is meant otherwise, or wrong
/// with single lines, goes to the log: a console may have the screen.
fn read_again(log_format: Option<LogFormat>) -> Result<(Settings, Numbers), String> {
    let loaded = config::load(Path::new("."), std::env::vars_os()).map_err(|p| p.to_string())?;
    let settings = with_flag(loaded.settings, log_format);
    let folder = check_folder(&settings.call.recordings.dir).map_err(|e| e.to_string());
    let list = list::load(
        &settings.list,
        settings.emergency(),
        &settings.rejects_file(),
    )
    .map_err(|e| e.to_string());
    let list = match (folder, list) {
        (Ok(()), Ok(list)) => list,
        (Err(folder), Err(list)) => return Err(format!("{folder}\n{list}")),
        (Err(why), _) | (_, Err(why)) => return Err(why),
    };
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    for warning in list.summary.warnings() {
        tracing::warn!("{warning}");
    }
    Ok((settings, list.numbers))
}

fn warn(text: &str) {
    // Without a standard error there is nobody to warn.
    let _ = writeln!(io::stderr(), "dialdeck: {text}");
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let text = error.to_string();
        match error {
            StartError::Journal(JournalError::Held { .. }) => Self::Held(text),
            StartError::Mirror(_) => Self::Unexpected(text),
            StartError::Journal(_) | StartError::Connection(_) | StartError::OtherList { .. } => {
                Self::Settings(text)
            }
        }
    }
}
