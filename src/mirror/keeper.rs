//! The loop that keeps the copy: what waits in the journal's outbox is written, confirmed in
//! the journal, and so on; whatever goes wrong is told and tried again.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::{sleep, sleep_until};

use super::database::Database;
use super::row::{MirrorRow, row};
use super::trouble::{About, Trouble};
use super::{MirrorState, MirrorView};
use crate::campaign::{AsteriskIds, AttemptId, Record, Sent, Time};
use crate::config::Mysql;
use crate::journal::{OutboxLine, Reader, Writer};

/// How often the journal is asked whether it has changed. What changes meanwhile goes in one
/// statement, and is confirmed in one transaction of the journal.
const TICK: Duration = Duration::from_millis(200);
/// How often a connection that has nothing to do is tried.
const PING: Duration = Duration::from_secs(5);
/// The first wait after a failure; it doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(250);
/// The longest wait between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Rows in one statement.
const BATCH: u32 = 64;

/// All the loop has.
pub(super) struct Keeper {
    pub(super) mysql: Mysql,
    pub(super) ids: AsteriskIds,
    pub(super) path: PathBuf,
    pub(super) writer: Writer,
    pub(super) view: watch::Sender<MirrorView>,
    pub(super) stop: watch::Receiver<Option<Instant>>,
}

/// What is open while the loop runs.
#[derive(Default)]
struct Open {
    reader: Option<Reader>,
    database: Option<Database>,
    /// The journal's transactions when its outbox was last read to the end.
    seen: Option<u64>,
}

impl Keeper {
    /// Runs until it is told to stop, and then until all is written or the time is over.
    pub(super) async fn run(self) {
        let mut open = Open::default();
        let mut stop = self.stop.clone();
        tokio::select! {
            () = self.keep(&mut open) => {}
            () = deadline(&mut stop) => {}
        }
        if let Some(database) = open.database.take() {
            database.close().await;
        }
    }

    async fn keep(&self, open: &mut Open) {
        let mut pause = MIN_PAUSE;
        loop {
            // Read before the sweep: of two, the one that stopped in between is swept again.
            let last = self.stop.borrow().is_some();
            match self.sweep(open).await {
                Ok(()) => {
                    pause = MIN_PAUSE;
                    self.show(open, None);
                    if !last {
                        self.wait_for_work(open).await;
                    }
                }
                Err(trouble) => {
                    if trouble.about == About::Server {
                        open.database = None;
                    }
                    self.show(open, Some(trouble.why));
                    if !last {
                        self.wait(open, pause).await;
                        pause = (pause * 2).min(MAX_PAUSE);
                    }
                }
            }
            if last {
                return;
            }
        }
    }

    /// Writes everything that waits. Rows that the table does not take are left where they
    /// are, and the others written.
    async fn sweep(&self, open: &mut Open) -> Result<(), Trouble> {
        let seen = self.writer.stats().transactions;
        let database = match &mut open.database {
            Some(database) => database,
            none => none.insert(Database::open(&self.mysql).await?),
        };
        let reader = match &mut open.reader {
            Some(reader) => reader,
            none => none.insert(Reader::open(&self.path).map_err(|e| of_journal(&e))?),
        };
        let mut refused = None;
        let mut after = AttemptId(0);
        loop {
            let lines = reader.outbox(after, BATCH).map_err(|e| of_journal(&e))?;
            let Some(last) = lines.last() else {
                if after == AttemptId(0) {
                    // With nothing to write, that it is away would go unnoticed.
                    database.ping().await?;
                }
                break;
            };
            after = last.sent.attempt;
            let (written, trouble) = self.write(database, &lines).await?;
            refused = refused.or(trouble);
            self.confirm(written)?;
            self.show_backlog(reader);
        }
        open.seen = Some(seen);
        refused.map_or(Ok(()), Err)
    }

    /// Writes these, and says which the database has now, and why not the others.
    async fn write(
        &self,
        database: &mut Database,
        lines: &[OutboxLine],
    ) -> Result<(Vec<Sent>, Option<Trouble>), Trouble> {
        let rows: Vec<MirrorRow> = lines.iter().map(|line| row(line, &self.ids)).collect();
        let all = || lines.iter().map(|line| line.sent).collect();
        match database.write(&rows).await {
            Ok(()) => return Ok((all(), None)),
            Err(trouble) if trouble.about != About::Row => return Err(trouble),
            Err(_) => {}
        }
        let mut written = Vec::new();
        let mut refused = None;
        for (line, row) in lines.iter().zip(&rows) {
            match database.write(std::slice::from_ref(row)).await {
                Ok(()) => written.push(line.sent),
                Err(trouble) if trouble.about == About::Row => refused = refused.or(Some(trouble)),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok((written, refused))
    }

    /// Tells the journal what the database has. Until that is durable nothing more is read, so
    /// a version never stands for two states of an attempt.
    fn confirm(&self, written: Vec<Sent>) -> Result<(), Trouble> {
        if written.is_empty() {
            return Ok(());
        }
        self.writer
            .append_blocking(vec![Record::Mirrored(written)])
            .map_err(|e| of_journal(&e))
    }

    /// Waits until the journal has changed, the connection is to be tried, or it is to stop.
    async fn wait_for_work(&self, open: &Open) {
        let mut stop = self.stop.clone();
        let until = Instant::now() + PING;
        while Instant::now() < until && stop.borrow_and_update().is_none() {
            tokio::select! {
                () = sleep(TICK) => {}
                _ = stop.changed() => return,
            }
            if open.seen != Some(self.writer.stats().transactions) {
                return;
            }
        }
    }

    /// Waits after a failure, and goes on telling how much waits.
    async fn wait(&self, open: &mut Open, pause: Duration) {
        let mut stop = self.stop.clone();
        if stop.borrow_and_update().is_some() {
            return;
        }
        if open.reader.is_none() {
            // What waits is told also where the database was never reached.
            open.reader = Reader::open(&self.path).ok();
        }
        if let Some(reader) = &open.reader {
            self.show_backlog(reader);
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }

    fn show_backlog(&self, reader: &Reader) {
        let Ok(backlog) = reader.backlog() else {
            // Whoever reads next tells what is wrong.
            return;
        };
        self.view.send_if_modified(|view| {
            let before = (view.waiting, view.oldest);
            (view.waiting, view.oldest) = (backlog.rows, backlog.since);
            (view.waiting, view.oldest) != before
        });
    }

    fn show(&self, open: &Open, trouble: Option<String>) {
        if let Some(reader) = &open.reader {
            self.show_backlog(reader);
        }
        self.view.send_if_modified(|view| {
            let state = match (trouble, &view.state) {
                (None, _) => MirrorState::Connected,
                (Some(why), MirrorState::Away { since, .. }) => MirrorState::Away {
                    since: *since,
                    why: why.into(),
                },
                (Some(why), _) => MirrorState::Away {
                    since: now(),
                    why: why.into(),
                },
            };
            let changed = view.state != state;
            view.state = state;
            changed
        });
    }
}

/// The moment at which it must have ended, once it was told to.
async fn deadline(stop: &mut watch::Receiver<Option<Instant>>) {
    let at = match stop.wait_for(Option::is_some).await {
        Ok(at) => *at,
        // Nobody is left who could tell it to.
        Err(_) => None,
    };
    if let Some(at) = at {
        sleep_until(at.into()).await;
    }
}

fn of_journal(error: &impl std::fmt::Display) -> Trouble {
    Trouble::server(format!("the journal can't be read or written: {error}"))
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Time::default() + since.unwrap_or_default()
}
