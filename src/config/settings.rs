//! The settings, typed: whoever holds them need not check them again.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use url::Url;

use super::region::Region;
use super::secret::Secret;
use crate::campaign::{CallSettings, Emergency, MaxCc, Number, PauseAfter};
use crate::keys::KeyMap;

/// All settings. Paths are absolute. May be shown with `Debug`: secrets are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How to reach Asterisk.
    pub ari: Ari,
    /// Whom to dial.
    pub list: ListSource,
    /// `DEFAULT_REGION`: the country of the numbers.
    pub region: Option<Region>,
    /// `MAX_CC`: how many calls may be up at once, 1 to 10,000.
    pub max_cc: MaxCc,
    /// `PAUSE_AFTER_REFUSALS` and `PAUSE_AFTER_ABANDONED`, 0 to 1000 each; 0 is never.
    pub pause_after: PauseAfter,
    /// What each call keeps from its beginning to its end.
    pub call: CallSettings,
    /// `STATE_FILE`: the journal.
    pub state_file: PathBuf,
    /// `AUTOSTART`: dial when the process starts.
    pub autostart: bool,
    /// `START_AGAIN_AFTER`: how long after its end `GET /start` calls a list again that nobody
    /// new is on; `None` for never.
    pub start_again_after: Option<Duration>,
    /// `ON_INTERRUPTED`.
    pub on_interrupted: OnInterrupted,
    /// `ON_HANGUP`.
    pub on_hangup: OnHangup,
    /// `DRAIN_SECONDS`: how long live calls may go on at a stop, 0 to 86,400 s.
    pub drain: Duration,
    /// `GIVE_UP_SECONDS`: how long `--exit-when-done` waits for Asterisk, 1 to 86,400 s.
    pub give_up: Duration,
    /// `LOG_FILE`: where the console writes its log.
    pub log_file: PathBuf,
    /// Its lines and its size.
    pub log: Log,
    /// `CONSOLE_KEYS`: which keys do what.
    pub keys: KeyMap,
    /// The control API.
    pub control: ControlSettings,
    /// The MySQL copy, where it is switched on.
    pub mysql: Option<Mysql>,
}

impl Settings {
    /// The numbers that are never dialed.
    #[must_use]
    pub fn emergency(&self) -> Emergency {
        self.region.map(Region::emergency).unwrap_or_default()
    }

    /// Where the lines of the list that are no numbers are told: beside the journal.
    #[must_use]
    pub fn rejects_file(&self) -> PathBuf {
        self.state_file.with_extension("rejected.txt")
    }
}

/// How to reach Asterisk's REST interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ari {
    /// `ARI_URL` as a base: `http` or `https`, without user, query or fragment. Its path
    /// ends with `/` and not with `ari/`, so that `url.join("ari/channels")` is right.
    pub url: Url,
    /// `ARI_USERNAME`, without a colon.
    pub username: String,
    /// `ARI_PASSWORD`.
    pub password: Secret,
    /// `ARI_CA_FILE`: to be trusted instead of the system's certificates.
    pub ca: Option<CaFile>,
    /// `STASIS_APP`: letters, digits, `_`, `.`, `-`.
    pub app: String,
}

/// Certificates from a PEM file: at least one, each usable as a trust anchor.
#[derive(Clone, PartialEq, Eq)]
pub struct CaFile {
    /// Where they were read.
    pub path: PathBuf,
    /// The certificates.
    pub certificates: Vec<CertificateDer<'static>>,
}

impl fmt::Debug for CaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, count) = (self.path.display(), self.certificates.len());
        write!(f, "{count} certificates of {path}")
    }
}

/// Whom to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListSource {
    /// `OUTBOUND_NUMBER_FILE`: a list, by its absolute path.
    File(PathBuf),
    /// `OUTBOUND_NUMBER`.
    One(Number),
}

impl fmt::Display for ListSource {
    /// What a run belongs to: the path, or the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::One(number) => number.fmt(f),
        }
    }
}

/// The control API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlSettings {
    /// `CONTROL_ADDR`. Loopback, unless there is a token. Port 0 is any free one.
    pub addr: SocketAddr,
    /// `CONTROL_TOKEN`: 16 to 256 visible ASCII characters.
    pub token: Option<Secret>,
}

/// What becomes of a number that was being dialed when the process died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInterrupted {
    /// It stays `interrupted`.
    Skip,
    /// It waits again.
    Retry,
}

/// What happens to dialing when the terminal goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnHangup {
    /// The engine goes on headless.
    Continue,
    /// No new calls.
    Drain,
}

/// The log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// `LOG_FORMAT`.
    pub format: LogFormat,
    /// `LOG_MAX_MB`, in bytes: when a file is put aside. 1 to 10,000 MB.
    pub max_bytes: u64,
    /// `LOG_KEEP`: how many of those are kept, 0 to 100.
    pub keep: u32,
}

impl Default for Log {
    /// What holds where nothing is set.
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            max_bytes: 10_000_000,
            keep: 5,
        }
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people, and for the scripts that read the replaced program's lines.
    Human,
    /// One JSON object a line.
    Json,
}

/// The MySQL copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mysql {
    /// `MYSQL_HOST`.
    pub host: String,
    /// `MYSQL_PORT`, not 0.
    pub port: u16,
    /// `MYSQL_USER`.
    pub user: String,
    /// `MYSQL_PASSWORD`.
    pub password: Option<Secret>,
    /// `MYSQL_DATABASE`: letters, digits, `_`, `$`, `-`.
    pub database: String,
    /// `MYSQL_TABLE`: letters, digits, `_`, `$`, so that it may stand in a statement.
    pub table: String,
}
