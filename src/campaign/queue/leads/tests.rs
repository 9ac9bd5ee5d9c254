//! The line, the counts, and what clones share.

use std::collections::BTreeSet;

use super::*;

const BUSY: HangupCause = HangupCause {
    q850: 17,
    sip: Some(486),
};

fn leads(count: u32) -> Leads {
    let mut leads = Leads::default();
    for i in 0..count {
        let number = Number::parse(&format!("{}", 1_000_000 + i)).expect("digits");
        leads.add(&number, Time::default()).expect("it is new");
    }
    leads
}

impl Leads {
    /// How many chunks are the same memory in both.
    fn shared_with(&self, other: &Self) -> usize {
        let pairs = self.chunks.iter().zip(&other.chunks);
        pairs.filter(|(a, b)| Arc::ptr_eq(a, b)).count()
    }
}

#[test]
fn a_row_is_small() {
    assert_eq!(size_of::<PackedRow>(), 16);
}

#[test]
fn a_clone_of_a_million_leads_shares_them_and_a_change_copies_one_chunk() {
    let mut leads = leads(1_000_000);
    let chunks = leads.chunks.len();
    let picture = leads.clone();
    assert!(Arc::ptr_eq(&leads.numbers, &picture.numbers));
    assert_eq!(leads.shared_with(&picture), chunks);

    let first = leads.next().expect("a million wait");
    leads.call(first, AttemptId(1));
    leads.finish(first, Disposition::Busy, BUSY);
    leads.skip(LeadId(1));
    assert!(Arc::ptr_eq(&leads.numbers, &picture.numbers));
    assert_eq!(leads.shared_with(&picture), chunks - 1);
    assert_eq!(picture.waiting(), 1_000_000, "the picture stays as it was");
    assert_eq!(picture.state(first), Some(LeadState::Waiting));

    leads.skip(LeadId(999_999));
    assert_eq!(leads.shared_with(&picture), chunks - 2);
}

#[test]
fn the_version_changes_with_every_change_and_a_new_run() {
    let mut leads = leads(3);
    let mut seen = BTreeSet::from([leads.version()]);
    let mut new = |leads: &Leads| assert!(seen.insert(leads.version()));
    leads.call(LeadId(0), AttemptId(1));
    new(&leads);
    leads.take_back(LeadId(0), None);
    new(&leads);
    leads.skip(LeadId(0));
    new(&leads);
    leads.put_back(LeadId(0));
    new(&leads);
    leads.finish(LeadId(0), Disposition::Busy, BUSY);
    new(&leads);
    new(&Leads::after(&leads));
    let before = leads.version();
    assert_eq!((leads.next(), leads.version()), (Some(LeadId(1)), before));
}

#[test]
fn an_attempt_that_was_taken_back_never_was() {
    let mut leads = leads(1);
    let lead = LeadId(0);
    assert_eq!(leads.call(lead, AttemptId(1)), None);
    leads.finish(lead, Disposition::Busy, BUSY);
    leads.put_back(lead);
    let after_one = leads.row(lead).expect("listed");
    assert_eq!(after_one.state, LeadState::Waiting);
    assert_eq!(after_one.last, Some(AttemptId(1)));
    assert_eq!((after_one.attempts, after_one.cause), (1, BUSY));

    let before = leads.call(lead, AttemptId(2));
    assert_eq!(leads.state(lead), Some(LeadState::Calling(AttemptId(2))));
    assert_eq!(leads.row(lead).map(|row| row.attempts), Some(2));
    leads.take_back(lead, before);
    assert_eq!(leads.row(lead), Some(after_one));
}

#[test]
fn what_the_journal_knows_of_a_lead_is_shown_as_it_was() {
    let mut leads = leads(2);
    let known = LeadRow {
        state: LeadState::Calling(AttemptId(9)),
        attempts: 4,
        last: Some(AttemptId(9)),
        cause: BUSY,
    };
    leads.restore_row(LeadId(1), known);
    assert_eq!(leads.row(LeadId(1)), Some(known));
    assert_eq!(leads.row(LeadId(2)), None);
    assert_eq!(leads.number_text(LeadId(1)), Some("1000001"));
    assert_eq!(leads.number_text(LeadId(2)), None);
}

/// The line against a set of ids, through thousands of changes.
#[test]
fn the_line_is_whoever_waits_in_the_order_of_the_list() {
    const LEADS: u32 = 4000;
    let mut leads = leads(LEADS);
    let mut waiting: BTreeSet<u32> = (0..LEADS).collect();
    let mut rng = fastrand::Rng::with_seed(4);
    for step in 0..20_000 {
        let lead = LeadId(rng.u32(..LEADS));
        match rng.u8(..4) {
            0 if waiting.remove(&lead.0) => leads.skip(lead),
            1 if waiting.insert(lead.0) => leads.put_back(lead),
            2.. => {
                assert_eq!(leads.next(), waiting.first().map(|id| LeadId(*id)));
                if let Some(next) = waiting.pop_first() {
                    leads.call(LeadId(next), AttemptId(1));
                }
            }
            _ => {}
        }
        assert_eq!(leads.waiting(), waiting.len());
        if step % 500 == 0 {
            let from = rng.usize(..=waiting.len());
            let line: Vec<u32> = leads.line_from(from).map(|lead| lead.0).collect();
            let expected: Vec<u32> = waiting.iter().skip(from).copied().collect();
            assert_eq!(line, expected);
        }
    }
}
