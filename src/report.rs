//! The results of a run, as CSV or JSON, read from a journal.
//!
//! Rows are read a page at a time and written as they come, so a million leads take no more
//! memory than a thousand; and between two pages nothing is locked, so a report that stands in
//! somebody's pager does not keep a running engine from tidying its journal.

mod cell;
mod rows;

#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::campaign::RunId;
use crate::journal::{JournalError, Reader};
use cell::Cell;
pub use cell::csv_field;
use rows::{Pages, ReportRow};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// RFC 4180 with a heading, lines ended by LF. What a spreadsheet would take for a
    /// formula gets an apostrophe before it; a number as it was dialed stays as it is.
    #[default]
    Csv,
    /// An array with one object a line. What is empty in CSV is null.
    Json,
}

/// What one row of a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// A lead, with the times of its last attempt.
    #[default]
    Lead,
    /// An attempt that was dialed; `attempts` is which one of its lead it is, from 1.
    Attempt,
}

/// What to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportOptions {
    /// How it is written.
    pub format: Format,
    /// The run; the latest where there is none.
    pub run: Option<RunId>,
    /// What a row is.
    pub by: By,
}

/// Why there is no report, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal has no such run.
    #[error(
        "The journal {} has no run {run}{}.",
        path.display(),
        latest.map(|latest| format!(": its latest is {latest}")).unwrap_or_default()
    )]
    NoSuchRun {
        /// The journal.
        path: PathBuf,
        /// What was asked for.
        run: RunId,
        /// The latest there is.
        latest: Option<RunId>,
    },
    /// Rows are missing. What could be read has been written, in its whole form.
    #[error("The report is not complete, it has {rows} rows: {why}")]
    Incomplete {
        /// The rows that were written.
        rows: u64,
        /// Why it is not complete, and what to do.
        why: String,
    },
    /// The report could not be written. Its kind is `BrokenPipe` where the reader, `head`
    /// say, has seen enough.
    #[error("Cannot write the report: {0}.")]
    Output(#[from] io::Error),
}

/// Writes the report that `options` ask for of the journal at `path`, and gives the number of
/// its rows. Works while an engine runs.
pub fn write(
    path: &Path,
    options: ReportOptions,
    out: &mut impl Write,
) -> Result<u64, ReportError> {
    let reader = Reader::open(path)?;
    let pages = match choose_run(&reader, options.run)? {
        Some(run) => Pages::new(&reader, run, options.by),
        None => Pages::empty(&reader),
    };
    let mut out = BufWriter::new(out);
    let outcome = match options.format {
        Format::Csv => write_csv(pages, &mut out)?,
        Format::Json => write_json(pages, &mut out)?,
    };
    out.flush()?;
    outcome.verdict(&reader)
}

fn choose_run(reader: &Reader, wanted: Option<RunId>) -> Result<Option<RunId>, ReportError> {
    let Some(run) = wanted else {
        return Ok(reader.latest_run()?);
    };
    if reader.has_run(run)? {
        return Ok(Some(run));
    }
    Err(ReportError::NoSuchRun {
        path: reader.path().to_owned(),
        run,
        latest: reader.latest_run()?,
    })
}

/// What came of a report whose form is whole.
struct ReportOutcome {
    rows: u64,
    damage: Option<JournalError>,
}

impl ReportOutcome {
    fn verdict(self, reader: &Reader) -> Result<u64, ReportError> {
        let rows = self.rows;
        if let Some(damage) = self.damage.as_ref().or(reader.damage()) {
            let why = damage.to_string();
            return Err(ReportError::Incomplete { rows, why });
        }
        if reader.is_complete() {
            return Ok(rows);
        }
        let path = reader.path().display();
        let why = format!(
            "the last records lie in {path}-wal, which cannot be read in a folder that cannot be \
             written: copy both files elsewhere and report from there."
        );
        Err(ReportError::Incomplete { rows, why })
    }
}

fn write_csv(mut pages: Pages<'_>, out: &mut impl Write) -> Result<ReportOutcome, ReportError> {
    writeln!(out, "{}", rows::COLUMNS.join(","))?;
    let mut rows = 0;
    while let Some(page) = pages.next_page() {
        for row in &page {
            write_joined(out, ",", row.cells().iter().map(Cell::to_csv))?;
            writeln!(out)?;
            rows += 1;
        }
    }
    let damage = pages.into_damage();
    Ok(ReportOutcome { rows, damage })
}

fn write_json(mut pages: Pages<'_>, out: &mut impl Write) -> Result<ReportOutcome, ReportError> {
    let mut rows = 0;
    write!(out, "[")?;
    while let Some(page) = pages.next_page() {
        for row in &page {
            write!(out, "{}", if rows == 0 { "\n{" } else { ",\n{" })?;
            write_joined(out, ",", members(row))?;
            write!(out, "}}")?;
            rows += 1;
        }
    }
    writeln!(out, "\n]")?;
    let damage = pages.into_damage();
    Ok(ReportOutcome { rows, damage })
}

fn members(row: &ReportRow) -> impl Iterator<Item = String> {
    let cells = row.cells().into_iter();
    let members = rows::COLUMNS.into_iter().zip(cells);
    members.map(|(name, cell)| format!("\"{name}\":{}", cell.to_json()))
}

fn write_joined(
    out: &mut impl Write,
    separator: &str,
    parts: impl Iterator<Item = String>,
) -> io::Result<()> {
    for (place, part) in parts.enumerate() {
        if place > 0 {
            out.write_all(separator.as_bytes())?;
        }
        out.write_all(part.as_bytes())?;
    }
    Ok(())
}
