//! What tells one picture of the leads from another, in parts of a bounded size: how an
//! attached console keeps its copy of a million leads.

use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::leads::{CHUNK, Chunk, Leads, Listing, PackedRow, Stand};
use crate::campaign::disposition::Disposition;
use crate::campaign::ids::{LeadId, RunId};
use crate::campaign::number::Number;
use crate::campaign::time::Time;

/// So many chunks of leads are looked at for one part.
const CHUNKS_A_PART: usize = 16;

/// A part of what has changed.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// These are leads of another run: none of those before is among them.
    #[serde(default, skip_serializing_if = "is_false")]
    anew: bool,
    /// Numbers that joined at the end, one a line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    numbers: String,
    /// Rows that are no longer as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rows: Vec<Changed>,
    /// From which lead on leads joined when, where there is more of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    joined: Vec<(LeadId, Time)>,
}

/// Lead, last attempt, attempts, Q.850 cause, SIP code, where it stands, whether it is no
/// longer listed.
type Changed = (u32, u64, u16, u16, u16, u8, bool);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Finds out, part by part, what somebody has to be told who knows the leads as they were.
#[derive(Debug, Default)]
pub struct Differ {
    /// What has been told in full, and of which run it is.
    known: Leads,
    run: Option<RunId>,
    /// What is being told, and the chunk where the next part begins.
    telling: Option<(Leads, usize)>,
    anew: bool,
}

impl Differ {
    /// The next part; `None` once all is told of `leads`, or of those that were the newest
    /// when the telling began.
    pub fn next_part(&mut self, run: RunId, leads: &Leads) -> Option<Changes> {
        if self.telling.is_none() {
            if self.run != Some(run) {
                self.run = Some(run);
                self.known = Leads::default();
                self.anew = true;
            }
            if !self.anew && self.known.version == leads.version {
                return None;
            }
            self.telling = Some((leads.clone(), 0));
        }
        let (now, mut chunk) = self.telling.take()?;
        let mut part = Changes {
            anew: mem::take(&mut self.anew),
            ..Changes::default()
        };
        if chunk == 0 {
            let known = self.known.joined.len().min(now.joined.len());
            part.joined = now.joined[known..].to_vec();
        }
        let mut looked = 0;
        while chunk < now.chunks.len() && looked < CHUNKS_A_PART {
            looked += usize::from(self.tell_chunk(&now, chunk, &mut part));
            chunk += 1;
        }
        if chunk < now.chunks.len() {
            self.telling = Some((now, chunk));
        } else {
            self.known = now;
        }
        Some(part)
    }

    /// Whether all of these leads was told.
    #[must_use]
    pub fn knows(&self, run: RunId, leads: &Leads) -> bool {
        self.telling.is_none() && self.run == Some(run) && self.known.version == leads.version
    }

    /// Whether the telling of earlier leads has not come to its end.
    #[must_use]
    pub const fn is_telling(&self) -> bool {
        self.telling.is_some()
    }

    /// The leads that the last part belonged to, once all parts were told.
    #[must_use]
    pub const fn told(&self) -> &Leads {
        &self.known
    }

    /// Whether there was something to tell of the chunk.
    fn tell_chunk(&self, now: &Leads, at: usize, part: &mut Changes) -> bool {
        let before = self.known.chunks.get(at);
        let chunk = &now.chunks[at];
        // Shared, not copied since: nothing in it has changed.
        if before.is_some_and(|before| Arc::ptr_eq(before, chunk)) {
            return false;
        }
        let known = before.map_or(&[][..], |before: &Arc<Chunk>| &before.rows);
        let first = u32::try_from(at * CHUNK).unwrap_or(u32::MAX);
        for (index, (lead, row)) in (first..).zip(&chunk.rows).enumerate() {
            if index >= known.len() {
                part.numbers.push_str(now.numbers.get(lead));
                part.numbers.push('\n');
            }
            if known.get(index).unwrap_or(&PackedRow::NEW) != row {
                part.rows.push(row.written(lead));
            }
        }
        true
    }
}

impl Leads {
    /// Takes over what another copy of these leads was told by a [`Differ`]. False where it
    /// makes no sense: then the copy is of no use any more.
    #[must_use]
    pub fn take_over(&mut self, changes: &Changes) -> bool {
        if changes.anew {
            *self = Self::after(self);
        }
        for number in changes.numbers.lines() {
            let added = Number::taken_before(number)
                .ok()
                .and_then(|n| self.append(&n));
            if added.is_none() {
                return false;
            }
        }
        for changed in &changes.rows {
            let lead = LeadId(changed.0);
            let Some(new) = PackedRow::read(changed).filter(|_| self.get(lead).is_some()) else {
                return false;
            };
            self.change(lead, |row| *row = new);
        }
        self.joined.extend_from_slice(&changes.joined);
        true
    }
}

impl PackedRow {
    fn written(&self, lead: u32) -> Changed {
        let stand = match self.stand {
            Stand::Waiting => 0,
            Stand::Calling => 1,
            Stand::Final(disposition) => 2 + disposition as u8,
        };
        let Self {
            last,
            attempts,
            q850,
            sip,
            stand: _,
            listing,
        } = *self;
        let unlisted = listing == Listing::Unlisted;
        (lead, last, attempts, q850, sip, stand, unlisted)
    }

    fn read(changed: &Changed) -> Option<Self> {
        let (_, last, attempts, q850, sip, stand, unlisted) = *changed;
        let stand = match stand {
            0 => Stand::Waiting,
            1 => Stand::Calling,
            n => Stand::Final(*Disposition::ALL.get(usize::from(n) - 2)?),
        };
        Some(Self {
            last,
            attempts,
            q850,
            sip,
            stand,
            listing: if unlisted {
                Listing::Unlisted
            } else {
                Listing::Listed
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{AttemptId, HangupCause};

    fn number(n: u32) -> Number {
        Number::parse(&format!("+7{n:09}")).expect("a number")
    }

    /// Everything that a reader of leads can see.
    fn seen(leads: &Leads) -> impl PartialEq + std::fmt::Debug + use<> {
        let ids = (0..u32::try_from(leads.len()).expect("few")).map(LeadId);
        let rows: Vec<_> = ids
            .map(|id| {
                let text = leads.number_text(id).expect("it is there").to_owned();
                let again = leads.find(&text);
                (
                    text,
                    again,
                    leads.row(id),
                    leads.joined_at(id),
                    leads.is_unlisted(id),
                )
            })
            .collect();
        let line: Vec<LeadId> = leads.line().collect();
        let ends = Disposition::ALL.map(|d| leads.ended_as(d));
        (rows, line, ends, leads.waiting(), leads.open(), leads.len())
    }

    /// Something happens to some leads.
    fn change(leads: &mut Leads, rng: &mut fastrand::Rng, at: Time) {
        for _ in 0..rng.u32(0..40) {
            let next = u32::try_from(leads.len()).expect("few");
            if rng.u32(0..3) == 0 {
                leads.add(&number(next), at);
                continue;
            }
            let lead = LeadId(rng.u32(0..next.max(1)));
            let disposition = Disposition::ALL[rng.usize(0..Disposition::ALL.len())];
            match rng.u32(0..6) {
                0 => drop(leads.call(lead, AttemptId(rng.u64(1..u64::MAX)))),
                1 => leads.finish(
                    lead,
                    disposition,
                    HangupCause {
                        q850: rng.u16(..),
                        sip: Some(rng.u16(1..)),
                    },
                ),
                2 => leads.put_back(lead),
                3 => leads.skip(lead),
                4 => leads.unlist(lead),
                _ => leads.note_listed(lead, rng.bool()),
            }
        }
    }

    #[test]
    fn a_copy_that_is_told_the_changes_is_as_the_source() {
        for seed in 0..8 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (mut source, mut copy) = (Leads::default(), Leads::default());
            let mut differ = Differ::default();
            for n in 0..rng.u32(0..40_000) {
                source.add(&number(n), Time(u64::from(n / 7000)));
            }
            let mut run = RunId(1);
            for round in 0..8 {
                change(&mut source, &mut rng, Time(1000 + round));
                if rng.u32(0..10) == 0 {
                    source = Leads::after(&source);
                    run.0 += 1;
                }
                // A slow reader: the source goes on between two parts.
                while let Some(part) = differ.next_part(run, &source) {
                    let text = serde_json::to_string(&part).expect("it can be written");
                    let part = serde_json::from_str(&text).expect("it can be read");
                    assert!(copy.take_over(&part), "seed {seed}, round {round}");
                    if differ.is_telling() {
                        change(&mut source, &mut rng, Time(1000 + round));
                    } else {
                        assert_eq!(
                            seen(differ.told()),
                            seen(&copy),
                            "seed {seed}, round {round}"
                        );
                    }
                }
                assert_eq!(seen(&source), seen(&copy), "seed {seed}, round {round}");
            }
        }
    }

    #[test]
    fn what_did_not_change_is_not_told() {
        let mut leads = Leads::default();
        for n in 0..20_000 {
            leads.add(&number(n), Time(1));
        }
        let mut differ = Differ::default();
        while differ.next_part(RunId(1), &leads).is_some() {}
        assert_eq!(differ.next_part(RunId(1), &leads), None);
        leads.skip(LeadId(12_345));
        let part = differ.next_part(RunId(1), &leads).expect("one was skipped");
        let skipped = 2 + Disposition::Skipped as u8;
        let rows = vec![(12_345, 0, 0, 0, 0, skipped, false)];
        assert_eq!(
            part,
            Changes {
                rows,
                ..Changes::default()
            }
        );
        assert_eq!(differ.next_part(RunId(1), &leads), None);
    }

    #[test]
    fn what_makes_no_sense_is_not_taken_over() {
        let mut leads = Leads::default();
        leads.add(&number(1), Time(1));
        let row = |lead, stand| Changes {
            rows: vec![(lead, 0, 0, 0, 0, stand, false)],
            ..Changes::default()
        };
        let twice = Changes {
            numbers: format!("{}\n", number(1)),
            ..Changes::default()
        };
        let none = Changes {
            numbers: "x\n".to_owned(),
            ..Changes::default()
        };
        for nonsense in [row(1, 0), row(0, 250), twice, none] {
            assert!(!leads.clone().take_over(&nonsense), "{nonsense:?}");
        }
        assert!(leads.take_over(&row(0, 1)));
    }
}
