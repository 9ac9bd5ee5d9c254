//! The header: state, link, calls, progress, figures. Always there.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::super::model::Model;
use super::super::text::{clock_span, count, harmless, percent, time_of_day};
use crate::campaign::Disposition;
use crate::engine::Snapshot;
use crate::mirror::MirrorState;

/// Below this the corner has room for the link alone.
const NARROW: u16 = 60;
/// CPS is told over so many seconds.
const CPS_SPAN: usize = 10;
/// The time left is told by the pace of so many seconds.
const PACE_SPAN: usize = 120;
/// Before so many seconds have passed the pace is that of the first burst.
const FIRST_PACE: usize = 15;

pub(super) fn height(area: Rect) -> u16 {
    if area.height < 16 { 2 } else { 3 }
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let title = title(model);
    // What it begins with may not be covered, the run's name may.
    let run = title.spans.last().map_or(0, Span::width);
    let room = usize::from(area.width).saturating_sub(title.width() - run);
    let lines = [title, calls(model, area.width), figures(model)];
    frame.render_widget(Paragraph::new(lines.to_vec()), area);
    let corner = link(model, room);
    let width = u16::try_from(corner.width())
        .unwrap_or(u16::MAX)
        .min(area.width);
    let right = Rect {
        x: area.right() - width,
        width,
        height: 1,
        ..area
    };
    // Without this it would take on the looks of the title below it.
    frame.render_widget(Clear, right);
    frame.render_widget(Paragraph::new(corner).alignment(Alignment::Right), right);
}

fn title(model: &Model) -> Line<'static> {
    let theme = model.setup.theme;
    let shown = model.shown();
    let mut spans = Vec::new();
    if model.size.0 >= NARROW {
        spans.push(Span::styled("Dialdeck ", theme.bold()));
    }
    spans.push(if model.engine_ended.is_some() {
        Span::styled(" STOPPED ", theme.alarm())
    } else {
        let word = format!(" {} ", shown.state.word());
        Span::styled(word, theme.state(&shown.state))
    });
    spans.push(Span::raw(" "));
    if let Some((since, _)) = &model.frozen {
        let age = clock_span(model.now.since(*since));
        let text = format!(" FROZEN {age} ");
        spans.push(Span::styled(text, theme.alarm()));
        spans.push(Span::raw(" "));
    }
    if model.setup.read_only {
        spans.push(Span::styled("READ-ONLY ", theme.warn()));
    }
    let list = shown.list.rsplit('/').next().unwrap_or_default();
    let list = model.number(&harmless(list));
    spans.push(Span::styled(
        format!("run {} {} {list}", shown.run, theme.dot()),
        theme.dim(),
    ));
    Line::from(spans)
}

/// The link is told live even while the display is frozen: nobody may miss its loss. As much
/// of it as there is room for, and the time of day.
fn link(model: &Model, room: usize) -> Line<'static> {
    let theme = model.setup.theme;
    let link = &model.live.link;
    let (word, style) = if model.engine_ended.is_some() {
        (" no engine", theme.bad())
    } else if model.away.is_some() {
        (" engine LOST", theme.bad())
    } else if link.down.is_some() {
        (" link DOWN", theme.bad())
    } else {
        (" link up", theme.good())
    };
    let heard = match (style == theme.good(), link.last_heard) {
        (true, Some(at)) => format!(", heard {} s ago", model.now.since(at).as_secs()),
        _ => String::new(),
    };
    let whom = if model.size.0 >= 100 {
        format!(" {}", link.asterisk)
    } else {
        String::new()
    };
    let mysql = match &model.live.mirror.state {
        MirrorState::Off | MirrorState::Connecting => "",
        MirrorState::Connected => ", MySQL up",
        MirrorState::Away { .. } => ", MySQL AWAY",
    };
    let clock = format!("  {}", time_of_day(model.now, &model.setup.zone));
    let forms = [
        (format!("{whom}{word}{heard}{mysql}"), clock.as_str()),
        (format!("{word}{heard}{mysql}"), &clock),
        (format!("{word}{heard}"), &clock),
        (word.to_owned(), &clock),
    ];
    let fits = |(text, clock): &(String, &str)| text.len() + clock.len() <= room;
    let (text, clock) = forms
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| (word.to_owned(), ""));
    Line::from(vec![Span::styled(text, style), Span::raw(clock.to_owned())])
}

fn calls(model: &Model, width: u16) -> Line<'static> {
    let theme = model.setup.theme;
    let shown = model.shown();
    let limit = &shown.limit;
    let style = if limit.in_use > limit.effective {
        theme.warn()
    } else {
        theme.bold()
    };
    let mut spans = vec![
        Span::raw("calls "),
        Span::styled(format!("{}/{}", limit.in_use, limit.effective), style),
        Span::raw(format!(" MAX_CC {}  ", limit.requested)),
    ];
    if width >= 56 {
        let cps = shown.trends.cps(CPS_SPAN);
        spans.push(Span::raw(format!("{cps:.1} CPS  ")));
    }
    let (done, all) = progress(shown);
    let mut tail = format!(" {} of {}", count(done), count(all));
    if let Some(left) = time_left(shown).filter(|_| width >= NARROW) {
        tail.push_str("  ");
        tail.push_str(&clock_span(left));
        tail.push_str(" left");
    }
    let used: usize = spans.iter().map(Span::width).sum::<usize>() + tail.len();
    let room = usize::from(width).saturating_sub(used).min(60);
    if room >= 5 {
        let full = (done * room).checked_div(all).unwrap_or(0);
        let (bar, rest) = theme.progress();
        spans.push(Span::styled(bar.repeat(full), theme.good()));
        spans.push(Span::styled(rest.repeat(room - full), theme.dim()));
    }
    spans.push(Span::raw(tail));
    Line::from(spans)
}

fn progress(shown: &Snapshot) -> (usize, usize) {
    let all = shown.leads.len();
    (all - shown.leads.open().min(all), all)
}

/// By the pace of the last minutes; nothing can be said before there is one.
fn time_left(shown: &Snapshot) -> Option<Duration> {
    if shown.trends.seconds.len() < FIRST_PACE {
        return None;
    }
    let pace = shown.trends.cps(PACE_SPAN);
    let waiting = u32::try_from(shown.leads.waiting()).ok()?;
    if pace <= 0.0 || waiting == 0 || shown.limit.effective == 0 {
        return None;
    }
    Some(Duration::from_secs_f64(f64::from(waiting) / pace))
}

/// In full where it fits, with shorter words where it does not.
fn figures(model: &Model) -> Line<'static> {
    let long = figures_with(
        model,
        ["answered", "busy", "no answer", "failed", "abandoned"],
    );
    if long.width() <= usize::from(model.size.0) {
        return long;
    }
    figures_with(model, ["ans", "busy", "n/a", "fail", "aband"])
}

fn figures_with(model: &Model, words: [&str; 5]) -> Line<'static> {
    let theme = model.setup.theme;
    let shown = model.shown();
    let ended = |d| shown.leads.ended_as(d);
    let (answered, abandoned) = (ended(Disposition::Answered), ended(Disposition::Abandoned));
    let counts = [
        (answered, theme.good()),
        (ended(Disposition::Busy), Style::new()),
        (ended(Disposition::NoAnswer), Style::new()),
        (failed(shown), Style::new()),
    ];
    let mut spans = Vec::new();
    for (word, (n, style)) in words.iter().zip(counts) {
        spans.push(Span::styled(format!("{word} {n}  "), style));
    }
    let share = percent(abandoned, answered + abandoned);
    let style = if abandoned > 0 {
        theme.bad()
    } else {
        Style::new()
    };
    let share = if answered + abandoned > 0 {
        format!(" ({share})")
    } else {
        String::new()
    };
    let text = format!("{} {abandoned}{share}  ", words[4]);
    spans.push(Span::styled(text, style));
    let stats = &shown.stats;
    let asr = percent(stats.seizures, stats.attempts);
    let acd = clock_span(stats.acd());
    spans.push(Span::raw(format!("ASR {asr}  ACD {acd}")));
    if let Some(ms) = stats.dead_air_ms(0.9).filter(|_| model.size.0 >= 100) {
        spans.push(Span::styled(format!("  dead air p90 {ms} ms"), theme.dim()));
    }
    Line::from(spans)
}

/// What was tried in vain, but for busy and no answer.
fn failed(shown: &Snapshot) -> u32 {
    Disposition::ALL
        .into_iter()
        .filter(|d| {
            !d.is_seizure()
                && !matches!(
                    d,
                    Disposition::Busy | Disposition::NoAnswer | Disposition::Skipped
                )
        })
        .map(|d| shown.leads.ended_as(d))
        .sum()
}
