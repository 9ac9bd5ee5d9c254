//! A driver for scenarios that are told step by step. The tester plays Asterisk.

use std::time::Duration;

use super::super::*;

/// The attempt that most scenarios are about.
pub(super) const FIRST: AttemptId = AttemptId(1);
/// Asterisk's clock begins here, in milliseconds.
const STAMP: i64 = 5_000_000;

pub(super) struct Rig {
    pub(super) campaign: Campaign,
    pub(super) now: Time,
    /// Attempts become durable at once.
    pub(super) durable: bool,
    pub(super) effects: Vec<Effect>,
    taken: usize,
}

pub(super) fn cause(q850: u16) -> HangupCause {
    HangupCause { q850, sip: None }
}

pub(super) fn policy(max_cc: u32) -> Policy {
    Policy {
        max_cc: MaxCc::new(max_cc).expect("a test asks for a call at least"),
        spacing: Duration::ZERO,
        retry_interrupted: false,
        pause_after: PauseAfter::NEVER,
        start_again_after: Some(Duration::from_secs(6 * 3600)),
        emergency: Emergency::default(),
        call: Arc::new(call_settings()),
    }
}

/// What a call keeps where a test wants nothing else.
pub(crate) fn call_settings() -> CallSettings {
    CallSettings {
        trunk: "mytrunk".to_owned(),
        caller_id: None,
        call_timeout: Duration::from_secs(30),
        target: Target {
            endpoint: "Local/777@default".to_owned(),
            timeout: Duration::from_secs(20),
            staged: true,
            moh_class: None,
        },
        max_call: None,
        recordings: Recordings {
            dir: "/recordings".into(),
            format: "wav".to_owned(),
            keep_on_asterisk: false,
        },
    }
}

/// The policy, with other settings of calls.
pub(super) fn policy_with(max_cc: u32, change: impl FnOnce(&mut CallSettings)) -> Policy {
    let mut call = call_settings();
    change(&mut call);
    Policy {
        call: Arc::new(call),
        ..policy(max_cc)
    }
}

pub(super) fn numbers(count: u32) -> Numbers {
    let mut numbers = Numbers::default();
    for i in 0..count {
        let number = Number::parse(&format!("{}", 1000 + i)).expect("digits");
        numbers.push(&number).expect("they differ");
    }
    numbers
}

pub(super) fn campaign(policy: Policy) -> Campaign {
    Campaign::new(AsteriskIds::new("t"), policy, AttemptId(1))
}

impl Rig {
    /// A run of `leads` numbers, not started, the link not up yet.
    pub(super) fn idle(policy: Policy, leads: u32) -> Self {
        let mut rig = Self::over(campaign(policy));
        rig.campaign.open_run(rig.now, "list", &numbers(leads));
        rig.drain();
        rig
    }

    pub(super) fn over(campaign: Campaign) -> Self {
        Self {
            campaign,
            now: Time::from_millis(1_000_000),
            durable: true,
            effects: Vec::new(),
            taken: 0,
        }
    }

    /// Dialing.
    pub(super) fn started(policy: Policy, leads: u32) -> Self {
        let mut rig = Self::idle(policy, leads);
        rig.link_up(Census::default());
        rig.command(&Command::Start).expect("it can start");
        rig
    }

    /// One lead, its A ringing, everything staged.
    pub(super) fn staged() -> Self {
        Self::staged_with(policy(1))
    }

    pub(super) fn staged_with(policy: Policy) -> Self {
        let mut rig = Self::started(policy, 1);
        rig.stage();
        rig
    }

    pub(super) fn stage(&mut self) {
        self.ok(Op::OriginateA);
        self.leg(Part::A, LegEvent::Ringing);
        self.ok(Op::CreateBridge);
        self.ok(Op::CreateB);
        self.leg(Part::B, LegEvent::Entered);
        self.ok(Op::Join(Part::B));
        self.leg(Part::B, LegEvent::Joined);
        self.take();
    }

    /// A has answered; B was dialed and rings.
    pub(super) fn connecting() -> Self {
        let mut rig = Self::staged();
        rig.connect();
        rig
    }

    pub(super) fn connect(&mut self) {
        self.leg(Part::A, LegEvent::Up);
        self.leg(Part::A, LegEvent::Entered);
        self.ok(Op::DialB);
        self.ok(Op::Join(Part::A));
        self.leg(Part::A, LegEvent::Joined);
        self.take();
    }

    /// Both talk and are recorded.
    pub(super) fn talking() -> Self {
        let mut rig = Self::connecting();
        rig.talk();
        rig
    }

    pub(super) fn talk(&mut self) {
        self.ok(Op::Snoop);
        self.leg(Part::Snoop, LegEvent::Entered);
        self.ok(Op::Record);
        self.leg(Part::B, LegEvent::Up);
        assert_eq!(self.word(), Some(CallWord::Bridged));
        self.take();
    }

    pub(super) fn handle(&mut self, input: Input) {
        self.campaign.handle(self.now, input);
        self.drain();
        let next = self.campaign.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "a timer spins");
    }

    pub(super) fn command(&mut self, command: &Command) -> Outcome {
        let outcome = self.campaign.command(self.now, command);
        self.drain();
        outcome
    }

    fn drain(&mut self) {
        while let Some(effect) = self.campaign.poll_effect() {
            let begun = match &effect {
                Effect::Journal(Record::AttemptBegun { attempt, .. }) => Some(*attempt),
                _ => None,
            };
            self.effects.push(effect);
            if let Some(attempt) = begun
                && self.durable
            {
                self.campaign.handle(self.now, Input::Durable(attempt));
            }
        }
    }

    /// The requests since this was asked last, of all attempts.
    pub(super) fn take(&mut self) -> Vec<Op> {
        let new = self.effects[self.taken..].iter().filter_map(|e| match e {
            Effect::Ask { op, .. } => Some(*op),
            _ => None,
        });
        let new = new.collect();
        self.taken = self.effects.len();
        new
    }

    pub(super) fn asked(&self, attempt: AttemptId, wanted: Op) -> usize {
        let same = |e: &&Effect| matches!(e, Effect::Ask { attempt: a, op, .. } if (*a, *op) == (attempt, wanted));
        self.effects.iter().filter(same).count()
    }

    pub(super) fn link_up(&mut self, census: Census) {
        self.handle(Input::LinkUp(census));
    }

    pub(super) fn ok(&mut self, op: Op) {
        assert!(self.asked(FIRST, op) > 0, "{op:?} was not asked");
        self.answer(FIRST, op, Ok(()));
    }

    pub(super) fn refuse(&mut self, op: Op, error: OpError) {
        assert!(self.asked(FIRST, op) > 0, "{op:?} was not asked");
        self.answer(FIRST, op, Err(error));
    }

    pub(super) fn answer(&mut self, attempt: AttemptId, op: Op, result: Result<(), OpError>) {
        self.handle(Input::Answer {
            attempt,
            op,
            result,
        });
    }

    pub(super) fn leg(&mut self, part: Part, event: LegEvent) {
        self.leg_of(FIRST, part, event);
    }

    pub(super) fn leg_of(&mut self, attempt: AttemptId, part: Part, event: LegEvent) {
        self.stamped(attempt, part, event, 0);
    }

    /// By Asterisk's clock so many milliseconds from now, whenever it is told.
    pub(super) fn leg_at(&mut self, part: Part, event: LegEvent, ms: i64) {
        self.stamped(FIRST, part, event, ms);
    }

    fn stamped(&mut self, attempt: AttemptId, part: Part, event: LegEvent, ms: i64) {
        let now = i64::try_from(self.now.millis()).expect("a small time");
        self.handle(Input::Leg {
            attempt,
            part,
            event,
            is_up: false,
            stamp_ms: Some(STAMP + now + ms),
        });
    }

    pub(super) fn gone(&mut self, part: Part, q850: u16) {
        self.leg(part, LegEvent::Gone(cause(q850)));
    }

    /// Lets time pass, with a tick whenever one is due.
    pub(super) fn wait(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while let Some(at) = self.campaign.poll_timeout().filter(|at| *at <= until) {
            self.now = at;
            self.handle(Input::Tick);
        }
        self.now = until;
        self.handle(Input::Tick);
    }

    pub(super) fn word(&self) -> Option<CallWord> {
        self.word_of(FIRST)
    }

    pub(super) fn word_of(&self, attempt: AttemptId) -> Option<CallWord> {
        let call = self.campaign.calls().find(|c| c.attempt == attempt);
        call.map(|c| c.word)
    }

    pub(super) fn ends(&self) -> Vec<(AttemptId, AttemptEnd)> {
        let ends = self.effects.iter().filter_map(|e| match e {
            Effect::Journal(Record::AttemptEnded { attempt, end }) => Some((*attempt, end.clone())),
            _ => None,
        });
        ends.collect()
    }

    /// What people are told of the only call, which has ended.
    #[track_caller]
    pub(super) fn summary(&self) -> CallSummary {
        let summaries = self.effects.iter().filter_map(|e| match e {
            Effect::Tell(Notice::Ended(summary)) => Some((**summary).clone()),
            _ => None,
        });
        let summaries: Vec<CallSummary> = summaries.collect();
        assert_eq!(summaries.len(), 1, "it ends once: {summaries:?}");
        summaries.into_iter().next().expect("there is one")
    }

    /// How the only call ended.
    #[track_caller]
    pub(super) fn end(&self) -> AttemptEnd {
        let ends = self.ends();
        assert_eq!(ends.len(), 1, "it ends once: {ends:?}");
        ends.into_iter().next().expect("there is one").1
    }

    #[track_caller]
    pub(super) fn assert_end(&self, disposition: Disposition, by: EndedBy, q850: u16) {
        let end = self.end();
        assert_eq!(
            (end.disposition, end.by, end.cause.q850),
            (disposition, by, q850)
        );
    }

    pub(super) fn withdrawn(&self) -> usize {
        let is = |e: &&Effect| matches!(e, Effect::Journal(Record::AttemptWithdrawn { .. }));
        self.effects.iter().filter(is).count()
    }

    pub(super) fn has(&self, wanted: &Effect) -> bool {
        self.effects.contains(wanted)
    }

    pub(super) fn lead(&self, lead: u32) -> LeadState {
        let state = self.campaign.leads().state(LeadId(lead));
        state.expect("the lead is listed")
    }

    /// A snoop channel needs no hangup: it leaves our application when A goes.
    pub(super) fn snoop_ends_with_a(&mut self) {
        self.leg(Part::Snoop, LegEvent::Leaving(None));
    }

    /// Answers every deletion, until nothing of the call is left.
    #[track_caller]
    pub(super) fn assert_taken_down(&mut self) {
        for part in [Part::A, Part::B] {
            if self.asked(FIRST, Op::HangUp(part)) > 0 {
                self.gone(part, 16);
            }
        }
        if self.asked(FIRST, Op::Snoop) > 0 {
            self.refuse(Op::Snoop, OpError::NotFound);
        }
        self.snoop_ends_with_a();
        if self.asked(FIRST, Op::DestroyBridge) > 0 {
            self.ok(Op::DestroyBridge);
        }
        self.handle(Input::RecordingEnded {
            attempt: FIRST,
            ok: true,
        });
        assert!(self.campaign.is_quiet(), "something is left");
    }
}
