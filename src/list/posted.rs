//! Numbers that came another way than in the list's file, by the same rules.

use super::line::{Kind, Reason, Reject, classify};
use super::lines::{KEPT, Line, Lines};
use crate::campaign::{Emergency, Number};

/// A number, or why it is none, with its place: the line, or the place in the array, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its place.
    pub place: u64,
    /// What stands there.
    pub number: Result<Number, Reject>,
}

/// A text with lines as the list has them. Empty lines and comments are passed over; a
/// comment that could be a number is told, for nobody looks at a log here.
#[must_use]
pub fn from_text(text: &[u8], emergency: Emergency) -> Vec<Posted> {
    let mut posted = Vec::new();
    let mut lines = Lines::new(text);
    let mut place = 0;
    // Reading from memory has no errors.
    while let Ok(Some(line)) = lines.next() {
        place += 1;
        let number = match classify(&line, emergency) {
            Kind::Nothing => continue,
            Kind::Number(number) => Ok(number),
            Kind::CommentedNumber => Err(Reject::new(place, Reason::Comment, &line)),
            Kind::Bad(reason) => Err(Reject::new(place, reason, &line)),
        };
        posted.push(Posted { place, number });
    }
    posted
}

/// One number in each string. All of them are told of.
#[must_use]
pub fn from_strings<'a>(
    strings: impl IntoIterator<Item = &'a str>,
    emergency: Emergency,
) -> Vec<Posted> {
    let one = |(place, text): (u64, &str)| {
        let bytes = text.as_bytes();
        let line = if bytes.len() > KEPT {
            Line::Long(&bytes[..KEPT])
        } else {
            Line::Whole(bytes)
        };
        let number = match classify(&line, emergency) {
            Kind::Number(number) => Ok(number),
            Kind::Bad(reason) => Err(Reject::new(place, reason, &line)),
            Kind::CommentedNumber => Err(Reject::new(place, Reason::Comment, &line)),
            Kind::Nothing if text.contains('#') => Err(Reject::new(place, Reason::Comment, &line)),
            Kind::Nothing => {
                let empty = Reason::Number(crate::campaign::NumberError::Empty);
                Err(Reject::new(place, empty, &line))
            }
        };
        Posted { place, number }
    };
    (1..).zip(strings).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{Emergency, KEPT, Posted, Reason};
    use crate::campaign::NumberError;

    fn from_text(text: &[u8]) -> Vec<Posted> {
        super::from_text(text, Emergency::of("110"))
    }

    fn from_strings<'a>(strings: impl IntoIterator<Item = &'a str>) -> Vec<Posted> {
        super::from_strings(strings, Emergency::of("110"))
    }

    /// Place, and the number or the reason.
    fn told(posted: Vec<Posted>) -> Vec<(u64, Result<String, Reason>)> {
        let each = posted.into_iter().map(|one| {
            let number = one.number.map(|number| number.to_string());
            (one.place, number.map_err(|reject| reject.reason))
        });
        each.collect()
    }

    #[test]
    fn a_text_is_read_as_the_list_is() {
        let text = b"\xef\xbb\xbf+79990000001\r\n\n# a comment\n#79990000002\n \t5550003 \n\xff\n#31#5550004";
        let expected = vec![
            (1, Ok("+79990000001".to_owned())),
            (4, Err(Reason::Comment)),
            (5, Ok("5550003".to_owned())),
            (6, Err(Reason::NotUtf8)),
            (7, Ok("#31#5550004".to_owned())),
        ];
        assert_eq!(told(from_text(text)), expected);
        assert_eq!(told(from_text(b"")), []);
    }

    #[test]
    fn every_string_of_an_array_is_told_of() {
        let long = "1".repeat(KEPT + 1);
        let strings = [
            "5550001",
            "",
            " ",
            "# none",
            "#5550002",
            " 5550003\n",
            &long,
        ];
        let empty = || Err(Reason::Number(NumberError::Empty));
        let expected = vec![
            (1, Ok("5550001".to_owned())),
            (2, empty()),
            (3, empty()),
            (4, Err(Reason::Comment)),
            (5, Err(Reason::Comment)),
            (6, Ok("5550003".to_owned())),
            (7, Err(Reason::TooLong)),
        ];
        assert_eq!(told(from_strings(strings)), expected);
        assert!(told(from_strings(["555000x"]))[0].1.is_err());
        for emergency in ["112", "110"] {
            let expected = [(1, Err(Reason::Emergency))];
            assert_eq!(told(from_strings([emergency])), expected);
            assert_eq!(told(from_text(emergency.as_bytes())), expected);
        }
        assert!(told(from_strings(["5550001\n5550002"]))[0].1.is_err());
    }
}
