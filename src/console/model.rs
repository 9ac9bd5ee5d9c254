//! What the console knows: the picture it shows, and what the operator has opened, selected
//! and typed. Nothing here touches the engine.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::calls::CallsPane;
use super::popup::Popup;
use super::queue::QueuePane;
use super::theme::Theme;
use super::view::SMALLEST;
use crate::campaign::{AttemptId, LeadId, RunState, Time};
use crate::control::Away;
use crate::engine::{Detail, Snapshot};
use crate::keys::KeyMap;

/// A pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pane {
    Queue,
    Calls,
    Log,
}

impl Pane {
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Queue => Self::Calls,
            Self::Calls => Self::Log,
            Self::Log => Self::Queue,
        }
    }

    pub(crate) const fn before(self) -> Self {
        self.next().next()
    }
}

/// What fills the screen between header and footer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum View {
    Panes,
    /// All about a lead; `None` until the engine has answered.
    Detail(LeadId, Option<Box<Detail>>),
    Trends,
    Audit,
    Help,
}

/// How weighty a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A command is on its way.
    Pending,
    Done,
    Refused,
}

/// One line for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusLine {
    pub(crate) at: Time,
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// A `MAX_CC` on its way: the next step counts from it, for the picture is older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaxCcAsked {
    Sent(u32),
    /// Answered at this moment: a picture that was taken later shows it.
    Answered(u32, Time),
}

/// What stays the same while the console runs.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) theme: Theme,
    pub(crate) keys: KeyMap,
    pub(crate) read_only: bool,
    pub(crate) zone: TimeZone,
    /// The engine is in another process.
    pub(crate) attached: bool,
}

/// The console's whole state.
pub(crate) struct Model {
    pub(crate) setup: Setup,
    /// The time as of the last tick.
    pub(crate) now: Time,
    /// The latest picture, whatever is shown.
    pub(crate) live: Arc<Snapshot>,
    /// The picture that is shown while the display is frozen, and since when.
    pub(crate) frozen: Option<(Time, Arc<Snapshot>)>,
    pub(crate) focus: Pane,
    pub(crate) zoom: bool,
    pub(crate) view: View,
    pub(crate) popup: Option<Popup>,
    pub(crate) queue: QueuePane,
    pub(crate) calls: CallsPane,
    pub(crate) log: super::log::LogPane,
    /// How far help, audit and detail are scrolled.
    pub(crate) page_scroll: usize,
    pub(crate) hide_digits: bool,
    pub(crate) message: Option<StatusLine>,
    /// What was asked for `MAX_CC` and is not in the picture yet.
    pub(crate) max_cc: Option<MaxCcAsked>,
    /// When `MAX_CC` was raised by a key last, and by how much in one series of such keys.
    pub(crate) raising: Option<(Time, usize)>,
    /// Commands whose outcome is awaited.
    pub(crate) pending: u32,
    /// The engine has died, and why.
    pub(crate) engine_ended: Option<String>,
    /// The engine is in another process and not reached.
    pub(crate) away: Option<Away>,
    pub(crate) size: (u16, u16),
}

impl Model {
    pub(crate) fn new(setup: Setup, snapshot: Arc<Snapshot>, size: (u16, u16)) -> Self {
        let mut model = Self {
            setup,
            now: snapshot.at,
            live: snapshot,
            frozen: None,
            focus: Pane::Calls,
            zoom: false,
            view: View::Panes,
            popup: None,
            queue: QueuePane::default(),
            calls: CallsPane::default(),
            log: super::log::LogPane::default(),
            page_scroll: 0,
            hide_digits: false,
            message: None,
            max_cc: None,
            raising: None,
            pending: 0,
            engine_ended: None,
            away: None,
            size,
        };
        model.refresh();
        model
    }

    /// The picture that is shown.
    pub(crate) fn shown(&self) -> &Arc<Snapshot> {
        self.frozen
            .as_ref()
            .map_or(&self.live, |(_, frozen)| frozen)
    }

    /// Durations are told as of this moment: of the freeze, while the display is frozen.
    pub(crate) fn shown_now(&self) -> Time {
        self.frozen.as_ref().map_or(self.now, |(at, _)| *at)
    }

    /// Lists and selections follow the picture that is shown.
    pub(crate) fn refresh(&mut self) {
        let (shown, now) = (Arc::clone(self.shown()), self.shown_now());
        self.queue.refresh(shown.run, &shown.leads, now);
        self.calls.refresh(&shown.calls, now);
    }

    /// Filter or order have changed.
    pub(crate) fn rebuild(&mut self, pane: Pane) {
        let (shown, now) = (Arc::clone(self.shown()), self.shown_now());
        match pane {
            Pane::Queue => self.queue.rebuild(shown.run, &shown.leads, now),
            Pane::Calls => self.calls.rebuild(&shown.calls),
            Pane::Log => {}
        }
    }

    /// The lead that keys about leads are meant for.
    pub(crate) fn selected_lead(&self) -> Option<LeadId> {
        match (&self.view, self.focus) {
            (View::Detail(lead, _), _) => Some(*lead),
            (View::Panes, Pane::Queue) => self.queue.selected,
            (View::Panes, Pane::Calls) => self.calls.selected_row().map(|row| row.view.lead),
            // What is not on the screen is not meant.
            _ => None,
        }
    }

    /// The live call that `x` is meant for.
    pub(crate) fn selected_call(&self) -> Option<AttemptId> {
        match &self.view {
            View::Detail(lead, _) => {
                let calls = &self.live.calls;
                calls.iter().find(|c| c.lead == *lead).map(|c| c.attempt)
            }
            View::Panes if self.focus == Pane::Calls => self.calls.selected,
            _ => None,
        }
    }

    /// Whether the screen is large enough to tell anything.
    pub(crate) fn has_room(&self) -> bool {
        self.size.0 >= SMALLEST.0 && self.size.1 >= SMALLEST.1
    }

    /// What is open has been on the screen.
    pub(crate) fn drawn(&mut self) {
        let fits = self.has_room();
        if let Some(Popup::Question(question)) = &mut self.popup {
            question.drawn = fits;
        }
    }

    /// A number as it may be shown.
    pub(crate) fn number(&self, number: &str) -> String {
        if self.hide_digits {
            super::text::hide_digits(number)
        } else {
            number.to_owned()
        }
    }

    /// Whether something lives that quitting would end.
    pub(crate) fn something_lives(&self) -> bool {
        let live = &self.live;
        live.limit.in_use > 0 || matches!(live.state, RunState::Dialing | RunState::Draining)
    }

    pub(crate) fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.message = Some(StatusLine {
            at: self.now,
            tone,
            text: text.into(),
        });
    }
}

/// Whether a picture shows more than the one before, but for what the passing of time changes:
/// one comes every second, whether or not anything has happened.
pub(crate) fn shows_more(picture: &Snapshot, before: &Snapshot) -> bool {
    let Snapshot {
        at,
        run,
        list,
        target,
        state,
        stopping,
        link,
        journal,
        recordings,
        mirror,
        limit,
        leads,
        calls,
        quality,
        // They change with the leads.
        stats: _,
        // They go on with every second.
        trends: _,
        audit,
        streak,
        news_dropped,
    } = picture;
    *run != before.run
        || *list != before.list
        || *target != before.target
        || *state != before.state
        || *stopping != before.stopping
        || (&link.down, link.lost) != (&before.link.down, before.link.lost)
        || journal.full != before.journal.full
        || *recordings != before.recordings
        || mirror.state != before.mirror.state
        || mirror.lags(*at) != before.mirror.lags(before.at)
        || *limit != before.limit
        || leads.version() != before.leads.version()
        || *calls != before.calls
        || *quality != before.quality
        || *audit != before.audit
        || *streak != before.streak
        || *news_dropped != before.news_dropped
}
