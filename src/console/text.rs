//! Small texts: durations, counts, numbers with hidden digits, cut lines.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::text::Span;

use crate::campaign::Time;
pub(crate) use crate::headless::harmless;

/// `0:07`, `12:34`, `3:04:05`.
pub(crate) fn clock_span(span: Duration) -> String {
    let s = span.as_secs();
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h == 0 {
        format!("{m}:{s:02}")
    } else {
        format!("{h}:{m:02}:{s:02}")
    }
}

/// For lists of steps: `12 ms`, `3.4 s`, `2:05`.
pub(crate) fn fine_span(span: Duration) -> String {
    let ms = span.as_millis();
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms / 100 % 10),
        _ => clock_span(span),
    }
}

/// The time of day where the console stands: `14:03:09`.
pub(crate) fn time_of_day(at: Time, zone: &TimeZone) -> String {
    format_time(at, zone, "%H:%M:%S")
}

/// With the date: `2026-11-22 14:03:09`.
pub(crate) fn date_and_time(at: Time, zone: &TimeZone) -> String {
    format_time(at, zone, "%Y-%m-%d %H:%M:%S")
}

fn format_time(at: Time, zone: &TimeZone, format: &str) -> String {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    match Timestamp::from_microsecond(micros) {
        Ok(at) => at.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// `1,234,567`: long counts are read in groups.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 call`, `2 calls`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{} {noun}s", count(n))
    }
}

/// A share in percent; `-` of nothing.
pub(crate) fn percent(part: u32, whole: u32) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let share = f64::from(part) * 100.0 / f64::from(whole);
    // Whether it is 2.9 or 3.1 matters, whether 48.3 or 48.4 does not.
    if share < 10.0 {
        format!("{share:.1}%")
    } else {
        format!("{share:.0}%")
    }
}

/// Every run of five digits or more with its middle hidden: enough stays to tell two numbers
/// of a list apart by their ends, too little to call one.
pub(crate) fn hide_digits(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let run = chars[i..].iter().take_while(|c| c.is_ascii_digit()).count();
        if run < 5 {
            out.extend(&chars[i..i + run.max(1)]);
            i += run.max(1);
            continue;
        }
        let shown = if run >= 8 { 2 } else { 1 };
        out.extend(&chars[i..i + shown]);
        out.extend(std::iter::repeat_n('*', run - 2 * shown));
        out.extend(&chars[i + run - shown..i + run]);
        i += run;
    }
    out
}

/// Fits `text` into `width` columns; what does not fit ends in `ellipsis`.
pub(crate) fn fit(text: &str, width: usize, ellipsis: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let mut out: String = text
        .chars()
        .take(fitting(text.chars(), width - 1))
        .collect();
    out.push_str(ellipsis);
    out
}

/// How many columns a text takes: a letter of Chinese two, a combining accent none.
fn columns(text: &str) -> usize {
    Span::raw(text).width()
}

/// How many of the first characters fit into so many columns.
fn fitting(chars: impl IntoIterator<Item = char>, width: usize) -> usize {
    let mut room = width;
    let fits = |c: &char| {
        let needed = columns(c.encode_utf8(&mut [0; 4]));
        let left = room.checked_sub(needed);
        room = left.unwrap_or(room);
        left.is_some()
    };
    chars.into_iter().take_while(fits).count()
}

/// Breaks a text at blanks into lines of at most `width` columns; words that are longer
/// are broken anywhere.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word;
        loop {
            let last = lines.last_mut().expect("there is always a line");
            let taken = columns(last);
            let gap = usize::from(taken > 0);
            if taken + gap + columns(word) <= width {
                if gap == 1 {
                    last.push(' ');
                }
                last.push_str(word);
                break;
            }
            if taken == 0 {
                // One at least, or a letter wider than the line would never end.
                let fits = fitting(word.chars(), width).max(1);
                let at = word
                    .char_indices()
                    .nth(fits)
                    .map_or(word.len(), |(at, _)| at);
                let (head, rest) = word.split_at(at);
                last.push_str(head);
                word = rest;
            }
            lines.push(String::new());
        }
    }
    if lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let clock = |s| clock_span(Duration::from_secs(s));
        assert_eq!(
            [clock(0), clock(67), clock(3600 + 62)],
            ["0:00", "1:07", "1:01:02"]
        );
        let fine = |ms| fine_span(Duration::from_millis(ms));
        assert_eq!(
            [fine(999), fine(3456), fine(125_000)],
            ["999 ms", "3.4 s", "2:05"]
        );
    }

    #[test]
    fn counts_are_grouped_and_nouns_agree() {
        assert_eq!(
            [count(7), count(1000), count(1_234_567)],
            ["7", "1,000", "1,234,567"]
        );
        assert_eq!(
            [counted(1, "call"), counted(0, "call")],
            ["1 call", "0 calls"]
        );
    }

    #[test]
    fn hidden_digits_leave_the_ends_and_no_number_to_call() {
        assert_eq!(hide_digits("+12025550101 rings"), "+12*******01 rings");
        assert_eq!(hide_digits("84010"), "8***0");
        assert_eq!(
            hide_digits("777@default at 14:03:09"),
            "777@default at 14:03:09"
        );
    }

    #[test]
    fn texts_are_cut_to_the_columns_there_are() {
        assert_eq!(fit("abcdef", 4, "…"), "abc…");
        assert_eq!(fit("abcd", 4, "…"), "abcd");
        assert_eq!(fit("abcd", 0, "…"), "");
    }

    #[test]
    fn wide_letters_take_two_columns_and_accents_none() {
        assert_eq!(fit("世界世界", 5, "…"), "世界…");
        assert_eq!(fit("世界", 4, "…"), "世界");
        assert_eq!(
            fit("e\u{301}e\u{301}e\u{301}", 3, "…"),
            "e\u{301}e\u{301}e\u{301}"
        );
        assert_eq!(wrap("世界世 a", 4), ["世界", "世 a"]);
        assert_eq!(wrap("世界", 1), ["世", "界"]);
    }

    #[test]
    fn a_stranger_s_text_is_written_out() {
        assert_eq!(
            harmless("a\x1b[2Jb\u{202e}c\r"),
            "a\\u{1b}[2Jb\\u{202e}c\\r"
        );
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
