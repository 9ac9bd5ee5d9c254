//! What is unwell: each with since when, why, and what it means for calls.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::text::{clock_span, counted, harmless, time_of_day, wrap};
use crate::campaign::{HeldBack, RunState, Time};

/// A picture older than this is told as old: the engine gives one every second.
const OLD_SECONDS: u64 = 4;

/// One condition.
struct Condition {
    /// In capitals.
    word: String,
    text: String,
    style: Style,
}

/// The lines to show, the weightiest first.
pub(super) fn lines(model: &Model, area: Rect) -> Vec<Line<'static>> {
    let most = usize::from(area.height / 6).max(1);
    let width = usize::from(area.width);
    let mut lines = Vec::new();
    for condition in all(model) {
        let text = format!("{}: {}", condition.word, harmless(&condition.text));
        let mark = condition.word.chars().count() + 1;
        for (i, row) in wrap(&text, width).into_iter().enumerate() {
            let line = if i == 0 && row.chars().count() >= mark {
                let at = row.char_indices().nth(mark).map_or(row.len(), |(at, _)| at);
                Line::from(vec![
                    Span::styled(row[..at].to_owned(), condition.style),
                    Span::raw(row[at..].to_owned()),
                ])
            } else {
                Line::from(row)
            };
            lines.push(line);
        }
    }
    lines.truncate(most);
    lines
}

fn all(model: &Model) -> Vec<Condition> {
    let theme = model.setup.theme;
    let live = &model.live;
    let since = |at: Time| {
        let age = clock_span(model.now.since(at));
        format!("since {} ({age})", time_of_day(at, &model.setup.zone))
    };
    let mut found = Vec::new();
    let mut add = |word: String, text: String, style| found.push(Condition { word, text, style });
    if let Some(why) = &model.engine_ended {
        let quit = model.setup.keys.name(crate::keys::Action::Quit);
        let text = format!(
            "{why}. No call is placed any more; {quit} leaves, and the next start \
             takes care of calls that are still up"
        );
        add("ENGINE STOPPED".to_owned(), text, theme.alarm());
    } else if model.now.since(live.at).as_secs() >= OLD_SECONDS {
        let text = "the engine has not answered since; what is shown is old".to_owned();
        add(format!("NO ANSWER {}", since(live.at)), text, theme.alarm());
    }
    if let Some(stop) = &live.stopping {
        add("QUITTING".to_owned(), quitting(model, stop), theme.warn());
    }
    if let Some((at, why)) = &live.link.down {
        let text = format!("no call is placed, those that are up go on. {why}");
        add(format!("LINK DOWN {}", since(*at)), text, theme.alarm());
    }
    if let Some((at, why)) = &live.journal.full {
        let text =
            format!("no call is placed before there is room, those that are up go on. {why}");
        add(format!("JOURNAL FULL {}", since(*at)), text, theme.alarm());
    }
    if let RunState::Paused(reason) = &live.state {
        let start = model.setup.keys.name(crate::keys::Action::Start);
        let text = format!("{reason}. No new call; {start} goes on");
        add("PAUSED".to_owned(), text, theme.warn());
    }
    match &live.limit.held {
        Some(HeldBack::Reconciling) => add(
            "WAITING".to_owned(),
            "calls of the process before this one are being settled first".to_owned(),
            theme.warn(),
        ),
        Some(HeldBack::Saturated { until, refusals }) => {
            let wait = clock_span(until.since(model.now));
            let text = format!(
                "Asterisk did not take {}; the next is tried in {wait}",
                counted(*refusals as usize, "call")
            );
            add("SATURATED".to_owned(), text, theme.warn());
        }
        _ => {}
    }
    if let Some((at, why)) = &live.recordings.delayed {
        let text = format!(
            "{} wait in Asterisk's spool, calls go on. {why}",
            counted(live.recordings.waiting, "recording")
        );
        add(
            format!("RECORDINGS DELAYED {}", since(*at)),
            text,
            theme.warn(),
        );
    }
    if live.news_dropped > 0 {
        let text = format!(
            "{} did not fit into the log",
            counted(
                usize::try_from(live.news_dropped).unwrap_or(usize::MAX),
                "event"
            )
        );
        add("LOG LAGS".to_owned(), text, theme.warn());
    }
    found
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
