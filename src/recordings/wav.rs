//! Whether a file is a whole recording, and what can be done for one that Asterisk died over.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It has no samples.
    Empty,
    /// It has more samples than its header tells: Asterisk still writes it, or died over it.
    Unclosed {
        /// Where the samples begin.
        at: u64,
    },
    /// Something is missing.
    Unfinished,
    /// It has no header of its format.
    Foreign,
}

/// Judges a file by the format it should have. Asterisk's `wav` and `wav16` are RIFF with
/// PCM samples, whose header is brought up to date at the end; of other formats only the
/// size is judged.
pub(super) fn judge(file: &mut (impl Read + Seek), format: &str) -> io::Result<Result<(), Fault>> {
    let length = file.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok(Err(Fault::Empty));
    }
    if !matches!(format, "wav" | "wav16") {
        return Ok(Ok(()));
    }
    file.seek(SeekFrom::Start(0))?;
    let Some(header) = read::<12>(file)? else {
        return Ok(Err(Fault::Unfinished));
    };
    if &header[..4] != b"RIFF" || &header[8..] != b"WAVE" {
        return Ok(Err(Fault::Foreign));
    }
    judge_chunks(file, length)
}

/// Walks the chunks up to the samples.
fn judge_chunks(file: &mut (impl Read + Seek), length: u64) -> io::Result<Result<(), Fault>> {
    let mut at = 12;
    loop {
        let Some(chunk) = read::<8>(file)? else {
            return Ok(Err(Fault::Unfinished));
        };
        at += 8;
        let size = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        if &chunk[..4] == b"data" {
            return Ok(judge_samples(at, length - at, size));
        }
        // Chunks begin at even places.
        at += size + size % 2;
        if at > length {
            return Ok(Err(Fault::Unfinished));
        }
        file.seek(SeekFrom::Start(at))?;
    }
}

const fn judge_samples(at: u64, present: u64, announced: u64) -> Result<(), Fault> {
    if present == 0 {
        return Err(Fault::Empty);
    }
    if present < announced {
        return Err(Fault::Unfinished);
    }
    // One byte more may fill an odd number up.
    if announced == 0 || present > announced + 1 {
        return Err(Fault::Unclosed { at });
    }
    Ok(())
}

/// Brings the header of an unclosed file up to date, whose samples begin at `at`.
pub(super) fn close(file: &mut (impl Write + Seek), at: u64) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut put = |place: u64, size: u64| {
        // More than 4 GiB the format can't tell.
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        file.seek(SeekFrom::Start(place))?;
        file.write_all(&size.to_le_bytes())
    };
    put(4, length - 8)?;
    put(at - 4, length - at)
}

/// The next `N` bytes, or `None` where the file ends before.
fn read<const N: usize>(file: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn wav(samples: usize) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut out = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut out, spec).unwrap();
        for n in 0..samples {
            writer
                .write_sample(i16::try_from(n % 100).unwrap())
                .unwrap();
        }
        writer.finalize().unwrap();
        out.into_inner()
    }

    fn judged(bytes: &[u8]) -> Result<(), Fault> {
        judge(&mut Cursor::new(bytes), "wav").unwrap()
    }

    #[test]
    fn a_whole_recording_passes() {
        assert_eq!(judged(&wav(800)), Ok(()));
    }

    #[test]
    fn a_header_without_samples_is_empty() {
        assert_eq!(judged(&wav(0)), Err(Fault::Empty));
        assert_eq!(judged(b""), Err(Fault::Empty));
    }

    #[test]
    fn samples_that_the_header_does_not_know_of_are_unclosed() {
        let mut bytes = wav(800);
        bytes.extend_from_slice(&[0; 320]);
        assert_eq!(judged(&bytes), Err(Fault::Unclosed { at: 44 }));
        let mut bytes = wav(800);
        bytes[40..44].fill(0);
        assert_eq!(judged(&bytes), Err(Fault::Unclosed { at: 44 }));
    }

    /// A recording with this chunk before its samples, filled up to an even length.
    fn with_chunk(samples: usize, chunk: &[u8]) -> Vec<u8> {
        let whole = wav(samples);
        let mut bytes = whole[..36].to_vec();
        bytes.extend(b"LIST");
        bytes.extend(u32::try_from(chunk.len()).unwrap().to_le_bytes());
        bytes.extend(chunk);
        bytes.resize(bytes.len() + chunk.len() % 2, 0);
        bytes.extend(&whole[36..]);
        let riff = u32::try_from(bytes.len() - 8).unwrap();
        bytes[4..8].copy_from_slice(&riff.to_le_bytes());
        bytes
    }

    #[test]
    fn a_chunk_of_odd_length_is_followed_by_a_padding_byte() {
        for chunk in [&b""[..], b"a", b"ab", b"abc", b"abcde", b"data", b"datad"] {
            let whole = with_chunk(100, chunk);
            assert_eq!(judged(&whole), Ok(()), "{chunk:?}");
            for end in 1..whole.len() {
                assert!(judged(&whole[..end]).is_err(), "{chunk:?} cut at {end}");
            }
            let mut unclosed = whole.clone();
            let at = whole.len() - 200;
            unclosed[4..8].fill(0);
            unclosed[at - 4..at].fill(0);
            let at = u64::try_from(at).unwrap();
            assert_eq!(judged(&unclosed), Err(Fault::Unclosed { at }), "{chunk:?}");
            close(&mut Cursor::new(&mut unclosed), at).unwrap();
            assert_eq!(unclosed, whole, "{chunk:?}");
        }
    }

    #[test]
    fn samples_of_odd_length_may_have_one_padding_byte_and_no_more() {
        let mut bytes = wav(0);
        bytes[40..44].copy_from_slice(&5_u32.to_le_bytes());
        for (present, expected) in [
            (4, Err(Fault::Unfinished)),
            (5, Ok(())),
            (6, Ok(())),
            (7, Err(Fault::Unclosed { at: 44 })),
        ] {
            bytes.resize(44 + present, 1);
            assert_eq!(judged(&bytes), expected, "{present} of 5");
        }
    }

    #[test]
    fn a_file_without_content_is_empty_in_every_format() {
        for format in ["ulaw", "alaw", "gsm", "sln", "g722", "WAV", "wav49"] {
            let judged = |bytes: &[u8]| judge(&mut Cursor::new(bytes), format).unwrap();
            assert_eq!(judged(b""), Err(Fault::Empty), "{format}");
            assert_eq!(judged(b"x"), Ok(()), "{format}");
        }
        for format in ["wav", "wav16"] {
            let judged = |bytes: &[u8]| judge(&mut Cursor::new(bytes), format).unwrap();
            assert_eq!(judged(b""), Err(Fault::Empty), "{format}");
            assert_eq!(judged(&wav(0)), Err(Fault::Empty), "{format}");
            assert_eq!(judged(&wav(1)), Ok(()), "{format}");
        }
    }

    #[test]
    fn an_unclosed_recording_is_closed_with_all_its_samples() {
        let whole = wav(800);
        let mut bytes = whole.clone();
        bytes[4..8].fill(0);
        bytes[40..44].fill(0);
        close(&mut Cursor::new(&mut bytes), 44).unwrap();
        assert_eq!(bytes, whole);
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = wav(100);
        for end in 1..whole.len() {
            assert!(judged(&whole[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn an_error_page_is_no_recording() {
        assert_eq!(
            judged(b"<html>Not found, sorry</html>"),
            Err(Fault::Foreign)
        );
    }

    #[test]
    fn a_chunk_that_claims_gigabytes_does_not_run_past_the_end() {
        let mut bytes = b"RIFF\x00\x00\x00\x00WAVEjunk".to_vec();
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        bytes.extend_from_slice(b"data");
        assert_eq!(judged(&bytes), Err(Fault::Unfinished));
    }
}
