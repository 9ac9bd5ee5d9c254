//! A terminal's screen as an SVG picture that needs nothing from outside of it.

use vt100::{Cell, Color, Screen};

/// Sizes in pixels: of a character, of a cell, and of the window around the screen.
const FONT: f64 = 14.0;
const CELL: (f64, f64) = (8.4, 17.0);
const MARGIN: f64 = 14.0;
/// How far below its top a cell's text stands.
const BASELINE: f64 = 12.8;

const FONTS: &str =
    "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

const BACKGROUND: Rgb = Rgb(0x16, 0x18, 0x1d);
const FOREGROUND: Rgb = Rgb(0xd6, 0xd8, 0xde);

/// The sixteen colours that each terminal has its own idea of.
const PALETTE: [Rgb; 16] = [
    Rgb(0x2a, 0x2d, 0x35),
    Rgb(0xe0, 0x6c, 0x75),
    Rgb(0x8c, 0xc2, 0x65),
    Rgb(0xd9, 0xa7, 0x4a),
    Rgb(0x61, 0xaf, 0xef),
    Rgb(0xc6, 0x78, 0xdd),
    Rgb(0x56, 0xb6, 0xc2),
    Rgb(0xb8, 0xbc, 0xc6),
    Rgb(0x6b, 0x70, 0x7c),
    Rgb(0xff, 0x85, 0x8e),
    Rgb(0xa9, 0xde, 0x82),
    Rgb(0xf2, 0xc2, 0x6b),
    Rgb(0x82, 0xc4, 0xff),
    Rgb(0xdd, 0x94, 0xf2),
    Rgb(0x74, 0xd3, 0xde),
    Rgb(0xff, 0xff, 0xff),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

impl Rgb {
    fn of(color: Color, default: Self) -> Self {
        match color {
            Color::Default => default,
            Color::Rgb(r, g, b) => Self(r, g, b),
            Color::Idx(n @ 0..=15) => PALETTE[usize::from(n)],
            // A cube of 6 × 6 × 6, then 24 greys, as xterm has them.
            Color::Idx(n @ 16..=231) => {
                let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
                let n = n - 16;
                Self(level(n / 36), level(n / 6 % 6), level(n % 6))
            }
            Color::Idx(n @ 232..) => {
                let grey = 8 + 10 * (n - 232);
                Self(grey, grey, grey)
            }
        }
    }

    /// Halfway to `other`.
    fn towards(self, other: Self) -> Self {
        let half = |a: u8, b: u8| u8::midpoint(a, b);
        Self(
            half(self.0, other.0),
            half(self.1, other.1),
            half(self.2, other.2),
        )
    }

    fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// How a run of cells is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Rgb,
    bg: Rgb,
    bold: bool,
    italic: bool,
    underline: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let mut fg = Rgb::of(cell.fgcolor(), FOREGROUND);
        let mut bg = Rgb::of(cell.bgcolor(), BACKGROUND);
        if cell.inverse() {
            (fg, bg) = (bg, fg);
        }
        if cell.dim() {
            fg = fg.towards(bg);
        }
        Self {
            fg,
            bg,
            bold: cell.bold(),
            italic: cell.italic(),
            underline: cell.underline(),
        }
    }
}

/// Cells of one row that stand side by side and are drawn the same way.
#[derive(Debug)]
struct Run {
    look: Look,
    row: u16,
    col: u16,
    cols: u16,
    text: String,
    /// Drawn as lines and rectangles: fonts leave gaps between the cells.
    shape: bool,
    /// Wide characters, each of which has two columns.
    wide: bool,
}

/// The picture of `screen`, with `title` for those who can't see it.
pub(crate) fn render(screen: &Screen, title: &str) -> String {
    let (rows, cols) = screen.size();
    let (width, height) = (x(cols) + MARGIN, y(rows) + MARGIN);
    let mut svg = String::new();
    line(
        &mut svg,
        &format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1} {height:.1}" width="{width:.1}" height="{height:.1}" role="img">"#
        ),
    );
    line(&mut svg, &format!("<title>{}</title>", escaped(title)));
    line(
        &mut svg,
        &format!(
            r##"<rect x="0.5" y="0.5" width="{:.1}" height="{:.1}" rx="8" fill="{}" stroke="#3a3e48"/>"##,
            width - 1.0,
            height - 1.0,
            BACKGROUND.hex()
        ),
    );
    line(
        &mut svg,
        &format!(r#"<g font-family="{FONTS}" font-size="{FONT}" xml:space="preserve">"#),
    );
    let runs: Vec<Run> = (0..rows).flat_map(|row| runs(screen, row)).collect();
    // All backgrounds first: what stands over the edge of a cell is not cut off.
    for run in &runs {
        background(&mut svg, run);
    }
    for run in &runs {
        if run.shape {
            shapes(&mut svg, run);
        } else {
            words(&mut svg, run);
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn runs(screen: &Screen, row: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let cells = (0..screen.size().1).filter_map(|col| Some((col, screen.cell(row, col)?)));
    for (col, cell) in cells.filter(|(_, cell)| !cell.is_wide_continuation()) {
        let text = if cell.has_contents() {
            cell.contents()
        } else {
            " "
        };
        let (look, wide) = (Look::of(cell), cell.is_wide());
        let shape = text.chars().all(|c| shape_of(c).is_some());
        let cols = if wide { 2 } else { 1 };
        match runs.last_mut() {
            Some(run) if (run.look, run.shape, run.wide) == (look, shape, wide) => {
                run.text.push_str(text);
                run.cols += cols;
            }
            _ => runs.push(Run {
                look,
                row,
                col,
                cols,
                text: text.to_owned(),
                shape,
                wide,
            }),
        }
    }
    runs
}

fn background(svg: &mut String, run: &Run) {
    if run.look.bg != BACKGROUND {
        let (x, y, fill) = (x(run.col), y(run.row), run.look.bg.hex());
        let (width, height) = (f64::from(run.cols) * CELL.0, CELL.1);
        line(
            svg,
            &format!(
                r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
            ),
        );
    }
}

fn words(svg: &mut String, run: &Run) {
    let (mut text, mut col, mut cols) = (run.text.as_str(), run.col, run.cols);
    if !run.look.underline {
        // Blanks show nothing, and each has one column.
        let blanks = |before: &str, after: &str| u16::try_from(before.len() - after.len());
        let left = blanks(text, text.trim_start_matches(' ')).unwrap_or_default();
        let right = blanks(text, text.trim_end_matches(' ')).unwrap_or_default();
        text = text.trim_matches(' ');
        (col, cols) = (col + left, cols.saturating_sub(left + right));
    }
    if text.is_empty() {
        return;
    }
    let mut style = String::new();
    for (on, attribute) in [
        (run.look.bold, r#" font-weight="bold""#),
        (run.look.italic, r#" font-style="italic""#),
        (run.look.underline, r#" text-decoration="underline""#),
    ] {
        if on {
            style.push_str(attribute);
        }
    }
    let (x, y) = (x(col), y(run.row) + BASELINE);
    let length = f64::from(cols) * CELL.0;
    let (fill, text) = (run.look.fg.hex(), escaped(text));
    // The length keeps each character in its cell, whatever font there is.
    line(
        svg,
        &format!(
            r#"<text x="{x:.1}" y="{y:.1}" textLength="{length:.1}" lengthAdjust="spacingAndGlyphs" fill="{fill}"{style}>{text}</text>"#
        ),
    );
}

/// What a cell is drawn as in place of a character.
enum Shape {
    /// Lines from its middle up, down, to the left, to the right.
    Lines([bool; 4]),
    /// A rectangle in it: left, top, width, height, in eighths.
    Block([u8; 4]),
}

fn shape_of(c: char) -> Option<Shape> {
    let lines = |up, down, left, right| Some(Shape::Lines([up, down, left, right]));
    match c {
        '─' => lines(false, false, true, true),
        '│' => lines(true, true, false, false),
        '┌' | '╭' => lines(false, true, false, true),
        '┐' | '╮' => lines(false, true, true, false),
        '└' | '╰' => lines(true, false, false, true),
        '┘' | '╯' => lines(true, false, true, false),
        '├' => lines(true, true, false, true),
        '┤' => lines(true, true, true, false),
        '┬' => lines(false, true, true, true),
        '┴' => lines(true, false, true, true),
        '┼' => lines(true, true, true, true),
        '▀' => Some(Shape::Block([0, 0, 8, 4])),
        '▐' => Some(Shape::Block([4, 0, 4, 8])),
        // From an eighth at the bottom to the full block, and on to an eighth at the left.
        '\u{2581}'..='\u{2588}' => {
            let eighths = eighths(c, '\u{2580}');
            Some(Shape::Block([0, 8 - eighths, 8, eighths]))
        }
        '\u{2589}'..='\u{258f}' => {
            let eighths = 8 - eighths(c, '\u{2588}');
            Some(Shape::Block([0, 0, eighths, 8]))
        }
        _ => None,
    }
}

fn eighths(c: char, below: char) -> u8 {
    u8::try_from(u32::from(c) - u32::from(below)).unwrap_or(8)
}

fn shapes(svg: &mut String, run: &Run) {
    let (mut lines, mut blocks) = (String::new(), String::new());
    for (col, c) in (run.col..).zip(run.text.chars()) {
        let corner = (x(col), y(run.row));
        match shape_of(c) {
            Some(Shape::Lines(arms)) => lines.push_str(&arms_of(corner, arms)),
            Some(Shape::Block(block)) => blocks.push_str(&block_of(corner, block)),
            None => {}
        }
    }
    let color = run.look.fg.hex();
    let width = if run.look.bold { 2.0 } else { 1.2 };
    if !lines.is_empty() {
        line(
            svg,
            &format!(r#"<path d="{lines}" fill="none" stroke="{color}" stroke-width="{width}"/>"#),
        );
    }
    if !blocks.is_empty() {
        line(svg, &format!(r#"<path d="{blocks}" fill="{color}"/>"#));
    }
}

fn arms_of((left, top): (f64, f64), arms: [bool; 4]) -> String {
    let (half_width, half_height) = (CELL.0 / 2.0, CELL.1 / 2.0);
    let (x, y) = (left + half_width, top + half_height);
    let ways = [
        (0.0, -half_height),
        (0.0, half_height),
        (-half_width, 0.0),
        (half_width, 0.0),
    ];
    let drawn = ways.into_iter().zip(arms).filter(|(_, on)| *on);
    let arms = drawn.map(|((dx, dy), _)| format!("M{x:.2} {y:.2}l{dx:.2} {dy:.2}"));
    arms.collect::<Vec<String>>().concat()
}

fn block_of((left, top): (f64, f64), block: [u8; 4]) -> String {
    let [from_left, from_top, width, height] = block.map(|n| f64::from(n) / 8.0);
    let (x, y) = (left + from_left * CELL.0, top + from_top * CELL.1);
    let (width, height) = (width * CELL.0, height * CELL.1);
    format!("M{x:.2} {y:.2}h{width:.2}v{height:.2}h-{width:.2}z")
}

fn x(col: u16) -> f64 {
    MARGIN + f64::from(col) * CELL.0
}

fn y(row: u16) -> f64 {
    MARGIN + f64::from(row) * CELL.1
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// `text` as XML has it; control characters, which XML can't have, are left out.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
