//! The table of all settings: names, defaults, what is allowed, what they are for. What
//! reads, reports, or documents settings takes it from here.

use Unset::{Default, Means, Required};

/// One setting, a variable of `.env` or of the environment.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// What holds where it is not set.
    pub unset: Unset,
    /// Whether its value is never shown.
    pub secret: bool,
    /// What values are allowed; goes on from "must be" or "allowed is".
    pub allowed: &'static str,
    /// What it is for, in one sentence without its full stop.
    pub help: &'static str,
}

/// What holds where a setting is not set.
#[derive(Debug, PartialEq, Eq)]
pub enum Unset {
    /// Nothing runs without it.
    Required,
    /// This value, written as in `.env`.
    Default(&'static str),
    /// What these words say.
    Means(&'static str),
}

/// What `.env.example` has in place of a password. Left there, it is warned of.
pub const PASSWORD_PLACEHOLDER: &str = "put-the-password-of-ari.conf-here";

impl Setting {
    const fn new(
        name: &'static str,
        unset: Unset,
        allowed: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            unset,
            secret: false,
            allowed,
            help,
        }
    }

    const fn secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }
}

/// Makes the statics and the list of them from one table, so that neither can lack one.
macro_rules! settings {
    ($($name:ident $(.$kind:ident())?: $unset:expr, $allowed:literal, $help:literal;)*) => {
        $(pub(super) static $name: Setting =
            Setting::new(stringify!($name), $unset, $allowed, $help)$(.$kind())?;)*

        /// All settings, in the order in which documents list them.
        pub static SETTINGS: &[&Setting] = &[$(&$name),*];
    };
}

settings! {
    ARI_URL: Required,
        "http://HOST:PORT or https://HOST:PORT, with a path prefix if Asterisk has one, without user, password, query or fragment",
        "where Asterisk's REST interface is";
    ARI_USERNAME: Required,
        "1 to 80 characters without a colon or control characters",
        "the user of ari.conf";
    ARI_PASSWORD.secret(): Required,
        "1 to 256 characters without control characters",
        "the password of that user";
    ARI_CA_FILE: Means("the system's certificates"),
        "the path of a readable PEM file with at least one certificate",
        "the certificates that an https ARI_URL is trusted by";
    STASIS_APP: Default("outbound_dialer"),
        "1 to 80 letters, digits, _, . and -",
        "the name under which Dialdeck is known to Asterisk";
    ARI_TRUNK: Required,
        "1 to 80 letters, digits, _, . and -: the name of a PJSIP endpoint",
        "the PJSIP trunk that numbers are dialed through";

    OUTBOUND_NUMBER_FILE: Means("OUTBOUND_NUMBER is dialed"),
        "the path of a file with one number a line",
        "the list of numbers to dial";
    OUTBOUND_NUMBER: Means("OUTBOUND_NUMBER_FILE is dialed"),
        "a number of 0-9, +, * and #, at most 40 characters",
        "one number to dial, where there is no list";
    DEFAULT_REGION: Means("no country"),
        "a country's ISO 3166-1 code of two letters, such as RU or US",
        "the country of the numbers, whose emergency numbers are never dialed; 112 and 911 never are";

    TARGET_ENDPOINT: Means("Local/<TARGET_EXTENSION>@<TARGET_CONTEXT>"),
        "one endpoint such as Local/777@default or PJSIP/100, at most 200 characters, without blanks, & or quotes",
        "whom a person who answers is connected to";
    TARGET_EXTENSION: Default("777"),
        "1 to 80 letters, digits, _, ., -, +, * and #",
        "the target's extension, without TARGET_ENDPOINT";
    TARGET_CONTEXT: Default("default"),
        "1 to 80 letters, digits, _, . and -",
        "the target's dialplan context, without TARGET_ENDPOINT";
    TARGET_TIMEOUT: Means("the same as CALL_TIMEOUT"),
        "a whole number of seconds from 1 to 600",
        "seconds for the target to answer; then the call is hung up as abandoned";
    STAGE_TARGET: Default("yes"),
        "yes or no",
        "prepare the target's leg while the person's phone rings; no creates it only after the answer";
    MOH_CLASS: Means("the target's own ringback or announcements"),
        "1 to 80 letters, digits, _, . and -: a class of musiconhold.conf",
        "the music that an answered person hears until the target answers";

    MAX_CC: Default("1"),
        "a whole number from 1 to 10000",
        "how many calls may be up at once";
    CALL_TIMEOUT: Default("30"),
        "a whole number of seconds from 1 to 600",
        "seconds that a number rings";
    MAX_CALL_SECONDS: Means("no limit"),
        "a whole number of seconds from 1 to 86400",
        "seconds after which an answered call is hung up";
    PAUSE_AFTER_REFUSALS: Default("25"),
        "a whole number from 0 to 1000",
        "after how many calls in a row that the carrier refused, none having rung, the run pauses; 0 is never";
    PAUSE_AFTER_ABANDONED: Default("10"),
        "a whole number from 0 to 1000",
        "after how many people in a row who answered and did not reach the target the run pauses; 0 is never";
    CALLER_ID: Means("the trunk's own"),
        "anonymous, or a number, a name, or Name <number>, at most 120 characters, without control characters, backslashes, or quotes inside the name",
        "what the person dialed sees; anonymous has the carrier present no number";

    RECORDINGS_DIR: Default("recordings"),
        "the path of a folder",
        "where recordings are kept";
    RECORDING_FORMAT: Default("wav"),
        "1 to 16 letters and digits: a format that Asterisk can write",
        "the format of recordings";
    KEEP_ON_ASTERISK: Default("no"),
        "yes or no",
        "leave fetched recordings in Asterisk's spool too";

    STATE_FILE: Default("dialdeck.db"),
        "the path of a file with a name",
        "the journal: what was dialed, and what came of it";
    AUTOSTART: Default("no"),
        "yes or no",
        "begin to dial when the process starts";
    START_AGAIN_AFTER: Default("6h"),
        "a whole number with s, m, h or d behind it, such as 6h, at most 366d; 0 for at once; or never",
        "how long after its end a list that nobody new is on is called again by GET /start";
    ON_INTERRUPTED: Default("skip"),
        "skip or retry",
        "what becomes of a number that was being dialed when the process died";
    ON_HANGUP: Default("continue"),
        "continue or drain",
        "what happens to dialing when the terminal goes away";
    DRAIN_SECONDS: Default("60"),
        "a whole number of seconds from 0 to 86400",
        "seconds that live calls get to end by themselves when the process is stopped";
    GIVE_UP_SECONDS: Default("60"),
        "a whole number of seconds from 1 to 86400",
        "seconds without Asterisk after which --exit-when-done gives up";

    LOG_FILE: Default("dialdeck.log"),
        "the path of a file with a name",
        "where the console writes its log; without a console it goes to standard output";
    LOG_MAX_MB: Default("10"),
        "a whole number from 1 to 10000",
        "how many megabytes LOG_FILE may have before it is put aside as LOG_FILE.1";
    LOG_KEEP: Default("5"),
        "a whole number from 0 to 100",
        "how many of those that were put aside are kept";
    LOG_FORMAT: Default("human"),
        "human or json",
        "the form of log lines: for people, or one JSON object a line";
    CONSOLE_KEYS: Means("the keys of the help page"),
        "NAME=KEY pairs separated by commas, such as pause=F5,start=space",
        "other keys for the console";

    CONTROL_ADDR: Default("127.0.0.1:3000"),
        "an IP address and port such as 127.0.0.1:3000 or [::1]:3000",
        "where the control API listens";
    CONTROL_TOKEN.secret(): Means("none is asked for"),
        "16 to 256 visible ASCII characters",
        "the token that the control API asks for; must be set if CONTROL_ADDR is not loopback";

    MYSQL_HOST: Means("no MySQL"),
        "a host name or IP address",
        "the MySQL server; host, user and database switch the copy on";
    MYSQL_PORT: Default("3306"),
        "a port from 1 to 65535",
        "its port";
    MYSQL_USER: Means("no MySQL"),
        "1 to 80 characters without control characters",
        "its user";
    MYSQL_PASSWORD.secret(): Means("no password"),
        "1 to 256 characters without control characters",
        "that user's password";
    MYSQL_DATABASE: Means("no MySQL"),
        "1 to 64 letters, digits, _, $ and -",
        "its database";
    MYSQL_TABLE: Default("call_leg_timelines"),
        "1 to 64 letters, digits, _ and $",
        "the table that calls are written to";
}

/// The setting of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().copied().find(|s| s.name == name)
}
