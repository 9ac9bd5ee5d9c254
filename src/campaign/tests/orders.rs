//! Every order in which events and answers may arrive, within a bound on how often
//! something overtakes what was there before it.

use super::super::*;
use super::model::{Fate, Model};
use super::rig::{FIRST, Rig, policy, policy_with};

/// So often something may overtake.
const OVERTAKINGS: usize = 3;

/// What is on its way to the campaign, the oldest first.
enum Waiting {
    Answer(Op, Result<(), OpError>),
    Event(Input),
}

/// One path through the tree of orders: at each fork, which way of how many.
#[derive(Default)]
struct Path {
    forks: Vec<(usize, usize)>,
    at: usize,
}

impl Path {
    fn choose(&mut self, ways: usize) -> usize {
        let overtaken = self.forks[..self.at].iter().filter(|f| f.0 > 0).count();
        let ways = if overtaken < OVERTAKINGS { ways } else { 1 };
        if self.at == self.forks.len() {
            self.forks.push((0, ways));
        }
        self.at += 1;
        self.forks[self.at - 1].0
    }

    /// The next path; `false` when all were walked.
    fn next(&mut self) -> bool {
        self.at = 0;
        while let Some((way, ways)) = self.forks.pop() {
            if way + 1 < ways {
                self.forks.push((way + 1, ways));
                return true;
            }
        }
        false
    }
}

/// Plays one whole call in the order that `path` says.
fn play(policy: Policy, a: Fate, b: Fate, path: &mut Path) -> (Rig, Model) {
    let mut rig = Rig::started(policy, 1);
    let mut model = Model::default();
    model.connected = true;
    model.now = rig.now;
    model.fates.insert((FIRST, Part::A), a);
    model.fates.insert((FIRST, Part::B), b);
    let number = Number::parse("1000").expect("digits");
    let mut waiting: Vec<Waiting> = Vec::new();
    loop {
        for op in rig.take() {
            let result = model.execute(FIRST, op, &number);
            waiting.extend(model.events.drain(..).map(Waiting::Event));
            waiting.push(Waiting::Answer(op, result));
        }
        if waiting.is_empty() {
            let next = [model.next(), rig.campaign.poll_timeout()];
            let Some(at) = next.into_iter().flatten().min() else {
                return (rig, model);
            };
            rig.now = at;
            model.run_to(at);
            waiting.extend(model.events.drain(..).map(Waiting::Event));
            rig.handle(Input::Tick);
            continue;
        }
        // Events keep their order; answers may overtake everything.
        let first_event = waiting.iter().position(|w| matches!(w, Waiting::Event(_)));
        let ways: Vec<usize> = (0..waiting.len())
            .filter(|i| matches!(waiting[*i], Waiting::Answer(..)) || Some(*i) == first_event)
            .collect();
        match waiting.remove(ways[path.choose(ways.len())]) {
            Waiting::Answer(op, result) => rig.answer(FIRST, op, result),
            Waiting::Event(input) => rig.handle(input),
        }
    }
}

/// Plays all orders, and gives how many there were.
fn in_every_order(policy: &Policy, a: Fate, b: Fate, check: impl Fn(&Rig, &Model)) -> usize {
    let mut path = Path::default();
    let mut orders = 0;
    loop {
        let (rig, model) = play(policy.clone(), a, b, &mut path);
        check(&rig, &model);
        assert!(
            rig.campaign.is_quiet() && model.is_empty(),
            "something is left"
        );
        assert_eq!(*rig.campaign.state(), RunState::Done);
        orders += 1;
        if !path.next() {
            return orders;
        }
    }
}

fn asked_once(rig: &Rig, ops: &[Op]) {
    for op in ops {
        assert_eq!(rig.asked(FIRST, *op), 1, "{op:?}");
    }
}

fn both_talked(rig: &Rig, model: &Model) {
    rig.assert_end(Disposition::Answered, EndedBy::Target, 16);
    assert!(model.bridged.contains(&FIRST));
    asked_once(
        rig,
        &[Op::OriginateA, Op::CreateBridge, Op::Snoop, Op::Record],
    );
    asked_once(
        rig,
        &[Op::Join(Part::A), Op::Join(Part::B), Op::DestroyBridge],
    );
    let fetched = |e: &&Effect| matches!(e, Effect::FetchRecording { .. });
    assert_eq!(rig.effects.iter().filter(fetched).count(), 1);
    assert_eq!(model.dialed.len(), 1);
}

const TALKS: Fate = Fate::Answers {
    after: 40,
    talks: Some(3000),
};

fn answers(after: u64) -> Fate {
    Fate::Answers { after, talks: None }
}

#[test]
fn a_staged_call_is_bridged_once_in_every_order() {
    let orders = in_every_order(&policy(1), answers(300), TALKS, |rig, model| {
        both_talked(rig, model);
        asked_once(rig, &[Op::CreateB, Op::DialB]);
    });
    assert!(orders > 100, "only {orders} orders were tried");
}

#[test]
fn a_call_answered_before_anything_is_staged_is_bridged_once_in_every_order() {
    let orders = in_every_order(&policy(1), answers(0), TALKS, |rig, model| {
        both_talked(rig, model);
        asked_once(rig, &[Op::CreateB, Op::DialB]);
    });
    assert!(orders > 100, "only {orders} orders were tried");
}

#[test]
fn a_target_that_is_up_at_once_is_bridged_in_every_order() {
    let b = Fate::Answers {
        after: 0,
        talks: Some(3000),
    };
    in_every_order(&policy(1), answers(300), b, both_talked);
}

#[test]
fn the_plain_order_bridges_once_in_every_order() {
    let plain = policy_with(1, |call| call.target.staged = false);
    in_every_order(&plain, answers(300), TALKS, |rig, model| {
        both_talked(rig, model);
        asked_once(rig, &[Op::OriginateB]);
        assert_eq!(rig.asked(FIRST, Op::CreateB), 0);
    });
}

#[test]
fn music_is_started_stopped_and_followed_by_the_bridge_in_every_order() {
    let class = "default".to_owned();
    let with_music = policy_with(1, |call| call.target.moh_class = Some(class));
    in_every_order(&with_music, answers(300), TALKS, |rig, model| {
        both_talked(rig, model);
        let place = |wanted| {
            rig.effects
                .iter()
                .position(|e| matches!(e, Effect::Ask { op, .. } if *op == wanted))
        };
        assert!(place(Op::StartMusic) < place(Op::Join(Part::A)));
        assert!(place(Op::StopMusic).is_none_or(|at| Some(at) > place(Op::StartMusic)));
        assert!(rig.asked(FIRST, Op::StopMusic) <= 1);
    });
}

#[test]
fn a_busy_target_abandons_the_call_in_every_order() {
    let busy = Fate::BusyTone { after: 10 };
    in_every_order(&policy(1), answers(300), busy, |rig, _| {
        rig.assert_end(Disposition::Abandoned, EndedBy::Target, 17);
    });
}

#[test]
fn a_missing_target_abandons_the_call_in_every_order() {
    let missing = Fate::Fails { after: 1, q850: 16 };
    in_every_order(&policy(1), answers(300), missing, |rig, _| {
        rig.assert_end(Disposition::Abandoned, EndedBy::Target, 16);
    });
}

#[test]
fn a_callee_who_leaves_while_the_target_rings_abandons_the_call_in_every_order() {
    let hasty = Fate::Answers {
        after: 300,
        talks: Some(20),
    };
    in_every_order(&policy(1), hasty, Fate::Silent, |rig, _| {
        rig.assert_end(Disposition::Abandoned, EndedBy::Callee, 16);
    });
}

#[test]
fn a_busy_number_costs_no_staging_and_one_that_is_busy_late_leaves_nothing_of_it() {
    for (after, staged) in [(50, 0), (150, 1)] {
        let busy = Fate::Fails { after, q850: 17 };
        in_every_order(&policy(1), busy, TALKS, |rig, _| {
            rig.assert_end(Disposition::Busy, EndedBy::Carrier, 17);
            assert_eq!(rig.asked(FIRST, Op::CreateB), staged);
        });
    }
}
