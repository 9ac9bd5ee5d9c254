//! The sound of a simulated call: a tone for each side, in a WAV file of the true length.

use std::time::Duration;

/// The formats that a recording may have here. Asterisk knows more.
pub(super) const FORMATS: [&str; 30] = [
    "wav", "wav49", "WAV", "wav16", "gsm", "ulaw", "ul", "mu", "ulw", "pcm", "alaw", "al", "alw",
    "au", "g722", "sln", "slin", "raw", "sln12", "sln16", "sln24", "sln32", "sln44", "sln48",
    "sln96", "sln192", "g729", "g723", "ilbc", "siren7",
];

/// From when to when something is heard, counted from the beginning.
pub(super) type Stretch = (Duration, Duration);

/// Samples a second, of 16 bits, one channel: what Asterisk writes for `wav`.
const RATE: u32 = 8000;

/// What the person dialed plays, in hertz; the lab's carrier plays the same.
const TONE_A: f64 = 440.0;

/// What the target plays, in hertz.
const TONE_B: f64 = 1000.0;

/// How loud each side is, of 32767.
const LOUDNESS: f64 = 8000.0;

/// A file that is `length` long.
pub(super) fn file(length: Duration, a: &[Stretch], b: &[Stretch]) -> Vec<u8> {
    let count = samples(length);
    let mut sound = vec![0.0; count];
    for (stretches, tone) in [(a, TONE_A), (b, TONE_B)] {
        for (from, to) in stretches {
            let (from, to) = (samples(*from).min(count), samples(*to).min(count));
            for (i, sample) in sound.iter_mut().enumerate().take(to).skip(from) {
                *sample += LOUDNESS * sine(tone, i);
            }
        }
    }
    let mut out = header(count);
    for sample in sound {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "two sides are 16000 at most"
        )]
        let sample = sample as i16;
        out.extend(sample.to_le_bytes());
    }
    out
}

fn samples(length: Duration) -> usize {
    let count = length.as_micros() * u128::from(RATE) / 1_000_000;
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn sine(tone: f64, sample: usize) -> f64 {
    // Both tones are back at the same place after a second, so a sample's place in its second
    // is enough, and stays exact however long the file is.
    let place = u32::try_from(sample % RATE as usize).unwrap_or_default();
    (std::f64::consts::TAU * tone * f64::from(place) / f64::from(RATE)).sin()
}

/// The 44 octets before the samples.
fn header(count: usize) -> Vec<u8> {
    let bytes = u32::try_from(count * 2).unwrap_or(u32::MAX - 36);
    let mut out = Vec::with_capacity(44 + count * 2);
    out.extend(b"RIFF");
    out.extend((bytes + 36).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16_u32.to_le_bytes());
    out.extend(1_u16.to_le_bytes()); // PCM
    out.extend(1_u16.to_le_bytes()); // one channel
    out.extend(RATE.to_le_bytes());
    out.extend((RATE * 2).to_le_bytes()); // octets a second
    out.extend(2_u16.to_le_bytes()); // octets a sample
    out.extend(16_u16.to_le_bytes()); // bits a sample
    out.extend(b"data");
    out.extend(bytes.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn samples_of(file: &[u8]) -> Vec<i16> {
        let reader = hound::WavReader::new(file).expect("a WAV file");
        let samples = reader.into_samples();
        samples.map(|s| s.expect("a sample")).collect()
    }

    /// The `i`th sample of a tone, by the formula alone.
    fn of_tone(hertz: u32, i: u32) -> f64 {
        let turns = f64::from(hertz) * f64::from(i) / f64::from(RATE);
        (std::f64::consts::TAU * turns).sin() * LOUDNESS
    }

    #[test]
    fn each_side_is_heard_where_it_was_up_and_nowhere_else() {
        let file = file(
            3 * SECOND,
            &[(SECOND / 2, 3 * SECOND)],
            &[(2 * SECOND, 3 * SECOND)],
        );
        let samples = samples_of(&file);
        assert_eq!(samples.len(), 24_000);
        for (i, sample) in (0..).zip(&samples) {
            let a = if i >= 4000 { of_tone(440, i) } else { 0.0 };
            let b = if i >= 16_000 { of_tone(1000, i) } else { 0.0 };
            // What is behind the point is cut off.
            let off = f64::from(*sample) - (a + b);
            assert!(off.abs() <= 1.001, "sample {i} is {sample}, {off} off");
        }
    }

    #[test]
    fn between_two_stretches_nothing_is_heard() {
        let tenth = SECOND / 10;
        let file = file(SECOND, &[(tenth, 2 * tenth), (5 * tenth, 6 * tenth)], &[]);
        let heard = |i: u32| (800..1600).contains(&i) || (4000..4800).contains(&i);
        for (i, sample) in (0..).zip(samples_of(&file)) {
            let expected = if heard(i) { of_tone(440, i) } else { 0.0 };
            let off = f64::from(sample) - expected;
            assert!(off.abs() <= 1.001, "sample {i} is {sample}, {off} off");
        }
    }

    #[test]
    fn a_file_without_sound_has_its_length_all_the_same() {
        let file = file(SECOND / 4, &[], &[]);
        assert_eq!(samples_of(&file), [0; 2000]);
    }
}
