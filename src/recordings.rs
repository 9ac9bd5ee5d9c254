//! Fetches finished recordings from Asterisk's spool into the operator's folder.
//!
//! Calls never wait for it: jobs go into a bounded queue, two are fetched at a time over
//! connections that calls do not use, and a job that can't be done yet waits without
//! holding anything up. Nothing is lost where a job is dropped: the file stays in Asterisk's
//! spool and the journal knows of it, so the next start asks for it again, and a file that
//! had already been saved is recognised.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `name` | the file's name |
//! | [`folder`] | the folder: its check, temporary files, the final name that overwrites nothing |
//! | `wav` | whether a file is a whole recording |
//! | `fetch` | one try at one recording |

mod fetch;
pub mod folder;
mod name;
mod wav;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use crate::ari::Client;
use crate::campaign::AttemptId;
use fetch::{Fetch, FetchFailure};

pub use folder::{FolderError, check_folder};
pub use name::file_name;

/// How many recordings may wait, those between two tries included.
pub const QUEUE: usize = 1024;

/// How many are fetched at a time.
const PARALLEL: usize = 2;

/// One recording to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The attempt it belongs to.
    pub attempt: AttemptId,
    /// Its name in Asterisk's spool, without the ending.
    pub name: String,
    /// Its ending: `wav`.
    pub format: String,
    /// The name the file gets: see [`file_name`].
    pub file_name: String,
    /// Whether Asterisk keeps its copy.
    pub keep: bool,
    /// Where it goes, if not to the fetcher's own folder.
    pub folder: Option<PathBuf>,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The file is in the folder, and on its disk.
    Saved {
        /// The attempt.
        attempt: AttemptId,
        /// Where it is, absolute.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// It is not there.
    Failed {
        /// The attempt.
        attempt: AttemptId,
        /// Why, as a sentence for the operator.
        why: String,
        /// Whether it is tried again. Told once for each reason; a final outcome follows.
        will_retry: bool,
    },
}

/// When a job is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPlan {
    /// The first wait; each next one is twice as long.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// How many tries a recording gets that Asterisk does not have, or not whole. A
    /// recording that Asterisk or the disk keeps from us is tried for as long as we run.
    pub tries: u32,
}

impl Default for RetryPlan {
    /// Eight tries over about a minute: 0.5, 1, 2, 4, 8, 16 and 30 seconds between them.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            tries: 8,
        }
    }
}

/// What the fetcher is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FetcherStats {
    /// Jobs that are not done: queued, being fetched, waiting for another try.
    pub waiting: usize,
    /// Files saved.
    pub saved: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Recordings given up.
    pub failed: u64,
    /// Tries that failed and were followed by another.
    pub retries: u64,
    /// Saved recordings that could not be deleted in Asterisk's spool.
    pub left_on_asterisk: u64,
}

#[derive(Debug, Default)]
struct Counts {
    saved: AtomicU64,
    bytes: AtomicU64,
    failed: AtomicU64,
    retries: AtomicU64,
    left_on_asterisk: AtomicU64,
}

/// A handle to the fetcher. Dropping it ends the fetches under way and removes their
/// temporary files.
#[derive(Debug)]
pub struct Fetcher {
    jobs: mpsc::Sender<Admitted>,
    places: Arc<Semaphore>,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

/// A job with its place among the [`QUEUE`] ones.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) job: Job,
    place: OwnedSemaphorePermit,
}

impl Fetcher {
    /// Starts the fetcher over `folder`, which [`check_folder`] should have approved, and
    /// removes temporary files that a dead process left there. Outcomes go to `outcomes`;
    /// when its receiver is dropped they are no longer told.
    #[must_use]
    pub fn spawn(
        client: Client,
        folder: PathBuf,
        plan: RetryPlan,
        outcomes: mpsc::Sender<Fetched>,
    ) -> Self {
        // As many as have places, so that sending never waits.
        let (jobs, queue) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let worker = Worker {
            fetch: Fetch { client, folder },
            plan,
            outcomes,
            counts: Arc::clone(&counts),
            slots: Arc::new(Semaphore::new(PARALLEL)),
        };
        Self {
            jobs,
            places: Arc::new(Semaphore::new(QUEUE)),
            counts,
            task: tokio::spawn(dispatch(Arc::new(worker), queue)),
        }
    }

    /// A fetcher that does nothing by itself: whoever holds the other end does the jobs.
    #[cfg(test)]
    pub(crate) fn by_hand() -> (Self, mpsc::Receiver<Admitted>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let fetcher = Self {
            jobs,
            places: Arc::new(Semaphore::new(QUEUE)),
            counts: Arc::new(Counts::default()),
            task: tokio::spawn(async {}),
        };
        (fetcher, queue)
    }

    /// Takes a job, or gives it back where [`QUEUE`] are waiting: offer it again later.
    pub fn enqueue(&self, job: Job) -> Result<(), Job> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(job);
        };
        self.jobs
            .try_send(Admitted { job, place })
            .map_err(|refused| refused.into_inner().job)
    }

    /// What it is doing.
    #[must_use]
    pub fn stats(&self) -> FetcherStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FetcherStats {
            waiting: self.waiting(),
            saved: get(&self.counts.saved),
            bytes: get(&self.counts.bytes),
            failed: get(&self.counts.failed),
            retries: get(&self.counts.retries),
            left_on_asterisk: get(&self.counts.left_on_asterisk),
        }
    }

    fn waiting(&self) -> usize {
        QUEUE.saturating_sub(self.places.available_permits())
    }

    /// Waits until nothing is left to do, for at most `limit`, then ends the fetcher.
    /// Returns how many jobs were not done.
    pub async fn finish(self, limit: Duration) -> usize {
        let everything = u32::try_from(QUEUE).unwrap_or(u32::MAX);
        // The places all being free is the jobs all being done.
        let done = self.places.acquire_many(everything);
        let idle = tokio::time::timeout(limit, done).await.is_ok();
        if idle { 0 } else { self.waiting() }
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        // The jobs under way end with the set that holds them.
        self.task.abort();
    }
}

/// Starts the jobs as they come, each as a task that sleeps between its tries.
async fn dispatch(worker: Arc<Worker>, mut queue: mpsc::Receiver<Admitted>) {
    folder::remove_left_overs(&worker.fetch.folder).await;
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            job = queue.recv() => match job {
                Some(job) => {
                    running.spawn(Arc::clone(&worker).work(job));
                }
                None => return,
            },
            Some(_) = running.join_next() => {}
        }
    }
}

/// What all jobs share.
struct Worker {
    fetch: Fetch,
    plan: RetryPlan,
    outcomes: mpsc::Sender<Fetched>,
    counts: Arc<Counts>,
    slots: Arc<Semaphore>,
}

impl Worker {
    async fn work(self: Arc<Self>, admitted: Admitted) {
        let Admitted { job, place } = admitted;
        let mut absences = 0;
        let mut wait = self.plan.first;
        let mut told = None;
        loop {
            let last = absences + 1 >= self.plan.tries;
            match self.try_once(&job, last).await {
                Ok(saved) => {
                    self.saved(&job, saved).await;
                    break;
                }
                Err(failure) => {
                    if !failure.is_obstacle() {
                        absences += 1;
                        // After an obstacle the waits begin anew.
                        wait = if absences == 1 { self.plan.first } else { wait };
                    }
                    if failure.is_final() || absences >= failure.patience(self.plan.tries) {
                        self.give_up(&job, &failure).await;
                        break;
                    }
                    self.tell_retry(&job, &failure, &mut told).await;
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(self.plan.longest);
        }
        drop(place);
    }

    async fn try_once(&self, job: &Job, last: bool) -> Result<fetch::Saved, FetchFailure> {
        // Held for the try alone: whoever waits for the next one holds nobody up.
        let _slot = self.slots.acquire().await;
        self.fetch.run(job, last).await
    }

    /// The copy in the spool goes before the outcome is told, so that a crash in between
    /// finds a saved file and no copy, and not a copy that nobody will ever delete.
    async fn saved(&self, job: &Job, saved: fetch::Saved) {
        self.counts.saved.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(saved.bytes, Ordering::Relaxed);
        let deleted = job.keep || self.fetch.delete(job).await.is_ok();
        self.tell(Fetched::Saved {
            attempt: job.attempt,
            path: saved.path,
            bytes: saved.bytes,
        })
        .await;
        if !deleted {
            self.delete_later(job).await;
        }
    }

    async fn delete_later(&self, job: &Job) {
        let mut wait = self.plan.first;
        for _ in 1..self.plan.tries {
            tokio::time::sleep(wait).await;
            if self.fetch.delete(job).await.is_ok() {
                return;
            }
            wait = (wait * 2).min(self.plan.longest);
        }
        self.counts.left_on_asterisk.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            recording = job.name,
            "a recording could not be deleted in Asterisk's spool"
        );
    }

    async fn give_up(&self, job: &Job, failure: &FetchFailure) {
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        // There is nothing in it to keep.
        let empty = matches!(failure, FetchFailure::Empty) && !job.keep;
        let deleted = !empty || self.fetch.delete(job).await.is_ok();
        self.tell(Fetched::Failed {
            attempt: job.attempt,
            why: failure.to_string(),
            will_retry: false,
        })
        .await;
        if !deleted {
            self.delete_later(job).await;
        }
    }

    /// Tells an obstacle once. That a file is not there yet is usual at first: it is told
    /// only when it is given up.
    async fn tell_retry(&self, job: &Job, failure: &FetchFailure, told: &mut Option<String>) {
        self.counts.retries.fetch_add(1, Ordering::Relaxed);
        let why = failure.to_string();
        if !failure.is_obstacle() || told.as_ref() == Some(&why) {
            return;
        }
        *told = Some(why.clone());
        self.tell(Fetched::Failed {
            attempt: job.attempt,
            why,
            will_retry: true,
        })
        .await;
    }

    async fn tell(&self, outcome: Fetched) {
        // Nobody listens any more at the end of the process.
        let _ = self.outcomes.send(outcome).await;
    }
}
