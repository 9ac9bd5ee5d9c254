//! A page of lines with a frame, scrolled by the model's page scroll.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph};

use super::super::model::Model;
use super::super::theme::Theme;

/// A framed block with a title.
pub(super) fn block(theme: Theme, title: String, focused: bool) -> Block<'static> {
    Block::bordered()
        .border_set(theme.border())
        .border_style(theme.frame(focused))
        .title(Line::styled(title, theme.frame(focused)))
}

/// Draws `lines` in a frame, and holds the scroll within them.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    model: &mut Model,
    title: &str,
    lines: Vec<Line<'static>>,
) {
    let theme = model.setup.theme;
    let room = usize::from(area.height.saturating_sub(2));
    let most = lines.len().saturating_sub(room);
    model.page_scroll = model.page_scroll.min(most);
    let at = model.page_scroll;
    let more = match (at > 0, at < most) {
        (false, false) => String::new(),
        _ => format!(
            "({}-{} of {}) ",
            at + 1,
            (at + room).min(lines.len()),
            lines.len()
        ),
    };
    let block = block(theme, format!(" {title} {more}"), true);
    let shown: Vec<Line<'static>> = lines.into_iter().skip(at).take(room).collect();
    frame.render_widget(Paragraph::new(shown).block(block), area);
}
