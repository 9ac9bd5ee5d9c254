//! All there is to know of one lead: what this process has seen, and what the journal has of
//! earlier attempts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

use super::snapshot::{AttemptDetail, AttemptOutcome, Detail};
use super::timeline::{TimelineIds, over};
use super::{Engine, Time};
use crate::campaign::{AsteriskIds, LeadId, Part, RecordingState, RunId};
use crate::journal::{AttemptLine, Reader, call_id};

/// Somebody looks at the screen: what the journal has not told by then is left out.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many may read the journal at once. A disk that hangs then holds no more threads.
pub(super) const READERS: usize = 2;

impl Engine {
    pub(super) fn detail(&self, lead: LeadId, reply: oneshot::Sender<Option<Box<Detail>>>) {
        let run = self.campaign.run();
        let leads = self.campaign.leads();
        let Some((row, number)) = leads.row(lead).zip(leads.number(lead)) else {
            // Whoever asked may have gone.
            let _ = reply.send(None);
            return;
        };
        let setting = TimelineIds {
            channels: &self.requester.channels,
            journal: self.journal_uuid,
        };
        let seen = self.timelines.of(run, lead, &number, &setting);
        let past = Past {
            journal: self.journal.path().to_owned(),
            uuid: self.journal_uuid,
            ids: self.requester.channels.ids().clone(),
            run,
            lead,
        };
        let readers = Arc::clone(&self.readers);
        tokio::spawn(async move {
            let attempts = merge(seen, past.read(readers).await);
            let detail = Detail {
                lead,
                number,
                row,
                attempts,
            };
            let _ = reply.send(Some(Box::new(detail)));
        });
    }
}

/// Where the journal's attempts at a lead are found.
struct Past {
    journal: PathBuf,
    uuid: Uuid,
    ids: AsteriskIds,
    run: RunId,
    lead: LeadId,
}

impl Past {
    /// What the journal has; nothing where it can't be read, or not in time.
    async fn read(self, readers: Arc<Semaphore>) -> Vec<AttemptDetail> {
        let Ok(permit) = readers.try_acquire_owned() else {
            return Vec::new();
        };
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let reader = Reader::open(&self.journal)?;
            let lines = reader.attempts_of(self.run, self.lead)?;
            let details = lines.into_iter().map(|line| self.detail(line));
            Ok::<_, crate::journal::JournalError>(details.collect())
        });
        match tokio::time::timeout(PATIENCE, reading).await {
            Ok(Ok(Ok(details))) => details,
            Ok(Ok(Err(error))) => {
                tracing::debug!(%error, "earlier attempts are not shown");
                Vec::new()
            }
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }

    fn detail(&self, line: AttemptLine) -> AttemptDetail {
        let id = |part| self.ids.make(self.run, line.attempt, part);
        AttemptDetail {
            attempt: line.attempt,
            call_id: call_id(self.uuid, line.attempt).to_string(),
            channel_a: id(Part::A),
            channel_b: id(Part::B),
            bridge: id(Part::Bridge),
            sip_call_id: None,
            timeline: timeline(&line),
            recording: line
                .recording
                .map(|state| recording(state, line.end.is_some())),
            end: line.end.map(|end| AttemptOutcome {
                disposition: end.disposition,
                cause: end.cause,
                by: end.by,
                note: end.note,
            }),
        }
    }
}

fn timeline(line: &AttemptLine) -> Vec<(Time, String)> {
    let dead_air = line.end.as_ref().and_then(|end| end.dead_air_ms);
    let bridged = match dead_air {
        Some(ms) => format!("bridged after {ms} ms"),
        None => "bridged".to_owned(),
    };
    let over = line
        .end
        .as_ref()
        .map(|end| (end.at, over(end.disposition, end.by)));
    let step = |at: Option<Time>, text: &str| at.map(|at| (at, text.to_owned()));
    let steps = [
        step(Some(line.begun_at), "taken from the line"),
        step(line.ringing_at, "rings"),
        step(line.early_media_at, "early media"),
        step(line.answered_at, "answered"),
        step(line.bridged_at, &bridged),
        step(line.agent_at, "agent answered"),
        over,
    ];
    steps.into_iter().flatten().collect()
}

fn recording(state: RecordingState, call_is_over: bool) -> String {
    match state {
        RecordingState::Started { .. } if !call_is_over => "it runs".to_owned(),
        RecordingState::Started { .. } => "not fetched yet".to_owned(),
        RecordingState::Saved { path } => path,
        RecordingState::Failed { why } => format!("none: {}", crate::ari::harmless(&why)),
    }
}

/// What was seen says more than what was written down, but for the recording of a call that
/// another process has fetched.
fn merge(seen: Vec<AttemptDetail>, written: Vec<AttemptDetail>) -> Vec<AttemptDetail> {
    let mut all = written;
    for mut detail in seen {
        match all.iter_mut().find(|known| known.attempt == detail.attempt) {
            Some(known) => {
                detail.recording = detail.recording.or_else(|| known.recording.take());
                *known = detail;
            }
            None => all.push(detail),
        }
    }
    all.sort_by_key(|detail| std::cmp::Reverse(detail.attempt));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::AttemptId;

    fn attempt(attempt: u64, recording: Option<&str>, said: &str) -> AttemptDetail {
        AttemptDetail {
            attempt: AttemptId(attempt),
            call_id: String::new(),
            channel_a: String::new(),
            channel_b: String::new(),
            bridge: String::new(),
            sip_call_id: None,
            timeline: vec![(Time(attempt), said.to_owned())],
            end: None,
            recording: recording.map(str::to_owned),
        }
    }

    #[test]
    fn what_was_seen_goes_before_what_was_written_and_the_latest_stands_first() {
        let written = vec![
            attempt(5, Some("/rec/5.wav"), "written"),
            attempt(2, None, "written"),
        ];
        let seen = vec![attempt(7, None, "seen"), attempt(5, None, "seen")];
        let merged = merge(seen, written);
        let expected = [
            attempt(7, None, "seen"),
            attempt(5, Some("/rec/5.wav"), "seen"),
            attempt(2, None, "written"),
        ];
        assert_eq!(merged, expected);
    }

    #[tokio::test]
    async fn a_journal_that_can_not_be_read_keeps_nobody_waiting() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("dialdeck.db");
        std::fs::write(&path, "no journal").expect("written");
        let past = || Past {
            journal: path.clone(),
            uuid: Uuid::from_u128(1),
            ids: AsteriskIds::new("t"),
            run: RunId(1),
            lead: LeadId(0),
        };
        let readers = Arc::new(Semaphore::new(1));
        assert!(past().read(Arc::clone(&readers)).await.is_empty());
        let _busy = Arc::clone(&readers).try_acquire_owned().expect("free");
        assert!(past().read(readers).await.is_empty());
    }
}
