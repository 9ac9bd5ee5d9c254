//! What a picture of a screen has in it.

use crate::support::svg::render;

fn picture(bytes: &str) -> String {
    let mut parser = vt100::Parser::new(3, 40, 0);
    parser.process(bytes.as_bytes());
    render(parser.screen(), "a \"picture\" & more")
}

/// The attributes and the content of the one text that has `content`.
fn text<'a>(svg: &'a str, content: &str) -> &'a str {
    let end = format!(">{content}</text>");
    let mut lines = svg.lines().filter(|line| line.ends_with(&end));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no {content:?} in\n{svg}"));
    assert_eq!(lines.next(), None, "{content:?} is there once");
    line
}

fn fill(svg: &str, content: &str) -> String {
    let (_, rest) = text(svg, content).split_once("fill=\"").expect("a colour");
    rest[..7].to_owned()
}

#[test]
fn what_xml_cannot_have_is_escaped() {
    let svg = picture("a<b>&\"c\u{7}");
    text(&svg, "a&lt;b&gt;&amp;&quot;c");
    assert!(svg.contains("<title>a &quot;picture&quot; &amp; more</title>"));
}

#[test]
fn each_kind_of_colour_is_drawn() {
    let svg =
        picture("\x1b[31mred\x1b[38;5;196mcube\x1b[38;5;244mgrey\x1b[38;2;1;2;250mrgb\x1b[m.");
    assert_eq!(fill(&svg, "red"), "#e06c75");
    assert_eq!(fill(&svg, "cube"), "#ff0000");
    assert_eq!(fill(&svg, "grey"), "#808080");
    assert_eq!(fill(&svg, "rgb"), "#0102fa");
}

#[test]
fn inverse_swaps_the_colours_and_fills_the_cells() {
    let svg = picture("\x1b[7minv\x1b[m \x1b[7;31;44mboth\x1b[m plain");
    assert_eq!(fill(&svg, "inv"), "#16181d");
    assert_eq!(fill(&svg, "both"), "#61afef");
    let rects: Vec<&str> = svg.lines().filter(|l| l.starts_with("<rect")).collect();
    // The window, and the two.
    assert_eq!(rects.len(), 3, "{rects:?}");
    assert!(rects[1].contains("width=\"25.2\"") && rects[1].contains("#d6d8de"));
    assert!(rects[2].contains("width=\"33.6\"") && rects[2].contains("#e06c75"));
}

#[test]
fn bold_italic_underline_and_dim_are_drawn() {
    let svg = picture("\x1b[1mbold\x1b[m\x1b[3mitalic\x1b[m\x1b[4munder\x1b[m\x1b[2mdim\x1b[m.");
    assert!(text(&svg, "bold").contains("font-weight=\"bold\""));
    assert!(text(&svg, "italic").contains("font-style=\"italic\""));
    assert!(text(&svg, "under").contains("text-decoration=\"underline\""));
    assert_eq!(fill(&svg, "dim"), "#76787d");
}

#[test]
fn a_run_of_one_style_is_one_text_and_wide_characters_keep_their_columns() {
    let svg = picture("one two\x1b[1m日本\x1b[m\x1b[3mend\x1b[m");
    assert!(text(&svg, "one two").contains("textLength=\"58.8\""));
    assert!(text(&svg, "日本").contains("textLength=\"33.6\""));
    // 14 and eleven columns of 8.4.
    assert!(text(&svg, "end").contains("x=\"106.4\""));
}

#[test]
fn frames_and_bars_are_lines_and_rectangles() {
    let svg = picture("┌─┐▁█▌x");
    assert_eq!(svg.matches("<path").count(), 2, "{svg}");
    // A quarter of a cell's height would be 4.25; an eighth is half of it, at the bottom.
    assert!(svg.contains("M39.20 28.88h8.40v2.12h-8.40z"), "{svg}");
    // Half a cell at the left.
    assert!(svg.contains("M56.00 14.00h4.20v17.00h-4.20z"), "{svg}");
    assert!(!svg.contains('┌') && !svg.contains('█'));
}

#[test]
fn nothing_is_fetched_from_outside() {
    let svg = picture("http://example.com \x1b[1mx");
    let outside = svg.replace("http://www.w3.org/2000/svg", "");
    for word in ["href", "url(", "@import", "<script", "<image"] {
        assert!(!outside.contains(word), "{word}");
    }
}
