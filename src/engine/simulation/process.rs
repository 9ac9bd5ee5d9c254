//! A process that starts, writes, fetches and dies.

use std::time::Duration;

use super::deck::Deck;
use super::laws::{Law, Verdict, broken};
use super::{Item, Sim};
use crate::engine::{Fetched, Options};
use crate::journal::Disk;
use crate::recordings::{Admitted, Job};
use crate::simulator::Method;

impl Sim {
    pub(super) fn start_process(&mut self) -> Verdict {
        if self.deck.is_some() {
            return Ok(());
        }
        self.process += 1;
        self.writing = false;
        self.stalled = false;
        self.set_clock();
        let options = Options {
            start: self.rng.bool(),
            new_run: self.process > 1 && !self.lives && self.rng.u8(..40) == 0,
            take_over: false,
            exit_when_done: false,
        };
        let started = Deck::start(&self.settings, &self.numbers, options);
        let (deck, recovered) = match started {
            Ok(started) => started,
            Err(why) => return broken(Law::Journal, why),
        };
        self.tally.count("process: started");
        let process = self.process;
        self.note(|| format!("process {process} starts: {:?}", recovered.run));
        self.check_recovered(&recovered)?;
        self.orphans.clear();
        for orphan in recovered.run.into_iter().flat_map(|run| run.unfinished) {
            self.tally.count("orphans: found at a start");
            self.orphans.insert(orphan.attempt);
        }
        self.notes.told_to_stop = false;
        self.notes.left_app.clear();
        self.notes.process_since = self.uptime;
        self.deck = Some(deck);
        self.note_done_before();
        if options.new_run {
            self.tally.count("process: started with a new run");
        }
        self.plan(Duration::from_millis(20), Item::Connect(self.process));
        let now = self.wall();
        if let Some(deck) = &mut self.deck {
            deck.engine.carry_out();
            deck.engine.publish(now);
        }
        self.after_step(now)
    }

    /// The process is gone, and all that it had not written down; another one starts later.
    pub(super) fn end_process(&mut self) {
        let Some(deck) = self.deck.take() else { return };
        self.notes.watched.clear();
        self.notes.hung_up.clear();
        self.notes.in_vain = [0; 2];
        if let Some(socket) = deck.socket {
            self.world.disconnect(socket);
        }
        // What it had sent arrives, or does not.
        let arrives = self.rng.bool();
        self.agenda
            .retain(|_, item| arrives || !matches!(item, Item::Arrive(..)));
        let delay = Duration::from_millis(self.rng.u64(200..6000));
        self.plan(delay, Item::StartProcess);
    }

    /// The journal's thread has its turn.
    pub(super) fn write(&mut self, disk: Disk) {
        let Some(deck) = &mut self.deck else { return };
        let waits = deck.writing.write(disk);
        if waits {
            self.tally.count("journal: a write that failed");
            self.writing = true;
            self.plan(Duration::from_millis(250), Item::Write(self.process));
        }
    }

    /// One try at a recording.
    pub(super) fn fetch(&mut self, admitted: Box<Admitted>, tries: u32) {
        let Job { attempt, name, .. } = admitted.job.clone();
        let away = !self.rest_answers();
        let Some(deck) = &self.deck else { return };
        if self.folder_full || away {
            let why = "the folder or Asterisk is away".to_owned();
            if tries == 0 {
                let _ = deck.fetched.try_send(Fetched::Failed {
                    attempt,
                    why,
                    will_retry: true,
                });
            }
            self.plan(
                Duration::from_secs(1),
                Item::Fetch(self.process, admitted, tries.max(1)),
            );
            return;
        }
        let there = self.world.stored_names().contains(&name);
        let outcome = if there {
            let path = ["recordings", "stored", &name];
            self.tally.count("recordings: fetched");
            let saved = Fetched::Saved {
                attempt,
                path: format!("/recordings/{}", admitted.job.file_name).into(),
                bytes: 1,
            };
            self.ask(Method::Delete, &path, serde_json::Value::Null);
            saved
        } else if tries < 8 {
            let pause = Duration::from_millis(500) * 2_u32.pow(tries);
            self.plan(pause, Item::Fetch(self.process, admitted, tries + 1));
            return;
        } else {
            self.tally.count("recordings: given up");
            Fetched::Failed {
                attempt,
                why: "Asterisk does not have it".to_owned(),
                will_retry: false,
            }
        };
        if let Some(deck) = &self.deck {
            deck.fetched.try_send(outcome).expect("there is room");
        }
    }
}
