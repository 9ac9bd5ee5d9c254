//! What can be done for a call now: requests whose conditions are met, each asked for once.
//!
//! There is no table of transitions. A step is taken as soon as all that it needs is known,
//! in whatever order that was learned.

use std::time::Duration;

use super::channel::{Channel, Join, Presence};
use super::facts::{Facts, Music, Plan, RecordingPhase};
use super::phase::Phase;
use crate::campaign::ids::Part;
use crate::campaign::io::Op;
use crate::campaign::time::Time;

/// How long what was asked to go may take before it is asked again.
pub(crate) const INSIST_EVERY: Duration = Duration::from_secs(2);

/// What can be done now. What is returned counts as asked for. `music`: A hears music until B
/// answers.
pub(crate) fn next(now: Time, phase: Phase, music: bool, facts: &mut Facts) -> Vec<Op> {
    let mut ops = Vec::new();
    facts.find(&mut ops);
    match phase {
        Phase::Journaling | Phase::Dialing { staging: false } => {}
        Phase::Dialing { staging: true } => stage(facts, &mut ops),
        Phase::Connecting(_) => {
            stage(facts, &mut ops);
            connect(now, music, facts, &mut ops);
            play(music, facts, &mut ops);
            record(facts, &mut ops);
        }
        Phase::Talking(..) => {
            rejoin(facts, &mut ops);
            if facts.resumption.is_wanted() {
                snoop(facts, &mut ops);
            }
            play(music, facts, &mut ops);
            record(facts, &mut ops);
        }
        Phase::HangingUp { .. } => take_down(facts, &mut ops),
    }
    ops
}

/// The bridge, and B in it, not dialed.
fn stage(f: &mut Facts, ops: &mut Vec<Op>) {
    if f.bridge == Presence::Never {
        f.bridge = Presence::Asked;
        ops.push(Op::CreateBridge);
    }
    if f.plan == Plan::Staged && f.b.presence == Presence::Never {
        f.b = Channel::asked();
        ops.push(Op::CreateB);
    }
    // Made now, it records from the answer on with a single request.
    snoop(f, ops);
    // A staged B that failed is on its way out, not into the bridge.
    let may_join = f.plan == Plan::Staged || f.b_is_plain();
    if may_join
        && f.bridge == Presence::There
        && f.b.presence == Presence::There
        && f.b.entered
        && f.b.join == Join::Not
    {
        f.b.join = Join::Asked;
        ops.push(Op::Join(Part::B));
    }
}

/// A has answered: A into the bridge and B dialed, side by side.
fn connect(now: Time, music: bool, f: &mut Facts, ops: &mut Vec<Op>) {
    // A channel in a bridge hears the bridge, so music comes before it.
    let may_join = !music || f.b.talks();
    if may_join
        && f.bridge == Presence::There
        && f.a.presence == Presence::There
        && f.a.entered
        && f.a.join == Join::Not
    {
        f.a.join = Join::Asked;
        ops.push(Op::Join(Part::A));
    }
    if f.target_was_dialed() {
        return;
    }
    match f.plan {
        Plan::Staged if matches!(f.b.join, Join::Accepted | Join::In) => {
            f.target_dialed_at = Some(now);
            ops.push(Op::DialB);
        }
        Plan::Plain if matches!(f.b.presence, Presence::Never | Presence::Gone) => {
            f.target_dialed_at = Some(now);
            f.b = f.b.asked_again();
            ops.push(Op::OriginateB);
        }
        // A staged B that failed has to go before another may have its id.
        Plan::Plain => f.b.hang_up(Part::B, ops),
        Plan::Staged => {}
    }
}

/// A leg that was moved out of our application and came back is out of the bridge.
fn rejoin(f: &mut Facts, ops: &mut Vec<Op>) {
    for (part, leg) in [(Part::A, &mut f.a), (Part::B, &mut f.b)] {
        if leg.presence == Presence::There && leg.entered && leg.join == Join::Not {
            leg.join = Join::Asked;
            ops.push(Op::Join(part));
        }
    }
}

fn play(music: bool, f: &mut Facts, ops: &mut Vec<Op>) {
    match f.music {
        Music::Off if music && f.a.entered && !f.b.up => {
            f.music = Music::Asked;
            ops.push(Op::StartMusic);
        }
        Music::On if f.b.talks() => {
            f.music = Music::Over;
            ops.push(Op::StopMusic);
        }
        Music::Off | Music::Asked | Music::On | Music::Over => {}
    }
}

/// Makes the channel that records A, if there is none.
fn snoop(f: &mut Facts, ops: &mut Vec<Op>) {
    if f.a.presence == Presence::There && f.snoop.presence == Presence::Never {
        f.snoop = Channel::asked();
        ops.push(Op::Snoop);
    }
}

fn record(f: &mut Facts, ops: &mut Vec<Op>) {
    let may = f.snoop.presence == Presence::There && f.snoop.entered;
    if may && f.recording == RecordingPhase::Not {
        f.recording = RecordingPhase::Asked;
        ops.push(Op::Record);
    }
}

/// Asks for whatever must go: channels first, the bridge when both legs are gone, for
/// deleting a bridge under a channel that hangs up overwrites the hangup cause.
pub(crate) fn take_down(f: &mut Facts, ops: &mut Vec<Op>) {
    f.find(ops);
    f.a.hang_up(Part::A, ops);
    f.b.hang_up(Part::B, ops);
    if f.a.presence.may_live() && !f.a.is_only_feared() {
        // The snoop hears its last words, and the bridge may hold it.
        return;
    }
    if f.a.presence == Presence::Elsewhere {
        // It would go on listening to somebody who is not ours any more.
        f.snoop.hang_up(Part::Snoop, ops);
    } else if f.snoop.presence == Presence::There {
        // It ends with A by itself, and a request would only meet a busy Asterisk.
        f.snoop.presence = Presence::Leaving;
    }
    if f.bridge == Presence::There && !f.b.presence.may_live() {
        f.bridge = Presence::Leaving;
        ops.push(Op::DestroyBridge);
    }
}

/// Asks again for what was to go and did not: its answer or event is overdue.
pub(crate) fn insist(f: &Facts, ops: &mut Vec<Op>) {
    for (part, channel) in [(Part::A, &f.a), (Part::B, &f.b), (Part::Snoop, &f.snoop)] {
        if channel.presence == Presence::Leaving {
            ops.push(Op::HangUp(part));
        }
    }
    if f.bridge == Presence::Leaving {
        ops.push(Op::DestroyBridge);
    }
}

/// Asks again where the legs are that left our application: no answer told.
pub(crate) fn find_again(f: &Facts, ops: &mut Vec<Op>) {
    for (part, channel) in [(Part::A, &f.a), (Part::B, &f.b)] {
        if channel.presence.is_away() {
            ops.push(Op::Find(part));
        }
    }
}
