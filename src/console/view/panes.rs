//! The three panes.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use tui_logger::{TuiLoggerTargetWidget, TuiLoggerWidget};

use super::super::calls::{CallRow, CallSort};
use super::super::causes::cause_words;
use super::super::filter::lead_word;
use super::super::log::PaneFormat;
use super::super::model::{Model, Pane};
use super::super::queue::QueueSort;
use super::super::text::{clock_span, count, harmless};
use super::columns::{Column, fitting, row};
use super::lines::block;
use crate::campaign::{CallWord, Disposition, LeadId, LeadState};
use crate::engine::{Quality, Snapshot};

/// Below this the panes do not stand side by side.
const FOLD_COLUMNS: u16 = 70;
const FOLD_ROWS: u16 = 14;

const QUEUE: [Column; 4] = [
    Column::left("NUMBER", 15, 0),
    Column::left("STATE", 10, 0),
    Column::right("TRIES", 5, 2),
    Column::left("CAUSE", 15, 1),
];
const CALLS: [Column; 7] = [
    Column::left("NUMBER", 15, 0),
    // Wide enough for how a call ended: `(answered)`.
    Column::left("STATE", 11, 0),
    Column::right("FOR", 7, 1),
    Column::right("TOTAL", 7, 2),
    Column::left("R", 1, 1),
    Column::left("SOUND", 9, 3),
    Column::left("TARGET", 12, 4),
];

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &mut Model) {
    let folded = model.zoom || area.width < FOLD_COLUMNS || area.height < FOLD_ROWS;
    if folded {
        return draw_one(frame, area, model, model.focus);
    }
    let log = (area.height / 3).clamp(5, 16);
    let rows = Layout::vertical([Constraint::Fill(1), Constraint::Length(log)]).split(area);
    // From here on the queue has room for causes, and the calls still for all but the target.
    let queue = if area.width >= 110 {
        area.width * 9 / 20
    } else {
        area.width * 2 / 5
    };
    let queue = queue.clamp(31, 72);
    let columns = Layout::horizontal([Constraint::Length(queue), Constraint::Fill(1)]);
    let upper = columns.split(rows[0]);
    draw_one(frame, upper[0], model, Pane::Queue);
    draw_one(frame, upper[1], model, Pane::Calls);
    draw_one(frame, rows[1], model, Pane::Log);
}

fn draw_one(frame: &mut Frame<'_>, area: Rect, model: &mut Model, pane: Pane) {
    match pane {
        Pane::Queue => draw_queue(frame, area, model),
        Pane::Calls => draw_calls(frame, area, model),
        Pane::Log => draw_log(frame, area, model),
    }
}

/// What is filtered for, and how many fit, where there is a filter: without that a short
/// list would lie.
fn filter_title(model: &Model, text: &str, rows: usize) -> Option<String> {
    let text = text.trim();
    let text = model.number(&harmless(text));
    (!text.is_empty()).then(|| format!("/{text} ({}) ", count(rows)))
}

/// A table: headings, then rows with the selected one marked.
struct Table<'a> {
    columns: &'a [Column],
    sorted: Option<usize>,
    descending: bool,
    selected: Option<usize>,
    focused: bool,
}

impl Table<'_> {
    fn draw(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        model: &Model,
        rows: &[Vec<(String, Style)>],
    ) {
        let theme = model.setup.theme;
        let widths = fitting(self.columns, usize::from(area.width.saturating_sub(1)));
        let headings: Vec<(String, Style)> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, column)| {
                let arrow = if self.sorted == Some(i) {
                    theme.arrow(self.descending)
                } else {
                    ""
                };
                (format!("{}{arrow}", column.title), theme.dim())
            })
            .collect();
        let mark = |line: Line<'static>, sign: &'static str| {
            let mut line = line;
            line.spans.insert(0, sign.into());
            line
        };
        let mut lines = vec![mark(row(theme, self.columns, &widths, &headings), " ")];
        for (i, cells) in rows.iter().enumerate() {
            let line = row(theme, self.columns, &widths, cells);
            lines.push(if self.selected == Some(i) {
                mark(line, theme.marker()).patch_style(theme.selected(self.focused))
            } else {
                mark(line, " ")
            });
        }
        frame.render_widget(Paragraph::new(lines), area);
    }
}

fn draw_queue(frame: &mut Frame<'_>, area: Rect, model: &mut Model) {
    let theme = model.setup.theme;
    let focused = model.focus == Pane::Queue;
    let leads = &model.shown().leads;
    let ended = leads.len() - leads.open().min(leads.len());
    let queue = &model.queue;
    let filter = filter_title(model, queue.filter.text(), queue.rows().len());
    let counts = || {
        let (waiting, ended) = (count(leads.waiting()), count(ended));
        let both = format!("{waiting} waiting {} {ended} ended ", theme.dot());
        let fits = both.chars().count() + " 1 Queue ".len() + 2 <= usize::from(area.width);
        if fits {
            both
        } else {
            format!("{waiting} waiting ")
        }
    };
    let sorting = if queue.is_sorting() { "sorting " } else { "" };
    let title = format!(" 1 Queue {}{sorting}", filter.unwrap_or_else(counts));
    let block = block(theme, title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let height = usize::from(inner.height.saturating_sub(1));
    let len = model.queue.rows().len();
    model.queue.scroll.fit(height, len);
    let from = model.queue.scroll.offset;
    let ids = &model.queue.rows()[from..(from + height).min(len)];
    let selected = model
        .queue
        .selected
        .and_then(|lead| ids.iter().position(|id| *id == lead));
    let rows: Vec<_> = ids.iter().map(|id| queue_cells(model, *id)).collect();
    let table = Table {
        columns: &QUEUE,
        sorted: match model.queue.sort {
            QueueSort::Line => None,
            QueueSort::Number => Some(0),
            QueueSort::State => Some(1),
            QueueSort::Attempts => Some(2),
            QueueSort::Cause => Some(3),
        },
        descending: model.queue.descending,
        selected,
        focused,
    };
    table.draw(frame, inner, model, &rows);
}

fn queue_cells(model: &Model, id: LeadId) -> Vec<(String, Style)> {
    let theme = model.setup.theme;
    let leads = &model.shown().leads;
    let number = model.number(leads.number_text(id).unwrap_or_default());
    let Some(row) = leads.row(id) else {
        return vec![(String::new(), Style::new()); QUEUE.len()];
    };
    let style = match row.state {
        LeadState::Waiting => Style::new(),
        LeadState::Calling(_) => theme.accent(),
        LeadState::Final(disposition) => theme.disposition(disposition),
    };
    let tries = match row.attempts {
        0 => String::new(),
        n => n.to_string(),
    };
    let cause = match row.state {
        // The person answered: what came to nothing is the target.
        LeadState::Final(Disposition::Abandoned) if !matches!(row.cause.q850, 0 | 16) => {
            format!("target: {}", cause_words(row.cause))
        }
        LeadState::Final(_) => cause_words(row.cause),
        _ => String::new(),
    };
    vec![
        (number, Style::new()),
        (lead_word(row.state).to_owned(), style),
        (tries, Style::new()),
        (cause, theme.dim()),
    ]
}

fn draw_calls(frame: &mut Frame<'_>, area: Rect, model: &mut Model) {
    let theme = model.setup.theme;
    let focused = model.focus == Pane::Calls;
    let calls = &model.calls;
    let filter = filter_title(model, calls.filter.text(), calls.rows().len());
    let title = format!(
        " 2 Live calls {} {}",
        model.shown().limit.in_use,
        filter.unwrap_or_default()
    );
    let block = block(theme, title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let height = usize::from(inner.height.saturating_sub(1));
    let len = model.calls.rows().len();
    model.calls.scroll.fit(height, len);
    let from = model.calls.scroll.offset;
    let shown = &model.calls.rows()[from..(from + height).min(len)];
    let selected = model
        .calls
        .selected
        .and_then(|attempt| shown.iter().position(|row| row.view.attempt == attempt));
    let rows: Vec<_> = shown.iter().map(|row| call_cells(model, row)).collect();
    let table = Table {
        columns: &CALLS,
        sorted: match model.calls.sort {
            CallSort::Age => None,
            CallSort::Number => Some(0),
            CallSort::State => Some(1),
            CallSort::InState => Some(2),
        },
        descending: model.calls.descending,
        selected,
        focused,
    };
    table.draw(frame, inner, model, &rows);
}

fn call_cells(model: &Model, row: &CallRow) -> Vec<(String, Style)> {
    let theme = model.setup.theme;
    let shown = model.shown();
    let call = &row.view;
    let now = row.gone_at.unwrap_or_else(|| model.shown_now());
    let style = match row.gone_at {
        Some(_) => theme.dim(),
        None => theme.call(call.word),
    };
    let state = match row.gone_at {
        Some(_) => ghost_word(shown, call.lead),
        None => call.word.as_str().to_owned(),
    };
    let in_state = match row.gone_at {
        Some(_) => String::new(),
        None => clock_span(now.since(call.since)),
    };
    let quality = shown.quality.get(&call.attempt);
    let quality = quality.filter(|_| call.word == CallWord::Bridged);
    let target = shown.target.strip_prefix("Local/").unwrap_or(&shown.target);
    let recording = if call.recording && row.gone_at.is_none() {
        theme.recording()
    } else {
        ""
    };
    vec![
        (model.number(call.number.as_str()), Style::new()),
        (state, style),
        (in_state, Style::new()),
        (clock_span(now.since(call.begun_at)), theme.dim()),
        (recording.to_owned(), theme.bad()),
        (
            quality.map_or_else(String::new, quality_words),
            Style::new(),
        ),
        (model.number(&harmless(target)), theme.dim()),
    ]
}

/// How a call ended that is still in its row.
fn ghost_word(shown: &Snapshot, lead: LeadId) -> String {
    match shown.leads.row(lead).map(|row| row.state) {
        Some(state @ LeadState::Final(_)) => format!("({})", lead_word(state)),
        _ => "(ended)".to_owned(),
    }
}

/// How a call sounds: Asterisk's score where it has one, else what was lost.
fn quality_words(quality: &Quality) -> String {
    if let Some(score) = quality.score {
        return format!("{score:.0}/100");
    }
    let all = quality.received + quality.lost;
    if all == 0 {
        return "no sound".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let lost = quality.lost as f64 * 100.0 / all as f64;
    format!("lost {lost:.1}%")
}

fn draw_log(frame: &mut Frame<'_>, area: Rect, model: &mut Model) {
    let theme = model.setup.theme;
    let focused = model.focus == Pane::Log;
    let standing = if model.log.following {
        ""
    } else {
        "standing still "
    };
    let legend = if model.zoom {
        "(left: the levels shown of each kind of event: error, warning, info, debug) "
    } else {
        ""
    };
    let block = block(theme, format!(" 3 Log {standing}{legend}"), focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    tui_logger::move_events();
    let with_targets = model.zoom && inner.width >= 60;
    let targets = if with_targets { 20 } else { 0 };
    let columns = Layout::horizontal([Constraint::Length(targets), Constraint::Fill(1)]);
    let places = columns.split(inner);
    if with_targets {
        let widget = TuiLoggerTargetWidget::default()
            .style_show(theme.selected(true))
            .style_hide(theme.dim())
            .highlight_style(theme.bold())
            .state(model.log.state());
        frame.render_widget(widget, places[0]);
    }
    let format = PaneFormat {
        theme,
        hide_digits: model.hide_digits,
    };
    let widget = TuiLoggerWidget::default()
        .formatter(Box::new(format))
        .state(model.log.state());
    frame.render_widget(widget, places[1]);
}
