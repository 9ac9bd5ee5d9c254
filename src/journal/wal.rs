//! Whether the `-wal` file of a journal was damaged after it was written.
//!
//! `SQLite` takes the first frame whose checksum is wrong for the end of the file: rightly so
//! after a power cut, when the last transaction did not arrive whole. A frame that goes bad
//! later, in the middle, would take all that was committed after it along without a word, and
//! those people would be called again. The two can be told apart: a transaction is written only
//! when the one before it has been synced, so two that begin behind each other do not both miss
//! their promise. (<https://www.sqlite.org/fileformat.html#the_write_ahead_log>)

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The first word of the file; its last bit tells the byte order of the checksums.
const MAGIC: u32 = 0x377f_0682;

/// What is wrong with the `-wal` file `path`, if anything is. One that is not there is well.
pub(super) fn damage(path: &Path) -> io::Result<Option<String>> {
    let first = scan(path)?;
    if first.is_none() {
        return Ok(None);
    }
    // A reader may look while an engine writes. What it then took for damage has changed.
    let second = scan(path)?;
    Ok(second.filter(|second| first.as_ref() == Some(second)))
}

fn scan(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    // What is appended from now on is not looked at.
    let length = file.metadata()?.len();
    let mut file = BufReader::with_capacity(1 << 16, file.take(length));
    let mut header = [0; HEADER];
    if !fill(&mut file, &mut header)? || header == [0; HEADER] {
        return Ok(None);
    }
    let Some(wal) = Wal::of(&header) else {
        let framed = length > (HEADER + FRAME_HEADER) as u64;
        return Ok(framed.then(|| "the beginning of its -wal file has changed".to_owned()));
    };
    let bad = wal.first_lost(&mut file)?;
    Ok(bad.map(|frame| format!("frame {frame} of its -wal file has changed")))
}

/// What the header tells.
struct Wal {
    big_endian: bool,
    page: usize,
    salts: [u8; 8],
    sum: Sum,
}

impl Wal {
    /// `None` where the header is not as it was written.
    fn of(header: &[u8; HEADER]) -> Option<Self> {
        let magic = be_u32(header, 0);
        let big_endian = magic & 1 == 1;
        let page = usize::try_from(be_u32(header, 8)).ok()?;
        let mut sum = Sum(0, 0);
        sum.add(&header[..24], big_endian);
        let mut salts = [0; 8];
        salts.copy_from_slice(&header[16..24]);
        let sound = magic & !1 == MAGIC
            && sum == Sum::stored(&header[24..])
            && page.is_power_of_two()
            && (512..=65_536).contains(&page);
        sound.then_some(Self {
            big_endian,
            page,
            salts,
            sum,
        })
    }

    /// The first frame, from 1, with which a transaction is lost that had been synced.
    fn first_lost(self, file: &mut impl Read) -> io::Result<Option<u64>> {
        let mut sum = self.sum;
        let mut head = [0; FRAME_HEADER];
        let mut page = vec![0; self.page];
        let mut bad: Option<Bad> = None;
        for frame in 1.. {
            if !fill(file, &mut head)? || !fill(file, &mut page)? {
                break;
            }
            let commits = be_u32(&head, 4) != 0;
            let ours = head[8..16] == self.salts;
            if let Some(bad) = &mut bad {
                bad.later += u32::from(ours && commits);
                continue;
            }
            sum.add(&head[..8], self.big_endian);
            sum.add(&page, self.big_endian);
            if !ours || sum != Sum::stored(&head[16..]) {
                bad = Some(Bad {
                    frame,
                    // Its own transaction ends with it, or with the next commit.
                    own: u32::from(!commits),
                    later: 0,
                });
            }
        }
        Ok(bad.filter(|bad| bad.later > bad.own).map(|bad| bad.frame))
    }
}

/// The first frame that is not as it was written.
struct Bad {
    frame: u64,
    /// How many of the later commits belong to its own transaction.
    own: u32,
    /// Commits behind it.
    later: u32,
}

/// The two words of `SQLite`'s checksum, which goes on from frame to frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    fn stored(bytes: &[u8]) -> Self {
        Self(be_u32(bytes, 0), be_u32(bytes, 4))
    }

    fn add(&mut self, bytes: &[u8], big_endian: bool) {
        let word = |at: &[u8]| {
            let bytes = [at[0], at[1], at[2], at[3]];
            if big_endian {
                u32::from_be_bytes(bytes)
            } else {
                u32::from_le_bytes(bytes)
            }
        };
        for pair in bytes.chunks_exact(8) {
            self.0 = self.0.wrapping_add(word(&pair[..4])).wrapping_add(self.1);
            self.1 = self.1.wrapping_add(word(&pair[4..])).wrapping_add(self.0);
        }
    }
}

fn be_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Whether there was as much as `buffer` takes.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}
