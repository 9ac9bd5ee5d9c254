//! Draws the model. Takes the picture, draws, and holds nothing that the engine needs.

mod audit;
mod columns;
mod conditions;
mod detail;
mod footer;
mod header;
mod help;
mod lines;
mod panes;
mod popup;
mod trends;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use super::model::{Model, View};
use super::text::wrap;

/// Below this nothing can be told any more.
pub(crate) const SMALLEST: (u16, u16) = (40, 10);

/// The parts of the screen, from top to bottom.
struct ScreenParts {
    header: Rect,
    conditions: Rect,
    body: Rect,
    message: Rect,
    footer: Rect,
}

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, model: &mut Model) {
    draw_all(frame, model);
    if model.setup.theme.ascii {
        write_out(frame.buffer_mut());
    }
}

/// Texts that come from elsewhere may have any letters; this terminal has none but ASCII's.
fn write_out(buffer: &mut Buffer) {
    let odd = buffer
        .content
        .iter_mut()
        .filter(|cell| !cell.symbol().is_ascii());
    for cell in odd {
        cell.set_symbol("?");
    }
}

fn draw_all(frame: &mut Frame<'_>, model: &mut Model) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return too_small(frame, model);
    }
    let conditions = conditions::lines(model, area);
    let parts = split(area, conditions.len());
    header::draw(frame, parts.header, model);
    frame.render_widget(Paragraph::new(conditions), parts.conditions);
    match &model.view {
        View::Panes => panes::draw(frame, parts.body, model),
        View::Detail(..) => detail::draw(frame, parts.body, model),
        View::Trends => trends::draw(frame, parts.body, model),
        View::Audit => audit::draw(frame, parts.body, model),
        View::Help => help::draw(frame, parts.body, model),
    }
    footer::draw_message(frame, parts.message, model);
    footer::draw_keys(frame, parts.footer, model);
    popup::draw(frame, area, model);
}

fn split(area: Rect, conditions: usize) -> ScreenParts {
    let header = header::height(area);
    let conditions = u16::try_from(conditions).unwrap_or(0);
    let row = |y: u16, height: u16| Rect {
        x: area.x,
        y: area.y + y,
        width: area.width,
        height,
    };
    let above = header + conditions;
    ScreenParts {
        header: row(0, header),
        conditions: row(header, conditions),
        body: row(above, area.height.saturating_sub(above + 2)),
        message: row(area.height - 2, 1),
        footer: row(area.height - 1, 1),
    }
}

fn too_small(frame: &mut Frame<'_>, model: &Model) {
    let area = frame.area();
    let (columns, rows) = SMALLEST;
    let calls = model.live.limit.in_use;
    let word = match model.engine_ended {
        Some(_) => "ENGINE STOPPED",
        None => model.live.state.word(),
    };
    let text = [
        format!("{word} calls {calls}"),
        format!("Dialdeck needs {columns}x{rows}, this is"),
        format!("{}x{}. Dialing is not affected.", area.width, area.height),
    ];
    let rows = text.iter().flat_map(|text| wrap(text, area.width.into()));
    let lines: Vec<Line<'static>> = rows.map(Line::from).collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}
