//! A list that is read again, a start that comes with it, and new rules while calls are up.

use std::time::Duration;

use super::super::*;
use super::rig::{FIRST, Rig, policy, policy_with};

fn list(of: &[u32]) -> Numbers {
    let mut numbers = Numbers::default();
    for n in of {
        let number = Number::parse(&format!("{}", 1000 + n)).expect("digits");
        numbers.push(&number).expect("they differ");
    }
    numbers
}

fn relist(rig: &mut Rig, of: &[u32]) -> (u32, u32) {
    let relisted = rig.campaign.relist(rig.now, &list(of));
    rig.handle(Input::Tick);
    (relisted.joined, relisted.skipped)
}

fn start_again(rig: &mut Rig, of: &[u32]) -> Result<StartedAgain, String> {
    let numbers = list(of);
    let listed = Listed {
        name: "list",
        of_this_run: true,
        numbers: &numbers,
    };
    let started = rig.campaign.start_again(rig.now, listed);
    rig.handle(Input::Tick);
    started
}

fn began(rig: &mut Rig, of: &[u32]) -> Began {
    start_again(rig, of).expect("it is taken").began
}

fn originates(rig: &Rig) -> usize {
    let is = |e: &&Effect| {
        matches!(
            e,
            Effect::Ask {
                op: Op::OriginateA,
                ..
            }
        )
    };
    rig.effects.iter().filter(is).count()
}

const SIX_HOURS: Duration = Duration::from_secs(6 * 3600);
const SKIPPED: LeadState = LeadState::Final(Disposition::Skipped);

/// One number was called, and the run is done.
fn done() -> Rig {
    let mut rig = Rig::started(policy(1), 1);
    rig.gone(Part::A, 17);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    rig.assert_taken_down();
    rig
}

#[test]
fn a_list_read_in_a_run_adds_skips_and_leaves_the_called_alone() {
    let mut rig = Rig::started(policy(1), 3);
    rig.ok(Op::OriginateA);
    assert_eq!(relist(&mut rig, &[2, 7]), (1, 1));
    assert_eq!(rig.lead(0), LeadState::Calling(FIRST), "it rings");
    assert_eq!(rig.lead(1), SKIPPED);
    assert_eq!(rig.lead(2), LeadState::Waiting);
    assert_eq!(rig.lead(3), LeadState::Waiting);
    assert_eq!(relist(&mut rig, &[2, 7]), (0, 0), "nothing is new in it");
    rig.gone(Part::A, 17);
    assert_eq!(
        relist(&mut rig, &[0, 2, 7]),
        (0, 0),
        "nobody is called again"
    );
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Busy));
}

#[test]
fn whoever_was_taken_off_the_list_uncalled_is_called_after_all_once_listed_again() {
    let mut rig = Rig::started(policy(1), 4);
    rig.command(&Command::Skip(LeadId(3))).expect("it waits");
    assert_eq!(relist(&mut rig, &[0]), (0, 2));
    assert_eq!(relist(&mut rig, &[0, 1, 3]), (1, 0));
    assert_eq!(rig.lead(1), LeadState::Waiting);
    assert_eq!(rig.lead(3), SKIPPED, "by the operator's word");
    let back = Record::LeadRequeued {
        run: RunId(1),
        lead: LeadId(1),
        at: rig.now,
    };
    assert!(rig.has(&Effect::Journal(back)));
    rig.gone(Part::A, 17);
    rig.leg_of(
        AttemptId(2),
        Part::A,
        LegEvent::Gone(HangupCause::default()),
    );
    // Called, wanted again, and taken off: it was called in this run.
    rig.command(&Command::Pause).expect_err("it is done");
    rig.command(&Command::Requeue(LeadId(1))).expect("it ended");
    rig.command(&Command::HangUpAll).expect("always");
    let mut other = Rig::started(policy(1), 2);
    other.gone(Part::A, 17);
    other
        .command(&Command::Requeue(LeadId(0)))
        .expect("it ended");
    assert_eq!(relist(&mut other, &[1]), (0, 1));
    assert_eq!(relist(&mut other, &[0, 1]), (0, 0));
    assert_eq!(other.lead(0), SKIPPED);
}

#[test]
fn whoever_is_unlisted_before_the_originate_leaves_is_not_dialed() {
    let mut rig = Rig::idle(policy(2), 2);
    rig.durable = false;
    rig.link_up(Census::default());
    rig.command(&Command::Start).expect("it can start");
    assert_eq!(relist(&mut rig, &[1]), (0, 1));
    assert_eq!(rig.withdrawn(), 1, "the other one is not taken back");
    rig.handle(Input::Durable(AttemptId(1)));
    rig.handle(Input::Durable(AttemptId(2)));
    assert_eq!(originates(&rig), 1);
    assert_eq!(rig.lead(0), SKIPPED);
}

#[test]
fn whoever_rings_and_is_unlisted_is_not_dialed_once_more() {
    let mut rig = Rig::started(policy(1), 2);
    assert_eq!(relist(&mut rig, &[1]), (0, 0));
    assert_eq!(rig.lead(0), LeadState::Calling(FIRST));
    rig.refuse(Op::OriginateA, OpError::NotSent);
    assert_eq!(rig.lead(0), SKIPPED);
    assert_eq!(relist(&mut rig, &[0, 1]), (1, 0), "nothing of it had left");

    let mut back = Rig::started(policy(1), 2);
    relist(&mut back, &[1]);
    relist(&mut back, &[0, 1]);
    back.refuse(Op::OriginateA, OpError::NotSent);
    assert_eq!(back.lead(0), LeadState::Waiting);
}

#[test]
fn a_list_without_anybody_who_waits_ends_the_run_when_the_last_call_does() {
    let mut rig = Rig::started(policy(1), 2);
    relist(&mut rig, &[5]);
    relist(&mut rig, &[0]);
    assert_eq!(*rig.campaign.state(), RunState::Dialing);
    rig.gone(Part::A, 17);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    assert_eq!(relist(&mut rig, &[0, 5]), (1, 0));
    assert_eq!(*rig.campaign.state(), RunState::Idle, "nobody said start");
    assert_eq!(originates(&rig), 1);
}

#[test]
fn a_start_at_idle_dials_the_list_as_it_stands() {
    let mut rig = Rig::idle(policy(5), 2);
    rig.link_up(Census::default());
    let started = start_again(&mut rig, &[1, 2, 3]).expect("it can start");
    assert_eq!(started.began, Began::Started);
    assert_eq!((started.relisted.joined, started.relisted.skipped), (2, 1));
    assert_eq!(originates(&rig), 3);
}

#[test]
fn a_start_while_dialing_only_reads_the_list() {
    let mut rig = Rig::started(policy(1), 2);
    let started = start_again(&mut rig, &[0, 1, 2]).expect("it is taken");
    assert_eq!(started.began, Began::AlreadyRunning);
    assert_eq!(started.relisted.joined, 1);
    assert_eq!(originates(&rig), 1);
}

#[test]
fn a_start_leaves_a_pause_as_it_is_and_says_why_it_is_one() {
    let mut rig = Rig::started(policy(2), 1);
    rig.command(&Command::Pause).expect("it dials");
    let still = Began::StillPaused(BY_OPERATOR.to_owned());
    assert_eq!(began(&mut rig, &[0, 1]), still);
    assert_eq!(rig.lead(1), LeadState::Waiting);
    assert_eq!(originates(&rig), 1);
}

#[test]
fn a_start_while_draining_dials_again() {
    let mut rig = Rig::started(policy(2), 1);
    rig.command(&Command::Drain).expect("it dials");
    assert_eq!(began(&mut rig, &[0, 1]), Began::Resumed);
    assert_eq!(*rig.campaign.state(), RunState::Dialing);
    assert_eq!(originates(&rig), 2);
}

/// What a start comes to whose list is done, by a policy that calls it again so long after.
fn done_at(rig: &Rig, after: Option<Duration>) -> Began {
    let since = rig.now;
    Began::DoneAndUnchanged {
        since,
        again_at: after.map(|after| since + after),
    }
}

#[test]
fn a_start_calls_a_finished_list_again_when_its_time_has_come_and_not_before() {
    let mut rig = done();
    let expected = done_at(&rig, Some(SIX_HOURS));
    rig.wait(6 * 3600 * 1000 - 1);
    assert_eq!(began(&mut rig, &[0]), expected);
    assert_eq!(rig.campaign.run(), RunId(1));
    rig.wait(1);
    assert_eq!(began(&mut rig, &[0]), Began::Restarted);
    assert_eq!(rig.campaign.run(), RunId(2));
    assert_eq!(originates(&rig), 2);
}

#[test]
fn a_start_calls_a_finished_list_again_at_once_or_never_where_the_settings_say_so() {
    for after in [None, Some(Duration::ZERO)] {
        let mut rig = done();
        let expected = match after {
            None => done_at(&rig, None),
            Some(_) => Began::Restarted,
        };
        let policy = Policy {
            start_again_after: after,
            ..policy(1)
        };
        rig.campaign.set_policy(policy);
        if after.is_none() {
            rig.wait(400 * 24 * 3600 * 1000);
        }
        assert_eq!(began(&mut rig, &[0]), expected);
    }
}

#[test]
fn somebody_new_on_the_list_makes_a_new_run_at_once_and_somebody_less_does_not() {
    let mut rig = Rig::started(policy(2), 2);
    rig.gone(Part::A, 17);
    rig.leg_of(
        AttemptId(2),
        Part::A,
        LegEvent::Gone(HangupCause::default()),
    );
    let expected = done_at(&rig, Some(SIX_HOURS));
    rig.wait(3000);
    assert_eq!(began(&mut rig, &[1]), expected);
    assert_eq!(began(&mut rig, &[1, 9]), Began::Restarted);
    assert_eq!(rig.campaign.leads().len(), 2, "over the list as it stands");
    assert_eq!(originates(&rig), 4);
}

#[test]
fn another_list_than_the_run_s_waits_for_a_new_run() {
    let other = list(&[8]);
    let listed = Listed {
        name: "other",
        of_this_run: false,
        numbers: &other,
    };
    let mut rig = Rig::started(policy(1), 2);
    let started = rig.campaign.start_again(rig.now, listed).expect("it runs");
    assert_eq!(started.began, Began::AlreadyRunning);
    assert_eq!(started.relisted, Relisted::default());
    let mut rig = done();
    let started = rig
        .campaign
        .start_again(rig.now, listed)
        .expect("it is done");
    assert_eq!(started.began, Began::Restarted);
    rig.handle(Input::Tick);
    let opened = Record::RunOpened {
        run: RunId(2),
        list: "other".to_owned(),
        at: rig.now,
    };
    assert!(rig.has(&Effect::Journal(opened)));
}

#[test]
fn a_start_waits_until_nothing_is_left_of_the_run_before() {
    let mut rig = Rig::talking();
    rig.gone(Part::A, 16);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    start_again(&mut rig, &[0, 1]).expect_err("leg B is still there");
    let expected = done_at(&rig, Some(SIX_HOURS));
    assert_eq!(began(&mut rig, &[0]), expected);
}

#[test]
fn the_time_since_the_end_goes_on_over_a_restart_of_the_process() {
    for (done_before, again) in [(6 * 3600 - 1, false), (6 * 3600, true)] {
        let mut leads = Leads::default();
        let number = Number::parse("1000").expect("digits");
        let lead = leads.add(&number, Time::default()).expect("new");
        leads.restore(lead, LeadState::Final(Disposition::Busy));
        let mut rig = Rig::over(super::rig::campaign(policy(1)));
        rig.now = Time::from_millis(1_000_000_000);
        let now = rig.now;
        rig.campaign
            .restore(now, RunId(1), RunState::Done, leads, Vec::new());
        let since = Time::from_millis(now.millis() - done_before * 1000);
        rig.campaign.restore_since(since);
        rig.link_up(Census::default());
        let began = began(&mut rig, &[0]);
        assert_eq!(
            began == Began::Restarted,
            again,
            "{done_before} s: {began:?}"
        );
    }
}

#[test]
fn fifty_starts_begin_one_run_and_call_nobody_twice() {
    let everybody: Vec<u32> = (0..20).collect();
    let mut rig = Rig::idle(policy(5), 20);
    rig.link_up(Census::default());
    let mut all: Vec<Began> = (0..50).map(|_| began(&mut rig, &everybody)).collect();
    assert_eq!(all.remove(0), Began::Started);
    assert!(all.iter().all(|b| *b == Began::AlreadyRunning), "{all:?}");
    assert_eq!(originates(&rig), 5);

    let mut rig = done();
    rig.wait(6 * 3600 * 1000);
    let mut all: Vec<Began> = (0..50).map(|_| began(&mut rig, &[0])).collect();
    assert_eq!(all.remove(0), Began::Restarted);
    assert!(all.iter().all(|b| *b == Began::AlreadyRunning), "{all:?}");
    assert_eq!((originates(&rig), rig.campaign.run()), (2, RunId(2)));
}

#[test]
fn max_cc_of_the_settings_counts_only_where_it_has_changed() {
    let mut rig = Rig::started(policy(1), 9);
    let max_cc = |rig: &Rig| rig.campaign.policy().max_cc.calls();
    let set = MaxCc::new(4).expect("not 0");
    rig.command(&Command::SetMaxCc(set)).expect("always");
    rig.campaign.set_policy(policy(1));
    assert_eq!(max_cc(&rig), 4, "the settings say what they said");
    rig.campaign.set_policy(policy(6));
    rig.handle(Input::Tick);
    assert_eq!((max_cc(&rig), originates(&rig)), (6, 6));
    rig.command(&Command::SetMaxCc(set)).expect("always");
    rig.campaign.set_policy(policy(6));
    assert_eq!(max_cc(&rig), 4);
}

#[test]
fn a_call_keeps_the_rules_that_it_began_with() {
    let mut rig = Rig::started(policy(1), 2);
    let short = policy_with(1, |call| {
        call.call_timeout = Duration::from_secs(5);
        call.target.timeout = Duration::from_secs(5);
        call.max_call = Some(Duration::from_secs(5));
        call.target.moh_class = Some("default".to_owned());
        call.recordings.format = "gsm".to_owned();
    });
    rig.campaign.set_policy(short);
    rig.stage();
    rig.wait(20_000);
    assert_eq!(rig.word(), Some(CallWord::Ringing));
    rig.connect();
    rig.wait(15_000);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    rig.talk();
    rig.wait(60_000);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
    assert_eq!(rig.asked(FIRST, Op::StartMusic), 0);
    let format = |e: &Effect| match e {
        Effect::Journal(Record::Recording {
            state: RecordingState::Started { format, .. },
            ..
        }) => Some(format.clone()),
        _ => None,
    };
    let formats: Vec<String> = rig.effects.iter().filter_map(format).collect();
    assert_eq!(formats, ["wav"]);

    let second = AttemptId(2);
    rig.gone(Part::A, 16);
    rig.answer(second, Op::OriginateA, Ok(()));
    rig.wait(8_001);
    assert_eq!(rig.asked(second, Op::HangUp(Part::A)), 1, "it rang for 5 s");
}
