//! Columns of a table: which of them fit, and a row of cells cut to them.

use ratatui::layout::Alignment;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::text::fit;
use super::super::theme::Theme;

/// A column. The higher its rank, the sooner it is dropped; rank 0 never is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: usize,
    pub(super) rank: u8,
    pub(super) align: Alignment,
}

impl Column {
    pub(super) const fn left(title: &'static str, width: usize, rank: u8) -> Self {
        Self {
            title,
            width,
            rank,
            align: Alignment::Left,
        }
    }

    pub(super) const fn right(title: &'static str, width: usize, rank: u8) -> Self {
        Self {
            align: Alignment::Right,
            ..Self::left(title, width, rank)
        }
    }
}

/// The columns that fit, as (index, width). What is left over goes to the last of them.
pub(super) fn fitting(columns: &[Column], width: usize) -> Vec<(usize, usize)> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let needed = |kept: &[usize]| kept.iter().map(|i| columns[*i].width + 1).sum::<usize>();
    while needed(&kept) > width + 1 {
        let worst = kept.iter().copied().max_by_key(|i| columns[*i].rank);
        match worst {
            Some(i) if columns[i].rank > 0 => kept.retain(|k| *k != i),
            _ => break,
        }
    }
    let spare = (width + 1).saturating_sub(needed(&kept));
    let mut widths: Vec<(usize, usize)> = kept.iter().map(|i| (*i, columns[*i].width)).collect();
    let last_left = widths
        .iter()
        .rposition(|(i, _)| columns[*i].align == Alignment::Left);
    if let Some(place) = last_left {
        widths[place].1 += spare;
    }
    widths
}

/// One row: the text and style of each column, cut and aligned.
pub(super) fn row(
    theme: Theme,
    columns: &[Column],
    widths: &[(usize, usize)],
    cells: &[(String, Style)],
) -> Line<'static> {
    let mut spans = Vec::with_capacity(widths.len() * 2);
    for (n, (i, width)) in widths.iter().enumerate() {
        let (text, style) = &cells[*i];
        let text = fit(text, *width, theme.ellipsis());
        let padded = match columns[*i].align {
            Alignment::Right => format!("{text:>width$}"),
            _ => format!("{text:<width$}"),
        };
        if n > 0 {
            spans.push(Span::raw(" "));
        }
        spans.push(Span::styled(padded, *style));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::left("NUMBER", 10, 0),
        Column::left("STATE", 8, 0),
        Column::right("TRIES", 5, 2),
        Column::left("CAUSE", 12, 3),
    ];

    #[test]
    fn columns_drop_by_rank_and_the_rest_goes_to_the_last_text() {
        assert_eq!(fitting(&COLUMNS, 40), [(0, 10), (1, 8), (2, 5), (3, 14)]);
        assert_eq!(fitting(&COLUMNS, 30), [(0, 10), (1, 13), (2, 5)]);
        assert_eq!(fitting(&COLUMNS, 20), [(0, 10), (1, 9)]);
        assert_eq!(fitting(&COLUMNS, 5), [(0, 10), (1, 8)]);
    }
}
