//! The queue's list, compared with the plainest way to make it.

use std::cmp::Reverse;
use std::time::Duration;

use super::rig::{NOW, busy, model, number, press, show};
use crate::campaign::{
    AttemptId, Disposition, HangupCause, LeadId, LeadRow, LeadState, Leads, Number, RunId,
};
use crate::console::filter::{Filter, lead_word};
use crate::console::queue::{QueuePane, QueueSort};

/// Leads in every state, with attempts and causes; some that ended were never attempted.
fn mixed(n: u32, random: &mut fastrand::Rng) -> Leads {
    let mut leads = Leads::default();
    for lead in 0..n {
        let number = format!("+1{:06}{lead:06}", random.u32(0..1_000_000));
        leads.add(&Number::parse(&number).expect("a number"), NOW);
    }
    let mut attempts: Vec<u64> = (1..=u64::from(n)).collect();
    random.shuffle(&mut attempts);
    for (lead, attempt) in (0..n).map(LeadId).zip(attempts) {
        let disposition = Disposition::ALL[random.usize(0..Disposition::ALL.len())];
        let never = disposition == Disposition::Skipped;
        let attempt = AttemptId(attempt);
        let state = match random.u8(0..4) {
            0 => LeadState::Waiting,
            1 => LeadState::Calling(attempt),
            _ => LeadState::Final(disposition),
        };
        let row = LeadRow {
            state,
            attempts: random.u16(0..4),
            last: (!never).then_some(attempt),
            cause: HangupCause {
                q850: random.u16(0..30),
                sip: random.bool().then(|| random.u16(400..500)),
            },
        };
        leads.restore_row(lead, row);
    }
    leads
}

fn fits(leads: &Leads, id: LeadId, filter: &str) -> bool {
    let (number, row) = (leads.number_text(id).unwrap_or_default(), leads.row(id));
    let state = row.map_or("", |row| lead_word(row.state));
    filter.split_whitespace().all(|word| {
        let of_number = word
            .chars()
            .all(|c| c.is_ascii_digit() || "+*#".contains(c));
        if of_number {
            number.contains(word)
        } else {
            state.contains(&word.to_lowercase())
        }
    })
}

/// What the list must be, made without any of the list's ways to be fast.
fn naive(leads: &Leads, filter: &str, sort: QueueSort, descending: bool) -> Vec<LeadId> {
    let row = |id: &LeadId| leads.row(*id).expect("a lead");
    let all = (0..).zip(leads.numbers().iter()).map(|(id, _)| LeadId(id));
    let mut ids: Vec<LeadId> = all.filter(|id| fits(leads, *id, filter)).collect();
    match sort {
        QueueSort::Line => {
            ids.retain(|id| {
                !filter.trim().is_empty() || !matches!(row(id).state, LeadState::Calling(_))
            });
            ids.sort_by_key(|id| match row(id).state {
                LeadState::Calling(_) => (0, Reverse(None), *id),
                LeadState::Waiting => (1, Reverse(None), *id),
                LeadState::Final(_) => (2, Reverse(row(id).last), *id),
            });
        }
        QueueSort::Number => ids.sort_by_key(|id| leads.number_text(*id)),
        QueueSort::State => ids.sort_by_key(|id| lead_word(row(id).state)),
        QueueSort::Attempts => ids.sort_by_key(|id| row(id).attempts),
        QueueSort::Cause => ids.sort_by_key(|id| (row(id).cause.q850, row(id).cause.sip)),
    }
    if descending {
        ids.reverse();
    }
    ids
}

const FILTERS: [&str; 11] = [
    "",
    "+1 an ed",
    "+1 busy",
    "busy abandoned",
    "ED an",
    "0 1 2",
    "  ",
    "12",
    "ABAN",
    "calling 7",
    "nobody",
];

/// A long list is put in the order of its numbers by a thread.
fn wait_for_the_order(queue: &mut QueuePane, leads: &Leads) {
    while queue.is_sorting() {
        std::thread::sleep(std::time::Duration::from_millis(1));
        if queue.has_sorted() {
            queue.rebuild(RunId(1), leads, NOW);
        }
    }
}

#[test]
fn every_filter_in_every_order_lists_the_right_leads() {
    let mut random = fastrand::Rng::with_seed(1);
    let few = mixed(10, &mut random);
    let many = mixed(100_000, &mut random);
    for (leads, filters) in [(few, &FILTERS[..]), (many, &FILTERS[..2])] {
        let mut queue = QueuePane::default();
        for filter in filters {
            for sort in QueueSort::ALL {
                for descending in [false, true] {
                    queue.filter = Filter::new(filter);
                    (queue.sort, queue.descending) = (sort, descending);
                    queue.rebuild(RunId(1), &leads, NOW);
                    wait_for_the_order(&mut queue, &leads);
                    let same = queue.rows() == naive(&leads, filter, sort, descending);
                    assert!(
                        same,
                        "{} leads, {filter:?}, {sort:?} {descending}",
                        leads.len()
                    );
                }
            }
        }
    }
}

#[test]
fn attempts_that_lie_far_apart_are_in_order_too() {
    let mut leads = mixed(10, &mut fastrand::Rng::with_seed(2));
    for id in (0..10).map(LeadId) {
        let row = leads.row(id).expect("a lead");
        let last = row.last.map(|a| AttemptId(a.0 * 1_000_000_007));
        leads.restore_row(id, LeadRow { last, ..row });
    }
    let mut queue = QueuePane::default();
    queue.rebuild(RunId(1), &leads, NOW);
    assert_eq!(queue.rows(), naive(&leads, "", QueueSort::Line, false));
}

#[test]
fn keys_jump_to_the_right_leads_of_a_hundred_thousand() {
    let mut snapshot = busy();
    snapshot.leads = mixed(100_000, &mut fastrand::Rng::with_seed(3));
    let expected = naive(&snapshot.leads, "", QueueSort::Line, false);
    let mut model = model(snapshot);
    super::screen::draw(&mut model);
    let jumps = [
        ("1g", 0),
        ("G", expected.len() - 1),
        ("k", expected.len() - 2),
        ("gjjj", 3),
        ("k", 2),
    ];
    for (keys, place) in jumps {
        press(&mut model, keys);
        assert_eq!(model.queue.selected, Some(expected[place]), "{keys}");
        let number = model
            .live
            .leads
            .number_text(expected[place])
            .unwrap_or_default();
        let marked = format!("▶{number}");
        super::screen::row_with(&super::screen::draw(&mut model), &marked);
    }
}

#[test]
fn a_lead_that_leaves_the_list_leaves_nothing_selected() {
    let mut model = model(busy());
    press(&mut model, "1gj");
    let selected = model.queue.selected.expect("a lead");
    let mut later = busy();
    later
        .leads
        .restore(selected, LeadState::Calling(AttemptId(99)));
    show(&mut model, &later, 1);
    assert_eq!(
        model.queue.selected, None,
        "its neighbour is another person"
    );
    assert_eq!(press(&mut model, "r"), []);
    assert!(super::rig::said(&model).starts_with("no lead is selected"));
}

#[test]
fn a_selected_lead_that_stays_stays_selected_where_it_stood_on_the_screen() {
    let mut model = model(busy());
    super::screen::draw(&mut model);
    press(&mut model, "1gjjjj");
    let selected = model.queue.selected;
    let number = number(super::rig::FIRST_WAITING + 4);
    let before = super::screen::row_with(&super::screen::draw(&mut model), &format!("▶{number}"));
    let mut later = busy();
    for lead in 0..2 {
        let lead = LeadId(super::rig::FIRST_WAITING + lead);
        super::rig::end(&mut later.leads, lead, Disposition::Busy);
    }
    show(&mut model, &later, 1);
    assert_eq!(model.queue.selected, selected);
    let after = super::screen::row_with(&super::screen::draw(&mut model), &format!("▶{number}"));
    // Two rows above it have gone, and the list begins at the top: so far it must move.
    assert_eq!(after.0, before.0 - 2);
}

#[test]
fn a_long_list_is_made_anew_every_other_second_and_at_a_key_at_once() {
    let mut random = fastrand::Rng::with_seed(4);
    let mut leads = mixed(30_000, &mut random);
    let mut queue = QueuePane::default();
    queue.refresh(RunId(1), &leads, NOW);
    let first = queue.rows().to_vec();
    let waiting = leads.line().next().expect("somebody waits");
    leads.restore(waiting, LeadState::Calling(AttemptId(90_000)));
    queue.refresh(RunId(1), &leads, NOW + Duration::from_millis(1900));
    assert_eq!(queue.rows(), first);
    queue.refresh(RunId(1), &leads, NOW + Duration::from_secs(2));
    assert_eq!(queue.rows(), naive(&leads, "", QueueSort::Line, false));
    // Another run's list is another one.
    let other = mixed(25_000, &mut random);
    queue.refresh(RunId(2), &other, NOW + Duration::from_secs(2));
    assert_eq!(queue.rows(), naive(&other, "", QueueSort::Line, false));
}

#[test]
fn a_filter_acts_while_it_is_typed_and_esc_drops_it() {
    let mut model = model(busy());
    press(&mut model, "1");
    let all = model.queue.rows().len();
    press(&mut model, "/bus");
    assert_eq!(model.queue.rows().len(), 2);
    press(&mut model, "\x1b");
    assert_eq!(model.queue.rows().len(), all);
    press(&mut model, "/busy\r");
    assert_eq!(model.queue.rows().len(), 2, "Enter keeps it");
    press(&mut model, "\x1b");
    assert_eq!(model.queue.rows().len(), all);
}
