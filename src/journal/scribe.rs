//! The one thread that writes.
//!
//! While the journal cannot be written (full disk, a lock that does not go away, an I/O
//! error), nobody is dialed and nothing is forgotten: the beginning of an attempt is refused
//! at once and for ever, everything else is kept and tried again, in its order. It is well
//! again when all that is written and there is room for more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use uuid::Uuid;

use super::apply::{ApplyError, apply};
use super::error::{Contradiction, WriteFailure};
use super::open::cache;
use super::writer::{Shared, WriteJob, begun};
use crate::campaign::Record;

/// Records in one transaction, unless one append alone has more. It bounds how long the
/// first of them waits for the last.
const BATCH: usize = 4096;

/// The first wait after a failed transaction; it doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(250);
/// The longest wait between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Bytes that must be writable before a full disk counts as mended. Dialing into the last
/// few free blocks would only fail again with people on the line.
const PROBE_BYTES: u32 = 256 * 1024;

/// What was left when the thread ended.
pub(super) struct Leftover {
    pub(super) records: usize,
    pub(super) why: String,
}

/// The thread's own state.
pub(super) struct Scribe {
    conn: Connection,
    /// The journal's own id.
    journal: Uuid,
    shared: Arc<Shared>,
    /// Taken from the queue and not yet durable, in order.
    jobs: VecDeque<WriteJob>,
    /// While the journal cannot be written.
    trouble: Option<Unwell>,
    #[cfg(test)]
    disk_fails: bool,
}

/// How the disk is, in a simulation.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Well,
    /// The file can't grow; what fits into it is written.
    Full,
    /// Nothing is written.
    Fails,
}

/// What writes in a simulation: the same, one round of it at a time.
#[cfg(test)]
pub(crate) struct ByHand(pub(super) Scribe);

#[cfg(test)]
impl ByHand {
    /// Takes what was appended, and writes it if the journal is well or is to be tried again.
    /// Answers whether something is left to write.
    pub(crate) fn write(&mut self, disk: Disk) -> bool {
        let scribe = &mut self.0;
        let full = disk == Disk::Full;
        scribe.shared.disk_full.store(full, Ordering::Relaxed);
        scribe.disk_fails = disk == Disk::Fails;
        scribe.jobs.extend(scribe.shared.take_at_once());
        scribe.refuse_beginnings();
        scribe.write_all();
        scribe.trouble.is_some()
    }
}

struct Unwell {
    why: String,
    pause: Duration,
    retry_at: Instant,
}

/// What did not fit, for each append of a transaction; empty where everything did.
type Faults = Vec<Vec<(Contradiction, usize)>>;

impl Scribe {
    pub(super) fn new(conn: Connection, journal: Uuid, shared: Arc<Shared>) -> Self {
        Self {
            conn,
            journal,
            shared,
            jobs: VecDeque::new(),
            trouble: None,
            #[cfg(test)]
            disk_fails: false,
        }
    }

    /// Writes until the queue is closed and empty, then leaves the file tidy.
    pub(super) fn run(mut self) -> Result<(), Leftover> {
        let _closer = Closer(Arc::clone(&self.shared));
        loop {
            let closing = self.take_in();
            self.write_all();
            if closing {
                return self.finish();
            }
        }
    }

    /// Waits until there is something to do, and whether it is the last.
    fn take_in(&mut self) -> bool {
        loop {
            let deadline = self.trouble.as_ref().map(|t| t.retry_at);
            let taken = self.shared.take(deadline);
            self.jobs.extend(taken.jobs);
            self.refuse_beginnings();
            if taken.closing || deadline.is_none_or(|at| at <= Instant::now()) {
                return taken.closing;
            }
        }
    }

    /// Writes all there is, until something stands against it.
    fn write_all(&mut self) {
        while !self.jobs.is_empty() {
            let count = batch_len(&self.jobs);
            match self.transact(count) {
                Ok(faults) => self.answer(count, faults),
                Err(e) => return self.fall_ill(&e),
            }
        }
        if self.trouble.is_some() {
            match probe(&mut self.conn) {
                Ok(()) => self.recover(),
                Err(e) => self.fall_ill(&e),
            }
        }
    }

    /// Writes the first `count` jobs in one transaction. Only where a record contradicts the
    /// journal is it done again, record by record, to leave out just that one.
    fn transact(&mut self, count: usize) -> rusqlite::Result<Faults> {
        #[cfg(test)]
        self.shared.limit_pages(&self.conn);
        #[cfg(test)]
        if self.disk_fails {
            let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
            return Err(rusqlite::Error::SqliteFailure(full, None));
        }
        let keep = (self.journal, self.shared.mirrored.load(Ordering::Relaxed));
        let jobs = || self.jobs.iter().take(count);
        let long = jobs().map(|job| job.weight).sum::<usize>() > BATCH;
        if long {
            cache(&self.conn, true)?;
        }
        let tx = begin(&mut self.conn)?;
        let faults = match write_whole(&tx, keep, jobs()) {
            Ok(()) => {
                tx.commit()?;
                Faults::new()
            }
            Err(ApplyError::Storage(e)) => return Err(e),
            Err(ApplyError::Contradiction(_)) => {
                tx.rollback()?;
                let tx = begin(&mut self.conn)?;
                let faults = write_carefully(&tx, keep, jobs())?;
                tx.commit()?;
                faults
            }
        };
        let records: usize = jobs().map(|job| job.records.len()).sum();
        self.shared.transactions.fetch_add(1, Ordering::Relaxed);
        self.shared
            .records
            .fetch_add(records as u64, Ordering::Relaxed);
        if long {
            // Its pages are not needed again. The commit stands, so no error may come of this.
            let _ = cache(&self.conn, false);
            let _ = self.conn.release_memory();
        }
        Ok(faults)
    }

    /// Tells the first `count` appends that they are durable, or what was left out.
    fn answer(&mut self, count: usize, faults: Faults) {
        let mut faults = faults.into_iter();
        // Whoever is answered finds that it waits no longer.
        self.shared.set_oldest(self.jobs.get(count));
        for mut job in self.jobs.drain(..count) {
            let result = verdict(&job, faults.next().unwrap_or_default());
            self.shared.release(job.weight);
            job.answer(result);
        }
    }

    fn fall_ill(&mut self, error: &rusqlite::Error) {
        let why = explain(error);
        self.shared.set_unwell(&why);
        let pause = match &self.trouble {
            None => MIN_PAUSE,
            Some(trouble) => (trouble.pause * 2).min(MAX_PAUSE),
        };
        self.trouble = Some(Unwell {
            why,
            pause,
            retry_at: Instant::now() + pause,
        });
        self.refuse_beginnings();
    }

    fn recover(&mut self) {
        self.trouble = None;
        self.shared.set_well();
    }

    /// While the journal is unwell, no attempt begins.
    fn refuse_beginnings(&mut self) {
        let Some(trouble) = &self.trouble else {
            return;
        };
        for job in &mut self.jobs {
            self.shared.release(job.refuse_beginnings(&trouble.why));
        }
        self.jobs.retain(|job| !job.is_spent());
        self.shared.set_oldest(self.jobs.front());
    }

    fn finish(mut self) -> Result<(), Leftover> {
        let left = Leftover {
            records: self.jobs.iter().map(|job| job.records.len()).sum(),
            why: self.trouble.take().map(|t| t.why).unwrap_or_default(),
        };
        self.jobs.clear();
        // Neither can lose anything: what is committed is in the WAL, and is read from there.
        let _ = self.conn.execute_batch("PRAGMA optimize");
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let _ = self.conn.query_row(checkpoint, [], |_| Ok(()));
        drop(self.conn);
        if left.records == 0 { Ok(()) } else { Err(left) }
    }
}

/// Closes the queue when the thread ends, also by a panic: nobody may wait for it then.
struct Closer(Arc<Shared>);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.close();
        drop(self.0.take(None));
    }
}

fn begin(conn: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    conn.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// How many of the first jobs go into one transaction: at least one.
fn batch_len(jobs: &VecDeque<WriteJob>) -> usize {
    let mut records = 0;
    let fitting = jobs.iter().take_while(|job| {
        records += job.records.len();
        records <= BATCH
    });
    fitting.count().max(1)
}

/// The journal's own id, and whether a SQL copy is to be told.
type Keep = (Uuid, bool);

fn write_whole<'a>(
    tx: &Transaction<'_>,
    (journal, mirrored): Keep,
    jobs: impl Iterator<Item = &'a WriteJob>,
) -> Result<(), ApplyError> {
    for record in jobs.flat_map(|job| &job.records) {
        apply(tx, journal, mirrored, record)?;
    }
    Ok(())
}

fn write_carefully<'a>(
    tx: &Transaction<'_>,
    keep: Keep,
    jobs: impl Iterator<Item = &'a WriteJob>,
) -> rusqlite::Result<Faults> {
    jobs.map(|job| {
        let mut faults = Vec::new();
        for (place, record) in job.records.iter().enumerate() {
            if let Some(contradiction) = write_if_it_fits(tx, keep, record)? {
                faults.push((contradiction, place));
            }
        }
        Ok(faults)
    })
    .collect()
}

fn write_if_it_fits(
    tx: &Transaction<'_>,
    (journal, mirrored): Keep,
    record: &Record,
) -> rusqlite::Result<Option<Contradiction>> {
    tx.execute_batch("SAVEPOINT record")?;
    match apply(tx, journal, mirrored, record) {
        Ok(()) => {
            tx.execute_batch("RELEASE record")?;
            Ok(None)
        }
        Err(ApplyError::Contradiction(contradiction)) => {
            tx.execute_batch("ROLLBACK TO record; RELEASE record")?;
            Ok(Some(contradiction))
        }
        Err(ApplyError::Storage(e)) => Err(e),
    }
}

fn verdict(job: &WriteJob, faults: Vec<(Contradiction, usize)>) -> Result<(), WriteFailure> {
    if faults.is_empty() {
        return Ok(());
    }
    let left_out = faults.iter().filter_map(|(_, at)| job.records.get(*at));
    Err(WriteFailure::Contradicted {
        refused: left_out.filter_map(begun).collect(),
        contradictions: faults.into_iter().map(|(what, _)| what).collect(),
    })
}

/// Writes and removes as much as must fit. In two transactions, because pages that are freed
/// in the one that filled them never reach the disk.
fn probe(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.execute("INSERT INTO probe VALUES (zeroblob(?1))", [PROBE_BYTES])?;
    conn.execute("DELETE FROM probe", [])?;
    Ok(())
}

fn explain(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program has locked it".to_owned()
        }
        _ => error.to_string(),
    }
}
