//! The name of a recording's file.

use uuid::Uuid;

use crate::campaign::{Number, Time};

/// `<start>_<number>_<call id>.<format>`: the start as `YYYYMMDDTHHMMSSZ`; of the number
/// `+` and digits as they are, `*` as `s` (star) and `#` as `h` (hash), since both mean
/// something to shells and some file systems. The call id tells apart what that makes equal.
/// Of `format` only letters and digits stay, and `wav49` ends as in Asterisk's spool: in `WAV`,
/// which is the only format whose files end otherwise than it is called (22.10.1).
#[must_use]
pub fn file_name(start: Time, number: &Number, call_id: Uuid, format: &str) -> String {
    let number: String = number
        .as_str()
        .chars()
        .map(|c| match c {
            '*' => 's',
            '#' => 'h',
            other => other,
        })
        .collect();
    let ending = if format == "wav49" { "WAV" } else { format };
    let ending: String = ending
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    format!("{}_{number}_{call_id}.{ending}", stamp(start))
}

fn stamp(time: Time) -> String {
    let ms = i64::try_from(time.millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or(jiff::Timestamp::MAX)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_has_start_number_and_call_id_and_is_safe_in_a_shell() {
        // 2026-11-22T14:30:43Z: day 20,779 since 1970.
        let start = Time::from_millis((20_779 * 86_400 + (14 * 60 + 30) * 60 + 43) * 1000 + 999);
        let number = Number::parse("*31#+4930").unwrap();
        let id = Uuid::from_u128(0x1234);
        assert_eq!(
            file_name(start, &number, id, "wav"),
            "20261122T143043Z_s31h+4930_00000000-0000-0000-0000-000000001234.wav"
        );
    }

    #[test]
    fn a_file_ends_as_asterisk_s_does() {
        let number = Number::parse("1").unwrap();
        let ending = |format: &str| {
            let name = file_name(Time(0), &number, Uuid::nil(), format);
            name.rsplit_once('.').unwrap().1.to_owned()
        };
        assert_eq!(ending("wav49"), "WAV");
        for same in [
            "wav", "WAV", "wav16", "gsm", "ulaw", "ul", "mu", "alaw", "al", "g722", "sln", "raw",
        ] {
            assert_eq!(ending(same), same);
        }
    }

    #[test]
    fn a_format_can_not_lead_out_of_the_folder() {
        let number = Number::parse("1").unwrap();
        let name = file_name(Time(0), &number, Uuid::nil(), "wav/../../x");
        assert_eq!(
            name,
            "19700101T000000Z_1_00000000-0000-0000-0000-000000000000.wavx"
        );
    }
}
