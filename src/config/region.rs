//! Countries, and the emergency numbers of each.

use std::fmt;

use crate::campaign::Emergency;

/// A line a country: its code, and its emergency numbers. Licence and origin stand in it.
static COUNTRIES: &str = include_str!("emergency.txt");

/// A country, by its ISO 3166-1 code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Region {
    code: &'static str,
    emergency: &'static str,
}

impl Region {
    /// The country with this code of two letters, in whatever case.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let lines = COUNTRIES.lines().filter(|line| !line.starts_with('#'));
        let countries = lines.map(|line| {
            let (code, emergency) = line.split_once(' ').unwrap_or((line, ""));
            Self { code, emergency }
        });
        countries
            .into_iter()
            .find(|region| region.code.eq_ignore_ascii_case(code))
    }

    /// Its emergency numbers.
    #[must_use]
    pub const fn emergency(self) -> Emergency {
        Emergency::of(self.emergency)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNTRIES, Region};

    #[test]
    fn a_country_is_found_by_its_code_and_has_its_own_emergency_numbers() {
        let table = [
            ("RU", "01 02 03 101 102 103 112"),
            ("de", "110 112"),
            ("Au", "000 106 112"),
            ("TA", ""),
        ];
        for (code, emergency) in table {
            let region = Region::parse(code).expect("it is there");
            assert_eq!(
                (region.code, region.emergency),
                (&*code.to_uppercase(), emergency)
            );
        }
        for none in ["", "R", "RUS", "ZZ", "#", "00", "01", "R\u{df}"] {
            assert_eq!(Region::parse(none), None, "{none}");
        }
    }

    #[test]
    fn every_line_of_the_table_is_a_country_and_its_short_numbers() {
        let lines = COUNTRIES.lines().filter(|line| !line.starts_with('#'));
        let mut count = 0;
        for line in lines {
            let mut words = line.split(' ');
            let code = words.next().unwrap_or_default();
            assert!(
                code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()),
                "{line}"
            );
            let is_short = |n: &str| n.len() <= 6 && n.bytes().all(|b| b.is_ascii_digit());
            assert!(words.all(is_short), "{line}");
            count += 1;
        }
        assert!(count > 200, "{count} countries");
    }
}
