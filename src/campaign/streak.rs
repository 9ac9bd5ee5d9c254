//! Refusals in a row, and people in a row who answered and reached nobody: what pauses a run by
//! itself, and whom one command calls again after that.

use serde::{Deserialize, Serialize};

use super::disposition::{Disposition, EndedBy, HangupCause};
use super::ids::LeadId;
use super::queue::leads::{LeadState, Leads};

/// How an attempt ended, as far as streaks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Whom it called.
    pub lead: LeadId,
    /// How it ended.
    pub disposition: Disposition,
    /// Who ended it.
    pub by: EndedBy,
    /// The first cause seen.
    pub cause: HangupCause,
    /// The phone rang, there was early media, or somebody answered.
    pub rang: bool,
    /// There is a note on it.
    pub explained: bool,
}

/// What runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreakKind {
    /// The carrier refuses call after call, and no phone rings.
    Refused,
    /// People answer, and none of them reaches the target.
    Abandoned,
}

/// The streaks that run on, and the one that paused the run last.
#[derive(Debug, Default)]
pub(super) struct Streaks {
    refused: Vec<LeadId>,
    abandoned: Vec<LeadId>,
    /// Who was in the last one that was long enough, and which it was.
    last: Option<(StreakKind, Vec<LeadId>)>,
    /// Dialing was not begun again since.
    stands: bool,
}

/// The streak that paused a run last, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// How many [`Command::RequeueMany`](super::Command::RequeueMany) would call again.
    pub leads: usize,
    /// Whether they have answered.
    pub reached: bool,
}

/// How many in a row pause the run; none where it is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PauseAfter {
    /// Refusals.
    pub refusals: u32,
    /// People who answered and did not reach the target.
    pub abandoned: u32,
}

impl PauseAfter {
    /// Nothing pauses.
    pub const NEVER: Self = Self {
        refusals: 0,
        abandoned: 0,
    };
}

impl Ending {
    /// The carrier refused it as it would have refused others.
    fn is_refusal(&self) -> bool {
        !self.rang
            && self.by == EndedBy::Carrier
            && self.disposition.is_refusal()
            && !self.tells_nothing()
    }

    /// It neither counts nor ends a streak: it was hung up here; nobody knows what came of its
    /// originate, which has no cause, and it may have rung; or the trunk was at fault, which has
    /// paused the run by itself and is all that makes an attempt fail against its own cause.
    fn tells_nothing(&self) -> bool {
        let unknown = self.cause == HangupCause::default();
        let against = self.disposition == Disposition::Failed
            && self.cause.disposition() != Disposition::Failed;
        let fault = self.cause.trunk_fault().is_some() || against;
        self.by == EndedBy::Operator || !self.rang && (unknown || fault)
    }

    /// Somebody answered, and the target did not come. Who hung up while it rang does not count,
    /// nor who picked up when the call was being ended: that one has no note.
    fn is_abandoned(&self) -> bool {
        self.disposition == Disposition::Abandoned
            && !matches!(self.by, EndedBy::Callee | EndedBy::Operator)
            && self.explained
    }
}

impl Streaks {
    /// An attempt has ended. Which streak is long enough now, if one is.
    pub(super) fn note(&mut self, end: &Ending, most: PauseAfter) -> Option<StreakKind> {
        let refusal = end.is_refusal();
        if !refusal && !end.tells_nothing() {
            self.refused.clear();
        }
        if end.disposition == Disposition::Answered {
            self.abandoned.clear();
        }
        let kind = match (refusal, end.is_abandoned()) {
            (true, _) => StreakKind::Refused,
            (_, true) => StreakKind::Abandoned,
            _ => return None,
        };
        self.count(kind, end.lead, most)
    }

    fn count(&mut self, kind: StreakKind, lead: LeadId, most: PauseAfter) -> Option<StreakKind> {
        // Who was being called already when the run was paused belongs to that streak.
        if let Some((last, leads)) = &mut self.last
            && self.stands
            && *last == kind
        {
            leads.push(lead);
            return None;
        }
        let (row, most) = match kind {
            StreakKind::Refused => (&mut self.refused, most.refusals),
            StreakKind::Abandoned => (&mut self.abandoned, most.abandoned),
        };
        if most == 0 {
            row.clear();
            return None;
        }
        row.push(lead);
        if row.len() < most as usize {
            return None;
        }
        self.last = Some((kind, std::mem::take(row)));
        self.stands = true;
        Some(kind)
    }

    /// Dialing goes on after a streak: the next one begins at nought.
    pub(super) fn go_on(&mut self) {
        if std::mem::take(&mut self.stands) {
            self.refused.clear();
            self.abandoned.clear();
        }
    }
}

impl Streaks {
    /// An attempt has ended as `verdict`. Why that pauses the run, where it does.
    pub(super) fn look(
        &mut self,
        end: &Ending,
        note: Option<&'static str>,
        most: PauseAfter,
    ) -> Option<String> {
        let kind = self.note(end, most);
        let kind = kind.filter(|_| !sabotaged!(IgnoresStreaks))?;
        Some(match kind {
            StreakKind::Refused => format!(
                "{} refusals in a row, the last {}: ask the carrier what is wrong, start, and \
                 requeue calls them again",
                most.refusals,
                told(end),
            ),
            StreakKind::Abandoned => format!(
                "{} people in a row answered and reached nobody, the last because {}: mend the \
                 target, start, and requeue calls them again",
                most.abandoned,
                note.unwrap_or("the target failed"),
            ),
        })
    }

    /// Who was in the streak that paused the run last, but for those who were called since or
    /// taken off.
    pub(super) fn last(&self, leads: &Leads) -> Result<Vec<LeadId>, String> {
        let Some((kind, members)) = &self.last else {
            let why = "no streak has paused this run: name a disposition or a time";
            return Err(why.to_owned());
        };
        let belongs = |disposition: Disposition| match kind {
            StreakKind::Refused => disposition.is_refusal(),
            StreakKind::Abandoned => disposition == Disposition::Abandoned,
        };
        let stands = |lead: &LeadId| {
            let state = leads.state(*lead);
            matches!(state, Some(LeadState::Final(d)) if belongs(d))
        };
        let mut members: Vec<LeadId> = members.iter().copied().filter(stands).collect();
        members.sort_unstable();
        members.dedup();
        Ok(members)
    }

    /// The streak that paused the run last, while somebody of it could be called again.
    pub(super) fn shown(&self, leads: &Leads) -> Option<Streak> {
        let (kind, _) = self.last.as_ref()?;
        let count = self.last(leads).ok()?.len();
        (count > 0).then_some(Streak {
            leads: count,
            reached: *kind == StreakKind::Abandoned,
        })
    }
}

/// The disposition, with what the carrier said.
fn told(end: &Ending) -> String {
    match (end.cause.sip, end.cause.q850) {
        (Some(sip), _) => format!("{} with SIP {sip}", end.disposition),
        (None, q850) => format!("{} with cause {q850}", end.disposition),
    }
}
