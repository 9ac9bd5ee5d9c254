//! Places that a test breaks on purpose, to see that the simulation notices.

use std::cell::Cell;

/// What is broken. Each stands in one place of the code, in `sabotaged!(…)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// One call more than MAX_CC is placed.
    OneTooMany,
    /// A lead whose attempt was interrupted waits again, whatever `ON_INTERRUPTED` says.
    CallsAgain,
    /// The end of an attempt is written down twice.
    EndsTwice,
    /// An attempt that ended is not written down.
    EndsUnwritten,
    /// What no call knows is left alone.
    LeavesStrays,
    /// Recordings are not fetched.
    LeavesRecordings,
    /// The gate stands open.
    OpenGate,
    /// Whoever was begun before a pause is dialed all the same.
    DialsInPause,
    /// The campaign is not told that the link is down.
    IgnoresLoss,
    /// Nothing follows from it that a target has failed.
    WaitsForEver,
    /// Whoever answered and never reached the target counts as not answering.
    MiscountsAbandoned,
    /// Pictures are taken once a second.
    LatePicture,
    /// A command is answered before there is a picture of what it did.
    LateAnswer,
    /// A beginning is called durable before it is.
    DialsBeforeDurable,
    /// What a dead process left is not looked up.
    ForgetsOrphans,
    /// What a dead process did not write down of its recordings is not looked for.
    TrustsWhatIsWritten,
    /// Numbers that were added are answered before they are on the disk.
    AnswersBeforeDurable,
    /// The list takes off what it never had.
    SkipsAdded,
    /// A call that Asterisk does not find is over, whatever may still come of its originate.
    TrustsA404,
    /// A call that a census does not list is over, whatever may still come of its originate.
    TrustsACensus,
    /// What a dead process originated last has been carried out before the next one looks.
    TrustsTheDead,
    /// One call more may leave than there may be now that MAX_CC was lowered.
    IgnoresLowering,
    /// The gate stands open though Asterisk answers nothing.
    OpenGateInSilence,
    /// A start right after DONE calls everybody again.
    RecallsAfterDone,
    /// What has ended since a census was asked for lives, as it says.
    TrustsAnOldCensus,
    /// Asterisk is not looked at while no event stream is up.
    IsBlindWhenDeaf,
    /// A call is over only when Asterisk has no channel of it any more.
    WaitsForWhatIsKept,
    /// A call is over though only we asked for that and nothing came of it.
    FreesWhatMayRing,
    /// Who takes the place of a leg after a transfer belongs to nobody.
    ForgetsTransfers,
    /// A recording that ends with the channel whose place another one took is not gone on with.
    ForgetsRecordings,
    /// The end of a channel that another one has replaced unheard ends the call.
    TrustsAnEndUnheard,
    /// Channels in our application that belong to no call stay.
    KeepsStrangers,
    /// Who was moved out of our application is hung up.
    HangsUpWhoWasMoved,
    /// Nothing follows from refusals in a row.
    IgnoresStreaks,
    /// Whoever stands in a journal in two spellings is called at each.
    CallsEachSpelling,
    /// Emergency numbers are dialed like all others.
    DialsEmergencies,
    /// A target that did not answer in time, by what was heard, is not asked for.
    CutsUnheard,
    /// A 603 of an analytics service counts as that of a person.
    TakesBlockedForRejected,
    /// The timelines of calls that ended long ago are kept.
    KeepsTimelines,
}

thread_local! {
    static NOW: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Breaks one place, on this thread.
pub(crate) fn set(what: Option<Sabotage>) {
    NOW.set(what);
}

pub(crate) fn is(what: Sabotage) -> bool {
    NOW.get() == Some(what)
}
