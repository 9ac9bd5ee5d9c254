//! What lies over the screen and takes all keys: a question, or a line to type into.

use super::model::Pane;
use crate::campaign::MaxCc;
use crate::control::Command;

/// A question or a prompt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Popup {
    Question(Question),
    Prompt(Prompt),
}

/// A question about something that cannot be undone. It starts on Cancel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    pub(crate) title: String,
    /// The consequence.
    pub(crate) text: String,
    /// The first is Cancel.
    pub(crate) choices: Vec<Choice>,
    pub(crate) chosen: usize,
    /// Whether it has been on the screen: nobody can answer what nobody could read.
    pub(crate) drawn: bool,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    pub(crate) label: String,
    /// What is done; nothing for Cancel.
    pub(crate) does: Option<Command>,
}

impl Question {
    pub(crate) fn new(title: &str, text: String, label: &str, does: Command) -> Self {
        Self {
            title: title.to_owned(),
            text,
            choices: vec![
                Choice {
                    label: "Cancel".to_owned(),
                    does: None,
                },
                Choice {
                    label: label.to_owned(),
                    does: Some(does),
                },
            ],
            chosen: 0,
            drawn: false,
        }
    }

    pub(crate) fn or(mut self, label: &str, does: Command) -> Self {
        self.choices.push(Choice {
            label: label.to_owned(),
            does: Some(does),
        });
        self
    }

    pub(crate) fn step(&mut self, forward: bool) {
        let n = self.choices.len();
        let by = if forward { 1 } else { n - 1 };
        self.chosen = (self.chosen + by) % n;
    }
}

/// What a typed line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    MaxCc,
    Filter(Pane),
}

/// A line that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) purpose: Purpose,
    pub(crate) text: String,
    /// Why it was not taken.
    pub(crate) wrong: Option<String>,
}

/// The longest line that makes sense.
const LONGEST: usize = 60;

impl Prompt {
    pub(crate) fn new(purpose: Purpose, text: &str) -> Self {
        Self {
            purpose,
            text: text.to_owned(),
            wrong: None,
        }
    }

    /// Takes what was typed or pasted: of a paste only its first line.
    pub(crate) fn insert(&mut self, text: &str) {
        self.wrong = None;
        let line = text.lines().next().unwrap_or_default();
        for c in line.chars().filter(|c| !c.is_control()) {
            let fits = self.text.chars().count() < LONGEST;
            let allowed = self.purpose != Purpose::MaxCc || c.is_ascii_digit();
            if fits && allowed {
                self.text.push(c);
            }
        }
    }

    /// `max_cc`: what it is now.
    pub(crate) fn title(&self, max_cc: usize) -> String {
        match self.purpose {
            Purpose::MaxCc => format!("MAX_CC: calls at once, now {max_cc}"),
            Purpose::Filter(_) => "Filter: number or state".to_owned(),
        }
    }

    /// What was typed, as a limit.
    pub(crate) fn max_cc(&self) -> Result<MaxCc, String> {
        let typed = self.text.trim().parse::<u32>().ok();
        typed
            .filter(|n| *n <= MOST_CALLS)
            .and_then(MaxCc::new)
            .ok_or_else(|| format!("a whole number from 1 to {MOST_CALLS}"))
    }
}

/// As `MAX_CC` allows.
pub(crate) const MOST_CALLS: u32 = 10_000;
