//! A stranger's text, made fit to be shown: cut, and with nothing in it that could move a
//! terminal's cursor or turn the direction of writing.

/// The most characters that an excerpt has, its escapes counted as written.
pub(crate) const EXCERPT_LEN: usize = 60;

/// The beginning of `text`, with control, format and otherwise invisible characters
/// escaped as in Rust (`\n`, `\u{202e}`), and `…` where something is left out.
pub(crate) fn excerpt(text: &str) -> String {
    let mut shown = String::new();
    let mut len = 0;
    for c in text.chars() {
        let escaped = escaped(c);
        let more = escaped.chars().count();
        if len + more >= EXCERPT_LEN {
            shown.push('…');
            break;
        }
        shown.push_str(&escaped);
        len += more;
    }
    shown
}

fn escaped(c: char) -> String {
    match c {
        // The only two that `escape_debug` escapes for the sake of Rust's quotes.
        '\'' | '"' => c.to_string(),
        _ => c.escape_debug().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{EXCERPT_LEN, excerpt};

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(
            excerpt("a\u{1b}[2J\u{202e}\u{9b}\0\r\u{feff}"),
            r"a\u{1b}[2J\u{202e}\u{9b}\0\r\u{feff}"
        );
    }

    #[test]
    fn plain_text_stays() {
        assert_eq!(excerpt("it's \"Größe\""), "it's \"Größe\"");
    }

    #[test]
    fn a_long_text_is_cut_with_its_escapes_counted() {
        for text in ["x".repeat(1000), "\u{1b}".repeat(1000)] {
            let shown = excerpt(&text);
            assert!(shown.chars().count() <= EXCERPT_LEN, "{shown}");
            assert!(shown.ends_with('…'));
        }
    }
}
