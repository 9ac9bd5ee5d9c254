//! What lies over the screen: a question or a prompt.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::super::model::Model;
use super::super::popup::{Popup, Prompt, Question};
use super::super::text::{fit, wrap};
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
            question_lines(theme, question, room, area.height),
            Alignment::Center,
        ),
        Some(Popup::Prompt(prompt)) => (
            prompt.title(model.live.limit.requested.calls()),
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

/// The answers are always to be seen; where there is no room for all of the text, it is cut.
fn question_lines(
    theme: Theme,
    question: &Question,
    room: usize,
    height: u16,
) -> Vec<Line<'static>> {
    let answers = answers(theme, question, room);
    let most = usize::from(height).saturating_sub(answers.len() + 2).max(1);
    let text = super::super::text::harmless(&question.text);
    let mut text = wrap(&text, room);
    if text.len() > most {
        let rest = text.split_off(most - 1).join(" ");
        text.push(fit(&rest, room, theme.ellipsis()));
    }
    let mut lines: Vec<Line<'static>> = text.into_iter().map(Line::from).collect();
    if lines.len() < most {
        lines.push(Line::default());
    }
    lines.extend(answers);
    lines
}

/// The answers, and which keys choose among them.
fn answers(theme: Theme, question: &Question, room: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
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
    let keys = if room >= 40 {
        "arrows choose, Enter takes, Esc cancels"
    } else {
        "Enter takes, Esc cancels"
    };
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
