//! The queue before the one thread that writes.
//!
//! Appending never waits for a disk: records go into a bounded queue, and a callback tells
//! when they are durable. All that stands in the queue when the thread comes back from one
//! commit goes into the next (group commit), so the price of a sync is shared by as many
//! records as came meanwhile.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Instant, SystemTime};

use super::error::WriteFailure;
use crate::campaign::{AttemptId, Record};

/// How many records may wait, those included that a full disk keeps waiting. Sixteen listed
/// numbers count as one record.
pub const QUEUE_LIMIT: usize = 65_536;

/// Listed numbers that weigh as much as one other record.
const NUMBERS_PER_RECORD: usize = 16;

type Done = Box<dyn FnOnce(Result<(), WriteFailure>) + Send>;

/// Appends to the journal, from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
}

/// An append that was not taken, given back as it was.
pub struct Rejected<F> {
    /// The records.
    pub records: Vec<Record>,
    /// The callback, not called.
    pub done: F,
    /// Why.
    pub why: Rejection,
}

/// Why an append was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Too many records wait already: try again when some have become durable.
    #[error("the journal's queue is full")]
    QueueFull,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

impl<F> fmt::Debug for Rejected<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("records", &self.records.len())
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

/// Whether the journal can be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// As far as is known.
    #[default]
    Well,
    /// It cannot; it is tried again every two seconds or faster.
    Unwell {
        /// Since when.
        since: SystemTime,
        /// What stands against it, for a reader.
        why: String,
    },
}

/// What the writer has done and has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterStats {
    /// Transactions committed since the journal was opened.
    pub transactions: u64,
    /// Records in them.
    pub records: u64,
    /// What waits now, counted as [`QUEUE_LIMIT`] counts.
    pub queued: usize,
    /// When the oldest append that waits was made.
    pub oldest: Option<Instant>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Appends `records` in their order, after all that was appended before, or gives them
    /// back where the queue has no room. Never waits.
    ///
    /// `done` is called exactly once, on the writer's thread, when the records are durable or
    /// have failed; it must be quick. Without records it is called when all that was appended
    /// before has been answered.
    pub fn try_append<F>(&self, records: Vec<Record>, done: F) -> Result<(), Rejected<F>>
    where
        F: FnOnce(Result<(), WriteFailure>) + Send + 'static,
    {
        let weight = weight_of(&records);
        let mut queue = self.shared.lock();
        if let Some(why) = queue.rejection(weight) {
            return Err(Rejected { records, done, why });
        }
        queue.push(records, Box::new(done), weight);
        self.shared.work.notify_one();
        Ok(())
    }

    /// Appends `records`, waiting for room and until they are durable or have failed. Not for
    /// asynchronous tasks. On a full disk it waits until there is space, unless an attempt's
    /// beginning is among them.
    pub fn append_blocking(&self, records: Vec<Record>) -> Result<(), WriteFailure> {
        let (answer, answered) = mpsc::sync_channel(1);
        let done = move |result| drop(answer.send(result));
        let weight = weight_of(&records);
        let mut queue = self.shared.lock();
        loop {
            match queue.rejection(weight) {
                None => break,
                Some(Rejection::Closed) => return Err(WriteFailure::Closed),
                Some(Rejection::QueueFull) => queue = self.shared.wait_for_room(queue),
            }
        }
        queue.push(records, Box::new(done), weight);
        drop(queue);
        self.shared.work.notify_one();
        answered.recv().unwrap_or(Err(WriteFailure::Closed))
    }

    /// Whether the journal can be written, as the last transaction showed.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.lock().health.clone()
    }

    /// Counts for metrics.
    #[must_use]
    pub fn stats(&self) -> WriterStats {
        let queue = self.shared.lock();
        WriterStats {
            transactions: self.shared.transactions.load(Ordering::Relaxed),
            records: self.shared.records.load(Ordering::Relaxed),
            queued: queue.weight,
            oldest: queue.oldest(),
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// What appenders and the writer's thread share. A standard mutex: it is held for a push or a
/// swap of the queue, never across a write, and never across an await.
#[derive(Default)]
pub(super) struct Shared {
    queue: Mutex<WriteQueue>,
    /// The writer's thread waits here.
    work: Condvar,
    /// Blocking appenders wait here.
    room: Condvar,
    pub(super) transactions: AtomicU64,
    pub(super) records: AtomicU64,
    /// A SQL copy is to be told of changes.
    pub(super) mirrored: AtomicBool,
    #[cfg(test)]
    pub(super) disk_full: AtomicBool,
}

#[derive(Default)]
struct WriteQueue {
    jobs: VecDeque<WriteJob>,
    /// Of everything appended and not yet answered, in the queue or with the thread.
    weight: usize,
    /// When the oldest append was made that the thread has and has not answered.
    taken: Option<Instant>,
    closing: bool,
    health: Health,
}

impl WriteQueue {
    fn rejection(&self, weight: usize) -> Option<Rejection> {
        if self.closing {
            return Some(Rejection::Closed);
        }
        // Alone, an append of any size is taken: it would never fit otherwise.
        // One without records takes no room.
        let fits = weight == 0 || self.weight == 0 || self.weight + weight <= QUEUE_LIMIT;
        (!fits).then_some(Rejection::QueueFull)
    }

    fn push(&mut self, records: Vec<Record>, done: Done, weight: usize) {
        self.weight += weight;
        self.jobs.push_back(WriteJob {
            records,
            done: Some(done),
            weight,
            made: Instant::now(),
        });
    }

    /// When the oldest append was made that is not answered.
    fn oldest(&self) -> Option<Instant> {
        self.taken.or_else(|| self.jobs.front().map(|job| job.made))
    }

    /// Gives the thread all jobs there are.
    fn hand_over(&mut self) -> VecDeque<WriteJob> {
        self.taken = self.oldest();
        mem::take(&mut self.jobs)
    }
}

/// What the thread has to do next.
pub(super) struct Taken {
    /// New jobs, in their order.
    pub(super) jobs: VecDeque<WriteJob>,
    /// No more will come.
    pub(super) closing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, WriteQueue> {
        // Nothing that panics runs while it is held, so what it guards is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_room<'a>(&self, queue: MutexGuard<'a, WriteQueue>) -> MutexGuard<'a, WriteQueue> {
        self.room
            .wait(queue)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for jobs, for the end, or until `deadline`, and takes all jobs there are.
    pub(super) fn take(&self, deadline: Option<Instant>) -> Taken {
        let mut queue = self.lock();
        while queue.jobs.is_empty() && !queue.closing {
            queue = match deadline {
                None => self
                    .work
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    let waited = self.work.wait_timeout(queue, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        Taken {
            jobs: queue.hand_over(),
            closing: queue.closing,
        }
    }

    /// Takes what there is, without waiting.
    #[cfg(test)]
    pub(super) fn take_at_once(&self) -> VecDeque<WriteJob> {
        self.lock().hand_over()
    }

    /// Says which append is the oldest of those that the thread has, if any is left.
    pub(super) fn set_oldest(&self, job: Option<&WriteJob>) {
        self.lock().taken = job.map(|job| job.made);
    }

    /// Makes room for as much as was answered.
    pub(super) fn release(&self, weight: usize) {
        self.lock().weight -= weight;
        self.room.notify_all();
    }

    /// Lets the file grow no more while a test says that the disk is full: `SQLite` then
    /// fails as it does on a disk that is.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, conn: &rusqlite::Connection) {
        let full = self.disk_full.load(Ordering::Relaxed);
        // Less than there are means as many as there are.
        let pages: u32 = if full { 1 } else { u32::MAX - 1 };
        conn.pragma_update(None, "max_page_count", pages)
            .expect("the limit is set");
    }

    /// Takes no more appends.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Says that the journal can be written.
    pub(super) fn set_well(&self) {
        self.lock().health = Health::Well;
    }

    /// Says why the journal cannot be written; since when stays as it was first said.
    pub(super) fn set_unwell(&self, why: &str) {
        let mut queue = self.lock();
        let since = match &queue.health {
            Health::Unwell { since, .. } => *since,
            Health::Well => SystemTime::now(),
        };
        let why = why.to_owned();
        queue.health = Health::Unwell { since, why };
    }
}

/// An append on its way. Its callback is called exactly once, whatever happens to it.
pub(super) struct WriteJob {
    pub(super) records: Vec<Record>,
    done: Option<Done>,
    /// As long as it is not answered, it takes this much of the queue.
    pub(super) weight: usize,
    /// When it was appended.
    made: Instant,
}

impl WriteJob {
    /// Calls the callback, unless that has been done. A panic in it must not end the thread
    /// that everybody's records go through: the panic hook reports it, and that is all.
    pub(super) fn answer(&mut self, result: Result<(), WriteFailure>) {
        if let Some(done) = self.done.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
        }
    }

    /// Whether nothing is left to write or to answer. An append without records is not, as
    /// long as it waits for those before it.
    pub(super) fn is_spent(&self) -> bool {
        self.records.is_empty() && self.done.is_none()
    }

    /// The attempts that this append begins.
    pub(super) fn begins(&self) -> Vec<AttemptId> {
        self.records.iter().filter_map(begun).collect()
    }

    /// Takes the beginnings of attempts out, for ever, and says so. Gives the weight that
    /// this makes free.
    pub(super) fn refuse_beginnings(&mut self, why: &str) -> usize {
        let refused = self.begins();
        if refused.is_empty() {
            return 0;
        }
        self.records.retain(|record| begun(record).is_none());
        let before = mem::replace(&mut self.weight, weight_of(&self.records));
        let why = why.to_owned();
        self.answer(Err(WriteFailure::Full { refused, why }));
        before - self.weight
    }
}

impl Drop for WriteJob {
    fn drop(&mut self) {
        self.answer(Err(WriteFailure::Closed));
    }
}

/// The attempt that `record` begins, if it begins one.
pub(super) fn begun(record: &Record) -> Option<AttemptId> {
    match record {
        Record::AttemptBegun { attempt, .. } => Some(*attempt),
        _ => None,
    }
}

fn weight_of(records: &[Record]) -> usize {
    records.iter().map(weight).sum()
}

fn weight(record: &Record) -> usize {
    match record {
        Record::LeadsListed { numbers, .. } | Record::LeadsAdded { numbers, .. } => {
            1 + numbers.len() / NUMBERS_PER_RECORD
        }
        _ => 1,
    }
}
