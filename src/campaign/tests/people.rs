//! One person in several spellings, and numbers that are never dialed.

use super::super::*;
use super::rig::{Rig, policy};

const SKIPPED: LeadState = LeadState::Final(Disposition::Skipped);
const BUSY: LeadState = LeadState::Final(Disposition::Busy);
const UNLISTED: LeadState = LeadState::Final(Disposition::Rejected);

/// The number of a lead, and where it stands.
type Known = (&'static str, LeadState);

fn numbers(texts: &[&str]) -> Numbers {
    let mut numbers = Numbers::default();
    for text in texts {
        numbers.push(&Number::parse(text).expect("digits"));
    }
    numbers
}

/// A run as an earlier version left it, where each spelling was a lead of its own. `UNLISTED`
/// stands for a lead that was taken off uncalled for not being listed.
fn restored(leads: &[Known]) -> (Rig, usize) {
    let mut known = Leads::default();
    for (text, state) in leads {
        let number = Number::parse(text).expect("digits");
        let lead = known
            .add_again(&number, Time::default())
            .expect("it is new");
        match *state {
            UNLISTED => known.unlist(lead),
            SKIPPED => known.restore(lead, SKIPPED),
            state => known.restore_row(
                lead,
                LeadRow {
                    state,
                    attempts: u16::from(state != LeadState::Waiting),
                    last: None,
                    cause: HangupCause::default(),
                },
            ),
        }
    }
    let mut rig = Rig::over(super::rig::campaign(policy(9)));
    rig.campaign
        .restore(rig.now, RunId(1), RunState::Idle, known, Vec::new());
    let taken_off = rig.campaign.one_lead_a_person(rig.now);
    (rig, taken_off)
}

fn dialed(rig: &Rig) -> Vec<String> {
    let number = |e: &Effect| match e {
        Effect::Ask {
            op: Op::OriginateA,
            number,
            ..
        } => Some(number.to_string()),
        _ => None,
    };
    rig.effects.iter().filter_map(number).collect()
}

#[test]
fn of_a_person_whom_a_journal_has_twice_one_lead_is_called() {
    use LeadState::Waiting;
    let table: [(&[Known], &[&str]); 7] = [
        (
            &[("+1000", Waiting), ("1000", Waiting), ("001000", Waiting)],
            &["+1000"],
        ),
        // Whoever was called at one spelling is not called at another.
        (&[("+1000", Waiting), ("1000", BUSY)], &[]),
        (&[("+1000", BUSY), ("1000", Waiting)], &[]),
        (&[("1000", UNLISTED), ("+1000", BUSY)], &[]),
        // What another version or the list took off uncalled says nothing against the other.
        (&[("1000", SKIPPED), ("+1000", Waiting)], &["+1000"]),
        (&[("1000", UNLISTED), ("+1000", Waiting)], &["+1000"]),
        (&[("1000", Waiting), ("+1001", Waiting)], &["1000", "+1001"]),
    ];
    for (leads, expected) in table {
        let (mut rig, _) = restored(leads);
        let listed: Vec<&str> = leads.iter().map(|(text, _)| *text).collect();
        let listed = numbers(&listed);
        let relisted = rig.campaign.relist(rig.now, &listed);
        assert_eq!(relisted, Relisted::default(), "{leads:?}");
        rig.link_up(Census::default());
        // Nothing may wait where nobody is called.
        drop(rig.command(&Command::Start));
        assert_eq!(dialed(&rig), expected, "{leads:?}");
    }
}

#[test]
fn a_lead_that_is_another_in_another_spelling_is_written_down_as_skipped() {
    let (mut rig, taken_off) = restored(&[
        ("+1000", LeadState::Waiting),
        ("1000", LeadState::Waiting),
        ("1001", LeadState::Waiting),
    ]);
    assert_eq!(taken_off, 1);
    rig.handle(Input::Tick);
    let skipped = Record::LeadSkipped {
        run: RunId(1),
        lead: LeadId(1),
        why: "the same person as lead 1".to_owned(),
        at: rig.now,
    };
    assert!(rig.has(&Effect::Journal(skipped)), "{:?}", rig.effects);
    // The next process finds nothing left to do.
    assert_eq!(rig.campaign.one_lead_a_person(rig.now), 0);
}

#[test]
fn nobody_is_put_back_in_line_who_waits_under_another_spelling() {
    let (mut rig, _) = restored(&[("+1000", LeadState::Waiting), ("1000", SKIPPED)]);
    let why = rig
        .command(&Command::Requeue(LeadId(1)))
        .expect_err("it waits");
    assert!(why.contains("the same person as lead 1"), "{why}");
}

#[test]
fn another_spelling_of_who_is_in_the_run_joins_neither_by_a_list_nor_by_a_command() {
    let mut rig = Rig::started(policy(1), 2);
    let listed = numbers(&["+1000", "001001"]);
    let relisted = rig.campaign.relist(rig.now, &listed);
    assert_eq!(relisted, Relisted::default());
    let again = [Number::parse("+1001").expect("digits")];
    let added = rig.campaign.add(rig.now, &again).expect("a run is there");
    assert_eq!((added.joined(), added.leads[0].lead), (0, LeadId(1)));
}

#[test]
fn an_emergency_number_is_not_dialed_whichever_way_it_came() {
    // By a list that an earlier version read.
    let (mut rig, _) = restored(&[("112", LeadState::Waiting), ("1000", LeadState::Waiting)]);
    rig.link_up(Census::default());
    rig.command(&Command::Start).expect("two wait");
    assert_eq!(dialed(&rig), ["1000"]);
    assert_eq!(rig.lead(0), SKIPPED);
    // By a setting that changes while it waits.
    let mut rig = Rig::started(policy(1), 2);
    let here = Policy {
        emergency: Emergency::of("1001"),
        ..policy(1)
    };
    rig.campaign.set_policy(here);
    rig.gone(Part::A, 17);
    assert_eq!(dialed(&rig), ["1000"]);
    assert_eq!(rig.lead(1), SKIPPED);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    let why = rig
        .command(&Command::Requeue(LeadId(1)))
        .expect_err("never");
    assert!(why.contains("1001 is an emergency number"), "{why}");
}
