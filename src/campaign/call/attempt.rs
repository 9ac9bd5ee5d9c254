//! What an attempt is, from its beginning until nothing of it is left.

use std::sync::Arc;

use crate::campaign::ids::{AttemptId, LeadId, RunId};
use crate::campaign::io::{CallStep, Effect, Notice, Op};
use crate::campaign::number::Number;
use crate::campaign::out::Out;
use crate::campaign::record::{Record, Step};
use crate::campaign::settings::CallSettings;
use crate::campaign::time::Time;

/// The part of a call that never changes.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) run: RunId,
    pub(crate) lead: LeadId,
    pub(crate) number: Number,
    pub(crate) begun_at: Time,
    /// The settings by which it began.
    pub(crate) settings: Arc<CallSettings>,
    /// A dead process has dialed it.
    pub(crate) inherited: bool,
}

impl Attempt {
    /// Asks Asterisk for something.
    pub(crate) fn ask(&self, op: Op, out: &mut Out) {
        out.push(Effect::Ask {
            attempt: self.id,
            op,
            number: self.number.clone(),
            settings: Arc::clone(&self.settings),
        });
    }

    /// Asks Asterisk for several things, in their order.
    pub(crate) fn ask_all(&self, ops: Vec<Op>, out: &mut Out) {
        for op in ops {
            self.ask(op, out);
        }
    }

    /// Tells people how far it has come.
    pub(crate) fn tell_step(&self, step: CallStep, out: &mut Out) {
        out.tell(Notice::Call {
            attempt: self.id,
            lead: self.lead,
            number: self.number.clone(),
            step,
        });
    }

    /// Writes down how far it has come.
    pub(crate) fn journal_step(&self, at: Time, step: Step, out: &mut Out) {
        out.journal(Record::AttemptProgress {
            attempt: self.id,
            step,
            at,
        });
    }
}
