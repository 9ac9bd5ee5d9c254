//! Recordings, from the campaign's word that one may be fetched to the journal's that it is.

use super::{Engine, Fetched, Told};
use crate::campaign::{AttemptId, Notice, Number, Part, Record, RecordingState, Time};
use crate::journal::call_id;
use crate::recordings::{Job, file_name};

impl Engine {
    pub(super) fn queue_recording(&mut self, attempt: AttemptId, number: &Number, begun_at: Time) {
        if crate::campaign::sabotaged!(LeavesRecordings) {
            return;
        }
        let name = self
            .requester
            .channels
            .ids()
            .make(self.campaign.run(), attempt, Part::Snoop);
        // Its file's name and folder were told when it ended, whatever the settings are now.
        let settings = self.in_force.borrow().of(attempt);
        let format = settings.recordings.format.clone();
        let call = call_id(self.journal_uuid, attempt);
        let job = Job {
            attempt,
            file_name: file_name(begun_at, number, call, &format),
            name,
            format,
            keep: settings.recordings.keep_on_asterisk,
            folder: Some(settings.recordings.dir.clone()),
        };
        self.jobs.push_back(job);
    }

    pub(super) fn feed_fetcher(&mut self) {
        while let Some(job) = self.jobs.pop_front() {
            match self.fetcher.enqueue(job) {
                Ok(()) => self.fetching += 1,
                Err(job) => {
                    self.jobs.push_front(job);
                    return;
                }
            }
        }
    }

    pub(super) fn fetched(&mut self, outcome: Fetched) {
        let (attempt, state) = match outcome {
            Fetched::Saved {
                attempt,
                path,
                bytes,
            } => {
                self.recordings_saved += 1;
                self.recordings_delayed = None;
                let shown = path.display().to_string();
                self.timelines.saved(self.clock.now(), attempt, shown);
                let state = RecordingState::Saved {
                    path: path.display().to_string(),
                };
                self.tell(Told::RecordingSaved {
                    attempt,
                    path,
                    bytes,
                });
                (attempt, state)
            }
            Fetched::Failed {
                attempt,
                why,
                will_retry: true,
            } => {
                let now = self.clock.now();
                let since = self.recordings_delayed.take().map_or(now, |(at, _)| at);
                self.recordings_delayed = Some((since, why.clone()));
                self.tell(Told::RecordingDelayed { attempt, why });
                return;
            }
            Fetched::Failed { attempt, why, .. } => {
                let now = self.clock.now();
                self.timelines.no_recording(now, attempt, &why);
                self.tell(Told::Campaign(Notice::RecordingFailed {
                    attempt,
                    why: why.clone(),
                }));
                (attempt, RecordingState::Failed { why })
            }
        };
        self.fetching = self.fetching.saturating_sub(1);
        self.unwritten.push(Record::Recording { attempt, state });
    }
}
