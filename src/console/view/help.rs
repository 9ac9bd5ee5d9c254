//! The help page, from the table of keys.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::text::wrap;
use crate::keys::{BINDINGS, Group};

/// The column of key names.
const KEYS: usize = 14;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &mut Model) {
    let lines = lines(model, usize::from(area.width.saturating_sub(2)));
    super::lines::draw(frame, area, model, "Help", lines);
}

fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.setup.theme;
    let mut lines = Vec::new();
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(
            group.title(),
            theme.accent().patch(theme.bold()),
        ));
        for binding in BINDINGS.iter().filter(|b| b.group == group) {
            let keys = model.setup.keys.all(binding.action);
            let text = wrap(binding.help, width.saturating_sub(KEYS + 2));
            for (i, row) in text.into_iter().enumerate() {
                let keys = if i == 0 { keys.as_str() } else { "" };
                lines.push(Line::from(vec![
                    Span::styled(format!("  {keys:<KEYS$}"), theme.bold()),
                    Span::raw(row),
                ]));
            }
        }
    }
    lines.extend(words(model, width));
    lines
}

/// What the screen's own words mean.
fn words(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.setup.theme;
    let words = [
        (
            "calls 7/10",
            "calls that are up, and how many may be up now; MAX_CC is how many were asked for",
        ),
        ("CPS", "calls placed per second, over the last ten seconds"),
        (
            "answered",
            "leads who talked with the target, as in the list; those who talk now are not in it",
        ),
        (
            "abandoned",
            "leads who answered and never reached the target, and their share of all who answered",
        ),
        (
            "failed",
            "congestion, rejected, blocked, redirected, invalid, failed, cancelled and interrupted \
             together",
        ),
        (
            "left",
            "the time until nobody waits, at the pace of the last two minutes",
        ),
        ("link, heard", "how long ago Asterisk said anything"),
        (
            "ASR, ACD",
            "share of attempts that were answered; average duration of a conversation",
        ),
        (
            "dead air",
            "from the answer until both sides hear each other; p90: nine of ten calls had less",
        ),
        ("R", "a column: whether the call is being recorded"),
    ];
    let mut lines = vec![
        Line::default(),
        Line::styled("Words", theme.accent().patch(theme.bold())),
    ];
    for (word, text) in words {
        for (i, row) in wrap(text, width.saturating_sub(KEYS + 2))
            .into_iter()
            .enumerate()
        {
            let word = if i == 0 { word } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!("  {word:<KEYS$}"), theme.bold()),
                Span::raw(row),
            ]));
        }
    }
    lines
}
