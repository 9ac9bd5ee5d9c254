//! What lies over the screen: a question or a prompt.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::super::model::Model;
use super::super::popup::{Popup, Prompt, Question};
use super::super::text::wrap;
use super::super::theme::Theme;
use super::lines::block;

const WIDTH: u16 = 58;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let theme = model.setup.theme;
    let width = WIDTH.min(area.width.saturating_sub(2));
    let room = usize::from(width.saturating_sub(4));
    let (title, lines, align) = match &model.popup {
        None => return,
        Some(Popup::Question(question)) => (
            question.title.clone(),
            question_lines(theme, question, room),
            Alignment::Center,
        ),
        Some(Popup::Prompt(prompt)) => (
            prompt.title().to_owned(),
            prompt_lines(theme, prompt, room),
            Alignment::Left,
        ),
    };
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(area.height)
        .min(area.height);
    let y = match &model.popup {
        // What is filtered stays in sight.
        Some(Popup::Prompt(_)) => (area.height - height).saturating_sub(2),
        _ => (area.height - height) / 2,
    };
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + y,
        width,
        height,
    };
    let block = block(theme, format!(" {title} "), true).border_style(theme.warn());
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).alignment(align).block(block), place);
}

fn question_lines(theme: Theme, question: &Question, room: usize) -> Vec<Line<'static>> {
    let text = super::super::text::harmless(&question.text);
    let mut lines: Vec<Line<'static>> = wrap(&text, room).into_iter().map(Line::from).collect();
    lines.push(Line::default());
    let mut buttons = Vec::new();
    for (i, choice) in question.choices.iter().enumerate() {
        let label = format!("[ {} ]", choice.label);
        if i == question.chosen {
            buttons.push(Span::styled(theme.marker(), theme.bold()));
            buttons.push(Span::styled(label, theme.selected(true)));
        } else {
            buttons.push(Span::raw(" "));
            buttons.push(Span::raw(label));
        }
        buttons.push(Span::raw(" "));
    }
    let width: usize = buttons.iter().map(Span::width).sum();
    if width <= room + 2 {
        lines.push(Line::from(buttons));
    } else {
        for button in buttons.chunks(3) {
            lines.push(Line::from(button.to_vec()));
        }
    }
    let keys = "arrows choose, Enter takes, Esc cancels";
    lines.push(Line::styled(keys, theme.dim()));
    lines
}

fn prompt_lines(theme: Theme, prompt: &Prompt, room: usize) -> Vec<Line<'static>> {
    let tail: Vec<char> = prompt.text.chars().collect();
    let tail: String = tail[tail.len().saturating_sub(room.saturating_sub(3))..]
        .iter()
        .collect();
    let below = match &prompt.wrong {
        Some(wrong) => Line::styled(wrong.clone(), theme.bad()),
        None => Line::styled("Enter takes, Esc drops it", theme.dim()),
    };
    vec![
        Line::from(vec![
            Span::styled(format!(" {} ", theme.marker()), theme.bold()),
            Span::raw(tail),
            Span::styled(" ", theme.selected(true)),
        ]),
        below,
    ]
}
