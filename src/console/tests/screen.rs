//! Draws a console into memory, and tells what stands there: the text, and how it looks.

use std::fmt::Write as _;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::console::model::Model;
use crate::console::view;

/// Draws the console in its own size.
pub(super) fn draw(model: &mut Model) -> Buffer {
    let backend = TestBackend::new(model.size.0, model.size.1);
    let mut terminal = Terminal::new(backend).expect("memory can be drawn on");
    terminal
        .draw(|frame| view::draw(frame, model))
        .expect("memory can be drawn on");
    terminal.backend().buffer().clone()
}

/// The rows as text.
pub(super) fn rows(screen: &Buffer) -> Vec<String> {
    let width = usize::from(screen.area.width.max(1));
    let rows = screen.content.chunks(width);
    rows.map(|row| {
        let text: String = row.iter().map(Cell::symbol).collect();
        text.trim_end().to_owned()
    })
    .collect()
}

pub(super) fn text(model: &mut Model) -> String {
    rows(&draw(model)).join("\n")
}

/// The row in which this stands, and its place.
pub(super) fn row_with(screen: &Buffer, what: &str) -> (u16, String) {
    let rows = rows(screen);
    let found = (0..).zip(rows.clone()).find(|(_, row)| row.contains(what));
    found.unwrap_or_else(|| panic!("{what:?} is not on the screen:\n{}", rows.join("\n")))
}

/// The text and the styles: `row: from-to style, ...` for all that is not plain. The text
/// alone would not show that the selected row has lost its mark.
pub(super) fn picture(model: &mut Model) -> String {
    let screen = draw(model);
    let mut out = format!("{}\n\n", rows(&screen).join("\n"));
    let width = usize::from(screen.area.width.max(1));
    for (y, row) in screen.content.chunks(width).enumerate() {
        let runs = runs(row);
        if !runs.is_empty() {
            writeln!(out, "{y}: {}", runs.join(", ")).expect("memory can be written to");
        }
    }
    out
}

fn runs(row: &[Cell]) -> Vec<String> {
    let mut runs = Vec::new();
    let mut from = 0;
    while from < row.len() {
        let style = look(&row[from]);
        let length = row[from..].iter().take_while(|c| look(c) == style).count();
        if !style.is_empty() {
            runs.push(format!("{from}-{} {style}", from + length - 1));
        }
        from += length;
    }
    runs
}

/// `green on blue bold reversed`; nothing for a plain cell.
fn look(cell: &Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(cell.fg.to_string().to_lowercase());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg.to_string().to_lowercase()));
    }
    let names = cell.modifier.iter_names();
    words.extend(names.map(|(name, _)| name.to_lowercase()));
    words.join(" ")
}

/// Whether a cell has a colour.
pub(super) fn is_coloured(cell: &Cell) -> bool {
    cell.fg != Color::Reset || cell.bg != Color::Reset
}

/// Whether any cell of the row has this attribute.
pub(super) fn has(screen: &Buffer, row: u16, modifier: Modifier) -> bool {
    (0..screen.area.width).any(|x| screen[(x, row)].modifier.contains(modifier))
}
