//! What goes into the campaign and what comes out of it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::disposition::{Disposition, EndedBy, HangupCause};
use super::ids::{AttemptId, LeadId, MaxCc, Part};
use super::number::Number;
use super::pace::TrunkIs;
use super::reconcile::Reconciled;
use super::record::{Record, RunState};
use super::settings::CallSettings;
use super::time::Time;

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The attempt's beginning is on disk: it may be dialed.
    Durable(AttemptId),
    /// The journal could not take the attempt's beginning: it must not be dialed.
    NotDurable(AttemptId),
    /// The journal is well again.
    JournalWell,
    /// The event stream is up, and this is what lives in Asterisk of ours.
    LinkUp(Census),
    /// The event stream is lost, or was closed.
    LinkDown,
    /// What lives in Asterisk of ours, asked for while the link is up.
    Census(Census),
    /// The same, asked for while events are missed: no event stream is up, or not all that
    /// lives is subscribed to yet. What happens next may go unheard.
    Glimpse(Census),
    /// Asterisk answered a request.
    Answer {
        /// The attempt it was asked for.
        attempt: AttemptId,
        /// What was asked.
        op: Op,
        /// What came of it.
        result: Result<(), OpError>,
    },
    /// How the trunk stands, after [`Effect::ProbeTrunk`].
    Trunk {
        /// The attempt whose originate was refused.
        attempt: AttemptId,
        /// What Asterisk said of it; there, where it said nothing.
        trunk: TrunkIs,
    },
    /// Whether anything has come back from the carrier, after [`Effect::AskCarrier`].
    Carrier {
        /// The attempt that was asked about.
        attempt: AttemptId,
        /// `false` only if Asterisk said so.
        answered: bool,
    },
    /// Whether Asterisk answered [`Effect::ProbeAsterisk`].
    Probed {
        /// With anything at all.
        answered: bool,
    },
    /// A channel of ours did something.
    Leg {
        /// The attempt it belongs to.
        attempt: AttemptId,
        /// Which of its channels.
        part: Part,
        /// What it did.
        event: LegEvent,
        /// Asterisk tells with it that the channel is up, or was to its end.
        is_up: bool,
        /// Asterisk's own time of it, in milliseconds since 1970.
        stamp_ms: Option<i64>,
    },
    /// A phone has transferred its call: another channel stands in the place of one of ours, in
    /// the bridge and in our application, and the one before ends.
    Transferred {
        /// The attempt.
        attempt: AttemptId,
        /// Whose place it is: leg A or leg B.
        part: Part,
        /// Where to, for a reader: `100@from-agents`.
        to: String,
    },
    /// The recording of an attempt ended in Asterisk.
    RecordingEnded {
        /// The attempt.
        attempt: AttemptId,
        /// `false` where Asterisk said that it failed.
        ok: bool,
    },
    /// Nothing but time has passed.
    Tick,
}

/// What a channel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegEvent {
    /// It is in our Stasis application (for leg A: it has answered).
    Entered,
    /// It rings.
    Ringing,
    /// It sends early media: an announcement, or a tone that is no ringing told as such.
    EarlyMedia,
    /// It is up.
    Up,
    /// It is in the bridge.
    Joined,
    /// It is no longer in the bridge.
    Left,
    /// A dial made on it, or by its second half, has come to this.
    Dial(DialStatus),
    /// It is about to go: an analytics service on the way refused the call.
    Blocked,
    /// It left our application. If nothing was told of a hangup before, it may live on
    /// elsewhere: [`Op::Find`].
    LeftApp,
    /// It lives on outside of our application: somebody moved it.
    HandedOver,
    /// It is leaving: a program asked for that.
    Leaving(Option<HangupCause>),
    /// It is leaving, for its far end has hung up or refused: nobody is there any more.
    HungUp(Option<HangupCause>),
    /// It is no more.
    Gone(HangupCause),
}

impl LegEvent {
    /// Whether it is of a channel that lives, and goes on to.
    pub(super) const fn tells_of_life(self) -> bool {
        matches!(
            self,
            Self::Entered | Self::Ringing | Self::EarlyMedia | Self::Up | Self::Joined
        )
    }

    /// Whether it is of a channel that is no more, or soon is not.
    pub(super) const fn tells_of_the_end(self) -> bool {
        matches!(self, Self::Leaving(_) | Self::HungUp(_) | Self::Gone(_))
    }
}

/// The ends of a dial, as `Dial` events tell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialStatus {
    /// Answered.
    Answer,
    /// Busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// No room, or not reachable.
    Unavailable,
}

/// The channels and bridges in Asterisk whose ids are this journal's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// When it was asked for, before the first request of it left: what was made later is
    /// not missed in it.
    pub asked_at: Time,
    /// The channels, and whether each is up.
    pub channels: Vec<(AttemptId, Part, bool)>,
    /// The legs A and B that live outside of our application, answered: somebody moved them.
    /// They are not among the channels.
    pub elsewhere: Vec<(AttemptId, Part)>,
    /// The attempts that have a bridge.
    pub bridges: Vec<AttemptId>,
    /// The channels that are in their attempt's bridge.
    pub joined: Vec<(AttemptId, Part)>,
    /// Which of [`Campaign::unknown_recordings`](super::Campaign::unknown_recordings) lie in
    /// Asterisk's spool.
    pub recorded: Vec<AttemptId>,
    /// The spool could not be looked into: that an attempt is not in [`Self::recorded`] says
    /// nothing.
    pub spool_unknown: bool,
    /// The attempts of which no channel is left that recorded them before a transfer.
    pub recorder_gone: Vec<AttemptId>,
    /// Asterisk was restarted since the last census that could tell.
    pub restarted: bool,
}

impl Census {
    /// Whether it has this channel.
    pub(super) fn lists(&self, attempt: AttemptId, part: Part) -> bool {
        let of_it = |(a, p, _): &(AttemptId, Part, bool)| (*a, *p) == (attempt, part);
        self.channels.iter().any(of_it)
    }

    /// Whether it has this channel, and up.
    pub(super) fn has_up(&self, attempt: AttemptId, part: Part) -> bool {
        self.channels.contains(&(attempt, part, true))
    }
}

/// One request to Asterisk for an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Dial leg A.
    OriginateA,
    /// Make the bridge.
    CreateBridge,
    /// Make leg B without dialing it.
    CreateB,
    /// Dial leg B that was made.
    DialB,
    /// Make and dial leg B in one, the plain order.
    OriginateB,
    /// Put a leg into the bridge.
    Join(Part),
    /// Make the snoop channel.
    Snoop,
    /// Record on the snoop channel.
    Record,
    /// Play music to A.
    StartMusic,
    /// End the music.
    StopMusic,
    /// Ask where a channel is that left our application without a hangup. `Ok` means that it
    /// lives elsewhere, [`OpError::NotFound`] that it is no more.
    Find(Part),
    /// Ask whether the target has answered, which nobody may have heard. `Ok` means that it has,
    /// and that A is there: in the bridge, where it has joined it.
    AskTarget {
        /// A was in the bridge.
        a_joined: bool,
    },
    /// Hang up a channel.
    HangUp(Part),
    /// Delete the bridge.
    DestroyBridge,
}

/// Why a request came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpError {
    /// Surely not carried out: nothing was sent.
    NotSent,
    /// Refused by Asterisk for the moment: what it is about is still being made.
    TooEarly,
    /// Surely not sent: calling was stopped before its turn came.
    Withheld,
    /// Perhaps carried out: no answer came in time.
    Unknown,
    /// The login was refused.
    Login,
    /// 404.
    NotFound,
    /// Refused with this HTTP status.
    Refused(u16),
}

/// Something to do outside, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write this down.
    Journal(Record),
    /// Ask Asterisk.
    Ask {
        /// For this attempt.
        attempt: AttemptId,
        /// This.
        op: Op,
        /// The number of the lead.
        number: Number,
        /// The settings by which the attempt began.
        settings: Arc<CallSettings>,
    },
    /// Ask how the trunk stands; answer with [`Input::Trunk`].
    ProbeTrunk(AttemptId),
    /// Ask whether the carrier has answered anything to this attempt; answer with
    /// [`Input::Carrier`].
    AskCarrier(AttemptId),
    /// Ask Asterisk something harmless, to see whether it answers; answer with
    /// [`Input::Probed`].
    ProbeAsterisk,
    /// A channel or bridge of ours that no call knows: take it down.
    TakeDownStray {
        /// Whose it was.
        attempt: AttemptId,
        /// What it is.
        part: Part,
    },
    /// The recording may be fetched.
    FetchRecording {
        /// Whose it is.
        attempt: AttemptId,
        /// The number, for the file's name.
        number: Number,
        /// The attempt's begin, for the file's name.
        begun_at: Time,
        /// The settings by which the attempt began.
        settings: Arc<CallSettings>,
    },
    /// Tell people.
    Tell(Notice),
}

/// What people are told, one line each.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// The state of the run.
    State {
        /// The new one.
        state: RunState,
    },
    /// A call came this far.
    Call {
        /// The attempt.
        attempt: AttemptId,
        /// The lead.
        lead: LeadId,
        /// The number.
        number: Number,
        /// How far.
        step: CallStep,
    },
    /// A call ended.
    Ended(Box<CallSummary>),
    /// There is no recording of a call.
    RecordingFailed {
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        why: String,
    },
    /// Asterisk answers no requests, although its events come in: nobody is dialed.
    Silent {
        /// Since when.
        since: Time,
    },
    /// It answers again.
    Answers {
        /// How long it did not.
        lasted: Duration,
    },
    /// The link is back, or there for the first time, and this was done about what it missed.
    Reconciled(Reconciled),
    /// Asterisk keeps what was to go, asked again and again.
    Kept {
        /// The attempt.
        attempt: AttemptId,
        /// What it keeps.
        part: Part,
        /// Somebody may be there, so the call goes on and holds its slot.
        holds_slot: bool,
    },
    /// A phone has transferred its call, which goes on.
    Transferred {
        /// The attempt.
        attempt: AttemptId,
        /// The lead.
        lead: LeadId,
        /// The number.
        number: Number,
        /// The leg whose phone did it.
        by: Part,
        /// Where to: `100@from-agents`.
        to: String,
    },
    /// Something that a person should know, as a sentence.
    Warning(String),
}

/// How far a call has come, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallStep {
    /// The originate leaves.
    Dialing,
    /// A rings.
    Ringing,
    /// A sends early media.
    EarlyMedia,
    /// A answered.
    Answered,
    /// Both are up and in one bridge.
    Bridged {
        /// From A's answer, in milliseconds.
        dead_air_ms: u32,
    },
    /// An agent behind a queue answered.
    Agent,
    /// The attempt was taken back before anything left, and the lead waits again.
    Withdrawn,
}

/// All there is to tell of a call that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct CallSummary {
    /// The attempt.
    pub attempt: AttemptId,
    /// The lead.
    pub lead: LeadId,
    /// The number.
    pub number: Number,
    /// A dead process has dialed it.
    pub inherited: bool,
    /// The settings by which it began.
    pub settings: Arc<CallSettings>,
    /// When the decision to dial fell.
    pub begun_at: Time,
    /// When A rang, or sent early media.
    pub ringing_at: Option<Time>,
    /// When A answered.
    pub answered_at: Option<Time>,
    /// When B was dialed.
    pub target_dialed_at: Option<Time>,
    /// When both were up and bridged.
    pub bridged_at: Option<Time>,
    /// When A's phone hung up, if that was told; when A was gone, or was found to be.
    pub ended_at: Time,
    /// How it ended.
    pub disposition: Disposition,
    /// The first cause seen.
    pub cause: HangupCause,
    /// Who ended it.
    pub by: EndedBy,
    /// More, for a reader.
    pub note: Option<&'static str>,
    /// Dead air in milliseconds.
    pub dead_air_ms: Option<u32>,
    /// Whether there is a recording: it was asked for, and nothing has failed so far.
    pub recorded: bool,
}

/// What a person or a program may ask of the campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Dial, or go on dialing.
    Start,
    /// Place no new calls.
    Pause,
    /// Place no new calls; IDLE when the live ones have ended.
    Drain,
    /// Hang up everything, then IDLE.
    StopNow,
    /// How many calls may be up at once.
    SetMaxCc(MaxCc),
    /// Hang up one call.
    HangUp(AttemptId),
    /// Hang up all calls; the state stays.
    HangUpAll,
    /// Take a waiting lead off the list.
    Skip(LeadId),
    /// Call a lead again that has ended: it takes its place in the line again. At DONE this
    /// reopens the run, and dials.
    Requeue(LeadId),
    /// Call many again that have ended, as [`Self::Requeue`] does one.
    RequeueMany(Again),
}

/// Which leads that have ended wait again. Without a time and a disposition: those of the streak
/// that paused the run last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// The first attempt that is meant: those that were begun since some time.
    pub from: Option<AttemptId>,
    /// How the last attempt ended. Where it is not given, the carrier has refused.
    pub disposition: Option<Disposition>,
    /// Also those who have answered and reached nobody.
    pub reached: bool,
}

impl std::fmt::Display for Again {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.from, self.disposition) {
            (None, None) => f.write_str("call the last streak again"),
            (from, disposition) => {
                let whom = disposition.map_or("refused", Disposition::as_str);
                write!(f, "call all {whom} again")?;
                from.map_or(Ok(()), |from| write!(f, " from call {from} on"))
            }
        }
    }
}

/// The reason of a pause that a person asked for; any other is a rule's.
pub const BY_OPERATOR: &str = "by the operator";

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Pause => f.write_str("pause"),
            Self::Drain => f.write_str("drain"),
            Self::StopNow => f.write_str("stop now"),
            Self::SetMaxCc(max_cc) => write!(f, "MAX_CC {max_cc}"),
            Self::HangUp(attempt) => write!(f, "hang up call {attempt}"),
            Self::HangUpAll => f.write_str("hang up all calls"),
            Self::Skip(lead) => write!(f, "skip lead {lead}"),
            Self::Requeue(lead) => write!(f, "call lead {lead} again"),
            Self::RequeueMany(again) => again.fmt(f),
        }
    }
}

/// What a command came to: a sentence either way.
pub type Outcome = Result<String, String>;
