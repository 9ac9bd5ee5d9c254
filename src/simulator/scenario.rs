//! Scenarios as data: what becomes of a number and of a target.
//!
//! A number's fate hangs on the seed, the number and how often it was dialed before, and on
//! nothing else: the same seed gives the same dispositions, whatever the timing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::campaign::{Disposition, HangupCause};

/// What the people and the agents of a simulation do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What becomes of numbers, drawn by weight.
    pub numbers: Vec<Weighted<Callee>>,
    /// Numbers that begin with one of these do what stands here. The longest prefix wins.
    #[serde(default)]
    pub number_prefixes: BTreeMap<String, Callee>,
    /// What targets do, drawn by weight for each call.
    pub targets: Vec<Weighted<Target>>,
    /// Targets that always do the same: `100@lab` of `Local/100@lab`, `agent` of `PJSIP/agent`.
    #[serde(default)]
    pub named_targets: BTreeMap<String, Target>,
}

/// One of several, with its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted<T> {
    /// Its share in the sum of all weights.
    pub weight: u32,
    /// What it is.
    pub does: T,
}

/// From the first to the second, both included, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Span {
    from: u32,
    to: u32,
}

/// What is heard of a call before its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Nothing: SIP 100 and no more.
    #[default]
    Silence,
    /// It rings: SIP 180.
    Ringing,
    /// Early media: SIP 183.
    EarlyMedia,
}

/// What the person dialed, or the carrier in their place, does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callee {
    /// What is heard at first.
    #[serde(default)]
    pub signal: Signal,
    /// When the outcome comes, counted from the dialing.
    #[serde(default)]
    pub after: Span,
    /// What comes.
    pub then: Outcome,
}

/// How the dialing of a number ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// Somebody answers.
    Answers {
        /// Hangs up after so long; never, where it is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        talks: Option<Span>,
    },
    /// The carrier refuses.
    Refuses {
        /// Q.850 cause.
        cause: u16,
        /// SIP status.
        sip: u16,
        /// With the words of an analytics service, `Network Blocked`, instead of the usual ones.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_analytics: bool,
    },
    /// Nothing more.
    Never,
}

/// What a target does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Whether it rings until the outcome.
    #[serde(default)]
    pub rings: bool,
    /// When the outcome comes, counted from the dialing.
    #[serde(default)]
    pub after: Span,
    /// What comes.
    pub then: TargetOutcome,
    /// Whether a queue stands behind it, and how it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
}

/// A queue behind a target: the second half of the local channel dials an agent's phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Queue {
    /// The target is up when the agent picks up.
    Plain,
    /// The dialplan answers first, and the agent picks up so long after.
    BehindAnswer(Span),
}

/// How the dialing of a target ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TargetOutcome {
    /// It answers.
    Answers {
        /// Hangs up after so long; never, where it is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        talks: Option<Span>,
    },
    /// The dialplan runs `Busy()`.
    Busy,
    /// The dialplan runs `Congestion()`.
    Congestion,
    /// The dialplan runs `Hangup()`.
    HangsUp,
    /// Nothing more.
    Never,
    /// There is no such extension.
    Missing,
}

/// Why a text is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Not JSON, or not of a scenario's form.
    #[error("the scenario cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// Nothing to draw from.
    #[error("the scenario's {0:?} have no weight: give at least one of them a weight above 0")]
    NoWeight(&'static str),
}

impl Scenario {
    /// Reads a scenario from JSON.
    pub fn parse(json: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = serde_json::from_str(json)?;
        if total(&scenario.numbers) == 0 {
            return Err(ScenarioError::NoWeight("numbers"));
        }
        if total(&scenario.targets) == 0 {
            return Err(ScenarioError::NoWeight("targets"));
        }
        Ok(scenario)
    }

    /// The numbers and targets of the lab's carrier and PBX, so that the same script can be
    /// played to both.
    ///
    /// # Panics
    /// Never: the text is part of the program and a test reads it.
    #[must_use]
    pub fn lab() -> Self {
        Self::parse(include_str!("scenario/lab.json")).expect("a scenario that a test has read")
    }

    /// What becomes of the `nth` dialing (from 0) of `number`.
    #[must_use]
    pub fn callee(&self, seed: u64, number: &str, nth: u32) -> Callee {
        let named = self
            .number_prefixes
            .iter()
            .filter(|(prefix, _)| number.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len());
        match named {
            Some((_, callee)) => *callee,
            None => draw(&self.numbers, &mut dice(seed, "callee", number, nth)),
        }
    }

    /// What the target `name` (`777@default`, `agent`) does in the call that `customer` stands
    /// for: the number of leg A, and the how manieth dialing of it.
    #[must_use]
    pub fn target(&self, seed: u64, name: &str, customer: (&str, u32)) -> Target {
        match self.named_targets.get(name) {
            Some(target) => *target,
            None => draw(
                &self.targets,
                &mut dice(seed, "target", customer.0, customer.1),
            ),
        }
    }

    /// Whether the dialplan knows the target `name`: it is not missing in every call.
    #[must_use]
    pub fn has_target(&self, name: &str) -> bool {
        let exists = |target: &Target| target.then != TargetOutcome::Missing;
        match self.named_targets.get(name) {
            Some(target) => exists(target),
            None => self.targets.iter().any(|w| w.weight > 0 && exists(&w.does)),
        }
    }

    /// The disposition that a first attempt at `number` must end with, where the dialer
    /// connects it to the target `name`.
    #[must_use]
    pub fn disposition(&self, seed: u64, number: &str, name: &str) -> Disposition {
        match self.callee(seed, number, 0).then {
            Outcome::Never => Disposition::NoAnswer,
            Outcome::Refuses {
                by_analytics: true, ..
            } => Disposition::Blocked,
            Outcome::Refuses { cause, sip, .. } => HangupCause {
                q850: cause,
                sip: Some(sip),
            }
            .disposition(),
            Outcome::Answers { .. } => match self.target(seed, name, (number, 0)).then {
                TargetOutcome::Answers { .. } => Disposition::Answered,
                _ => Disposition::Abandoned,
            },
        }
    }
}

/// The demo: a hundred leads give some of each disposition.
impl Default for Scenario {
    fn default() -> Self {
        Self::parse(include_str!("scenario/demo.json")).expect("a scenario that a test has read")
    }
}

impl Span {
    /// No time at all.
    pub(super) const NOTHING: Self = Self { from: 0, to: 0 };

    /// From `from` to `to` milliseconds; `None` where `to` is less.
    #[must_use]
    pub const fn new(from: u32, to: u32) -> Option<Self> {
        if from <= to {
            Some(Self { from, to })
        } else {
            None
        }
    }

    /// A moment in the span.
    pub(super) fn draw(self, dice: &mut fastrand::Rng) -> Duration {
        Duration::from_millis(u64::from(dice.u32(self.from..=self.to)))
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl TryFrom<(u32, u32)> for Span {
    type Error = String;

    fn try_from((from, to): (u32, u32)) -> Result<Self, Self::Error> {
        Self::new(from, to)
            .ok_or_else(|| format!("[{from}, {to}] goes backwards: the smaller number goes first"))
    }
}

impl From<Span> for (u32, u32) {
    fn from(span: Span) -> Self {
        (span.from, span.to)
    }
}

/// Randomness that hangs on nothing but its arguments. `purpose` keeps draws for different
/// ends apart, so that a longer talk does not come with a certain outcome.
pub(super) fn dice(seed: u64, purpose: &str, number: &str, nth: u32) -> fastrand::Rng {
    // FNV-1a: stable between versions of the compiler, unlike the standard hasher.
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let seeded = seed.to_le_bytes().into_iter();
    let text = purpose.bytes().chain([0]).chain(number.bytes()).chain([0]);
    let hash = seeded
        .chain(text)
        .chain(nth.to_le_bytes())
        .fold(OFFSET, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        });
    fastrand::Rng::with_seed(hash)
}

fn total<T>(choices: &[Weighted<T>]) -> u64 {
    choices.iter().map(|w| u64::from(w.weight)).sum()
}

/// One of `choices`, by weight. There must be a weight above 0.
fn draw<T: Copy>(choices: &[Weighted<T>], dice: &mut fastrand::Rng) -> T {
    let mut ticket = dice.u64(0..total(choices));
    for choice in choices {
        let weight = u64::from(choice.weight);
        if ticket < weight {
            return choice.does;
        }
        ticket -= weight;
    }
    unreachable!("a ticket is less than the sum of all weights")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_that_come_with_the_program_are_read() {
        let lab = Scenario::lab();
        assert!(lab.has_target("100@lab"));
        assert!(!lab.has_target("999@lab"));
        assert!(Scenario::default().has_target("777@default"));
    }

    #[test]
    fn a_scenario_survives_being_written_and_read() {
        for scenario in [Scenario::default(), Scenario::lab()] {
            let json = serde_json::to_string(&scenario).expect("plain data");
            assert_eq!(Scenario::parse(&json).expect("our own text"), scenario);
        }
    }

    #[test]
    fn the_longest_prefix_decides() {
        let lab = Scenario::lab();
        let sip = |number| match lab.callee(1, number, 0).then {
            Outcome::Refuses { sip, .. } => Some(sip),
            _ => None,
        };
        assert_eq!(sip("10000001"), Some(486));
        assert_eq!(sip("50000001"), Some(403));
        assert_eq!(sip("73000001"), Some(486));
        assert_eq!(sip("74000001"), None);
    }

    #[test]
    fn a_fate_hangs_on_seed_number_and_dialing_alone() {
        let demo = Scenario::default();
        let fates = |seed, nth| -> Vec<Callee> {
            (0..200)
                .map(|n| demo.callee(seed, &format!("1202555{n:04}"), nth))
                .collect()
        };
        assert_eq!(fates(7, 0), fates(7, 0));
        assert_ne!(fates(7, 0), fates(8, 0));
        assert_ne!(fates(7, 0), fates(7, 1));
    }

    #[test]
    fn a_weightless_or_backward_scenario_is_refused_with_the_mend() {
        let mut demo = Scenario::default();
        demo.numbers.clear();
        let json = serde_json::to_string(&demo).expect("plain data");
        let error = Scenario::parse(&json)
            .expect_err("nothing to draw")
            .to_string();
        assert!(error.contains("\"numbers\""), "{error}");
        assert!(serde_json::from_str::<Span>("[3, 2]").is_err());
    }
}
