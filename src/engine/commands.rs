//! What others ask of a running engine, and the record of it.

use std::sync::Arc;

use super::{AuditEntry, Engine, Request, Told};
use crate::campaign::{AttemptId, Command, Notice, Outcome, Record, Time};
use crate::journal::{AUDIT_LINES, AuditLine};

/// Nothing is dialed any more by a process that was told to end.
pub(super) const ENDING: &str = "the process is ending";

impl Engine {
    pub(super) fn request(&mut self, request: Request) {
        match request {
            Request::Command { command, by, reply } => {
                let outcome = self.command(&command, &by);
                self.show_at_once();
                // Whoever asked may have gone.
                let _ = reply.send(outcome);
            }
            Request::NewRun {
                reading,
                held,
                by,
                reply,
            } => {
                let outcome = self.new_run(*reading, held, &by);
                self.show_at_once();
                let _ = reply.send(outcome);
            }
            Request::Reload { reading, by, reply } => {
                let outcome = self.reload(*reading, &by);
                self.show_at_once();
                let _ = reply.send(outcome);
            }
            Request::StartAgain {
                reading,
                held,
                by,
                reply,
            } => {
                let outcome = self.start_again(*reading, held, &by);
                self.show_at_once();
                let _ = reply.send(outcome);
            }
            Request::Add { numbers, by, reply } => self.add(&numbers, &by, reply),
            Request::Detail { lead, reply } => self.detail(lead, reply),
            Request::Stop { now, by_signal, by } => {
                self.stop(now, by_signal, &by);
                self.show_at_once();
            }
        }
    }

    /// Whoever gave a command finds what it did in the picture when the answer comes.
    pub(super) fn show_at_once(&mut self) {
        self.carry_out();
        if crate::campaign::sabotaged!(LateAnswer) {
            return;
        }
        self.pace.at_once();
        self.publish(self.clock.now());
    }

    pub(super) fn command(&mut self, command: &Command, by: &str) -> Outcome {
        let now = self.clock.now();
        let meant = self.meant_for(command);
        let dials = matches!(
            command,
            Command::Start | Command::Requeue(_) | Command::RequeueMany(_)
        );
        let outcome = if dials && self.stopping.is_some() {
            Err(ENDING.to_owned())
        } else {
            self.campaign.command(now, command)
        };
        // Whoever goes on has mended it, or is told so.
        if dials && self.target_fault.is_some() && self.link_state.ready {
            self.look_for_target();
        }
        if outcome.is_ok() {
            let by = Arc::from(by);
            for attempt in meant {
                self.timelines.hung_up(now, attempt, &by);
            }
        }
        self.write_down(by, command.to_string(), &outcome);
        outcome
    }

    /// The calls that the command hangs up.
    fn meant_for(&self, command: &Command) -> Vec<AttemptId> {
        match command {
            Command::HangUp(attempt) => vec![*attempt],
            Command::HangUpAll | Command::StopNow => {
                self.campaign.calls().map(|call| call.attempt).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What is done to calls though nobody asked for it stands in the audit, too.
    pub(super) fn audit_of(&mut self, at: Time, notice: &Notice) -> Option<Record> {
        let Notice::Reconciled(done) = notice else {
            return None;
        };
        let [by, command, outcome] =
            ["dialdeck", "reconcile", &done.to_string()].map(str::to_owned);
        self.audit.add(AuditEntry {
            at,
            by: by.clone(),
            command: command.clone(),
            outcome: outcome.clone(),
        });
        Some(Record::Audit {
            at,
            by,
            command,
            outcome,
        })
    }

    /// Into the journal, the news and the picture.
    pub(super) fn write_down(&mut self, by: &str, command: String, outcome: &Outcome) {
        let at = self.clock.now();
        let outcome = match outcome {
            Ok(done) => done.clone(),
            Err(refusal) => format!("refused: {refusal}"),
        };
        let by = by.to_owned();
        self.audit.add(AuditEntry {
            at,
            by: by.clone(),
            command: command.clone(),
            outcome: outcome.clone(),
        });
        self.unwritten.push(Record::Audit {
            at,
            by: by.clone(),
            command: command.clone(),
            outcome: outcome.clone(),
        });
        self.tell(Told::Command {
            by,
            command,
            outcome,
        });
    }
}

/// The latest commands. They are few, so that adding one may copy them all.
#[derive(Debug)]
pub(super) struct Audit(Arc<[AuditEntry]>);

impl Audit {
    /// What earlier processes were asked for.
    pub(super) fn of(lines: Vec<AuditLine>) -> Self {
        let entries = lines.into_iter().map(|line| AuditEntry {
            at: line.at,
            by: line.by,
            command: line.command,
            outcome: line.outcome,
        });
        Self(entries.collect())
    }

    fn add(&mut self, entry: AuditEntry) {
        let kept = self.0.len().min(AUDIT_LINES - 1);
        let latest = &self.0[self.0.len() - kept..];
        self.0 = latest.iter().cloned().chain([entry]).collect();
    }

    /// All of them, the newest last.
    pub(super) fn entries(&self) -> Arc<[AuditEntry]> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_commands_are_kept_the_newest_last() {
        let line = |n: usize| AuditLine {
            at: Time::default(),
            by: "keyboard".to_owned(),
            command: n.to_string(),
            outcome: "done".to_owned(),
        };
        let mut audit = Audit::of((0..AUDIT_LINES).map(line).collect());
        let AuditEntry { at, by, .. } = audit.entries()[0].clone();
        for command in ["one more", "and another"] {
            audit.add(AuditEntry {
                at,
                by: by.clone(),
                command: command.to_owned(),
                outcome: "done".to_owned(),
            });
        }
        let entries = audit.entries();
        assert_eq!(entries.len(), AUDIT_LINES);
        assert_eq!(entries[0].command, "2");
        assert_eq!(entries[AUDIT_LINES - 1].command, "and another");
    }
}
