//! What is wrong with the settings, in sentences that say what to mend.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::secret::HIDDEN;
use super::shown::excerpt;
use super::table::{self, Setting};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The `.env` file, in this line, counted from 1.
    EnvFile {
        /// The line of the variable's name.
        line: usize,
    },
    /// The environment of the process.
    Environment,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvFile { line } => write!(f, ".env line {line}"),
            Self::Environment => f.write_str("environment"),
        }
    }
}

/// All problems of one reading. Nothing runs until there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// One problem. Holds no secret: values are made fit to be shown before they come here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not wrong by itself, and told because something else is.
    #[error("Beside that: {0}")]
    Beside(Warning),
    /// There is no `.env`, and the environment lacks what is required.
    #[error(
        "There is no {}: copy .env.example, which shows all settings, to that place and fill it in.",
        .expected.display()
    )]
    NoFile {
        /// Where one is looked for.
        expected: PathBuf,
    },
    /// The `.env` file can't be read.
    #[error("{} can't be read: {why}.", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why, with the mend.
        why: String,
    },
    /// A required setting is not set.
    #[error("{name} is not set: it is {help}, and must be {allowed}.")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it is for.
        help: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A value that is not allowed.
    #[error("{name} is {shown} ({origin}): {}it must be {allowed}.", clause(.detail.as_deref()))]
    Invalid {
        /// The variable.
        name: &'static str,
        /// The value as it may be shown.
        shown: String,
        /// Where it comes from.
        origin: Origin,
        /// What exactly is wrong, if that is known.
        detail: Option<String>,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Neither a list nor a number.
    #[error(
        "There is nobody to dial: set OUTBOUND_NUMBER_FILE to the path of a list, or OUTBOUND_NUMBER to one number."
    )]
    NobodyToDial,
    /// The control API would be open to the network.
    #[error(
        "CONTROL_ADDR is {addr}, which other machines can reach, and CONTROL_TOKEN is not set: set it, or listen on 127.0.0.1."
    )]
    OpenControl {
        /// The address.
        addr: SocketAddr,
    },
}

fn clause(text: Option<&str>) -> String {
    text.map(|text| format!("{text}; ")).unwrap_or_default()
}

/// A value as it may be shown: nothing of a secret, no control characters, cut.
pub(super) fn shown(setting: &Setting, value: &str) -> String {
    if setting.secret {
        return HIDDEN.to_owned();
    }
    if setting.name == table::ARI_URL.name {
        return format!("\"{}\"", shown_url(value));
    }
    format!("\"{}\"", excerpt(value))
}

/// A URL as it may be shown. One may hold a login although it must not, in more ways than one
/// parses: before an `@`, or behind a `?` as Asterisk's `api_key`. With both it can't be told
/// where the login ends.
pub(crate) fn shown_url(text: &str) -> String {
    let asks = text.find(['?', '#']);
    match (text.rfind('@'), asks) {
        (Some(_), Some(_)) => HIDDEN.to_owned(),
        (Some(at), None) => format!("{HIDDEN}{}", excerpt(&text[at..])),
        (None, Some(asks)) => format!("{}{HIDDEN}", excerpt(&text[..=asks])),
        (None, None) => excerpt(text),
    }
}

/// Something that may be meant otherwise. It stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A list and a number.
    #[error(
        "OUTBOUND_NUMBER_FILE and OUTBOUND_NUMBER are both set: the file is dialed, the number is not."
    )]
    ListAndNumber,
    /// Part of what MySQL needs.
    #[error("MySQL is off: set {} too, or remove {}.", .lacking.join(", "), .set.join(", "))]
    HalfMysql {
        /// The variables that are set.
        set: Vec<&'static str>,
        /// The variables that it lacks.
        lacking: Vec<&'static str>,
    },
    /// The target's context is the default, which is not what the replaced program took.
    #[error(
        "TARGET_CONTEXT is not set: the context \"default\" is dialed. The Node.js program dialed \"default2\" then; set TARGET_CONTEXT to the one that is meant."
    )]
    NoTargetContext,
    /// A variable that looks like a setting's name misspelt.
    #[error("{} ({origin}) is not a setting; did you mean {meant}?", excerpt(.name))]
    Misspelt {
        /// The variable as it stands.
        name: String,
        /// Where it stands.
        origin: Origin,
        /// The setting it resembles.
        meant: &'static str,
    },
    /// A line of `.env` that says nothing.
    #[error(".env line {line} is ignored: it is neither NAME=value nor a comment.")]
    IgnoredLine {
        /// The line.
        line: usize,
    },
    /// An unquoted value with a `#` in it.
    #[error(
        "{name} (.env line {line}) holds a # that follows no blank, which is taken as part of the value; dotenv 15 and later end the value there. Put the value in single quotes to make it clear."
    )]
    HashInValue {
        /// The setting.
        name: &'static str,
        /// The line.
        line: usize,
    },
    /// A value that begins with a quote that nothing closes.
    #[error(
        "{name} (.env line {line}) begins with a quote that does not close it: the quote is taken as part of the value."
    )]
    OpenQuote {
        /// The setting.
        name: &'static str,
        /// The line.
        line: usize,
    },
    /// A setting that stands more than once in `.env`.
    #[error("{name} stands in .env lines {} and {last}: the last one counts.", lines(.earlier))]
    Twice {
        /// The setting.
        name: &'static str,
        /// The lines that do not count.
        earlier: Vec<usize>,
        /// The line that counts.
        last: usize,
    },
    /// The password is still that of `.env.example`.
    #[error(
        "ARI_PASSWORD ({origin}) is still the placeholder of .env.example: put in the password of ari.conf."
    )]
    PlaceholderPassword {
        /// Where it comes from.
        origin: Origin,
    },
    /// Certificates for a connection that uses none.
    #[error(
        "ARI_CA_FILE has no effect: ARI_URL begins with http://, which no certificate protects."
    )]
    UnusedCaFile,
}

fn lines(lines: &[usize]) -> String {
    let words: Vec<_> = lines.iter().map(usize::to_string).collect();
    words.join(", ")
}

impl Problem {
    pub(super) fn file(file: &Path, why: impl fmt::Display) -> Self {
        Self::File {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}
