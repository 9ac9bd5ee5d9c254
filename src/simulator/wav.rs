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

    /// How much of `tone` is in the samples (Goertzel's method, plainly).
    fn strength(samples: &[i16], tone: f64) -> f64 {
        let (mut x, mut y) = (0.0, 0.0);
        for (i, sample) in samples.iter().enumerate() {
            let i = f64::from(u32::try_from(i).expect("a short file"));
            let angle = std::f64::consts::TAU * tone * i / f64::from(RATE);
            x += f64::from(*sample) * angle.cos();
            y += f64::from(*sample) * angle.sin();
        }
        let count = f64::from(u32::try_from(samples.len()).expect("a short file"));
        x.hypot(y) * 2.0 / count
    }

    #[test]
    fn each_side_is_heard_where_it_was_up_and_nowhere_else() {
        let file = file(
            3 * SECOND,
            &[(SECOND / 2, 3 * SECOND)],
            &[(2 * SECOND, 3 * SECOND)],
        );
        let reader = hound::WavReader::new(file.as_slice()).expect("a WAV file");
        let samples: Vec<i16> = reader
            .into_samples()
            .map(|s| s.expect("a sample"))
            .collect();
        assert_eq!(samples.len(), 24_000);
        assert!(samples[..4000].iter().all(|s| *s == 0));
        assert!(strength(&samples[8000..16_000], TONE_A) > LOUDNESS * 0.9);
        assert!(strength(&samples[8000..16_000], TONE_B) < LOUDNESS * 0.01);
        assert!(strength(&samples[16_000..], TONE_A) > LOUDNESS * 0.9);
        assert!(strength(&samples[16_000..], TONE_B) > LOUDNESS * 0.9);
    }

    #[test]
    fn a_file_without_sound_has_its_length_all_the_same() {
        let file = file(SECOND / 4, &[], &[]);
        let reader = hound::WavReader::new(file.as_slice()).expect("a WAV file");
        assert_eq!(reader.duration(), 2000);
    }
}
