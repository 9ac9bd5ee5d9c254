//! What one line of the list is.

use super::lines::{KEPT, Line};
use crate::campaign::{Emergency, Number, NumberError};
use crate::config::shown::excerpt;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number to dial.
    Number(Number),
    /// Nothing, or a comment.
    Nothing,
    /// A comment that the replaced program would have dialed: `#79991234567`.
    CommentedNumber,
    /// Neither.
    Bad(Reason),
}

/// Why a line is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// It is longer than any line of numbers.
    #[error("it is longer than {KEPT} bytes")]
    TooLong,
    /// Carriage returns within: the file ends its lines with them alone, or is damaged.
    #[error("a carriage return stands in it: lines must end with LF or CR LF")]
    CarriageReturn,
    /// What a spreadsheet writes in place of a value: `#N/A`, `#REF!`, `#####`.
    #[error("it looks like a spreadsheet's error; a comment has a blank behind its #")]
    SpreadsheetError,
    /// An emergency service would answer.
    #[error("it is an emergency number, which is never dialed")]
    Emergency,
    /// A comment, where nobody would look for one.
    #[error("it begins with # and is taken as a comment")]
    Comment,
    /// Anything else.
    #[error("{0}")]
    Number(#[from] NumberError),
}

/// A line that was skipped, with why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}: {excerpt}")]
pub struct Reject {
    /// Its place in the list, counted from 1.
    pub line: u64,
    /// Why it is no number.
    pub reason: Reason,
    /// Its beginning, at most 60 characters, with whatever a terminal could obey escaped.
    pub excerpt: String,
}

impl Reject {
    pub(super) fn new(line: u64, reason: Reason, content: &Line<'_>) -> Self {
        let (Line::Whole(bytes) | Line::Long(bytes)) = content;
        let text = String::from_utf8_lossy(bytes);
        let excerpt = excerpt(trim(&text));
        Self {
            line,
            reason,
            excerpt,
        }
    }
}

/// Tells what a line is.
pub(super) fn classify(line: &Line<'_>, emergency: Emergency) -> Kind {
    let bytes = match line {
        Line::Whole(bytes) => *bytes,
        // Cut perhaps within a character, but a comment all the same.
        Line::Long(bytes) if trim(&String::from_utf8_lossy(bytes)).starts_with('#') => {
            return Kind::Nothing;
        }
        Line::Long(_) => return Kind::Bad(Reason::TooLong),
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return match bytes.trim_ascii_start() {
            // A comment in an older encoding harms nobody.
            [b'#', ..] => Kind::Nothing,
            _ => Kind::Bad(Reason::NotUtf8),
        };
    };
    let text = trim(text);
    if text.starts_with('#') && !has_service_prefix(text) {
        return hashed(text);
    }
    match Number::parse(text) {
        Err(NumberError::Empty) => Kind::Nothing,
        Ok(number) if emergency.has(number.as_str()) => Kind::Bad(Reason::Emergency),
        Ok(number) => Kind::Number(number),
        Err(e) if text.starts_with('#') && e != NumberError::InnerPlus => Kind::Nothing,
        Err(_) if text.contains('\r') => Kind::Bad(Reason::CarriageReturn),
        Err(e) => Kind::Bad(Reason::Number(e)),
    }
}

/// What a text is that begins with `#` and no service code.
fn hashed(text: &str) -> Kind {
    if is_spreadsheet_error(text) {
        Kind::Bad(Reason::SpreadsheetError)
    } else if Number::taken_before(text).is_ok() {
        Kind::CommentedNumber
    } else {
        Kind::Nothing
    }
}

/// Whether a text that begins with `#` is what a spreadsheet shows for a value that it does not
/// have, in whatever language, or has no room for: `#N/A`, `#REF!`, `#NV`, `#####`. A line of
/// one or two `#` is a comment.
fn is_spreadsheet_error(text: &str) -> bool {
    let word = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    let word = word.into_iter().next().unwrap_or_default();
    let is_alone = word.len() == text.len();
    let name = word.trim_start_matches('#');
    if name.is_empty() {
        return is_alone && word.len() > 2;
    }
    name.chars().any(char::is_uppercase)
        && !name.chars().any(char::is_lowercase)
        && (is_alone || name.contains(['/', '!', '?']))
}

/// Takes off what the replaced program took off, which is JavaScript's `trim`; a byte
/// order mark is among it.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Whether `text`, which is a number that begins with `#`, begins with a service code
/// (`#31#`, one to four digits) and goes on with the number to dial.
fn has_service_prefix(text: &str) -> bool {
    let Some((code, rest)) = text.get(1..).and_then(|text| text.split_once('#')) else {
        return false;
    };
    let is_code = (1..=4).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    let subscriber = rest.strip_prefix('+').unwrap_or(rest);
    is_code && subscriber.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Kind, Line, Reason, Reject};
    use crate::campaign::{Emergency, MAX_NUMBER_LEN, Number, NumberError};

    fn classify(line: &Line<'_>) -> Kind {
        super::classify(line, Emergency::of("02 103"))
    }

    fn kind(text: &str) -> Kind {
        classify(&Line::Whole(text.as_bytes()))
    }

    fn number(text: &str) -> Kind {
        Kind::Number(Number::parse(text).expect("a number"))
    }

    #[test]
    fn numbers_are_taken_with_blanks_around_them_off() {
        for line in [
            "79991234567",
            " 79991234567\t\r",
            "\u{feff}79991234567",
            "\u{a0}79991234567\u{3000}",
        ] {
            assert_eq!(kind(line), number("79991234567"), "{line:?}");
        }
        for line in ["+12025550100", "*67*123", "1", "*31#79991234567", "101#"] {
            assert_eq!(kind(line), number(line));
        }
        let longest = "1".repeat(MAX_NUMBER_LEN);
        assert_eq!(kind(&longest), number(&longest));
    }

    #[test]
    fn blank_and_comment_lines_are_nothing() {
        for line in [
            "",
            " \t",
            "\r",
            "# a comment",
            "#",
            "##",
            "# 79991234567",
            "#+",
            "\u{feff}# x",
        ] {
            assert_eq!(kind(line), Kind::Nothing, "{line:?}");
        }
    }

    #[test]
    fn a_service_prefix_is_dialed() {
        for line in [
            "#31#79991234567",
            "#31#+79991234567",
            "#1#1120",
            "#1234#5*6#",
            " #31#79991234567 ",
        ] {
            assert_eq!(kind(line), number(line.trim()));
        }
    }

    #[test]
    fn a_comment_that_could_be_a_number_is_told() {
        for line in [
            "#79991234567",
            "##79991234567",
            "#+79991234567",
            "#12345#6",
            "#31##7",
            "#31#",
            "#31#+",
            "#*31#7",
        ] {
            assert_eq!(kind(line), Kind::CommentedNumber, "{line}");
        }
    }

    #[test]
    fn what_a_spreadsheet_has_in_place_of_a_value_is_no_comment() {
        for line in [
            "#N/A",
            "#REF!",
            "#####",
            "###",
            "#DIV/0!",
            "#NAME?",
            "#NV",
            "#Н/Д",
            "#ССЫЛКА!",
            " #VALUE!\r",
            "#N/A N/A",
            "#N/A;Smith",
            "#GETTING_DATA",
        ] {
            assert_eq!(kind(line), Kind::Bad(Reason::SpreadsheetError), "{line}");
        }
        for line in [
            "# N/A",
            "#VIP customers",
            "#todo",
            "# REF!",
            "##",
            "#",
            "## PART",
            "#Note!",
        ] {
            assert_eq!(kind(line), Kind::Nothing, "{line}");
        }
    }

    #[test]
    fn a_plus_between_digits_parts_two_numbers_and_is_told() {
        for line in ["79991234567+79997654321", "#31#7999+7999", "*31#7999+1"] {
            let reason = Reason::Number(NumberError::InnerPlus);
            assert_eq!(kind(line), Kind::Bad(reason), "{line}");
        }
    }

    #[test]
    fn emergency_numbers_are_told_and_not_dialed() {
        for line in ["112", "911", "+112", "#31#112", "02", "103", " 911 "] {
            assert_eq!(kind(line), Kind::Bad(Reason::Emergency), "{line}");
        }
        for line in ["01", "1112", "9110", "1020"] {
            assert_eq!(kind(line), number(line), "{line}");
        }
    }

    #[test]
    fn nothing_that_could_alter_a_dial_string_gets_through() {
        for bad in [
            '&', '/', '@', ';', ',', ' ', '\t', '\0', '\u{1b}', '\u{7f}', '\u{b}', '\u{85}',
            '\u{a0}', '\u{202e}', '\u{200b}', '\u{feff}', '\u{2028}', '\u{ff11}', '\u{661}', '"',
            '\\', '$', '(', '-', 'a', 'ё',
        ] {
            let line = format!("7999{bad}1234567");
            let reason = Reason::Number(NumberError::Character(bad));
            assert_eq!(kind(&line), Kind::Bad(reason), "{line:?}");
        }
        for line in ["+", "*#", "１２３４", &"1".repeat(MAX_NUMBER_LEN + 1)] {
            assert!(matches!(kind(line), Kind::Bad(_)), "{line}");
        }
        assert_eq!(kind("7999\r1234"), Kind::Bad(Reason::CarriageReturn));
        assert_eq!(
            classify(&Line::Whole(b"7999\xff")),
            Kind::Bad(Reason::NotUtf8)
        );
        assert_eq!(
            classify(&Line::Whole(b"\xff#1")),
            Kind::Bad(Reason::NotUtf8)
        );
        assert_eq!(
            classify(&Line::Long(b"79991234567")),
            Kind::Bad(Reason::TooLong)
        );
    }

    #[test]
    fn a_comment_may_be_long_or_in_another_encoding() {
        assert_eq!(classify(&Line::Long(b" # once upon a time")), Kind::Nothing);
        assert_eq!(classify(&Line::Whole(b" # K\xf6ln")), Kind::Nothing);
        assert_eq!(classify(&Line::Long(b"#31#79991234567")), Kind::Nothing);
    }

    #[test]
    fn a_reject_is_a_line_that_is_safe_to_show() {
        let hostile = format!("7999\u{1b}[2J\n\u{202e}{}", "x".repeat(400));
        let line = Line::Whole(hostile.as_bytes());
        let Kind::Bad(reason) = classify(&line) else {
            panic!("it is no number")
        };
        let shown = Reject::new(12, reason, &line).to_string();
        assert!(
            shown.starts_with("line 12: '\\u{1b}' is not allowed"),
            "{shown}"
        );
        assert!(shown.contains(r"7999\u{1b}[2J\n\u{202e}xxx"), "{shown}");
        assert!(
            shown.chars().all(|c| c == '…' || (' '..='~').contains(&c)),
            "{shown}"
        );
        assert!(shown.chars().count() < 160, "{shown}");
    }
}
