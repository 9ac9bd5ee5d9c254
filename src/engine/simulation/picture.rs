//! What the operator sees is what is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Sim;
use super::gate::MAY_STILL_COME;
use super::laws::{Law, Verdict, broken};
use crate::campaign::{AttemptId, CallWord, Part};
use crate::engine::Snapshot;
use crate::simulator::Hold;

/// A call whose A is gone is shown no longer than this, while all requests go well.
const LONGEST_GHOST: Duration = Duration::from_secs(9);
/// Nor is one whose phone has hung up, by Asterisk's word, shown for longer than this, whatever
/// Asterisk keeps: it is given up when a census lists it 30 s later, which comes every 30 s.
const LONGEST_KEPT: Duration = Duration::from_secs(30 + 30 + 9);
/// A call whose recording has ended is shown as recorded no longer than this, while all requests
/// go well: after a transfer the channel that is recorded may be hung up by the next survey only.
const LONGEST_UNRECORDED: Duration = Duration::from_secs(8);
/// A picture is no older than this, where something has changed.
const PICTURE_AGE: Duration = Duration::from_millis(100);

impl Sim {
    /// What the operator sees is what Asterisk does, also without an event stream.
    pub(super) fn check_ghosts(&mut self) -> Verdict {
        let ghosts = self.ghosts();
        note_since(&mut self.notes.ghost_since, ghosts, self.uptime);
        for ((attempt, is_kept), since) in &self.notes.ghost_since {
            // Of an originate without an answer nobody knows for a while whether it may come,
            // unless it has.
            let notes = &self.notes;
            let doubtful = notes.unanswered.contains(attempt) && !notes.met.contains(attempt);
            let longest = if *is_kept {
                LONGEST_KEPT
            } else {
                LONGEST_GHOST + MAY_STILL_COME * u32::from(doubtful)
            };
            if self.well_since(*since) > longest {
                let since = since.as_millis();
                return broken(
                    Law::Snapshot,
                    format!("{attempt} is shown, and gone since {since}, kept {is_kept}"),
                );
            }
        }
        Ok(())
    }

    /// The calls that are shown though nobody is there, and whether Asterisk keeps their channel.
    fn ghosts(&self) -> BTreeSet<(AttemptId, bool)> {
        let Some(deck) = self.deck.as_ref().filter(|_| self.rest_answers()) else {
            return BTreeSet::new();
        };
        let people = self.people(false);
        // Also of a leg that was moved elsewhere first.
        let kept = self.world.legs().filter(|leg| leg.hold == Hold::Kept);
        let kept = kept.filter_map(|leg| self.ids.parse(leg.part_id()));
        let kept: BTreeSet<_> = kept
            .filter(|(_, part)| *part == Part::A)
            .map(|(attempt, _)| attempt)
            .collect();
        let calls = deck.engine.campaign.calls().map(|call| call.attempt);
        // What a dead process dialed may be waited for, though it has come and gone.
        let notes = &self.notes;
        let were_dialed =
            calls.filter(|a| notes.watched.contains(a) && notes.dialed.contains_key(a));
        // What was asked to go and does not is there, wherever it is.
        let deaf = self.world.legs().filter(|leg| leg.hold == Hold::Deaf);
        let deaf: BTreeSet<_> = deaf
            .filter_map(|leg| self.ids.parse(leg.part_id()))
            .collect();
        let gone = were_dialed.filter(|a| !people.contains(a) && !deaf.contains(&(*a, Part::A)));
        gone.map(|attempt| (attempt, kept.contains(&attempt)))
            // Whose end was not told may have somebody in it.
            .filter(|(attempt, is_kept)| !is_kept || notes.hung_up.contains(attempt))
            .collect()
    }

    /// Whoever talks and is shown as recorded is recorded.
    pub(super) fn check_recorded(&mut self) -> Verdict {
        let unrecorded = self.shown_as_recorded_only();
        note_since(&mut self.notes.unrecorded_since, unrecorded, self.uptime);
        for (attempt, since) in &self.notes.unrecorded_since {
            if self.well_since(*since) > LONGEST_UNRECORDED {
                let since = since.as_millis();
                return broken(
                    Law::Snapshot,
                    format!("{attempt} is shown as recorded, and is not since {since}"),
                );
            }
        }
        Ok(())
    }

    fn shown_as_recorded_only(&self) -> BTreeSet<AttemptId> {
        let Some(deck) = self.deck.as_ref().filter(|_| self.rest_answers()) else {
            return BTreeSet::new();
        };
        let live = self.world.live_names();
        let recorded: BTreeSet<_> = live.filter_map(|name| self.ids.parse(name)).collect();
        let calls = deck.engine.campaign.calls();
        let shown = calls.filter(|call| call.recording && call.word == CallWord::Bridged);
        shown
            .map(|call| call.attempt)
            .filter(|attempt| self.talks(*attempt))
            .filter(|attempt| !recorded.contains(&(*attempt, Part::Snoop)))
            .collect()
    }

    /// The latest picture shows the state, or is of a moment ago.
    pub(super) fn check_picture(&self) -> Verdict {
        let Some(deck) = &self.deck else {
            return Ok(());
        };
        let picture = deck.picture();
        let differs = self.difference(&picture);
        let age = deck.engine.clock.now().since(picture.at);
        match differs {
            Some(what) if age > PICTURE_AGE => broken(
                Law::Snapshot,
                format!("{what}, since {} ms", age.as_millis()),
            ),
            _ => Ok(()),
        }
    }

    /// Where the picture is not as the state is.
    pub(super) fn difference(&self, picture: &Snapshot) -> Option<&'static str> {
        let engine = &self.deck.as_ref()?.engine;
        let campaign = &engine.campaign;
        let limit = campaign.limit(engine.clock.now());
        let shown_down = picture.link.down.is_some();
        [
            (picture.run != campaign.run(), "the run"),
            (picture.state != *campaign.state(), "the state"),
            (
                !picture.calls.iter().cloned().eq(campaign.calls()),
                "the calls",
            ),
            (
                picture.leads.version() != campaign.leads().version(),
                "the leads",
            ),
            (picture.limit.requested != limit.requested, "MAX_CC"),
            (picture.limit.in_use != limit.in_use, "the calls in use"),
            (shown_down == engine.link_state.ready, "the link"),
            (
                picture.link.lost != engine.link_state.lost,
                "how often it was lost",
            ),
            (
                picture.stopping.is_some() != engine.stopping.is_some(),
                "the stop",
            ),
            (
                picture.recordings.saved != engine.recordings_saved,
                "the recordings",
            ),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

/// Notes since when each of those that are so now has been so.
fn note_since<K: Ord>(since: &mut BTreeMap<K, Duration>, are_so: BTreeSet<K>, now: Duration) {
    since.retain(|key, _| are_so.contains(key));
    for key in are_so {
        since.entry(key).or_insert(now);
    }
}
