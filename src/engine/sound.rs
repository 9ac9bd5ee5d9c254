//! How the calls sound: one of them is asked for each second, all in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Message, Quality};
use crate::ari::RtpStatistics;
use crate::campaign::{AttemptId, CallWord, Part, Time};

/// So often one call is asked for: a request more a second, however many calls are up.
const EVERY: Duration = Duration::from_secs(1);

/// What Asterisk has told of the sound of calls.
#[derive(Debug, Default)]
pub(super) struct Sound {
    figures: Arc<BTreeMap<AttemptId, Quality>>,
    /// Whom the last question was about.
    last: Option<AttemptId>,
    asked_at: Option<Time>,
    /// The answer is still to come.
    asking: bool,
}

impl Sound {
    /// The figures of the calls that are up.
    pub(super) fn figures(&self) -> Arc<BTreeMap<AttemptId, Quality>> {
        Arc::clone(&self.figures)
    }

    /// When the next question is due, unless an answer is still to come.
    pub(super) fn due(&self) -> Option<Time> {
        (!self.asking).then(|| self.asked_at.map_or_else(Time::default, |at| at + EVERY))
    }

    /// The call to ask for: the one after the last, of those that talk.
    fn next(&mut self, now: Time, talking: &BTreeSet<AttemptId>) -> Option<AttemptId> {
        // Also where nobody talks: it is looked at again in a second, and not at once.
        self.asked_at = Some(now);
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = talking.range((after, Bound::Unbounded)).next();
        let attempt = next.or_else(|| talking.first())?;
        self.last = Some(*attempt);
        self.asking = true;
        Some(*attempt)
    }

    /// Asterisk has answered, or has not.
    fn heard(&mut self, now: Time, attempt: AttemptId, told: Option<RtpStatistics>) {
        self.asking = false;
        let Some(told) = told else { return };
        let Some(received) = told.received else {
            return;
        };
        let quality = Quality {
            at: now,
            received,
            lost: told.received_lost.unwrap_or_default(),
            jitter_ms: told.received_jitter_ms.unwrap_or_default(),
            rtt_ms: told.rtt_ms,
            score: told.received_score,
        };
        Arc::make_mut(&mut self.figures).insert(attempt, quality);
    }

    /// The call has ended.
    pub(super) fn forget(&mut self, attempt: AttemptId) {
        if self.figures.contains_key(&attempt) {
            Arc::make_mut(&mut self.figures).remove(&attempt);
        }
    }
}

impl Engine {
    /// Asks how the next call sounds, if that is due.
    pub(super) fn listen(&mut self, now: Time) {
        if !self.link_state.ready || self.sound.due().is_none_or(|due| now < due) {
            return;
        }
        let calls = self.campaign.calls();
        let talking = calls
            .filter(|call| call.word == CallWord::Bridged)
            .map(|call| call.attempt)
            .collect();
        let Some(attempt) = self.sound.next(now, &talking) else {
            return;
        };
        let channel = self
            .requester
            .channels
            .id(self.campaign.run(), attempt, Part::A);
        let client = self.requester.client.clone();
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let told = client.rtp_statistics(&channel).await;
            // It is only for show: what can't be told now is told another time.
            let _ = inbox.send(Message::Sounds(attempt, told.ok().flatten()));
        });
    }

    pub(super) fn sounds(&mut self, attempt: AttemptId, told: Option<RtpStatistics>) {
        let now = self.clock.now();
        let talks = |call: crate::campaign::CallView| call.attempt == attempt;
        // It may have ended meanwhile.
        let told = told.filter(|_| self.campaign.calls().any(talks));
        self.sound.heard(now, attempt, told);
        self.pace.change();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talking(attempts: &[u64]) -> BTreeSet<AttemptId> {
        attempts.iter().copied().map(AttemptId).collect()
    }

    fn told(received: u64) -> RtpStatistics {
        RtpStatistics {
            received: Some(received),
            received_score: Some(88.0),
            ..RtpStatistics::default()
        }
    }

    #[test]
    fn all_calls_are_asked_for_in_turn_whoever_comes_and_goes() {
        let mut sound = Sound::default();
        let steps: [(&[u64], Option<u64>); 7] = [
            (&[3, 5], Some(3)),
            (&[3, 5], Some(5)),
            (&[3, 5, 6], Some(6)),
            (&[3, 5, 6], Some(3)),
            (&[6], Some(6)),
            (&[], None),
            (&[7], Some(7)),
        ];
        for (calls, expected) in steps {
            let next = sound.next(Time(0), &talking(calls));
            assert_eq!(next, expected.map(AttemptId), "of {calls:?}");
        }
    }

    #[test]
    fn one_question_a_second_and_none_before_the_last_was_answered() {
        let mut sound = Sound::default();
        let now = Time::from_millis(5_000);
        assert_eq!(sound.due(), Some(Time::default()));
        sound.next(now, &talking(&[1]));
        assert_eq!(sound.due(), None);
        sound.heard(now, AttemptId(1), None);
        assert_eq!(sound.due(), Some(Time::from_millis(6_000)));
    }

    #[test]
    fn while_nobody_talks_it_is_looked_at_once_a_second() {
        let mut sound = Sound::default();
        assert_eq!(sound.next(Time::from_millis(5_000), &talking(&[])), None);
        assert_eq!(sound.due(), Some(Time::from_millis(6_000)));
    }

    #[test]
    fn what_was_told_is_shown_until_the_call_ends() {
        let mut sound = Sound::default();
        sound.heard(Time(1), AttemptId(1), Some(told(50)));
        sound.heard(Time(2), AttemptId(2), Some(told(60)));
        sound.heard(Time(3), AttemptId(2), None);
        let shown = sound.figures();
        assert_eq!(shown[&AttemptId(2)].received, 60);
        sound.forget(AttemptId(2));
        assert_eq!(shown.len(), 2, "the picture stays as it was");
        assert_eq!(sound.figures().len(), 1);
    }
}
