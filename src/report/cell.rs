//! One value of a report, in either form.

use std::time::Duration;

use jiff::Timestamp;

use crate::campaign::Time;

/// A value as it will stand in the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing is known.
    Empty,
    /// Text, quoted as the form asks.
    Text(String),
    /// Digits, with at most a point among them.
    Number(String),
}

impl Cell {
    pub(super) fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Empty, |text| Self::Text(text.to_owned()))
    }

    pub(super) fn integer(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Empty, |value| Self::Number(value.to_string()))
    }

    /// RFC 3339 in UTC with milliseconds. Empty beyond the year 9999, which RFC 3339 ends at.
    pub(super) fn time(at: Option<Time>) -> Self {
        let micros = at.and_then(|at| i64::try_from(at.0).ok());
        match micros.map(Timestamp::from_microsecond) {
            Some(Ok(timestamp)) => Self::Text(format!("{timestamp:.3}")),
            _ => Self::Empty,
        }
    }

    /// Seconds with three digits after the point; what is below a millisecond is cut off.
    pub(super) fn seconds(duration: Option<Duration>) -> Self {
        duration.map_or(Self::Empty, |d| {
            Self::Number(format!("{}.{:03}", d.as_secs(), d.subsec_millis()))
        })
    }

    pub(super) fn to_csv(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => csv_field(text),
            Self::Number(digits) => digits.clone(),
        }
    }

    pub(super) fn to_json(&self) -> String {
        match self {
            Self::Empty => "null".to_owned(),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Self::Number(digits) => digits.clone(),
        }
    }
}

/// What makes a cell a formula where it stands first.
const RUN: [char; 11] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n'];

/// Text as a CSV field (RFC 4180).
///
/// Spreadsheets run a cell that begins with `=`, `+`, `-`, `@`, one of their full-width forms, a
/// tab, a CR or an LF as a formula (OWASP, "CSV injection"); an apostrophe before it stops that. A number as it was dialed is
/// left alone although it may begin with `+`: of digits, `+`, `*` and `#` no formula can be
/// made that reads a cell, calls a function or opens a link, and a changed number would match
/// nothing in the list that it came from.
#[must_use]
pub fn csv_field(text: &str) -> String {
    let runs = text.starts_with(RUN);
    let guard = if runs && !is_dialable(text) { "'" } else { "" };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

fn is_dialable(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'+' | b'*' | b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_disarmed() {
        assert_eq!(csv_field("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(csv_field("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(csv_field("-1+cmd|' /C calc'!A0"), "'-1+cmd|' /C calc'!A0");
        assert_eq!(csv_field("+A1"), "'+A1");
        assert_eq!(csv_field("\t=1"), "'\t=1");
        assert_eq!(csv_field("\r=1"), "\"'\r=1\"");
        assert_eq!(csv_field("\n=1"), "\"'\n=1\"");
        assert_eq!(csv_field("＝1"), "'＝1");
    }

    /// OWASP's list: `=`, `+`, `-`, `@`, tab, CR and LF, and the four signs in full width.
    #[test]
    fn every_character_that_begins_a_formula_gets_an_apostrophe_before_it() {
        let full_width = ['\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
        let narrow = ['=', '+', '-', '@', '\t', '\r', '\n'];
        for first in narrow.into_iter().chain(full_width) {
            for rest in ["", "1", "1+1", "HYPERLINK(A1)", "sum of a, b", "\"quoted\""] {
                // That is a number as it was dialed.
                if first == '+' && rest != "HYPERLINK(A1)" && !rest.contains([' ', '"']) {
                    continue;
                }
                let text = format!("{first}{rest}");
                let field = csv_field(&text);
                let cell = field.trim_start_matches('"');
                assert!(
                    cell.starts_with(&format!("'{first}")),
                    "{text:?}: {field:?}"
                );
                let inside = format!("a{first}{rest}");
                assert!(!csv_field(&inside).contains('\''), "{inside:?}");
            }
        }
    }

    #[test]
    fn a_number_is_written_as_it_was_dialed() {
        assert_eq!(csv_field("+79991234567"), "+79991234567");
        assert_eq!(csv_field("*31#+44"), "*31#+44");
    }

    #[test]
    fn what_would_break_a_row_is_quoted() {
        assert_eq!(csv_field("a,b"), "\"a,b\"");
        assert_eq!(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(csv_field("two\nlines"), "\"two\nlines\"");
        assert_eq!(csv_field("plain"), "plain");
    }

    #[test]
    fn times_are_rfc_3339_in_utc_with_milliseconds() {
        let at = |micros| Cell::time(Some(Time(micros))).to_csv();
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        // 2024 is a leap year: day 60 is 29 February. 19,723 days from 1970 to 2024.
        let leap_day = (19_723 + 59) * 86_400 * 1_000_000;
        assert_eq!(at(leap_day + 1_999), "2024-02-29T00:00:00.001Z");
        assert_eq!(at(u64::MAX), "");
        assert_eq!(Cell::time(None).to_json(), "null");
    }

    #[test]
    fn seconds_have_three_digits() {
        let seconds = |ms| Cell::seconds(Some(Duration::from_millis(ms))).to_json();
        assert_eq!(seconds(0), "0.000");
        assert_eq!(seconds(61_005), "61.005");
        let below = Duration::from_micros(1_999);
        assert_eq!(Cell::seconds(Some(below)).to_csv(), "0.001");
    }

    #[test]
    fn json_text_is_escaped() {
        assert_eq!(Cell::text(Some("a\"b\n")).to_json(), "\"a\\\"b\\n\"");
    }
}
