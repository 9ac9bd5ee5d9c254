//! What is known of one channel.

use super::stamps::Stamps;
use crate::campaign::disposition::HangupCause;
use crate::campaign::ids::Part;
use crate::campaign::io::Op;
use crate::campaign::time::Time;

/// Whether a channel or bridge exists, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Presence {
    /// Not asked for.
    #[default]
    Never,
    /// Asked for, and neither confirmed nor refused. It must not be deleted yet: the
    /// delete could overtake the creation.
    Asked,
    /// It exists.
    There,
    /// It left our application, and nothing was told of a hangup: it may live elsewhere, and
    /// nobody hangs it up before that is known.
    Away {
        /// Asterisk was asked where it is.
        asked: bool,
    },
    /// It is on its way out: its end was asked for, or Asterisk told that it leaves.
    Leaving,
    /// Somebody moved it: it lives on outside of our application, and is not ours any more.
    Elsewhere,
    /// It is no more.
    Gone,
}

impl Presence {
    pub(crate) const fn may_live(self) -> bool {
        matches!(
            self,
            Self::Asked | Self::There | Self::Away { .. } | Self::Leaving
        )
    }

    /// It left our application, and it is not known where it is.
    pub(crate) const fn is_away(self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// It is no more, or no longer ours.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Gone | Self::Elsewhere)
    }

    /// The answer to the request that makes it.
    pub(crate) fn answered(&mut self, done: bool) {
        if *self == Self::Asked {
            *self = if done { Self::There } else { Self::Never };
        }
    }
}

/// How far a channel is into the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Join {
    #[default]
    Not,
    Asked,
    /// Asterisk said yes; its event is still to come.
    Accepted,
    In,
}

/// Its far end has hung up: Asterisk told so, or shows it out of the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HungUp {
    pub(crate) at: Time,
    pub(crate) cause: Option<HangupCause>,
}

/// What is known of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Channel {
    pub(crate) presence: Presence,
    /// When it was first known to exist: a census asked for before says nothing of it.
    pub(crate) since: Time,
    /// When it was asked for last: what a census that was asked for before has under its id is
    /// a channel that it has replaced.
    pub(crate) asked_at: Time,
    /// Its originate was given up for unanswered: until then its absence proves nothing, unless
    /// it has come.
    pub(crate) doubtful_until: Option<Time>,
    /// And then it came.
    pub(crate) came_late: bool,
    pub(crate) hung_up: Option<HungUp>,
    /// When Asterisk first took a request to end it.
    pub(crate) taken_at: Option<Time>,
    /// In our Stasis application: only then may it join a bridge (422 before).
    pub(crate) entered: bool,
    pub(crate) up: bool,
    pub(crate) join: Join,
    /// When it was first known to be in the bridge.
    joined_at: Time,
    pub(crate) stamps: Stamps,
}

impl Channel {
    /// A channel that is being asked for.
    pub(crate) fn asked() -> Self {
        Self {
            presence: Presence::Asked,
            ..Self::default()
        }
    }

    /// The next one under the same id.
    pub(crate) fn asked_again(&self) -> Self {
        let mut next = Self::asked();
        next.stamps = self.stamps.of_the_next();
        next
    }

    /// The one that takes its place after a transfer, in its bridge. It counts as up, as the one
    /// before was, while it may still ring.
    pub(crate) fn replacement(now: Time) -> Self {
        Self {
            presence: Presence::There,
            since: now,
            asked_at: now,
            entered: true,
            up: true,
            join: Join::In,
            joined_at: now,
            ..Self::default()
        }
    }

    /// In its bridge by all that is known, or until it left our application.
    pub(crate) fn has_joined(&self) -> bool {
        matches!(self.join, Join::Accepted | Join::In) || self.presence.is_away()
    }

    /// Up, and not on its way out.
    pub(crate) fn talks(&self) -> bool {
        self.up && self.presence == Presence::There
    }

    pub(crate) fn exists(&mut self, now: Time) {
        if matches!(self.presence, Presence::Never | Presence::Asked) {
            self.presence = Presence::There;
            self.since = now;
        }
    }

    /// Out of our application and of its bridge. Where a hangup was asked for, or told, that is
    /// why.
    pub(crate) fn left_app(&mut self, now: Time) {
        self.exists(now);
        if sabotaged!(HangsUpWhoWasMoved) {
            self.presence = Presence::Leaving;
        } else if self.presence == Presence::There {
            self.presence = Presence::Away { asked: false };
            // A census that was asked for before still has it here.
            self.asked_at = now;
            self.entered = false;
            self.join = Join::Not;
        }
    }

    /// Asks where it is, if that is not known and was not asked.
    pub(crate) fn find(&mut self, part: Part, ops: &mut Vec<Op>) {
        if self.presence == (Presence::Away { asked: false }) {
            self.presence = Presence::Away { asked: true };
            ops.push(Op::Find(part));
        }
    }

    /// It lives elsewhere, and is not ours any more.
    pub(crate) fn handed_over(&mut self) {
        self.gone();
        self.presence = Presence::Elsewhere;
    }

    /// It is in our application again, or in it for the first time.
    pub(crate) fn enters(&mut self, now: Time) {
        self.exists(now);
        self.entered = true;
        if self.presence.is_away() {
            self.presence = Presence::There;
        }
    }

    /// Out of the application and soon gone; nobody else needs to hang it up.
    pub(crate) fn leaves(&mut self, now: Time) {
        self.exists(now);
        self.presence = Presence::Leaving;
    }

    /// Its far end has hung up; the first cause that is told counts.
    pub(crate) fn hangs_up(&mut self, now: Time, cause: Option<HangupCause>) {
        self.leaves(now);
        let hung_up = self.hung_up.get_or_insert(HungUp { at: now, cause });
        hung_up.cause = hung_up.cause.or(cause);
    }

    pub(crate) fn gone(&mut self) {
        *self = Self {
            presence: Presence::Gone,
            hung_up: self.hung_up,
            stamps: self.stamps,
            ..Self::default()
        };
    }

    /// Asterisk may still make it, or has made it since it was asked: that a request does not
    /// find it proves nothing.
    pub(crate) fn may_still_come(&self, now: Time) -> bool {
        self.doubtful_until.is_some_and(|until| now < until)
    }

    /// Whether a census that was asked for at `asked_at` would have to list it. It is made
    /// once, so what has come and is not listed is over.
    pub(crate) fn is_due_in_census(&self, asked_at: Time) -> bool {
        let known = matches!(
            self.presence,
            Presence::There | Presence::Away { .. } | Presence::Leaving
        );
        let feared = self.is_only_feared() && self.may_still_come(asked_at);
        known && self.since < asked_at && !feared
    }

    /// Nobody has seen it, and it may still come: then it is hung up by itself.
    pub(crate) const fn is_only_feared(&self) -> bool {
        self.doubtful_until.is_some() && !self.came_late
    }

    /// It was made after all, and what was asked of it before did not find it: that it was not
    /// found may be told even after this.
    pub(crate) fn has_come(&mut self, now: Time) {
        if self.is_only_feared() && self.presence == Presence::Leaving {
            self.presence = Presence::There;
        }
        self.was_met(now);
    }

    /// Asterisk had it, if only to hang it up.
    pub(crate) fn was_met(&mut self, now: Time) {
        if self.is_only_feared() {
            self.came_late = true;
            self.since = now;
        }
    }

    /// Asterisk has taken the request to end it.
    pub(crate) fn is_to_end(&mut self, now: Time) {
        self.was_met(now);
        // Another one may have taken the place of that one.
        if self.presence == Presence::Leaving {
            self.taken_at.get_or_insert(now);
        }
    }

    /// Since when it was to go, by its far end or by our wish.
    pub(crate) fn was_to_go_at(&self) -> Option<Time> {
        let hung_up = self.hung_up.map(|hung_up| hung_up.at);
        [hung_up, self.taken_at].into_iter().flatten().min()
    }

    pub(crate) fn joins(&mut self, now: Time) {
        if self.join != Join::In {
            self.join = Join::In;
            self.joined_at = now;
        }
    }

    /// Whether a census that was asked for at `asked_at` would have to show it in the bridge:
    /// nobody who was not asked to go leaves it but for good.
    pub(crate) fn is_due_in_bridge(&self, asked_at: Time) -> bool {
        let stays = self.presence == Presence::There && self.join == Join::In;
        stays && self.joined_at < asked_at
    }

    pub(crate) fn join_answered(&mut self, done: bool) {
        if self.join == Join::Asked {
            self.join = if done { Join::Accepted } else { Join::Not };
        }
    }

    /// Asks for its end, if it exists and that was not asked for.
    pub(crate) fn hang_up(&mut self, part: Part, ops: &mut Vec<Op>) {
        if self.presence == Presence::There {
            self.presence = Presence::Leaving;
            ops.push(Op::HangUp(part));
        }
    }
}
