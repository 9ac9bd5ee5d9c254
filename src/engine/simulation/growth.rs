//! What could pile up in hours of one process.

use std::collections::BTreeMap;

use super::Sim;

impl Sim {
    /// Notes down how much there is of whatever could pile up.
    pub(super) fn measure(&mut self) {
        let Some(deck) = &self.deck else { return };
        let engine = &deck.engine;
        let [live, remains, orphans, timers, effects] = engine.campaign.sizes();
        let world = self.world.sizes();
        let now = [
            ("live calls", live),
            ("remains of calls", remains),
            ("orphans", orphans),
            ("timers", timers),
            ("effects", effects),
            ("jobs", engine.jobs.len()),
            ("records unwritten", engine.unwritten.len()),
            ("records queued", engine.writer.stats().queued),
            ("ids seen", engine.seen_ids.len()),
            ("timelines", engine.timelines.len()),
            ("figures of sound", engine.sound.figures().len()),
            ("messages", engine.messages.len()),
            ("events", engine.link_events.len()),
            ("recordings being fetched", engine.fetching),
            ("channels", world.channels),
            ("bridges", world.bridges),
            ("live recordings", world.recording),
            ("stored recordings", world.stored),
            ("applications", world.apps),
            ("Asterisk's agenda", world.agenda),
            ("what is on its way", self.agenda.len()),
        ];
        let hour = usize::try_from(self.uptime.as_secs() / 3600).expect("a few");
        self.sizes.resize_with(hour + 1, BTreeMap::new);
        for (what, size) in now {
            let (sum, looks) = self.sizes[hour].entry(what).or_default();
            *sum += size;
            *looks += 1;
        }
    }
}
