//! Orders of a million leads, each made within a frame, or beside the frames.
//!
//! Most of what leads are sorted by has few values, so they are dealt into a heap for each
//! and not compared. Numbers have as many values as there are leads: sorting their texts
//! takes a quarter of a second, which a thread of its own has.

use std::cmp::Reverse;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use crate::campaign::{AttemptId, LeadId, Leads};

/// Up to here numbers are sorted at once.
const SMALL: usize = 20_000;

/// Puts leads into the order of their keys; those with the same key stay in the order in which
/// they were. There is a heap for each key up to the highest, so keys are to be small.
pub(crate) fn dealt(ids: &[LeadId], key: impl Fn(LeadId) -> u32) -> Vec<LeadId> {
    let keys: Vec<u32> = ids.iter().map(|id| key(*id)).collect();
    let heaps = keys.iter().max().map_or(0, |most| *most as usize + 1);
    let mut places = vec![0_usize; heaps];
    for key in &keys {
        places[*key as usize] += 1;
    }
    let mut before = 0;
    for place in &mut places {
        before += std::mem::replace(place, before);
    }
    let mut sorted = vec![LeadId(0); ids.len()];
    for (id, key) in ids.iter().zip(keys) {
        let place = &mut places[key as usize];
        sorted[*place] = *id;
        *place += 1;
    }
    sorted
}

/// The leads with the latest attempts first, then those that had none. Attempts are numbered
/// in their order. Where they lie close together, as in one run they do, putting each in its
/// place is much faster than sorting.
pub(crate) fn latest_first(mut ended: Vec<(Option<AttemptId>, LeadId)>) -> Vec<LeadId> {
    let (mut first, mut last) = (u64::MAX, 0);
    for (attempt, _) in &ended {
        let Some(attempt) = attempt else { continue };
        first = first.min(attempt.0);
        last = last.max(attempt.0);
    }
    let span = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX);
    if span > 4 * ended.len() + 1024 {
        ended.sort_by_key(|(last, id)| (Reverse(*last), *id));
        return ended.into_iter().map(|(_, id)| id).collect();
    }
    // 0 is nobody, and anybody else one more than their id: zeroes cost nothing to have.
    let mut places = vec![0_u32; span + 1];
    let mut never = Vec::new();
    for (attempt, id) in &ended {
        match attempt.and_then(|a| usize::try_from(a.0 - first).ok()) {
            Some(place) => places[place] = id.0 + 1,
            None => never.push(*id),
        }
    }
    let mut sorted = Vec::with_capacity(ended.len());
    let taken = places.into_iter().rev().filter(|place| *place > 0);
    sorted.extend(taken.map(|place| LeadId(place - 1)));
    sorted.extend(never);
    sorted
}

/// All leads in the order of their numbers' texts, which never change: made once, unless
/// leads have joined.
#[derive(Debug, Default)]
pub(crate) enum ByNumber {
    #[default]
    Unknown,
    /// A thread is at it.
    Coming(Receiver<Vec<LeadId>>),
    Known(Vec<LeadId>),
}

impl ByNumber {
    /// The order, if it is there already; else it is on its way.
    pub(crate) fn of(&mut self, leads: &Leads) -> Option<&[LeadId]> {
        self.take();
        let fits = match self {
            Self::Known(ids) => ids.len() == leads.len(),
            // Whether it is of as many leads is seen when it comes.
            Self::Coming(_) => true,
            Self::Unknown => false,
        };
        if !fits {
            *self = Self::made(leads);
        }
        match self {
            Self::Known(ids) => Some(ids),
            _ => None,
        }
    }

    /// Whether it is on its way.
    pub(crate) const fn is_coming(&self) -> bool {
        matches!(self, Self::Coming(_))
    }

    /// Takes what the thread has made. True if there is something new.
    pub(crate) fn take(&mut self) -> bool {
        let Self::Coming(order) = self else {
            return false;
        };
        *self = match order.try_recv() {
            Ok(ids) => Self::Known(ids),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => Self::Unknown,
        };
        true
    }

    fn made(leads: &Leads) -> Self {
        if leads.len() <= SMALL {
            return Self::Known(sorted_by_number(leads));
        }
        let (sender, order) = sync_channel(1);
        let shared = leads.clone();
        let sort = move || {
            // Nobody waits for it where another run has begun meanwhile.
            let _ = sender.send(sorted_by_number(&shared));
        };
        let thread = thread::Builder::new().name("sort".to_owned());
        match thread.spawn(sort) {
            Ok(_) => Self::Coming(order),
            Err(_) => Self::Known(sorted_by_number(leads)),
        }
    }
}

fn sorted_by_number(leads: &Leads) -> Vec<LeadId> {
    let all = 0..u32::try_from(leads.len()).unwrap_or(u32::MAX);
    let mut ids: Vec<LeadId> = all.map(LeadId).collect();
    ids.sort_unstable_by_key(|id| leads.number_text(*id));
    ids
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::campaign::{Number, Time};

    fn leads(count: u64) -> Leads {
        let mut leads = Leads::default();
        for n in 0..count {
            let number = Number::parse(&format!("{}", n * 7919 % 1_000_003)).expect("a number");
            leads.add(&number, Time::default()).expect("it is new");
        }
        leads
    }

    fn in_order(leads: &Leads, ids: &[LeadId]) -> bool {
        ids.len() == leads.len()
            && ids.is_sorted_by(|a, b| leads.number_text(*a) < leads.number_text(*b))
    }

    #[test]
    fn leads_are_dealt_by_key_and_stay_in_order_within_one() {
        let ids: Vec<LeadId> = [5, 0, 3, 1, 4, 2].map(LeadId).to_vec();
        let dealt_ids = dealt(&ids, |id| if id.0 < 2 { 1000 } else { 7 });
        assert_eq!(dealt_ids, [5, 3, 4, 2, 0, 1].map(LeadId));
        assert_eq!(dealt(&[], |_| 0), []);
    }

    #[test]
    fn a_short_list_is_in_order_at_once_and_again_when_it_grew() {
        let mut order = ByNumber::default();
        for count in [100, 101] {
            let leads = leads(count);
            assert!(in_order(&leads, order.of(&leads).expect("at once")));
        }
    }

    #[test]
    fn a_long_list_is_put_in_order_beside_the_frames() {
        let leads = leads(30_000);
        let mut order = ByNumber::default();
        assert!(order.of(&leads).is_none());
        let until = Instant::now() + Duration::from_secs(60);
        while !order.take() {
            assert!(order.is_coming() && Instant::now() < until);
            thread::sleep(Duration::from_millis(1));
        }
        assert!(in_order(&leads, order.of(&leads).expect("it has come")));
    }

    #[test]
    fn the_latest_attempts_come_first_and_leads_without_one_last() {
        let ended = |attempts: [Option<u64>; 4]| {
            let ids = (0..).map(LeadId);
            let attempts = attempts.map(|a| a.map(AttemptId));
            latest_first(attempts.into_iter().zip(ids).collect())
        };
        let close = ended([Some(7), None, Some(9), Some(8)]);
        assert_eq!(close, [2, 3, 0, 1].map(LeadId));
        let far = ended([Some(7), None, Some(9_000_000), Some(8)]);
        assert_eq!(far, [2, 3, 0, 1].map(LeadId));
        assert_eq!(ended([None; 4]), [0, 1, 2, 3].map(LeadId));
    }
}
