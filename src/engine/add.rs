//! Numbers that somebody adds to the run, answered when they are on the disk.

use tokio::sync::oneshot;

use super::Engine;
use crate::campaign::{Added, Number};
use crate::journal::Health;

/// Whoever asked, and what they are told once it is durable.
pub(super) struct DueAnswer {
    reply: oneshot::Sender<Result<Added, String>>,
    added: Added,
}

impl Engine {
    /// What the answer says outlives the process, and so it waits for the journal; also where
    /// every number was there already, since whoever added it first may not have been answered.
    pub(super) fn add(
        &mut self,
        numbers: &[Number],
        by: &str,
        reply: oneshot::Sender<Result<Added, String>>,
    ) {
        let result = self.add_unless_ending(numbers);
        let outcome = result.as_ref().map(Added::said).map_err(Clone::clone);
        let count = numbers.len();
        let plural = if count == 1 { "" } else { "s" };
        self.write_down(by, format!("add {count} number{plural}"), &outcome);
        match result {
            Ok(added) => self.undurable.push(DueAnswer { reply, added }),
            // Whoever asked may have gone.
            Err(why) => drop(reply.send(Err(why))),
        }
        self.show_at_once();
    }

    fn add_unless_ending(&mut self, numbers: &[Number]) -> Result<Added, String> {
        self.unless_ending()?;
        if let Health::Unwell { why, .. } = self.writer.health() {
            return Err(format!("the journal can't be written ({why}): try again"));
        }
        self.campaign.add(self.clock.now(), numbers)
    }

    /// Lets the answers go behind the records that they speak of. An append without records
    /// is answered when all before it was written; one that began an attempt on a full disk
    /// is answered before that.
    pub(super) fn answer_durable(&mut self) {
        if self.undurable.is_empty() || !self.unwritten.is_empty() {
            return;
        }
        let answers = std::mem::take(&mut self.undurable);
        if crate::campaign::sabotaged!(AnswersBeforeDurable) {
            return answer_all(answers, &Ok(()));
        }
        let sent = self.writer.try_append(Vec::new(), move |result| {
            answer_all(answers, &result.map_err(|why| why.to_string()));
        });
        // Closed: whoever asked is told so by the end of the channel.
        drop(sent);
    }
}

fn answer_all(answers: Vec<DueAnswer>, result: &Result<(), String>) {
    for DueAnswer { reply, added } in answers {
        let answer = result.clone().map(|()| added);
        // Whoever asked may have gone.
        drop(reply.send(answer));
    }
}
