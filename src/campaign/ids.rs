//! The identities that must not be mixed up, and the ids that Asterisk is given.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::number::Number;

/// A lead: its place in the run's list, counted from 0. Stable for the life of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeadId(pub u32);

/// An attempt: counted from 1 in a journal, never used twice there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId(pub u64);

/// A run of a list: counted from 1 in a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub u32);

/// How many calls may be up at once: 1 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MaxCc(pub NonZeroU32);

impl MaxCc {
    /// `None` for 0.
    #[must_use]
    pub fn new(calls: u32) -> Option<Self> {
        NonZeroU32::new(calls).map(Self)
    }

    /// The number of calls.
    #[must_use]
    pub fn calls(self) -> usize {
        self.0.get() as usize
    }
}

impl fmt::Display for LeadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // People count leads from 1.
        write!(f, "{}", u64::from(self.0) + 1)
    }
}
impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Display for MaxCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an id in Asterisk stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Leg A, the person dialed.
    A,
    /// Leg B, the target.
    B,
    /// The second half (`;2`) of leg B where the target is a `Local` channel.
    B2,
    /// The snoop channel that records.
    Snoop,
    /// The bridge that joins the legs.
    Bridge,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "leg A",
            Self::B => "leg B",
            Self::B2 => "the second half of leg B",
            Self::Snoop => "the recording's channel",
            Self::Bridge => "the bridge",
        })
    }
}

impl Part {
    const ALL: [Self; 5] = [Self::A, Self::B, Self::B2, Self::Snoop, Self::Bridge];

    const fn suffix(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::B2 => "b2",
            Self::Snoop => "rec",
            Self::Bridge => "bridge",
        }
    }
}

/// Makes and reads the ids that Dialdeck gives to channels and bridges:
/// `dd-<journal>-<run>-<attempt>-<part>`. The journal's token makes them globally unique,
/// and tells our channels from anybody else's after a crash.
#[derive(Debug, Clone)]
pub struct AsteriskIds {
    prefix: String,
}

/// What every id that any Dialdeck makes begins with.
pub const ANY_DIALDECK: &str = "dd-";

impl AsteriskIds {
    /// `token` is the journal's own: 1 to 32 letters and digits.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self {
            prefix: format!("{ANY_DIALDECK}{token}-"),
        }
    }

    /// What all ids of this journal begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The id of one part of an attempt. At most 149 characters are allowed by Asterisk;
    /// these have under 70.
    #[must_use]
    pub fn make(&self, run: RunId, attempt: AttemptId, part: Part) -> String {
        format!("{}{run}-{attempt}-{}", self.prefix, part.suffix())
    }

    /// The attempt and part that `id` names, if it is one of this journal's.
    #[must_use]
    pub fn parse(&self, id: &str) -> Option<(AttemptId, Part)> {
        let mut fields = id.strip_prefix(&self.prefix)?.split('-');
        fields.next()?.parse::<u32>().ok()?;
        let attempt = AttemptId(fields.next()?.parse().ok()?);
        let suffix = fields.next()?;
        if fields.next().is_some() {
            return None;
        }
        let part = match suffix.strip_prefix(Part::Snoop.suffix()) {
            Some(number) if number.is_empty() || number.parse::<u32>().is_ok() => Part::Snoop,
            _ => Part::ALL.into_iter().find(|p| p.suffix() == suffix)?,
        };
        Some((attempt, part))
    }

    /// The id of the `number`-th channel that records an attempt, from 2: another channel has
    /// taken the place of the one that the one before listened to.
    #[must_use]
    pub fn make_recorder(&self, run: RunId, attempt: AttemptId, number: u32) -> String {
        format!("{}{number}", self.make(run, attempt, Part::Snoop))
    }
}

/// The endpoint that leg A is dialed at.
#[must_use]
pub fn trunk_endpoint(number: &Number, trunk: &str) -> String {
    format!("PJSIP/{number}@{trunk}")
}
