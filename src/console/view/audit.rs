//! Who gave which command, and what came of it; the latest first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::text::{date_and_time, harmless, wrap};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &mut Model) {
    let width = usize::from(area.width.saturating_sub(2));
    let lines = lines(model, width);
    super::lines::draw(frame, area, model, "Audit: the latest commands", lines);
}

fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.setup.theme;
    let shown = model.shown();
    if shown.audit.is_empty() {
        return vec![Line::raw("no command was given yet")];
    }
    let mut lines = Vec::new();
    for entry in shown.audit.iter().rev() {
        let at = date_and_time(entry.at, &model.setup.zone);
        let command = model.number(&harmless(&entry.command));
        let text = format!("{}  {command}", harmless(&entry.by));
        lines.push(Line::from(vec![
            Span::styled(format!("{at}  "), theme.dim()),
            Span::styled(text, theme.bold()),
        ]));
        let outcome = model.number(&harmless(&entry.outcome));
        for row in wrap(&outcome, width.saturating_sub(21)) {
            lines.push(Line::raw(format!("{:21}{row}", "")));
        }
    }
    lines
}
