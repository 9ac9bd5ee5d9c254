//! One line that is being written: for people, or as a JSON object.

use std::fmt::{self, Display, Write as _};

use serde_json::{Map, Value};

use super::{Context, is_odd, rfc3339};
use crate::campaign::{AttemptId, Time};
use crate::config::LogFormat;
use crate::journal::call_id;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineLevel {
    Info,
    Warning,
    Error,
}

impl LineLevel {
    const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The line so far.
pub(super) enum LineBuilder {
    Human(String),
    Json(Map<String, Value>),
}

impl LineBuilder {
    pub(super) fn new(format: LogFormat, at: Time) -> Self {
        match format {
            LogFormat::Human => Self::Human(rfc3339(at)),
            LogFormat::Json => {
                let mut map = Map::new();
                map.insert("time".to_owned(), rfc3339(at).into());
                map.insert("level".to_owned(), LineLevel::Info.word().into());
                map.insert("target".to_owned(), "dialdeck".into());
                Self::Json(map)
            }
        }
    }

    /// People read it from the event.
    pub(super) fn level(&mut self, level: LineLevel) -> &mut Self {
        if let Self::Json(map) = self {
            map.insert("level".to_owned(), level.word().into());
        }
        self
    }

    pub(super) fn event(&mut self, name: &str) -> &mut Self {
        match self {
            Self::Human(text) => {
                text.push(' ');
                text.push_str(name);
            }
            Self::Json(map) => {
                map.insert("event".to_owned(), name.into());
            }
        }
        self
    }

    pub(super) fn call(&mut self, attempt: AttemptId, context: &Context<'_>) -> &mut Self {
        self.count("attempt", attempt.0)
            .value("call", call_id(context.journal, attempt))
    }

    /// A value that is known to be one word.
    pub(super) fn value(&mut self, key: &str, value: impl Display) -> &mut Self {
        match self {
            // Writing into a string can't fail.
            Self::Human(text) => drop(write!(text, " {key}={value}")),
            Self::Json(map) => drop(map.insert(key.to_owned(), value.to_string().into())),
        }
        self
    }

    /// A number that is one in JSON too. (A telephone number is none.)
    pub(super) fn count(&mut self, key: &str, value: impl Into<u64>) -> &mut Self {
        let value = value.into();
        match self {
            Self::Human(text) => drop(write!(text, " {key}={value}")),
            Self::Json(map) => drop(map.insert(key.to_owned(), value.into())),
        }
        self
    }

    /// Any text.
    pub(super) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        match self {
            Self::Human(text) => drop(write!(text, " {key}={}", Quoted(value))),
            Self::Json(map) => drop(map.insert(key.to_owned(), value.into())),
        }
        self
    }

    /// What has a line of its own for people.
    pub(super) fn beside(&mut self, key: &str, line: &str) -> String {
        match self {
            Self::Human(_) => self.end() + line,
            Self::Json(_) => self.text(key, line.trim_end()).end(),
        }
    }

    pub(super) fn end(&mut self) -> String {
        match self {
            Self::Human(text) => std::mem::take(text) + "\n",
            Self::Json(map) => escaped(&Value::Object(std::mem::take(map)).to_string()) + "\n",
        }
    }
}

/// JSON itself lets through what a terminal obeys, or draws so that it lies. All of it stands
/// within strings, where an escape means the same.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() || is_odd(c) {
            // Writing into a string can't fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// A text as one harmless word or quoted string.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = !self.0.is_empty()
            && self
                .0
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '='));
        if plain {
            return f.write_str(self.0);
        }
        write!(f, "{:?}", self.0)
    }
}
