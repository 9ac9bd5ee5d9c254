//! The log pane, on tui-logger: what goes into it, how a line looks, which keys it knows.
//!
//! tui-logger keeps the last ten thousand lines and drops what comes while it is full: the
//! durable log is a file of its own, written elsewhere.

use std::fmt::Write as _;

use log::{Level, Record};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tui_logger::{ExtLogRecord, LevelFilter, LogFormatter, TuiWidgetEvent, TuiWidgetState};

use super::text::{clock_span, fine_span, harmless, hide_digits, wrap};
use super::theme::Theme;
use crate::campaign::{CallStep, CallSummary, Notice, RunState, Time, kept_words};
use crate::engine::{News, Told};
use crate::keys::Action;
use crate::wire::LogLine;

/// How many lines are kept to scroll back to.
const LINES: usize = 10_000;
/// A line that needs more rows than this is cut: the file has all of it.
const MOST_ROWS: usize = 4;
/// `14:03:09 I `
const INDENT: usize = 11;

/// Makes tui-logger ready. Once for a process.
pub fn prepare() {
    tui_logger::set_buffer_depth(LINES);
    tui_logger::set_default_level(LevelFilter::Debug);
}

/// What the log pane keeps.
pub(crate) struct LogPane {
    state: TuiWidgetState,
    /// Whether the end is followed.
    pub(crate) following: bool,
}

impl Default for LogPane {
    fn default() -> Self {
        Self {
            state: TuiWidgetState::new().set_default_display_level(LevelFilter::Info),
            following: true,
        }
    }
}

impl LogPane {
    pub(crate) fn state(&self) -> &TuiWidgetState {
        &self.state
    }

    /// `zoomed`: the kinds of events stand beside the log, and the arrows choose among them.
    pub(crate) fn act(&mut self, action: Action, zoomed: bool) {
        let action = match action {
            Action::Up if !zoomed => Action::PageUp,
            Action::Down if !zoomed => Action::PageDown,
            Action::Left | Action::Right if !zoomed => return,
            action => action,
        };
        let event = match action {
            Action::Autoscroll if !self.following => return self.follow(),
            Action::Bottom => return self.follow(),
            Action::Autoscroll | Action::PageUp => {
                self.following = false;
                TuiWidgetEvent::PrevPageKey
            }
            Action::PageDown => TuiWidgetEvent::NextPageKey,
            Action::Up => TuiWidgetEvent::UpKey,
            Action::Down => TuiWidgetEvent::DownKey,
            Action::Left => TuiWidgetEvent::LeftKey,
            Action::Right => TuiWidgetEvent::RightKey,
            _ => return,
        };
        self.state.transition(event);
    }

    pub(crate) fn follow(&mut self) {
        self.following = true;
        self.state.transition(TuiWidgetEvent::EscapeKey);
    }
}

/// How a line looks: time, level, text, wrapped under itself.
pub(crate) struct PaneFormat {
    pub(crate) theme: Theme,
    pub(crate) hide_digits: bool,
}

impl LogFormatter for PaneFormat {
    fn min_width(&self) -> u16 {
        20
    }

    fn format(&self, width: usize, event: &ExtLogRecord) -> Vec<Line<'_>> {
        let (letter, style) = match event.level {
            Level::Error => ("E", self.theme.bad()),
            Level::Warn => ("W", self.theme.warn()),
            Level::Info => ("I", Style::new()),
            Level::Debug | Level::Trace => ("D", self.theme.dim()),
        };
        let text = self.text(event.msg());
        let told = &event.timestamp;
        let time = happened(event).map(|at| at.to_zoned(told.time_zone().clone()));
        let time = time.as_ref().unwrap_or(told);
        let time = time.strftime("%H:%M:%S").to_string();
        let rows = wrap(&text, width.saturating_sub(INDENT));
        let rows = rows.into_iter().take(MOST_ROWS).enumerate();
        rows.map(|(i, row)| {
            if i > 0 {
                return Line::from(Span::styled(" ".repeat(INDENT) + &row, style));
            }
            Line::from(vec![
                Span::styled(format!("{time} "), self.theme.dim()),
                Span::styled(format!("{letter} {row}"), style),
            ])
        })
        .collect()
    }
}

impl PaneFormat {
    /// A message as it may be shown.
    pub(crate) fn text(&self, message: &str) -> String {
        let text = harmless(message.trim());
        if self.hide_digits {
            hide_digits(&text)
        } else {
            text
        }
    }
}

/// Stands where a record has its file: the record's line is then the second in which it
/// happened. tui-logger knows only when it was told, which is later where somebody attaches.
const TIMED: &str = "timed";

/// Puts a piece of news into the log pane.
pub fn tell(news: &News) {
    let (target, level, text) = line(&news.what);
    put(news.at, target, level, &text);
}

/// A piece of news as a line for the log pane of another process.
#[must_use]
pub fn log_line(news: &News) -> LogLine {
    let (target, level, text) = line(&news.what);
    LogLine {
        at: news.at,
        level: level.as_str().to_ascii_lowercase(),
        target: target.to_owned(),
        text,
    }
}

/// Puts a line from another process into the log pane.
pub fn tell_line(line: &LogLine) {
    let level = line.level.parse().unwrap_or(Level::Info);
    put(line.at, &line.target, level, &line.text);
}

fn put(at: Time, target: &str, level: Level, text: &str) {
    tui_logger::Drain::new().log(
        &Record::builder()
            .target(target)
            .level(level)
            .file_static(Some(TIMED))
            .line(u32::try_from(at.millis() / 1000).ok())
            .args(format_args!("{text}"))
            .build(),
    );
    tui_logger::move_events();
}

/// The second in which a record's event happened, where that is known.
fn happened(event: &ExtLogRecord) -> Option<jiff::Timestamp> {
    let second = event.line.filter(|_| event.file() == Some(TIMED))?;
    jiff::Timestamp::from_second(second.into()).ok()
}

fn line(told: &Told) -> (&'static str, Level, String) {
    match told {
        Told::Campaign(notice) => notice_line(notice),
        Told::LinkUp => (
            "link",
            Level::Info,
            "Asterisk is connected: calls can be placed".into(),
        ),
        Told::LinkDown { why } => (
            "link",
            Level::Error,
            format!("no call can be placed: {why}"),
        ),
        Told::RecordingSaved { path, .. } => (
            "recording",
            Level::Debug,
            format!("saved {}", path.display()),
        ),
        Told::RecordingDelayed { attempt, why } => (
            "recording",
            Level::Warn,
            format!("of call {attempt} is not fetched yet: {why}"),
        ),
        Told::Command {
            by,
            command,
            outcome,
        } => (
            "command",
            Level::Info,
            format!("{by}: {command}: {outcome}"),
        ),
        Told::Info(text) => ("campaign", Level::Info, text.clone()),
        Told::Warning(text) => ("campaign", Level::Warn, text.clone()),
    }
}

fn notice_line(notice: &Notice) -> (&'static str, Level, String) {
    match notice {
        Notice::State {
            state: RunState::Paused(reason),
        } => ("campaign", Level::Info, format!("PAUSED: {reason}")),
        Notice::State { state } => ("campaign", Level::Info, state.word().to_owned()),
        Notice::Call { number, step, .. } => {
            let (level, text) = step_words(*step);
            ("call", level, format!("{number} {text}"))
        }
        Notice::Ended(call) => ("call", Level::Info, ended(call)),
        Notice::Transferred { number, by, to, .. } => (
            "call",
            Level::Info,
            format!("{number} was transferred by {by} to {to}"),
        ),
        Notice::RecordingFailed { attempt, why } => (
            "recording",
            Level::Warn,
            format!("of call {attempt} is missing: {why}"),
        ),
        Notice::Silent { .. } => (
            "asterisk",
            Level::Warn,
            "answers no requests; nobody is dialed until it does".to_owned(),
        ),
        Notice::Answers { lasted } => (
            "asterisk",
            Level::Info,
            format!("answers again, after {}", fine_span(*lasted)),
        ),
        Notice::Kept {
            attempt,
            part,
            holds_slot,
        } => (
            "asterisk",
            Level::Warn,
            format!("{part} of call {attempt}: {}", kept_words(*holds_slot)),
        ),
        Notice::Reconciled(done) => ("link", Level::Info, done.to_string()),
        Notice::Warning(text) => ("campaign", Level::Warn, text.clone()),
    }
}

fn step_words(step: CallStep) -> (Level, String) {
    let (level, text) = match step {
        CallStep::Dialing => (Level::Debug, "is dialed"),
        CallStep::Ringing => (Level::Debug, "rings"),
        CallStep::EarlyMedia => (Level::Debug, "sends early media"),
        CallStep::Answered => (Level::Debug, "answered"),
        CallStep::Bridged { dead_air_ms } => {
            let span = std::time::Duration::from_millis(dead_air_ms.into());
            return (
                Level::Info,
                format!("talks, bridged {} after the answer", fine_span(span)),
            );
        }
        CallStep::Agent => (Level::Info, "has an agent"),
        CallStep::Withdrawn => (Level::Info, "waits again, not dialed yet"),
    };
    (level, text.to_owned())
}

/// How a call ended, in one line. (Writing into a string can't fail.)
fn ended(call: &CallSummary) -> String {
    let mut text = format!("{} {}", call.number, call.disposition);
    if let Some(bridged) = call.bridged_at {
        let talk = clock_span(call.ended_at.since(bridged));
        let _ = write!(text, " {talk}, {}", call.by.told());
        return text;
    }
    let span = clock_span(call.ended_at.since(call.begun_at));
    let _ = write!(text, " after {span}");
    match (call.cause.q850, call.cause.sip) {
        (0, _) => {}
        (cause, Some(sip)) => drop(write!(text, " (cause {cause}, SIP {sip})")),
        (cause, None) => drop(write!(text, " (cause {cause})")),
    }
    if let Some(note) = call.note {
        let _ = write!(text, ": {note}");
    }
    text
}
