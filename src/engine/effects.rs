//! What the campaign wants done, and how the engine does it: records to the journal, requests
//! to Asterisk in tasks of their own, news to whoever shows them.

use std::sync::Arc;

use super::ending::FinalSurvey;
use super::{Engine, Message, Told};
use crate::campaign::{
    AttemptId, BY_OPERATOR, CallSettings, Effect, Notice, Number, Op, Part, Record, RunState, Time,
    sabotaged,
};

impl Engine {
    /// Carries out everything that the campaign wants done.
    pub(super) fn carry_out(&mut self) {
        let now = self.clock.now();
        self.set_gate();
        let mut records = std::mem::take(&mut self.unwritten);
        while let Some(effect) = self.campaign.poll_effect() {
            self.pace.change();
            match effect {
                Effect::Journal(record) => {
                    self.note(now, &record);
                    let is_end = matches!(record, Record::AttemptEnded { .. });
                    if is_end && sabotaged!(EndsTwice) {
                        records.push(record.clone());
                    }
                    if !(is_end && sabotaged!(EndsUnwritten)) {
                        records.push(record);
                    }
                }
                Effect::Ask {
                    attempt,
                    op,
                    number,
                    settings,
                } => {
                    self.timelines.asked(now, attempt, op);
                    records.extend(self.legs.asked(now, (attempt, op), &number, &settings));
                    self.ask(attempt, op, number, settings);
                }
                Effect::ProbeTrunk(attempt) => self.probe_trunk(attempt),
                Effect::AskCarrier(attempt) => self.ask_carrier(attempt),
                Effect::ProbeAsterisk => self.probe_asterisk(),
                Effect::TakeDownStray { attempt, part } => self.take_down(attempt, part),
                Effect::FetchRecording {
                    attempt,
                    number,
                    begun_at,
                    settings,
                } => self.queue_recording(attempt, &number, begun_at, &settings),
                Effect::Tell(notice) => {
                    records.extend(self.audit_of(now, &notice));
                    self.notice(now, notice);
                }
            }
        }
        self.append(records);
        self.answer_durable();
        self.feed_fetcher();
        self.meter.calls(now, self.campaign.live_calls());
    }

    /// What was decided before dialing stopped may still wait for its turn at the client. A
    /// command is carried out before it is answered: after its answer nothing leaves.
    fn set_gate(&self) {
        let dials = *self.campaign.state() == RunState::Dialing;
        let is_silent = self.campaign.asterisk_is_silent() && !sabotaged!(OpenGateInSilence);
        let answers = self.link_state.ready && !is_silent;
        let open = dials && answers && self.stopping.is_none()
            || sabotaged!(OpenGate)
            || sabotaged!(DialsInPause)
            || sabotaged!(IgnoresLoss) && dials;
        self.requester.gate.set_open(open);
    }

    /// What is written down is shown, too.
    fn note(&mut self, now: Time, record: &Record) {
        let settings = Arc::clone(&self.campaign.policy().call);
        self.timelines.record(now, record, &settings);
        self.legs.record(record);
        if let Record::AttemptEnded { attempt, .. } = record {
            self.sound.forget(*attempt);
        }
    }

    fn notice(&mut self, now: Time, notice: Notice) {
        self.timelines.told(now, &notice);
        match &notice {
            Notice::State { state } => {
                let by_rule = matches!(state, RunState::Paused(reason) if reason != BY_OPERATOR);
                self.paused_by_rule_since = by_rule.then_some(now);
                // A run that goes on comes to an end of its own.
                self.quiet_since = None;
                self.final_survey = FinalSurvey::NotYet;
            }
            Notice::Call { step, .. } => self.meter.step(now, *step),
            _ => {}
        }
        self.tell(Told::Campaign(notice));
    }

    /// Hands records to the journal; the beginnings of attempts come back as durable.
    fn append(&mut self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let begun: Vec<AttemptId> = records
            .iter()
            .filter_map(|record| match record {
                Record::AttemptBegun { attempt, .. } => Some(*attempt),
                _ => None,
            })
            .collect();
        let inbox = self.inbox.clone();
        if sabotaged!(DialsBeforeDurable) {
            let _ = inbox.send(Message::Durable(begun.clone(), Ok(())));
        }
        let done = move |result| {
            // The engine may have ended; then nobody waits for this.
            let _ = inbox.send(Message::Durable(begun, result));
        };
        if let Err(rejected) = self.writer.try_append(records, done) {
            // Kept in their order, and tried again with the next batch. Nothing is dialed
            // meanwhile, for no beginning becomes durable.
            self.unwritten = rejected.records;
        }
    }

    fn ask(&mut self, attempt: AttemptId, op: Op, number: Number, settings: Arc<CallSettings>) {
        let requester = self.requester.with(settings);
        let inbox = self.inbox.clone();
        let run = self.campaign.run();
        tokio::spawn(async move {
            let result = requester.carry_out(run, attempt, op, &number).await;
            let _ = inbox.send(Message::Answer {
                attempt,
                op,
                result,
            });
        });
    }

    fn probe_trunk(&mut self, attempt: AttemptId) {
        let requester = self.requester.clone();
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let trunk = requester.trunk_is().await;
            let _ = inbox.send(Message::Trunk(attempt, trunk));
        });
    }

    fn ask_carrier(&mut self, attempt: AttemptId) {
        let requester = self.requester.clone();
        let inbox = self.inbox.clone();
        let run = self.campaign.run();
        tokio::spawn(async move {
            let answered = requester.carrier_answered(run, attempt).await;
            let _ = inbox.send(Message::Carrier { attempt, answered });
        });
    }

    fn probe_asterisk(&mut self) {
        let client = self.requester.client.clone();
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            // A refusal is an answer, too.
            let answered = !client.info().await.is_err_and(|error| error.is_outage());
            let _ = inbox.send(Message::Probed { answered });
        });
    }

    fn take_down(&mut self, attempt: AttemptId, part: Part) {
        if sabotaged!(LeavesStrays) {
            return;
        }
        let seen = self
            .seen_ids
            .iter()
            .find(|(_, a, p)| (*a, *p) == (attempt, part))
            .map(|(id, ..)| id.clone());
        let id = seen.unwrap_or_else(|| {
            self.requester
                .channels
                .id(self.campaign.run(), attempt, part)
        });
        self.requester.take_down(id, part);
    }
}
