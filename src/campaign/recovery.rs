//! What a crash, a lost link or a changed list left behind, and what is done with it.

use super::call::{Answer, Bridged, Call, Facts, Phase, Presence, Recording, Verdict};
use super::io::{Census, Effect, LegEvent};
use super::timers::Timer;
use super::{
    AttemptEnd, AttemptId, Campaign, Disposition, EndedBy, HangupCause, LeadId, LeadState, Leads,
    Number, Numbers, Part, Record, RunId, RunState, Time,
};

/// An attempt that a dead process had begun and not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphan {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its run.
    pub run: RunId,
    /// Its lead.
    pub lead: LeadId,
    /// Its number.
    pub number: Number,
    /// When it began.
    pub begun_at: Time,
    /// When A answered, if that was written down.
    pub answered_at: Option<Time>,
    /// When both were bridged, if that was written down.
    pub bridged_at: Option<Time>,
    /// Whether a recording was started.
    pub recorded: bool,
}

/// What reading the list again has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relisted {
    /// New numbers in line.
    pub joined: u32,
    /// Waiting leads that are no longer listed.
    pub skipped: u32,
}

/// So many numbers go into one record of the journal.
const LIST_CHUNK: usize = 4096;

impl Campaign {
    /// Goes on with the run that the journal has. A run that was dialing comes back IDLE.
    ///
    /// Orphans of an older run are closed at once, as [`Self::abandon_run`] does.
    pub fn restore(
        &mut self,
        now: Time,
        run: RunId,
        state: RunState,
        leads: Leads,
        orphans: Vec<Orphan>,
    ) {
        let (orphans, older) = orphans.into_iter().partition(|o| o.run == run);
        self.abandon_run(now, run, older);
        self.run = run;
        self.leads = leads;
        self.state = match state {
            RunState::Dialing | RunState::Draining => RunState::Idle,
            RunState::Idle | RunState::Paused(_) | RunState::Done => state,
        };
        let orphans: Vec<Orphan> = orphans;
        self.orphans = orphans.into_iter().map(|o| (o.attempt, o)).collect();
    }

    /// Leaves a run: what was unfinished in it is closed by what the journal knows, and
    /// whatever of it lives in Asterisk is taken down by the first census.
    pub fn abandon_run(&mut self, now: Time, run: RunId, orphans: Vec<Orphan>) {
        self.run = run;
        for orphan in orphans {
            let verdict = orphan_verdict(&orphan, false);
            self.effects
                .push_back(Effect::Journal(Record::AttemptEnded {
                    attempt: orphan.attempt,
                    end: AttemptEnd {
                        at: now,
                        disposition: verdict.disposition,
                        cause: verdict.cause,
                        by: verdict.by,
                        note: verdict.note.map(str::to_owned),
                        dead_air_ms: None,
                    },
                }));
        }
    }

    /// Begins a run over `numbers`. Only while no call of another run is left.
    pub fn open_run(&mut self, now: Time, list: &str, numbers: &Numbers) {
        self.run = RunId(self.run.0 + 1);
        self.state = RunState::Idle;
        self.leads = Leads::default();
        self.effects.push_back(Effect::Journal(Record::RunOpened {
            run: self.run,
            list: list.to_owned(),
            at: now,
        }));
        self.join(now, numbers);
    }

    /// The list was read again: new numbers join, waiting leads that are no longer listed
    /// are skipped, nobody who was called is called again.
    pub fn relist(&mut self, now: Time, numbers: &Numbers) -> Relisted {
        let gone: Vec<LeadId> = self
            .leads
            .line()
            .filter(|lead| {
                self.leads
                    .number(*lead)
                    .is_some_and(|n| numbers.find(n.as_str()).is_none())
            })
            .collect();
        for lead in &gone {
            self.leads.finish(*lead, Disposition::Skipped);
            self.effects.push_back(Effect::Journal(Record::LeadSkipped {
                run: self.run,
                lead: *lead,
                why: "no longer listed".to_owned(),
                at: now,
            }));
        }
        self.leads.rebuild_line();
        let joined = self.join(now, numbers);
        if joined > 0 && self.state == RunState::Done {
            self.set_state(now, RunState::Idle);
        }
        Relisted {
            joined,
            skipped: u32::try_from(gone.len()).unwrap_or(u32::MAX),
        }
    }

    fn join(&mut self, now: Time, numbers: &Numbers) -> u32 {
        let mut chunk = Vec::new();
        let mut first = None;
        let mut joined = 0;
        for number in numbers.iter() {
            let Ok(number) = Number::parse(number) else {
                continue;
            };
            let Some(lead) = self.leads.add(&number, now) else {
                continue;
            };
            joined += 1;
            first.get_or_insert(lead);
            chunk.push(number);
            if chunk.len() == LIST_CHUNK {
                self.journal_leads(first.take(), std::mem::take(&mut chunk));
            }
        }
        self.journal_leads(first, chunk);
        joined
    }

    fn journal_leads(&mut self, first: Option<LeadId>, numbers: Vec<Number>) {
        if let Some(first) = first {
            self.effects.push_back(Effect::Journal(Record::LeadsListed {
                run: self.run,
                first,
                numbers,
            }));
        }
    }

    /// Compares what is known with what lives in Asterisk.
    pub(super) fn reconcile(&mut self, now: Time, census: &Census) {
        self.settle_orphans(now, census);
        self.miss_what_is_gone(now, census);
        self.take_down_strays(census);
    }

    /// Each attempt of the dead process: adopted if its conversation lives, hung up if only
    /// a part of it does, closed if nothing does.
    fn settle_orphans(&mut self, now: Time, census: &Census) {
        for orphan in std::mem::take(&mut self.orphans).into_values() {
            let facts = facts_of(orphan.attempt, orphan.recorded, census);
            let attempt = orphan.attempt;
            let verdict = orphan_verdict(&orphan, facts.a.presence.may_live());
            let mut call = adopt(self.run, orphan, facts);
            let talks = matches!(call.phase, Phase::Talking(..)) && call.facts.could_talk();
            if !talks {
                call.hang_up(verdict);
            }
            let a_lives = call.facts.a.presence.may_live();
            self.live.insert(attempt, call);
            if !a_lives {
                self.finish_orphan(now, attempt, verdict);
            } else if talks {
                if let Some(limit) = self.policy.max_call {
                    self.timers.set(now + limit, attempt, Timer::MaxCall);
                }
            } else {
                self.timers.set(now, attempt, Timer::Insist);
            }
        }
    }

    fn finish_orphan(&mut self, now: Time, attempt: AttemptId, verdict: Verdict) {
        let lead = self.live.get(&attempt).map(|c| c.lead);
        self.finish(now, attempt, verdict);
        // Its snoop channel ended with it, unseen: what was recorded is there to fetch.
        self.recording_ended(attempt, true);
        if let Some(lead) = lead
            && self.policy.retry_interrupted
            && verdict.disposition == Disposition::Interrupted
        {
            self.leads.put_back(lead);
        }
    }

    /// Ends of channels that happened while nobody listened.
    fn miss_what_is_gone(&mut self, now: Time, census: &Census) {
        let lives = |attempt, part| {
            census
                .channels
                .iter()
                .any(|(a, p, _)| (*a, *p) == (attempt, part))
        };
        let known: Vec<AttemptId> = self
            .live
            .keys()
            .chain(self.remains.keys())
            .copied()
            .collect();
        for attempt in known {
            for part in [Part::Snoop, Part::B, Part::A] {
                let confirmed = self.is_confirmed(attempt, part);
                if confirmed && !lives(attempt, part) {
                    let cause = HangupCause::default();
                    let event = LegEvent::Gone(cause);
                    self.leg_event(now, attempt, part, event, None);
                }
            }
        }
    }

    fn is_confirmed(&mut self, attempt: AttemptId, part: Part) -> bool {
        let facts = match (self.live.get_mut(&attempt), self.remains.get_mut(&attempt)) {
            (Some(call), _) => &mut call.facts,
            (None, Some(remains)) => &mut remains.facts,
            (None, None) => return false,
        };
        facts
            .channel(part)
            .is_some_and(|c| matches!(c.presence, Presence::There | Presence::Leaving))
    }

    fn take_down_strays(&mut self, census: &Census) {
        let channels = census.channels.iter().map(|(a, p, _)| (*a, *p));
        let bridges = census.bridges.iter().map(|a| (*a, Part::Bridge));
        for (attempt, part) in channels.chain(bridges) {
            let known = self
                .live
                .get(&attempt)
                .map(|c| &c.facts)
                .or_else(|| self.remains.get(&attempt).map(|r| &r.facts))
                .is_some_and(|facts| facts.knows(part));
            if !known {
                self.effects
                    .push_back(Effect::TakeDownStray { attempt, part });
            }
        }
    }

    /// The leads that are being called, for a reader of the state.
    pub fn calling(&self) -> impl Iterator<Item = LeadId> + '_ {
        self.live
            .values()
            .map(|c| c.lead)
            .filter(|l| matches!(self.leads.state(*l), Some(LeadState::Calling(_))))
    }
}

fn facts_of(attempt: AttemptId, recorded: bool, census: &Census) -> Facts {
    let mut facts = Facts::default();
    for (_, part, up) in census.channels.iter().filter(|(a, ..)| *a == attempt) {
        if let Some(channel) = facts.channel(*part) {
            channel.entered();
            if *up {
                channel.went_up();
            }
        }
    }
    if census.bridges.contains(&attempt) {
        facts.bridge = Presence::There;
    }
    if recorded {
        facts.recording = Recording::Running;
    }
    facts
}

fn adopt(run: RunId, orphan: Orphan, facts: Facts) -> Call {
    let answer = orphan.answered_at.map(|at| Answer { at, stamp_ms: None });
    let bridged = orphan.bridged_at.map(|at| Bridged { at, dead_air_ms: 0 });
    let phase = match (answer, bridged) {
        (Some(answer), Some(bridged)) => Phase::Talking(answer, bridged),
        (Some(answer), None) => Phase::Connecting(answer),
        (None, _) => Phase::Dialing {
            ringing_at: None,
            staging: false,
        },
    };
    Call {
        attempt: orphan.attempt,
        run,
        lead: orphan.lead,
        number: orphan.number,
        begun_at: orphan.begun_at,
        phase,
        facts,
        agent_at: None,
    }
}

fn orphan_verdict(orphan: &Orphan, a_lives: bool) -> Verdict {
    let disposition = match (orphan.answered_at, orphan.bridged_at) {
        (_, Some(_)) => Disposition::Answered,
        (Some(_), None) => Disposition::Abandoned,
        (None, None) => Disposition::Interrupted,
    };
    Verdict {
        disposition,
        by: if a_lives {
            EndedBy::Operator
        } else {
            EndedBy::Carrier
        },
        cause: HangupCause::default(),
        note: Some("the dialer was restarted"),
    }
}
