//! Bytes from a terminal, as keys and pasted text.
//!
//! Written here because the reader that comes with crossterm 0.29 never returns once the
//! terminal has gone: it reads again for ever, with a whole core. This one only parses; who
//! feeds it sees the end of the terminal.

use crate::keys::{Key, KeyCode};

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyInput {
    Key(Key),
    /// Text between the brackets of a paste.
    Paste(String),
    /// Text that came faster than anybody types: a paste without brackets, or a part of one.
    Burst(String),
}

/// A paste is kept up to here; nothing here has a use for more.
const LONGEST_PASTE: usize = 64 * 1024;
/// No key's sequence is longer.
const LONGEST_SEQUENCE: usize = 32;
/// Nothing that a terminal says of itself is longer.
const LONGEST_ANSWER: usize = 4096;
/// As many characters in one read were not typed. It is how a paste looks on a terminal that
/// does not bracket it.
const BURST: usize = 16;

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Takes bytes in pieces of any length.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// A sequence whose end has not come yet.
    pending: Vec<u8>,
    /// Text between the brackets of a paste.
    pasting: Option<Vec<u8>>,
}

/// What the beginning of some bytes is.
enum KeyParse {
    Key(usize, Key),
    /// Nothing that has a meaning here.
    Skip(usize),
    PasteBegins,
    /// More is needed to tell.
    More,
}

impl Parser {
    /// Takes what was read.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<KeyInput> {
        self.pending.extend_from_slice(bytes);
        let mut found = Vec::new();
        loop {
            if self.pasting.is_some() {
                match self.paste() {
                    Some(text) => found.push(KeyInput::Paste(text)),
                    None => break,
                }
                continue;
            }
            match step(&self.pending) {
                KeyParse::Key(n, key) => {
                    self.pending.drain(..n);
                    found.push(KeyInput::Key(key));
                }
                KeyParse::Skip(n) => {
                    self.pending.drain(..n);
                }
                KeyParse::PasteBegins => {
                    self.pending.drain(..PASTE_BEGINS.len());
                    self.pasting = Some(Vec::new());
                }
                KeyParse::More => break,
            }
        }
        sift(found)
    }

    /// How many milliseconds to wait for more of what has begun, if something has.
    pub(crate) fn patience(&self) -> Option<u16> {
        match &self.pasting {
            // A line may be slow, and what follows in a paste must not become keys.
            Some(_) => Some(2000),
            None => (!self.pending.is_empty()).then_some(50),
        }
    }

    /// Nothing came for a while: what has begun is all there is. A lone escape is the key.
    pub(crate) fn flush(&mut self) -> Option<KeyInput> {
        let pending = std::mem::take(&mut self.pending);
        if let Some(mut pasted) = self.pasting.take() {
            pasted.extend(pending);
            return Some(KeyInput::Paste(text(&pasted)));
        }
        (pending == b"\x1b").then(|| KeyInput::Key(Key::plain(KeyCode::Esc)))
    }

    /// Takes pending bytes into the paste, up to its end.
    fn paste(&mut self) -> Option<String> {
        let pasting = self.pasting.as_mut()?;
        let end = find(&self.pending, PASTE_ENDS);
        // The end may stand half in these bytes and half in the next.
        let safe = self.pending.len().saturating_sub(PASTE_ENDS.len() - 1);
        let upto = end.unwrap_or(safe);
        let room = LONGEST_PASTE.saturating_sub(pasting.len());
        pasting.extend(self.pending[..upto].iter().take(room));
        self.pending.drain(..upto);
        end?;
        self.pending.drain(..PASTE_ENDS.len());
        self.pasting.take().map(|pasted| text(&pasted))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "\n")
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Many characters at once that are not all the same (a key that is held down) were pasted.
fn sift(found: Vec<KeyInput>) -> Vec<KeyInput> {
    let texts: Vec<char> = found
        .iter()
        .filter_map(|input| match input {
            KeyInput::Key(key) => key.as_text(),
            KeyInput::Paste(_) | KeyInput::Burst(_) => None,
        })
        .collect();
    if texts.len() < BURST || texts.iter().all(|c| *c == texts[0]) {
        return found;
    }
    let rest = found
        .into_iter()
        .filter(|input| !matches!(input, KeyInput::Key(key) if key.as_text().is_some()));
    let mut sifted: Vec<KeyInput> = rest.collect();
    sifted.push(KeyInput::Burst(texts.into_iter().collect()));
    sifted
}

fn step(bytes: &[u8]) -> KeyParse {
    match bytes {
        [] => KeyParse::More,
        [0x1b, rest @ ..] => escape(bytes, rest),
        // A paste without brackets may have line feeds.
        [b'\r' | b'\n', ..] => KeyParse::Key(1, Key::plain(KeyCode::Enter)),
        [b'\t', ..] => KeyParse::Key(1, Key::plain(KeyCode::Tab)),
        [0x08 | 0x7f, ..] => KeyParse::Key(1, Key::plain(KeyCode::Backspace)),
        [control @ 0x01..=0x1a, ..] => {
            let key = Key {
                code: KeyCode::Char(char::from(control - 1 + b'a')),
                ctrl: true,
            };
            KeyParse::Key(1, key)
        }
        [0x00..=0x1f, ..] => KeyParse::Skip(1),
        _ => character(bytes),
    }
}

fn character(bytes: &[u8]) -> KeyParse {
    let length = match bytes[0] {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return KeyParse::Skip(1),
    };
    let Some(whole) = bytes.get(..length) else {
        return KeyParse::More;
    };
    match std::str::from_utf8(whole)
        .ok()
        .and_then(|s| s.chars().next())
    {
        Some(c) if !c.is_control() => KeyParse::Key(length, Key::plain(KeyCode::Char(c))),
        Some(_) => KeyParse::Skip(length),
        None => KeyParse::Skip(1),
    }
}

fn escape(all: &[u8], rest: &[u8]) -> KeyParse {
    match rest {
        [] | [b'O'] => KeyParse::More,
        [b'[', b'[', rest @ ..] => match rest {
            [] => KeyParse::More,
            // The Linux console's F1 to F5.
            [f @ b'A'..=b'E', ..] => KeyParse::Key(4, Key::plain(KeyCode::F(f - b'A' + 1))),
            _ => KeyParse::Skip(4),
        },
        [b'[', ..] => sequence(all),
        // OSC, DCS, SOS, PM, APC: what a terminal says of itself, up to BEL or ST.
        [b']' | b'P' | b'X' | b'^' | b'_', text @ ..] => said(text),
        [b'O', letter, ..] => match letter_key(*letter) {
            Some(code) => KeyParse::Key(3, Key::plain(code)),
            None => KeyParse::Skip(3),
        },
        [0x1b, ..] => KeyParse::Key(1, Key::plain(KeyCode::Esc)),
        // A key with Alt: none has a meaning here, least of all the one without it.
        [_, ..] => match step(rest) {
            KeyParse::Key(n, _) | KeyParse::Skip(n) => KeyParse::Skip(n + 1),
            KeyParse::More => KeyParse::More,
            KeyParse::PasteBegins => KeyParse::Skip(1),
        },
    }
}

/// How long something that a terminal says of itself is.
fn said(text: &[u8]) -> KeyParse {
    let bell = text.iter().position(|b| *b == 0x07).map(|at| at + 1);
    let end = find(text, b"\x1b\\").map(|at| at + 2);
    match (bell, end) {
        (Some(bell), Some(end)) => KeyParse::Skip(2 + bell.min(end)),
        (Some(end), None) | (None, Some(end)) => KeyParse::Skip(2 + end),
        (None, None) if text.len() > LONGEST_ANSWER => KeyParse::Skip(2 + text.len()),
        (None, None) => KeyParse::More,
    }
}

/// `ESC [` parameters final byte (ECMA-48, 5.4).
fn sequence(all: &[u8]) -> KeyParse {
    let Some(last) = all[2..].iter().position(|b| (0x40..=0x7e).contains(b)) else {
        if all.len() > LONGEST_SEQUENCE {
            return KeyParse::Skip(all.len());
        }
        return KeyParse::More;
    };
    let length = last + 3;
    if all[..length] == *PASTE_BEGINS {
        return KeyParse::PasteBegins;
    }
    let parameter: Option<u8> = std::str::from_utf8(&all[2..length - 1])
        .ok()
        .and_then(|p| p.split(';').next())
        .and_then(|p| p.parse().ok());
    let code = match (all[length - 1], parameter) {
        (b'~', Some(number)) => number_key(number),
        (b'Z', _) => Some(KeyCode::BackTab),
        (letter, _) => letter_key(letter),
    };
    match code {
        Some(code) => KeyParse::Key(length, Key::plain(code)),
        None => KeyParse::Skip(length),
    }
}

const fn letter_key(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => return None,
    })
}

const fn number_key(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23 | 24 => KeyCode::F(number - 12),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<KeyInput> {
        Parser::default().feed(bytes)
    }

    fn plain(code: KeyCode) -> KeyInput {
        KeyInput::Key(Key::plain(code))
    }

    #[test]
    fn keys_are_read_in_all_the_forms_terminals_send() {
        let cases: &[(&[u8], KeyCode)] = &[
            (b"x", KeyCode::Char('x')),
            ("é".as_bytes(), KeyCode::Char('é')),
            (b"\r", KeyCode::Enter),
            (b"\n", KeyCode::Enter),
            (b"\x7f", KeyCode::Backspace),
            (b"\x1b[A", KeyCode::Up),
            (b"\x1bOB", KeyCode::Down),
            (b"\x1b[1;5C", KeyCode::Right),
            (b"\x1b[5~", KeyCode::PageUp),
            (b"\x1b[6;2~", KeyCode::PageDown),
            (b"\x1b[H", KeyCode::Home),
            (b"\x1b[4~", KeyCode::End),
            (b"\x1b[Z", KeyCode::BackTab),
            (b"\x1bOP", KeyCode::F(1)),
            (b"\x1b[[A", KeyCode::F(1)),
            (b"\x1b[11~", KeyCode::F(1)),
            (b"\x1b[24~", KeyCode::F(12)),
        ];
        for (bytes, code) in cases {
            assert_eq!(keys(bytes), [plain(*code)], "{bytes:?}");
        }
        let ctrl_c = Key {
            code: KeyCode::Char('c'),
            ctrl: true,
        };
        assert_eq!(keys(b"\x03"), [KeyInput::Key(ctrl_c)]);
    }

    #[test]
    fn a_sequence_may_come_in_pieces() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(b"\x1b"), []);
        assert_eq!(parser.patience(), Some(50));
        assert_eq!(parser.feed(b"[1"), []);
        assert_eq!(parser.feed(b";2B"), [plain(KeyCode::Down)]);
        assert_eq!(parser.patience(), None);
    }

    #[test]
    fn what_a_terminal_says_of_itself_is_no_key() {
        assert_eq!(
            keys(b"\x1bP>|XTerm(370)\x1b\\s"),
            [plain(KeyCode::Char('s'))]
        );
        assert_eq!(keys(b"\x1b]11;rgb:0/0/0\x07s"), [plain(KeyCode::Char('s'))]);
        assert_eq!(keys(b"\x1b_Xx"), []);
    }

    #[test]
    fn a_lone_escape_is_the_key_once_nothing_follows() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(b"\x1b"), []);
        assert_eq!(parser.flush(), Some(plain(KeyCode::Esc)));
        assert_eq!(parser.feed(b"\x1b\x1b"), [plain(KeyCode::Esc)]);
    }

    #[test]
    fn a_key_with_alt_is_not_the_key_without() {
        assert_eq!(keys(b"\x1bx"), []);
        assert_eq!(keys("\x1bé".as_bytes()), []);
        assert_eq!(keys(b"\x1bxs"), [plain(KeyCode::Char('s'))]);
    }

    #[test]
    fn a_paste_is_text_however_it_is_cut() {
        let bytes = b"a\x1b[200~s\rX\x1b[31m\x1b[201~b";
        let expected = [
            plain(KeyCode::Char('a')),
            KeyInput::Paste("s\nX\x1b[31m".to_owned()),
            plain(KeyCode::Char('b')),
        ];
        assert_eq!(keys(bytes), expected);
        for cut in 0..bytes.len() {
            let mut parser = Parser::default();
            let mut found = parser.feed(&bytes[..cut]);
            found.extend(parser.feed(&bytes[cut..]));
            assert_eq!(found, expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_paste_without_an_end_gives_the_keyboard_back() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(b"\x1b[200~sss"), []);
        assert_eq!(parser.flush(), Some(KeyInput::Paste("sss".to_owned())));
        assert_eq!(parser.feed(b"p"), [plain(KeyCode::Char('p'))]);
    }

    #[test]
    fn what_nobody_can_type_at_once_was_pasted() {
        assert_eq!(
            keys(b"+12025550101\rsXy"),
            [KeyInput::Burst("+12025550101\nsXy".to_owned())]
        );
        assert_eq!(keys(&[b'j'; 40]).len(), 40);
        assert_eq!(keys(b"m12\r").len(), 4);
    }

    #[test]
    fn any_bytes_are_survived_and_nothing_is_kept_for_ever() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..random.usize(0..40)).map(|_| random.u8(..)).collect();
            let mut parser = Parser::default();
            parser.feed(&bytes);
            parser.flush();
            assert_eq!(parser.patience(), None);
        }
    }
}
