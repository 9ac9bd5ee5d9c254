//! The settings: from `.env` and the environment, raw first, then validated once into
//! [`Settings`].
//!
//! `.env` is read as Node's dotenv reads it, since the files exist already, and wins over
//! the environment; an empty value counts as none. The environment of the process is only
//! read, never changed. [`SETTINGS`] is the one table of names, defaults and help.

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::keys::KeyMap;

mod dotenv;
mod parse;
mod problem;
mod raw;
mod region;
mod secret;
mod settings;
pub(crate) mod shown;
mod spelling;
mod table;
mod validate;

pub use parse::certificates;
pub(crate) use problem::shown_url;
pub use problem::{Origin, Problem, Problems, Warning};
pub use region::Region;
pub use secret::{HIDDEN, Secret};
pub use settings::{
    Ari, CaFile, ControlSettings, ListSource, Log, LogFormat, Mysql, OnHangup, OnInterrupted,
    Settings,
};
pub use table::{PASSWORD_PLACEHOLDER, SETTINGS, Setting, Unset, find};

/// What a reading gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What may be meant otherwise; for the operator to read.
    pub warnings: Vec<Warning>,
}

/// What a console needs to attach to the engine of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// `CONTROL_ADDR`.
    pub addr: SocketAddr,
    /// `CONTROL_TOKEN`.
    pub token: Option<Secret>,
    /// `CONSOLE_KEYS`.
    pub keys: KeyMap,
}

impl Reach {
    /// Where the engine is reached from this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let mut addr = self.addr;
        if addr.ip().is_unspecified() {
            addr.set_ip(match addr {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{addr}")
    }
}

/// Reads what a console needs to attach: whatever else is missing or wrong in the folder's
/// settings is the engine's business.
pub fn reach(
    dir: &Path,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Reach, Problems> {
    let dir = std::path::absolute(dir).map_err(|e| Problems(vec![Problem::file(dir, e)]))?;
    let raw::Sources {
        raw, mut problems, ..
    } = raw::read(&dir.join(".env"), environment);
    let mut validator = validate::Validator::new(&raw, &dir);
    let reach = validator.reach();
    problems.append(&mut validator.problems);
    match reach {
        Some(reach) if problems.is_empty() => Ok(reach),
        _ => Err(Problems(problems)),
    }
}

/// Reads the settings of the working directory `dir` (its `.env`, and where relative paths
/// begin) and of `environment`, which is the process's own but for tests.
///
/// Fails with all that is wrong with them, each as a sentence.
pub fn load(
    dir: &Path,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Problems> {
    // Fails only where the process's own directory is gone, or `dir` is empty.
    let dir = std::path::absolute(dir).map_err(|e| Problems(vec![Problem::file(dir, e)]))?;
    let env_file = dir.join(".env");
    let raw::Sources {
        raw,
        mut problems,
        mut warnings,
    } = raw::read(&env_file, environment);
    if problems.iter().any(|p| matches!(p, Problem::File { .. })) {
        // What an unreadable file lacks can't be told.
        return Err(Problems(problems));
    }
    let mut validator = validate::Validator::new(&raw, &dir);
    let settings = validator.settings();
    warnings.append(&mut validator.warnings);
    problems.append(&mut validator.problems);
    let lacks_some = problems
        .iter()
        .any(|p| matches!(p, Problem::Missing { .. } | Problem::NobodyToDial));
    if lacks_some && !raw.has_file {
        problems.insert(0, Problem::NoFile { expected: env_file });
    }
    match settings {
        Some(settings) if problems.is_empty() => Ok(Loaded { settings, warnings }),
        _ => {
            // A misspelt name explains the missing one.
            let misspelt = |w: &Warning| matches!(w, Warning::Misspelt { .. });
            let names = warnings.into_iter().filter(misspelt);
            problems.extend(names.map(Problem::Beside));
            Err(Problems(problems))
        }
    }
}
