//! Recordings, from the campaign's word that one may be fetched to the journal's that it is.

use super::{Engine, Fetched, Told};
use crate::campaign::{
    AttemptId, CallSettings, Notice, Number, Part, Record, RecordingState, Time,
};
use crate::journal::call_id;
use crate::recordings::{Job, file_name};

impl Engine {
    pub(super) fn queue_recording(
        &mut self,
        attempt: AttemptId,
        number: &Number,
        begun_at: Time,
        settings: &CallSettings,
    ) {
        if crate::campaign::sabotaged!(LeavesRecordings) {
            return;
        }
        let name = self
            .requester
            .channels
            .ids()
            .make(self.campaign.run(), attempt, Part::Snoop);
        // Its file's name and folder were told when it ended, whatever the settings are now.
        let recordings = &settings.recordings;
        let format = recordings.format.clone();
        let call = call_id(self.journal_uuid, attempt);
        let job = Job {
            attempt,
            file_name: file_name(begun_at, number, call, &format),
            name,
            format,
            keep: recordings.keep_on_asterisk,
            folder: Some(recordings.dir.clone()),
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
                let ending = path.extension().and_then(|ending| ending.to_str());
                let ms = ending.and_then(|format| sound_ms(format, bytes));
                self.unwritten
                    .extend(ms.map(|ms| Record::RecordingLasts { attempt, ms }));
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

/// How long the sound in a file of so many bytes is, where its format tells: that of Asterisk's
/// formats whose every second takes the same room.
fn sound_ms(format: &str, bytes: u64) -> Option<u64> {
    const HEADER: u64 = 44;
    let (header, bytes_a_second) = match format {
        "wav" => (HEADER, 16_000),
        "wav16" => (HEADER, 32_000),
        "ulaw" | "alaw" | "ul" | "al" => (0, 8_000),
        "sln" => (0, 16_000),
        "gsm" => (0, 1_650),
        _ => return None,
    };
    Some(bytes.saturating_sub(header) * 1000 / bytes_a_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_recording_is_told_by_its_size_where_it_can_be() {
        assert_eq!(sound_ms("wav", 44 + 128_000), Some(8_000));
        assert_eq!(sound_ms("wav16", 44 + 16_000), Some(500));
        assert_eq!(sound_ms("ulaw", 8_008), Some(1_001));
        assert_eq!(sound_ms("gsm", 3_300), Some(2_000));
        assert_eq!(sound_ms("wav", 10), Some(0));
        assert_eq!(sound_ms("WAV", 65_000), None);
    }
}
