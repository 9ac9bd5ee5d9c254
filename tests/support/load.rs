//! Pictures of an engine under load, to measure the console with.

use std::sync::Arc;
use std::time::Duration;

use dialdeck::campaign::{
    AttemptId, CallView, CallWord, Disposition, HangupCause, LeadId, LeadRow, LeadState, Leads,
    Limit, MaxCc, Number, RunId, RunState, Stats, Time,
};
use dialdeck::engine::{JournalView, LinkView, RecordingsView, Snapshot};

/// When all this is.
pub(crate) const BEGIN: Time = Time::from_millis(1_795_000_000_000);

/// So many leads that all wait.
pub(crate) fn leads(count: u32) -> Leads {
    let mut leads = Leads::default();
    for n in 0..count {
        // Neither in the order of the numbers, nor all with the same beginning.
        let digits = u64::from(n) * 7_919_777 % 9_000_000_011;
        let number = Number::parse(&format!("+{}", 12_000_000_000 + digits));
        leads.add(&number.expect("a number"), BEGIN);
    }
    leads
}

/// The first `count` leads end, not in the order of the list, each in one of the usual ways.
pub(crate) fn end(leads: &mut Leads, count: u32) {
    for n in 0..count {
        let id = LeadId(n);
        let attempt = u64::from(n) * 7919 % u64::from(count) + 1;
        leads.restore_row(id, ended(attempt));
    }
}

fn ended(attempt: u64) -> LeadRow {
    let ways = [
        (Disposition::Answered, 16, None),
        (Disposition::Busy, 17, Some(486)),
        (Disposition::NoAnswer, 19, None),
        (Disposition::Congestion, 34, Some(503)),
        (Disposition::InvalidNumber, 1, Some(404)),
        (Disposition::Rejected, 21, Some(603)),
        (Disposition::Abandoned, 16, None),
    ];
    let (disposition, q850, sip) = ways[usize::try_from(attempt * 31 % 7).expect("small")];
    LeadRow {
        state: LeadState::Final(disposition),
        attempts: u16::try_from(attempt % 3).expect("small") + 1,
        last: Some(AttemptId(attempt)),
        cause: HangupCause { q850, sip },
    }
}

/// A picture of an engine that dials these leads, with no call up.
pub(crate) fn picture(leads: Leads, at: Time) -> Snapshot {
    let max_cc = MaxCc::new(200).expect("above 0");
    Snapshot {
        at,
        run: RunId(1),
        list: "numbers.txt".into(),
        target: "Local/777@default".into(),
        state: RunState::Dialing,
        stopping: None,
        link: LinkView {
            asterisk: "127.0.0.1:8088".into(),
            down: None,
            last_heard: Some(at),
            lost: 0,
            strangers: 0,
        },
        journal: JournalView::default(),
        mirror: dialdeck::mirror::MirrorView::default(),
        recordings: RecordingsView::default(),
        limit: Limit {
            requested: max_cc,
            effective: max_cc.calls(),
            in_use: 0,
            held: None,
        },
        leads,
        calls: Vec::new(),
        quality: Arc::default(),
        stats: Stats::default(),
        trends: Arc::default(),
        audit: Arc::from([]),
        streak: None,
        news_dropped: 0,
    }
}

/// A campaign with as many calls up as are allowed and so many events a second, as pictures.
pub(crate) struct Busy {
    picture: Snapshot,
    next: u32,
    attempts: u64,
    dice: fastrand::Rng,
}

impl Busy {
    pub(crate) fn new(calls: u32, leads: Leads) -> Self {
        let mut busy = Self {
            picture: picture(leads, BEGIN),
            next: 0,
            attempts: 0,
            dice: fastrand::Rng::with_seed(1),
        };
        for _ in 0..calls {
            busy.dial();
            let word = busy.dice.choice(WORDS).unwrap_or(CallWord::Bridged);
            let ago = Duration::from_millis(busy.dice.u64(0..60_000));
            let call = busy.picture.calls.last_mut().expect("it was dialed");
            call.word = word;
            call.begun_at = Time(BEGIN.0 - u64::try_from(ago.as_micros()).expect("short"));
            call.since = call.begun_at + ago / 2;
        }
        busy.picture.calls.sort_by_key(|call| call.begun_at);
        busy
    }

    /// The picture after `events` more events, at `at`.
    pub(crate) fn after(&mut self, events: u32, at: Time) -> Arc<Snapshot> {
        self.picture.at = at;
        self.picture.link.last_heard = Some(at);
        for _ in 0..events {
            self.event();
        }
        self.picture.limit.in_use = self.picture.calls.len();
        Arc::new(self.picture.clone())
    }

    /// One call comes one step further; one that ends makes room for the next.
    fn event(&mut self) {
        let place = self.dice.usize(..self.picture.calls.len());
        let at = self.picture.at;
        let call = &mut self.picture.calls[place];
        call.since = at;
        call.word = match call.word {
            CallWord::Dialing => CallWord::Ringing,
            CallWord::Ringing | CallWord::EarlyMedia => CallWord::Answered,
            CallWord::Answered => CallWord::Bridged,
            CallWord::Bridged => CallWord::Ending,
            CallWord::Ending => return self.hang_up(place),
        };
        call.recording = call.word == CallWord::Bridged;
    }

    fn hang_up(&mut self, place: usize) {
        let call = self.picture.calls.remove(place);
        let row = ended(call.attempt.0);
        self.picture.leads.restore_row(call.lead, row);
        self.dial();
    }

    fn dial(&mut self) {
        let (lead, at) = (LeadId(self.next), self.picture.at);
        self.next += 1;
        self.attempts += 1;
        let attempt = AttemptId(self.attempts);
        let leads = &mut self.picture.leads;
        leads.restore(lead, LeadState::Calling(attempt));
        let number = leads.number(lead).expect("the list is long enough");
        self.picture.calls.push(CallView {
            attempt,
            lead,
            number,
            word: CallWord::Dialing,
            begun_at: at,
            since: at,
            ringing_at: None,
            early_media_at: None,
            answered_at: None,
            bridged_at: None,
            recording: false,
        });
    }
}

const WORDS: [CallWord; 5] = [
    CallWord::Dialing,
    CallWord::Ringing,
    CallWord::Answered,
    CallWord::Bridged,
    CallWord::Ending,
];
