//! What this machine has: folders, the list, room for open files.

use std::path::Path;

use rustix::fs::{Access, access, statvfs};
use rustix::process::{Resource, getrlimit};

use super::report::Finding;
use crate::config::Settings;
use crate::list::{self, ListError, ListSummary};

/// Fewer hours of recordings than this are worth a word, fewer than the second a stop.
const FEW_HOURS: f64 = 8.0;
const TOO_FEW_HOURS: f64 = 0.25;
/// Connections to Asterisk and of the control API, the journal and what recordings are
/// written to, with some to spare.
const OPEN_FILES: u64 = 256;

pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let settings = settings.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let mut findings = vec![recordings(&settings)];
        findings.extend(numbers(&settings));
        findings.push(open_files());
        findings
    });
    // It ends in an error only with the process.
    looked.await.unwrap_or_default()
}

/// Why this user cannot write there; nothing is written to find out.
pub(super) fn why_not_writable(path: &Path) -> Option<String> {
    let wanted = if path.is_dir() {
        Access::WRITE_OK | Access::EXEC_OK
    } else {
        Access::WRITE_OK
    };
    let error = access(path, wanted).err()?;
    Some(std::io::Error::from(error).to_string())
}

fn recordings(settings: &Settings) -> Finding {
    let dir = &settings.call.recordings.dir;
    // A folder that is missing is made at the start, below the first one that is there.
    let there = dir.ancestors().find(|path| path.exists()).unwrap_or(dir);
    let unusable = |why: &str| {
        Finding::fault(
            "recordings",
            format!("{} cannot be written: {why}", dir.display()),
            "give this user the right to, or set RECORDINGS_DIR to another folder",
        )
    };
    if !there.is_dir() {
        return unusable(&format!("{} is no folder", there.display()));
    }
    if let Some(why) = why_not_writable(there) {
        return unusable(&why);
    }
    let Ok(disk) = statvfs(there) else {
        return Finding::ok("recordings", format!("{} can be written", dir.display()));
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let calls = u32::try_from(settings.max_cc.calls()).unwrap_or(u32::MAX);
    let hours = hours(free, &settings.call.recordings.format, calls);
    room(dir, free, hours, calls)
}

fn room(dir: &Path, free: u64, hours: f64, calls: u32) -> Finding {
    let fact = format!(
        "{} has {} free: {} of recordings at MAX_CC={calls}",
        dir.display(),
        size(free),
        duration(hours)
    );
    let mend = "free its disk, or set RECORDINGS_DIR to a folder on another";
    if hours < TOO_FEW_HOURS {
        Finding::fault("recordings", fact, mend)
    } else if hours < FEW_HOURS {
        Finding::warning("recordings", fact, mend)
    } else {
        Finding::ok("recordings", fact)
    }
}

fn hours(free: u64, format: &str, calls: u32) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let free = free as f64;
    free / f64::from(bytes_a_second(format)) / f64::from(calls.max(1)) / 3600.0
}

/// What a second of one call takes, in the formats that come with Asterisk. Of any other the
/// most that is usual is taken.
fn bytes_a_second(format: &str) -> u32 {
    match format {
        "gsm" | "wav49" | "WAV" => 1_650,
        "g729" => 1_000,
        "g723" | "g723sf" => 800,
        "ilbc" | "iLBC" => 1_900,
        "ulaw" | "ul" | "mu" | "pcm" | "alaw" | "al" | "alw" | "g722" | "au" | "siren7" => 8_000,
        "wav" | "sln" | "raw" => 16_000,
        _ => 32_000,
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

fn duration(hours: f64) -> String {
    if hours < 1.0 {
        format!("{:.0} minutes", (hours * 60.0).floor())
    } else {
        format!("{:.0} hours", hours.floor())
    }
}

fn numbers(settings: &Settings) -> Vec<Finding> {
    match list::look(&settings.list, settings.emergency()) {
        Ok(summary) => counted(&summary),
        Err(ListError::Empty { path, summary }) => {
            let first = summary.first_rejected.first();
            let first = first
                .map(|reject| format!("; {reject}"))
                .unwrap_or_default();
            vec![Finding::fault(
                "list",
                format!("{} has no number to dial{first}", path.display()),
                "put one number on each line",
            )]
        }
        Err(error @ ListError::Unreadable { .. }) => {
            let mend = "make OUTBOUND_NUMBER_FILE readable for this user";
            vec![Finding::fault("list", error.to_string(), mend)]
        }
        Err(error) => vec![Finding::refused("list", &error.to_string())],
    }
}

fn counted(summary: &ListSummary) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("list", summary.to_string())];
    if summary.rejected > 0 {
        let first: Vec<_> = summary
            .first_rejected
            .iter()
            .take(3)
            .map(ToString::to_string)
            .collect();
        findings.push(Finding::warning(
            "list",
            format!(
                "lines that are no numbers, and are skipped: {}. {}",
                summary.rejected,
                first.join("; ")
            ),
            "mend or remove those lines",
        ));
    }
    if summary.commented > 0 {
        findings.push(Finding::warning(
            "list",
            format!(
                "lines that begin with # and could be numbers: {}",
                summary.commented
            ),
            "remove the # of those that are to be dialed",
        ));
    }
    if summary.odd > 0 {
        let first: Vec<_> = summary.first_odd.iter().map(ToString::to_string).collect();
        findings.push(Finding::warning(
            "list",
            format!(
                "numbers that are dialed, and may be none: {}. {}",
                summary.odd,
                first.join("; ")
            ),
            "remove those that are not to be called",
        ));
    }
    findings
}

fn open_files() -> Finding {
    let limit = getrlimit(Resource::Nofile).current;
    judge_open_files(limit)
}

fn judge_open_files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < OPEN_FILES => Finding::fault(
            "files",
            format!("this process may open {limit} files at once, and needs {OPEN_FILES}"),
            "raise it: ulimit -n 1024, or LimitNOFILE=1024 in the systemd unit",
        ),
        Some(limit) => Finding::ok("files", format!("{limit} may be open at once")),
        None => Finding::ok("files", "any number may be open at once"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Level;

    #[test]
    fn the_room_is_counted_in_hours_of_all_calls_at_once() {
        // An hour of one call in wav: 16,000 bytes a second and 3,600 seconds.
        let hour = 57_600_000;
        assert!((hours(hour * 20, "wav", 2) - 10.0).abs() < 1e-9);
        assert!((hours(hour * 20, "ulaw", 2) - 20.0).abs() < 1e-9);
    }

    #[test]
    fn little_room_is_told_and_too_little_stops() {
        let level = |hours| room(Path::new("/r"), 1_000_000, hours, 1).level;
        assert_eq!(level(0.1), Level::Fault);
        assert_eq!(level(3.0), Level::Warning);
        assert_eq!(level(9.0), Level::Ok);
    }
}
