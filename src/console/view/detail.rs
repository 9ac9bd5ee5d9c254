//! All about one lead: its call if one is up, what happened when, and its earlier attempts.

use std::fmt::Write as _;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::causes::cause_words;
use super::super::filter::lead_word;
use super::super::model::{Model, View};
use super::super::text::{clock_span, counted, date_and_time, fine_span, harmless, wrap};
use crate::campaign::{AttemptId, LeadState};
use crate::engine::{AttemptDetail, Detail, Quality};

/// The column of labels.
const LABELS: usize = 12;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &mut Model) {
    let width = usize::from(area.width.saturating_sub(2));
    let View::Detail(lead, detail) = &model.view else {
        return;
    };
    let (title, lines) = match detail {
        None => (
            format!("Lead {lead}"),
            vec![Line::raw("asking the engine...")],
        ),
        Some(detail) => (title(model, detail), lines(model, detail, width)),
    };
    super::lines::draw(frame, area, model, &title, lines);
}

fn title(model: &Model, detail: &Detail) -> String {
    format!(
        "Lead {}: {}",
        detail.lead,
        model.number(detail.number.as_str())
    )
}

fn lines(model: &Model, detail: &Detail, width: usize) -> Vec<Line<'static>> {
    let mut page = DetailPage {
        model,
        width,
        lines: Vec::new(),
    };
    page.state(detail);
    for (i, attempt) in detail.attempts.iter().enumerate() {
        page.lines.push(Line::default());
        page.attempt(attempt, i == 0);
    }
    page.lines
}

struct DetailPage<'a> {
    model: &'a Model,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl DetailPage<'_> {
    fn field(&mut self, label: &str, text: &str, style: Style) {
        let text = self.model.number(&harmless(text));
        self.figures(label, &text, style);
    }

    /// A field whose digits are no number's.
    fn figures(&mut self, label: &str, text: &str, style: Style) {
        let theme = self.model.setup.theme;
        for (i, row) in wrap(text, self.width.saturating_sub(LABELS))
            .into_iter()
            .enumerate()
        {
            let label = if i == 0 { label } else { "" };
            self.lines.push(Line::from(vec![
                Span::styled(format!("{label:<LABELS$}"), theme.dim()),
                Span::styled(row, style),
            ]));
        }
    }

    fn state(&mut self, detail: &Detail) {
        let theme = self.model.setup.theme;
        let now = self.model.shown_now();
        let shown = self.model.shown();
        match detail.row.state {
            LeadState::Waiting => {
                let text = format!(
                    "waiting, {} so far",
                    counted(detail.row.attempts.into(), "attempt")
                );
                self.field("state", &text, theme.bold());
            }
            LeadState::Calling(attempt) => {
                let call = shown.calls.iter().find(|c| c.attempt == attempt);
                let text = call.map_or_else(
                    || "ending".to_owned(),
                    |call| {
                        let since = clock_span(now.since(call.since));
                        let total = clock_span(now.since(call.begun_at));
                        format!("{} for {since}, {total} in all", call.word.as_str())
                    },
                );
                self.field("state", &text, theme.accent().patch(theme.bold()));
                self.quality(attempt);
            }
            LeadState::Final(disposition) => {
                let style = theme.disposition(disposition).patch(theme.bold());
                let attempts = counted(detail.row.attempts.into(), "attempt");
                let text = format!("{} after {attempts}", lead_word(detail.row.state));
                self.field("state", &text, style);
            }
        }
        let target = shown.target.to_string();
        self.field("target", &target, Style::new());
    }

    fn quality(&mut self, attempt: AttemptId) {
        if let Some(quality) = self.model.shown().quality.get(&attempt) {
            let text = quality_text(quality);
            self.figures("sound", &text, Style::new());
        }
    }

    fn attempt(&mut self, attempt: &AttemptDetail, latest: bool) {
        let theme = self.model.setup.theme;
        let when = attempt.timeline.first().map(|(at, _)| *at);
        let when = when.map_or_else(String::new, |at| date_and_time(at, &self.model.setup.zone));
        let heading = format!("attempt {} {} {when}", attempt.attempt, theme.dot());
        self.lines
            .push(Line::styled(heading, theme.accent().patch(theme.bold())));
        if let Some(end) = &attempt.end {
            let mut text = format!("{}, {}", end.disposition, end.by.told());
            let cause = cause_words(end.cause);
            if !cause.is_empty() {
                let _ = write!(text, ": {cause}, cause {}", end.cause.q850);
            }
            if let Some(note) = &end.note {
                let _ = write!(text, " ({note})");
            }
            self.field("outcome", &text, theme.disposition(end.disposition));
        }
        if let Some(recording) = &attempt.recording {
            self.field("recording", recording, Style::new());
        }
        self.timeline(attempt);
        self.field("call id", &attempt.call_id, Style::new());
        if let Some(sip) = &attempt.sip_call_id {
            self.field("SIP Call-ID", sip, Style::new());
        }
        if latest {
            self.field("leg A", &attempt.channel_a, theme.dim());
            self.field("leg B", &attempt.channel_b, theme.dim());
            self.field("bridge", &attempt.bridge, theme.dim());
        }
    }

    /// What happened, each with the time since what was before it.
    fn timeline(&mut self, attempt: &AttemptDetail) {
        let theme = self.model.setup.theme;
        let mut before = None;
        for (at, text) in &attempt.timeline {
            let gap = before.map_or_else(String::new, |b| format!("+{}", fine_span(at.since(b))));
            before = Some(*at);
            let clock = super::super::text::time_of_day(*at, &self.model.setup.zone);
            let text = self.model.number(&harmless(text));
            let rows = wrap(&text, self.width.saturating_sub(21));
            for (i, row) in rows.into_iter().enumerate() {
                let (clock, gap) = if i == 0 {
                    (clock.as_str(), gap.as_str())
                } else {
                    ("", "")
                };
                self.lines.push(Line::from(vec![
                    Span::styled(format!("{clock:<8} {gap:>10}  "), theme.dim()),
                    Span::raw(row),
                ]));
            }
        }
    }
}

fn quality_text(quality: &Quality) -> String {
    let mut text = format!(
        "{} packets received, {} lost, jitter {:.1} ms",
        quality.received, quality.lost, quality.jitter_ms
    );
    if let Some(rtt) = quality.rtt_ms {
        let _ = write!(text, ", round trip {rtt:.0} ms");
    }
    if let Some(score) = quality.score {
        let _ = write!(text, ", score {score:.0} of 100");
    }
    text
}
