//! Charts of the last minutes: calls in use, calls per second, answers, dead air.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::model::Model;
use super::super::theme::Theme;
use super::lines::block;
use crate::engine::{Second, Trends};

/// The width of the axis on the left.
const AXIS: u16 = 7;

/// One chart: its title, what it takes from the seconds of one column, its colour.
struct Chart {
    title: &'static str,
    value: fn(&[Second]) -> f64,
    style: fn(Theme) -> Style,
}

const CHARTS: [Chart; 4] = [
    Chart {
        title: "calls in use",
        value: |s| s.iter().map(|s| f64::from(s.calls)).fold(0.0, f64::max),
        style: Theme::good,
    },
    Chart {
        title: "calls placed per second",
        value: |s| mean(s, |s| f64::from(s.dialed)),
        style: Theme::accent,
    },
    Chart {
        title: "answers per second",
        value: |s| mean(s, |s| f64::from(s.answered)),
        style: Theme::good,
    },
    Chart {
        title: "dead air, the longest, ms",
        value: |s| {
            let longest = s.iter().filter_map(|s| s.dead_air_ms).max();
            f64::from(longest.unwrap_or(0))
        },
        style: Theme::warn,
    },
];

fn mean(seconds: &[Second], of: fn(&Second) -> f64) -> f64 {
    let n = f64::from(u32::try_from(seconds.len().max(1)).unwrap_or(u32::MAX));
    seconds.iter().map(of).sum::<f64>() / n
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let theme = model.setup.theme;
    let title = " Trends: the last minutes ".to_owned();
    let block = block(theme, title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let two_by_two = inner.width >= 100;
    let places: Vec<Rect> = if two_by_two {
        let rows = Layout::vertical([Constraint::Fill(1); 2]).split(inner);
        rows.iter()
            .flat_map(|row| {
                Layout::horizontal([Constraint::Fill(1); 2])
                    .split(*row)
                    .to_vec()
            })
            .collect()
    } else {
        Layout::vertical([Constraint::Fill(1); 4])
            .split(inner)
            .to_vec()
    };
    for (chart, place) in CHARTS.iter().zip(places) {
        draw_chart(frame, place, model, chart);
    }
}

fn draw_chart(frame: &mut Frame<'_>, area: Rect, model: &Model, chart: &Chart) {
    if area.height < 2 || area.width <= AXIS + 2 {
        return;
    }
    let theme = model.setup.theme;
    let columns = usize::from(area.width - AXIS - 1);
    let trends = &model.shown().trends;
    let (span, values) = (span(trends, columns), sample(trends, columns, chart.value));
    let most = values.iter().copied().fold(0.0, f64::max);
    let heights = usize::from(area.height - 1);
    let mut lines = vec![Line::from(vec![
        Span::styled(chart.title, theme.bold()),
        Span::styled(format!("  peak {}", figure(most)), Style::new()),
        Span::styled(format!("  {} a column", per_column(span)), theme.dim()),
    ])];
    for row in (0..heights).rev() {
        let label = if row + 1 == heights {
            figure(most)
        } else if row == 0 {
            "0".to_owned()
        } else {
            String::new()
        };
        let bars: String = values
            .iter()
            .map(|value| theme.bar(eighths(*value, most, heights, row)))
            .collect();
        lines.push(Line::from(vec![
            Span::styled(
                format!("{label:>width$} ", width = usize::from(AXIS - 1)),
                theme.dim(),
            ),
            Span::styled(bars, (chart.style)(theme)),
        ]));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// How many seconds a column stands for: as few as show all there is.
fn span(trends: &Trends, columns: usize) -> usize {
    let needed = trends.seconds.len().div_ceil(columns.max(1)).max(1);
    let spans = [1, 2, 3, 5, 6, 10, 12, 15, 20, 30, 60];
    spans.into_iter().find(|s| *s >= needed).unwrap_or(60)
}

/// One value a column, the newest at the right.
fn sample(trends: &Trends, columns: usize, value: fn(&[Second]) -> f64) -> Vec<f64> {
    let span = span(trends, columns);
    let seconds: Vec<Second> = trends.seconds.iter().copied().collect();
    // Columns are cut at fixed moments, or the whole chart would shimmer every second.
    let newest = usize::try_from(trends.newest % 600_600).unwrap_or(0);
    let head = newest % span + 1;
    let mut values = Vec::new();
    let mut end = seconds.len();
    let mut width = head.min(end);
    while end > 0 && values.len() < columns {
        values.push(value(&seconds[end - width..end]));
        end -= width;
        width = span.min(end);
    }
    values.resize(columns, 0.0);
    values.reverse();
    values
}

/// How full the cell in `row` (0 is the lowest) of a column is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a chart's cells: small, and never under 0"
)]
fn eighths(value: f64, most: f64, heights: usize, row: usize) -> usize {
    if most <= 0.0 || value <= 0.0 {
        return 0;
    }
    let full = (value / most * (heights * 8) as f64).ceil() as usize;
    full.saturating_sub(row * 8).min(8)
}

fn per_column(span: usize) -> String {
    if span == 60 {
        "1 min".to_owned()
    } else {
        format!("{span} s")
    }
}

fn figure(value: f64) -> String {
    if value >= 10.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_from_below() {
        assert_eq!(eighths(10.0, 10.0, 2, 1), 8);
        assert_eq!(eighths(5.0, 10.0, 2, 0), 8);
        assert_eq!(eighths(5.0, 10.0, 2, 1), 0);
        assert_eq!(eighths(0.1, 10.0, 2, 0), 1);
        assert_eq!(eighths(0.0, 10.0, 2, 0), 0);
    }

    #[test]
    fn a_column_stands_for_the_same_seconds_as_time_goes_on() {
        let mut trends = Trends::default();
        for second in 0..600_u32 {
            trends.newest = u64::from(second);
            trends.seconds.push_back(Second {
                calls: second / 5,
                ..Second::default()
            });
        }
        let before = sample(&trends, 100, CHARTS[0].value);
        trends.newest += 1;
        trends.seconds.push_back(Second::default());
        let after = sample(&trends, 100, CHARTS[0].value);
        assert_eq!(before[98..], [118.0, 119.0]);
        assert_eq!(after.len(), 100);
        // 601 seconds need wider columns; the latest whole one still ends at 119.
        assert_eq!(after[98..], [119.0, 0.0]);
    }
}
