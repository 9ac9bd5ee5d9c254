//! What is unwell: each with since when, why, and what it means for calls.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::text::{clock_span, counted, fit, harmless, time_of_day, wrap};
use crate::campaign::{HeldBack, RunState, Time};
use crate::mirror::{MirrorState, MirrorView};

/// While Asterisk sends its events and answers no requests.
const SILENT: &str = "Asterisk answers no requests, though its events come in; no call is placed \
                      before it does, those that are up go on";

/// A picture older than this is told as old: the engine gives one every second.
const OLD_SECONDS: u64 = 4;

/// One condition.
struct Condition {
    /// In capitals.
    word: &'static str,
    /// Since when, where that is known.
    since: String,
    text: String,
    style: Style,
}

/// The lines to show, the weightiest condition first. Where there is no room for all that
/// there is to say, each is cut to one line, and those without a line are named in the last:
/// none goes untold.
pub(super) fn lines(model: &Model, area: Rect) -> Vec<Line<'static>> {
    let theme = model.setup.theme;
    let most = usize::from(area.height / 6).max(1);
    let width = usize::from(area.width);
    let found = all(model);
    let in_full = |c: &Condition| wrap(&c.sentence(), width);
    let needed: usize = found.iter().map(|c| in_full(c).len()).sum();
    let mut spare = most.saturating_sub(found.len());
    let own = if found.len() > most {
        most - 1
    } else {
        found.len()
    };
    let mut lines = Vec::new();
    for condition in &found[..own] {
        let mut rows = in_full(condition);
        let room = if needed <= most {
            rows.len()
        } else {
            1 + spare
        };
        spare -= rows.len().min(room).saturating_sub(1).min(spare);
        if rows.len() > room {
            let rest = rows.split_off(room - 1).join(" ");
            rows.push(fit(&rest, width, theme.ellipsis()));
        }
        let rows = rows.into_iter().enumerate();
        lines.extend(rows.map(|(i, row)| condition.line(row, i == 0)));
    }
    if let Some(first) = found.get(own) {
        let words: Vec<&str> = found[own..].iter().map(|c| c.word).collect();
        let also = if own > 0 { "also " } else { "" };
        let row = fit(
            &format!("{also}{}", words.join(", ")),
            width,
            theme.ellipsis(),
        );
        lines.push(Line::styled(row, first.style));
    }
    lines
}

impl Condition {
    fn sentence(&self) -> String {
        format!("{}{}: {}", self.word, self.since, harmless(&self.text))
    }

    /// A row of the sentence: the word in the first one stands out.
    fn line(&self, row: String, first: bool) -> Line<'static> {
        let mark = (self.word.len() + self.since.len() + 1).min(row.len());
        if !first || !row.is_char_boundary(mark) {
            return Line::from(row);
        }
        Line::from(vec![
            Span::styled(row[..mark].to_owned(), self.style),
            Span::raw(row[mark..].to_owned()),
        ])
    }
}

fn all(model: &Model) -> Vec<Condition> {
    let theme = model.setup.theme;
    let live = &model.live;
    let since = |at: Time| {
        let age = clock_span(model.now.since(at));
        format!(" since {} ({age})", time_of_day(at, &model.setup.zone))
    };
    let mut found = Vec::new();
    let mut add = |word, since, text, style| {
        found.push(Condition {
            word,
            since,
            text,
            style,
        });
    };
    let ever = String::new;
    if let Some(why) = &model.engine_ended {
        let quit = model.setup.keys.name(crate::keys::Action::Quit);
        let text = format!(
            "{why}. No call is placed any more; {quit} leaves, and the next start \
             takes care of calls that are still up"
        );
        add("ENGINE STOPPED", ever(), text, theme.alarm());
    } else if let Some(away) = &model.away {
        let age = clock_span(model.now.since(live.at));
        let text = format!(
            "the picture is {age} old, and no key reaches the engine, which goes on by itself: {}",
            away.why
        );
        add("ENGINE NOT REACHED", since(away.since), text, theme.alarm());
    } else if model.now.since(live.at).as_secs() >= OLD_SECONDS {
        let text = "the engine does not answer; what is shown is old".to_owned();
        add("NO ANSWER", since(live.at), text, theme.alarm());
    }
    if let Some(stop) = &live.stopping {
        add("QUITTING", ever(), quitting(model, stop), theme.warn());
    }
    if let Some((at, why)) = &live.link.down {
        let text = format!("no call is placed, those that are up go on. {why}");
        add("LINK DOWN", since(*at), text, theme.alarm());
    }
    if let Some((at, why)) = &live.journal.full {
        let text =
            format!("no call is placed before there is room, those that are up go on. {why}");
        add("JOURNAL FULL", since(*at), text, theme.alarm());
    }
    if let RunState::Paused(reason) = &live.state {
        let start = model.setup.keys.name(crate::keys::Action::Start);
        let text = format!("{reason}. No new call; {start} goes on");
        add("PAUSED", ever(), text, theme.warn());
    }
    match &live.limit.held {
        Some(HeldBack::Reconciling) => add(
            "WAITING",
            ever(),
            "calls of the process before this one are being settled first".to_owned(),
            theme.warn(),
        ),
        Some(HeldBack::Silent { since: at }) => {
            add("SATURATED", since(*at), SILENT.to_owned(), theme.warn());
        }
        Some(HeldBack::CarrierAway { until }) => {
            let wait = clock_span(until.since(model.now));
            let text = format!("its OPTIONS get no answer; the next call is tried in {wait}");
            add("CARRIER AWAY", ever(), text, theme.warn());
        }
        Some(HeldBack::Saturated { until, refusals }) => {
            let wait = clock_span(until.since(model.now));
            let text = format!(
                "Asterisk did not take {}; the next is tried in {wait}",
                counted(*refusals as usize, "call")
            );
            add("SATURATED", ever(), text, theme.warn());
        }
        _ => {}
    }
    if let Some((at, why)) = &live.recordings.delayed {
        let text = format!(
            "{} wait in Asterisk's spool, calls go on. {why}",
            counted(live.recordings.waiting, "recording")
        );
        add("RECORDINGS DELAYED", since(*at), text, theme.warn());
    }
    if let Some((word, at, text)) = mirror(&live.mirror, live.at) {
        add(word, since(at), text, theme.warn());
    }
    if live.news_dropped > 0 {
        let text = format!(
            "{} did not fit into the log",
            counted(
                usize::try_from(live.news_dropped).unwrap_or(usize::MAX),
                "event"
            )
        );
        add("LOG LAGS", ever(), text, theme.warn());
    }
    found
}

/// The copy in `MySQL`: what stands against it, or that it falls behind.
fn mirror(mirror: &MirrorView, at: Time) -> Option<(&'static str, Time, String)> {
    let waiting = usize::try_from(mirror.waiting).unwrap_or(usize::MAX);
    let rows = counted(waiting, "row");
    if let MirrorState::Away { since, why } = &mirror.state {
        let text = format!("calls go on, {rows} wait in the journal. {why}");
        return Some(("MYSQL AWAY", *since, text));
    }
    let late = mirror.lags(at)?;
    Some(("MYSQL LAGS", late, format!("calls go on, {rows} wait")))
}

fn quitting(model: &Model, stop: &crate::engine::Stop) -> String {
    let calls = counted(model.live.limit.in_use, "call");
    if stop.hung_up {
        return format!("by {}; {calls} being hung up", stop.by);
    }
    let left = clock_span(stop.hang_up_at.since(model.now));
    let quit = model.setup.keys.name(crate::keys::Action::Quit);
    format!(
        "by {}; {calls} up, hung up in {left}; {quit} hangs up now",
        stop.by
    )
}
