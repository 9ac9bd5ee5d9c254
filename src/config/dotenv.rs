//! Reads a `.env` file as Node's dotenv does, through dotenvy.
//!
//! The files exist already, written for Node; dotenvy alone would expand `$`, refuse
//! unquoted blanks and backticks, and know other escapes. So each assignment is found by
//! Node's rules first, written in the one form that dotenvy takes literally
//! (`NAME="…"` with every special character escaped), and then read by dotenvy.
//!
//! Node's rules are those of dotenv 15 to 18, which are one regular expression; the
//! functions below follow it piece by piece, with its backtracking worked out by hand. One
//! rule is older: a `#` in an unquoted value starts a comment only after a blank, as up to
//! dotenv 14.3, so that `p$ecret#1` is a password. Newer ones cut there, so wherever that
//! makes a difference there is a [`DotenvNotice`].

use std::fmt::Write as _;

/// What a `.env` file says.
#[derive(Debug, Default)]
pub(super) struct DotenvReading {
    /// The assignments in the order of the file. A name may stand twice: the last counts.
    pub(super) entries: Vec<Entry>,
    /// What its writer may have meant otherwise.
    pub(super) notices: Vec<DotenvNotice>,
}

/// One assignment. It has no `Debug`, since the value may be a secret.
#[derive(PartialEq, Eq)]
pub(super) struct Entry {
    /// The name, of letters, digits, `_` and `.`.
    pub(super) name: String,
    /// The value, with quotes and escapes resolved.
    pub(super) value: String,
    /// The line that its name stands in, counted from 1.
    pub(super) line: usize,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in line {}", self.name, self.line)
    }
}

/// A place where the writer may have meant something else than the file says. Never holds
/// a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DotenvNotice {
    /// A line that is no assignment, blank or comment; Node ignores it.
    Ignored { line: usize },
    /// An unquoted value holds a `#` that follows no blank: kept here, and up to dotenv
    /// 14.3; later versions cut the value there.
    HashKept { name: String, line: usize },
    /// The value begins with a quote that does not end it, so that the quote is part of it.
    OpenQuote { name: String, line: usize },
    /// A name that Node knows and dotenvy does not (`-` in it, or a digit first). No
    /// setting has such a name.
    OddName { name: String, line: usize },
}

/// Why a file can't be read at all.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DotenvError {
    /// Node would put U+FFFD in its place, which no setting can mean.
    #[error("line {line} is not UTF-8: save the file as UTF-8")]
    NotUtf8 { line: usize },
    /// Node ends a line there and editors don't.
    #[error("line {line} holds the invisible character U+2028 or U+2029: delete it")]
    LineSeparator { line: usize },
    /// dotenvy did not take what was made for it.
    #[error("line {line} can't be read: put its value in single quotes")]
    Refused { line: usize },
}

/// Reads the bytes of a `.env` file.
pub(super) fn read(bytes: &[u8]) -> Result<DotenvReading, DotenvError> {
    let text = std::str::from_utf8(bytes).map_err(|e| DotenvError::NotUtf8 {
        line: line_of(&bytes[..e.valid_up_to()]),
    })?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(at) = text.find(['\u{2028}', '\u{2029}']) {
        let line = line_of(&text.as_bytes()[..at]);
        return Err(DotenvError::LineSeparator { line });
    }
    let (assigned, notices) = scan(&text);
    let entries = through_dotenvy(assigned)?;
    Ok(DotenvReading { entries, notices })
}

/// The number of the line that comes after `before`. CR, LF and CR LF end lines.
fn line_of(before: &[u8]) -> usize {
    let breaks = |(i, b): (usize, &u8)| match b {
        b'\n' => i == 0 || before[i - 1] != b'\r',
        b => *b == b'\r',
    };
    1 + before.iter().enumerate().filter(|&x| breaks(x)).count()
}

/// Finds all assignments, each with its value resolved by Node's rules.
fn scan(text: &str) -> (Vec<Entry>, Vec<DotenvNotice>) {
    let (mut entries, mut notices) = (Vec::new(), Vec::new());
    let (mut at, mut counted, mut line) = (0, 0, 1);
    while at < text.len() {
        let start = skip_blanks_in_line(text, at);
        if !matches!(text[start..].chars().next(), None | Some('\n' | '#')) {
            let found = assignment(text, start);
            let name_at = found.as_ref().map_or(start, |found| found.name_at);
            line += text[counted..name_at].matches('\n').count();
            counted = name_at;
            at = match found {
                None => {
                    notices.push(DotenvNotice::Ignored { line });
                    start
                }
                Some(found) => {
                    let end = found.end;
                    found.tell(line, &mut entries, &mut notices);
                    end
                }
            };
        }
        at = line_end(text, at) + 1;
    }
    (entries, notices)
}

/// An assignment in the text.
struct Assignment<'a> {
    name: &'a str,
    name_at: usize,
    value: DotenvValue<'a>,
    /// Where its value's last line goes on.
    end: usize,
}

enum DotenvValue<'a> {
    Quoted { quote: char, inside: &'a str },
    Plain(&'a str),
}

impl Assignment<'_> {
    fn tell(self, line: usize, entries: &mut Vec<Entry>, notices: &mut Vec<DotenvNotice>) {
        let name = self.name.to_owned();
        if !dotenvy_takes(&name) {
            notices.push(DotenvNotice::OddName { name, line });
            return;
        }
        if let DotenvValue::Plain(text) = self.value {
            if text.contains('#') {
                let name = name.clone();
                notices.push(DotenvNotice::HashKept { name, line });
            }
            if text.starts_with(QUOTES) && unquoted(text).is_none() {
                let name = name.clone();
                notices.push(DotenvNotice::OpenQuote { name, line });
            }
        }
        let value = self.value.resolve();
        entries.push(Entry { name, value, line });
    }
}

impl DotenvValue<'_> {
    fn resolve(&self) -> String {
        let (double, inside) = match self {
            Self::Quoted { quote, inside } => (*quote == '"', *inside),
            Self::Plain(text) => (text.starts_with('"'), unquoted(text).unwrap_or(text)),
        };
        if double {
            inside.replace("\\n", "\n").replace("\\r", "\r")
        } else {
            inside.to_owned()
        }
    }
}

const QUOTES: [char; 3] = ['\'', '"', '`'];

/// `text` without the quotes around it. Node takes the first and the last, whatever
/// stands between: `'it's'` is `it's`.
fn unquoted(text: &str) -> Option<&str> {
    QUOTES
        .into_iter()
        .find_map(|q| text.strip_prefix(q)?.strip_suffix(q))
}

/// `(?:export\s+)?([\w.-]+)…` at `at`, with the prefix if that gives an assignment, else
/// without: `export=1` assigns to `export`.
fn assignment(text: &str, at: usize) -> Option<Assignment<'_>> {
    let after_export = text[at..].strip_prefix("export").and_then(|rest| {
        let after = at + "export".len();
        rest.starts_with(is_blank).then(|| skip_blanks(text, after))
    });
    after_export
        .and_then(|name_at| named(text, name_at))
        .or_else(|| named(text, at))
}

fn named(text: &str, name_at: usize) -> Option<Assignment<'_>> {
    let is_other = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    let len = text[name_at..]
        .find(is_other)
        .unwrap_or(text.len() - name_at);
    let name = &text[name_at..name_at + len];
    if name.is_empty() {
        return None;
    }
    let value_at = separator(text, name_at + len)?;
    let (value, end) = value(text, value_at);
    Some(Assignment {
        name,
        name_at,
        value,
        end,
    })
}

/// `\s*=` or `:\s`: where the value may begin. The blanks may be line breaks.
fn separator(text: &str, at: usize) -> Option<usize> {
    let sign = skip_blanks(text, at);
    if text[sign..].starts_with('=') {
        return Some(sign + 1);
    }
    let blank = text[at..].strip_prefix(':')?.chars().next()?;
    is_blank(blank).then(|| at + 1 + blank.len_utf8())
}

/// The value that begins at `at`, and where it ends. A quoted one may begin on a later
/// line and span several; where no quote closes it, the quote is an ordinary character.
fn value(text: &str, at: usize) -> (DotenvValue<'_>, usize) {
    let open = skip_blanks(text, at);
    if let Some(quote) = text[open..].chars().next().filter(|c| QUOTES.contains(c))
        && let Some(close) = closing_quote(text, open + 1, quote)
    {
        let inside = &text[open + 1..close];
        return (DotenvValue::Quoted { quote, inside }, close + 1);
    }
    let line = &text[at..line_end(text, at)];
    let plain = &line[..comment_start(text, at, line)];
    (
        DotenvValue::Plain(plain.trim_matches(is_blank)),
        at + line.len(),
    )
}

/// Where the quote closes: at the last candidate after which only blanks or a comment
/// follow in the line. Candidates are all quotes up to and including the first that no
/// backslash precedes. (`(?:\\"|[^"])*"` prefers `\"`, and falls back to less.)
fn closing_quote(text: &str, inside: usize, quote: char) -> Option<usize> {
    let mut close = None;
    for (i, _) in text[inside..].match_indices(quote) {
        let at = inside + i;
        let rest = &text[skip_blanks_in_line(text, at + 1)..];
        if matches!(rest.chars().next(), None | Some('\n' | '#')) {
            close = Some(at);
        }
        let escaped = i > 0 && text[..at].ends_with('\\');
        if !escaped {
            break;
        }
    }
    close
}

/// Where the comment of an unquoted value begins in `line`, which begins at `at`: at the
/// first `#` after a blank.
fn comment_start(text: &str, at: usize, line: &str) -> usize {
    line.match_indices('#')
        .map(|(i, _)| i)
        .find(|i| text[..at + i].ends_with(is_blank))
        .unwrap_or(line.len())
}

/// JavaScript's `\s`, which is also what its `trim` takes off.
fn is_blank(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

fn skip_blanks(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(is_blank).len()
}

fn skip_blanks_in_line(text: &str, at: usize) -> usize {
    let blank = |c| c != '\n' && is_blank(c);
    text.len() - text[at..].trim_start_matches(blank).len()
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |i| at + i)
}

fn dotenvy_takes(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !name.contains('-')
}

/// Writes the entries in dotenvy's form and has dotenvy read them. Its iterator touches
/// no environment variable as long as no value holds a bare `$`.
fn through_dotenvy(assigned: Vec<Entry>) -> Result<Vec<Entry>, DotenvError> {
    let mut form = String::new();
    for entry in &assigned {
        let mut value = String::with_capacity(entry.value.len());
        for c in entry.value.chars() {
            match c {
                '\n' => value.push_str("\\n"),
                '\\' | '"' | '$' => value.extend(['\\', c]),
                _ => value.push(c),
            }
        }
        // Writing to a String can't fail.
        let _ = writeln!(form, "{}=\"{value}\"", entry.name);
    }
    let read = dotenvy::from_read_iter(form.as_bytes());
    assigned
        .into_iter()
        .zip(read)
        .map(|(entry, item)| match item {
            Ok((name, value)) if name == entry.name => Ok(Entry { value, ..entry }),
            // dotenvy's error quotes the line: it may hold a secret, and goes no further.
            _ => Err(DotenvError::Refused { line: entry.line }),
        })
        .collect()
}

#[cfg(test)]
mod tests;
