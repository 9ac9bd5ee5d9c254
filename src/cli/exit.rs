//! Exit codes, and the sentence that goes with each.

use std::io::{self, Write};
use std::process::ExitCode;

/// Why a command failed. The number is its exit code, the text a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// 1: something that should not happen.
    Unexpected(String),
    /// 2: settings or list.
    Settings(String),
    /// 2: settings or list, and all of it has been told.
    Checked,
    /// 3: another engine.
    Held(String),
    /// 4: Asterisk was of no use for too long.
    GaveUp(String),
}

impl Failure {
    const fn code(&self) -> u8 {
        match self {
            Self::Unexpected(_) => 1,
            Self::Settings(_) | Self::Checked => 2,
            Self::Held(_) => 3,
            Self::GaveUp(_) => 4,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Unexpected(text)
            | Self::Settings(text)
            | Self::Held(text)
            | Self::GaveUp(text) => Some(text),
            Self::Checked => None,
        }
    }
}

pub(super) fn code(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(text) = failure.text() {
                // If standard error is gone there is nobody to tell; the code still does.
                let _ = writeln!(io::stderr(), "dialdeck: {text}");
            }
            ExitCode::from(failure.code())
        }
    }
}
