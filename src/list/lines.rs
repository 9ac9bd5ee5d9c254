//! Lines of a stream, none of which can be larger than the buffer.

use std::io::{self, BufRead};

/// How much of a line is kept, in bytes: a number, blanks around it and some more for
/// the eye of who reads why it was rejected.
pub(super) const KEPT: usize = 512;

/// A line without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// The beginning of one that has over [`KEPT`] bytes; the rest is gone.
    Long(&'a [u8]),
}

/// Reads lines that end with LF, or with the stream.
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::with_capacity(KEPT),
            ended: true,
        }
    }

    /// Whether the line that came last had its line feed.
    pub(super) const fn was_ended(&self) -> bool {
        self.ended
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let (mut long, mut any) = (false, false);
        loop {
            let chunk = match self.source.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            self.ended = false;
            let feed = chunk.iter().position(|b| *b == b'\n');
            let part = &chunk[..feed.unwrap_or(chunk.len())];
            let room = KEPT - self.buffer.len();
            long |= part.len() > room;
            self.buffer.extend_from_slice(&part[..part.len().min(room)]);
            let used = part.len() + usize::from(feed.is_some());
            self.source.consume(used);
            if feed.is_some() {
                self.ended = true;
                break;
            }
        }
        Ok(match (any, long) {
            (false, _) => None,
            (true, false) => Some(Line::Whole(&self.buffer)),
            (true, true) => Some(Line::Long(&self.buffer)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::{KEPT, Line, Lines};

    /// The lines, read through a buffer of `size` bytes.
    fn lines(text: &[u8], size: usize) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Lines::new(BufReader::with_capacity(size, text));
        let mut all = Vec::new();
        while let Some(line) = lines.next().expect("reads from memory") {
            all.push(match line {
                Line::Whole(line) => (line.to_vec(), false),
                Line::Long(line) => (line.to_vec(), true),
            });
        }
        all
    }

    #[test]
    fn lines_are_the_same_however_the_stream_is_cut() {
        let text = b"one\n\ntwo\r\nthree";
        let whole = |line: &[u8]| (line.to_vec(), false);
        let expected = [whole(b"one"), whole(b""), whole(b"two\r"), whole(b"three")];
        for size in 1..20 {
            assert_eq!(lines(text, size), expected, "by {size} bytes");
        }
    }

    #[test]
    fn a_line_feed_at_the_end_begins_no_line() {
        assert_eq!(lines(b"", 4), []);
        assert_eq!(lines(b"a\n", 4), [(b"a".to_vec(), false)]);
        assert_eq!(lines(b"\n", 4), [(Vec::new(), false)]);
    }

    #[test]
    fn only_the_beginning_of_a_long_line_is_kept() {
        let just = vec![b'1'; KEPT];
        let over = vec![b'2'; KEPT + 1];
        let huge = vec![b'3'; 1024 * 1024];
        let text = [&just[..], &over, &huge, b"4"].join(&b'\n');
        for size in [7, 8192] {
            let lines = lines(&text, size);
            assert_eq!(lines[0], (just.clone(), false));
            assert_eq!(lines[1], (vec![b'2'; KEPT], true));
            assert_eq!(lines[2], (vec![b'3'; KEPT], true));
            assert_eq!(lines[3], (b"4".to_vec(), false));
        }
    }
}
