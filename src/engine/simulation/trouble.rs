//! What the world does to a dialer.

use std::time::Duration;

use super::asterisk::APP;
use super::{Item, Sim};
use crate::ari::link::{DownReason, LinkState};
use crate::campaign::Command;
use crate::journal::Disk;
use crate::simulator::{Fault, Faults};

/// Longer than the wait for an answer to a ping.
const NOTICED_AFTER: Duration = Duration::from_secs(6);

impl Sim {
    /// Something goes wrong, or somebody presses a key.
    pub(super) fn mischief(&mut self) {
        if self.is_calm() {
            self.mend();
            return;
        }
        // Who has lost the application may be left alone with that for long.
        let most = if self.is_replaced() { 25_000 } else { 3500 };
        let delay = Duration::from_millis(self.rng.u64(1..most));
        self.plan(delay, Item::Mischief);
        if self.adds && self.rng.u8(..3) == 0 {
            return self.add();
        }
        match self.rng.u8(..46) {
            19 | 23..=26 if self.lives => self.new_run(),
            0..=14 => self.press_a_key(),
            15..=17 => self.lose_socket(),
            18 => self.half_open(),
            19 => self.take_away_app(),
            20..=21 => self.restart_asterisk(),
            22 => self.restart_http(),
            23..=25 => self.crash(),
            26 => self.stop(),
            27 => self.jump_clock(),
            28..=29 => self.fill_disk(),
            30 => self.fill_folder(),
            31 => self.lose_rest(),
            32..=33 => self.set_faults(),
            34..=36 => self.transfer(),
            37..=38 => self.redirect(),
            39 => self.intrude(),
            _ => self.command(Command::Start),
        }
    }

    /// The ids of both legs of those who talk.
    fn talking(&self) -> Vec<String> {
        let legs = self.world.legs();
        let talk = legs.filter(|leg| leg.is_up && leg.bridge.is_some());
        talk.map(|leg| leg.id.to_owned()).collect()
    }

    /// Somebody who talks hangs up right after a new process is connected: Asterisk is being asked
    /// who is there.
    pub(super) fn hang_up_amid_the_census(&mut self) {
        let mut talking = self.talking();
        talking.retain(|id| {
            self.ids
                .parse(id)
                .is_some_and(|(attempt, _)| self.talks(attempt))
        });
        let after = Duration::from_millis(self.rng.u64(1..60));
        if self.is_calm() || self.rng.u8(..3) > 0 {
            return;
        }
        let now = self.world_now();
        if let Some(id) = self.rng.choice(&talking) {
            self.world.leaves(now, id, after);
            self.tally.count("phones: hang up amid a census");
        }
    }

    /// A phone transfers its call.
    pub(super) fn transfer(&mut self) {
        let talking = self.talking();
        let after = Some(Duration::from_millis(self.rng.u64(..20_000)));
        let lingers = Duration::from_millis(self.rng.u64(..2000));
        let now = self.world_now();
        let Some(id) = self.rng.choice(&talking) else {
            return;
        };
        if let Some(by) = self
            .world
            .transfer(now, id, "100@lab-transfers", lingers, after)
        {
            self.tally.count("phones: transfer");
            if let Some(whose) = self.ids.parse(id) {
                self.notes.replaced.insert(whose, self.uptime);
            }
            self.note(|| format!("{by} takes the place of {id}"));
        }
        self.carry_events();
    }

    /// A panel moves a leg elsewhere, or both.
    fn redirect(&mut self) {
        let talking = self.talking();
        let now = self.world_now();
        let Some(one) = self.rng.choice(&talking).cloned() else {
            return;
        };
        let mut moved = vec![one.clone()];
        if self.rng.bool() {
            let legs = || self.world.legs();
            let bridge = legs().find(|leg| leg.id == one).and_then(|leg| leg.bridge);
            let others = legs().filter(|leg| leg.bridge == bridge && leg.id != one);
            moved.extend(others.map(|leg| leg.id.to_owned()));
        }
        for id in moved {
            let after = Duration::from_millis(self.rng.u64(..60_000));
            if self.world.redirect(now, &id, Some(after)) {
                self.tally.count("panels: redirect");
                self.note(|| format!("{id} is moved elsewhere"));
            }
        }
        self.carry_events();
    }

    /// A channel that nobody asked for enters the application.
    fn intrude(&mut self) {
        let now = self.world_now();
        if self.world.intrude(now, APP).is_some() {
            self.tally.count("channels: strangers");
        }
        self.carry_events();
    }

    /// When trouble is over somebody goes on starting what has stopped.
    fn mend(&mut self) {
        self.plan(Duration::from_secs(5), Item::Mischief);
        self.disk = Disk::Well;
        self.folder_full = false;
        let faults = if self.keeps {
            self.keeping()
        } else {
            Faults::default()
        };
        self.world.set_faults(self.world_now(), faults);
        if self.is_replaced() {
            self.crash();
            return;
        }
        if std::mem::take(&mut self.told_to_restart) {
            self.restart_asterisk();
        }
        self.command(Command::Start);
    }

    /// Another program has the application.
    fn is_replaced(&self) -> bool {
        let deck = self.deck.as_ref().filter(|deck| deck.socket.is_none());
        deck.is_some_and(|deck| matches!(*deck.link.borrow(), LinkState::Replaced { .. }))
    }

    fn lose_socket(&mut self) {
        if self.deck.as_ref().is_some_and(|deck| deck.socket.is_some()) {
            self.tally.count("link: lost");
            self.lose_link(DownReason::Closed);
        }
    }

    /// The socket goes silent; it takes the link a while to find out.
    fn half_open(&mut self) {
        if self.deck.as_ref().is_some_and(|deck| deck.socket.is_some()) && !self.stalled {
            self.tally.count("link: half-open");
            self.note(|| "the socket goes silent".to_owned());
            self.stalled = true;
            let noticed = NOTICED_AFTER.mul_f32(self.rng.f32());
            self.plan(noticed, Item::Silent(self.process));
            // Unheard, and the phone hangs up when the link may be there again.
            let before = noticed.saturating_sub(Duration::from_millis(self.rng.u64(..1000)));
            self.plan(before, Item::Transfer);
        }
    }

    /// Another program connects under the same name, and leaves later.
    fn take_away_app(&mut self) {
        if self.deck.as_ref().is_none_or(|deck| deck.socket.is_none()) || self.stalled {
            return;
        }
        let now = self.world_now();
        let stranger = self.world.connect(now, &[APP], false);
        self.carry_events();
        let stays = Duration::from_millis(self.rng.u64(500..8000));
        self.plan(stays, Item::StrangerLeaves(stranger));
        // Somebody sees it, and starts the dialer again.
        let seen = stays + Duration::from_millis(self.rng.u64(500..8000));
        self.plan(seen, Item::StartAnew(self.process));
    }

    fn restart_asterisk(&mut self) {
        self.tally.count("Asterisk: restart without its calls");
        self.note(|| "Asterisk restarts".to_owned());
        let down = self.rng.u64(100..5000);
        let now = self.world_now();
        self.world.inflict(now, Fault::Restart { down });
        self.carry_events();
    }

    /// All connections are cut, and none is taken for a while; calls live on.
    fn restart_http(&mut self) {
        self.tally.count("Asterisk: restart with its calls");
        self.note(|| "Asterisk's HTTP server restarts".to_owned());
        self.rest_back_at = self.uptime + Duration::from_millis(self.rng.u64(100..5000));
        self.break_connections();
    }

    fn lose_rest(&mut self) {
        self.tally.count("REST: away for a while");
        self.rest_back_at = self.uptime + Duration::from_millis(self.rng.u64(100..8000));
    }

    /// The process is killed; another one starts later.
    pub(super) fn crash(&mut self) {
        if self.deck.is_some() {
            self.tally.count("process: killed");
            self.note(|| "the process dies".to_owned());
            let torn = if self.rng.bool() {
                self.half_written()
            } else {
                None
            };
            self.end_process();
            if let Some(files) = torn {
                self.tally.count("journal: torn");
                self.note(|| "amid a write".to_owned());
                files.leave();
            }
        }
    }

    fn jump_clock(&mut self) {
        self.tally.count("wall clock: jump");
        let hours = self.rng.i64(-3_600_000_000..3_600_000_000);
        self.wall_off = hours;
        self.world.shift_wall_clock(hours);
        self.set_clock();
    }

    fn fill_disk(&mut self) {
        self.tally.count("disk: full");
        self.note(|| "the disk is full".to_owned());
        self.disk = *self.rng.choice(&[Disk::Full, Disk::Fails]).expect("some");
        let lasts = Duration::from_millis(self.rng.u64(100..6000));
        self.plan(lasts, Item::DiskHasRoom);
    }

    fn fill_folder(&mut self) {
        self.tally.count("recordings: folder full");
        self.folder_full = true;
        let lasts = Duration::from_millis(self.rng.u64(100..9000));
        self.plan(lasts, Item::FolderHasRoom);
    }

    /// Events come late and twice, recordings get lost, channels enter late.
    fn set_faults(&mut self) {
        let span = |to| crate::simulator::Span::new(0, to);
        let faults = match self.rng.u8(..6) {
            0 => Faults::default(),
            1 => Faults {
                duplicate_events_percent: 20,
                ..Faults::default()
            },
            2 => Faults {
                late_events_percent: 20,
                late_event: span(1500),
                ..Faults::default()
            },
            3 => Faults {
                stasis_delay: span(500),
                ..Faults::default()
            },
            4 => self.keeping(),
            _ => Faults {
                lost_recordings_percent: 30,
                duplicate_events_percent: 5,
                ..Faults::default()
            },
        };
        self.tally.count(match faults {
            Faults {
                duplicate_events_percent: 20,
                ..
            } => "events: doubled",
            Faults {
                late_events_percent: 20,
                ..
            } => "events: late",
            Faults {
                stasis_delay: Some(_),
                ..
            } => "events: StasisStart late",
            Faults {
                lost_recordings_percent: 30,
                ..
            } => "recordings: lost by Asterisk",
            Faults {
                kept_channels_percent: 60,
                ..
            } => "channels: kept by Asterisk",
            _ => "events: in order again",
        });
        let now = self.world_now();
        self.world.set_faults(now, faults);
    }

    /// Asterisk keeps channels that have hung up: for a while, or until it restarts.
    fn keeping(&mut self) -> Faults {
        let lasts = self.rng.bool();
        Faults {
            kept_channels_percent: 60,
            deaf_channels_percent: 20,
            kept_for: lasts
                .then(|| crate::simulator::Span::new(0, 90_000))
                .flatten(),
            ..Faults::default()
        }
    }
}
