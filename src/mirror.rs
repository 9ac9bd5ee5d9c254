//! The copy of every call in MySQL or MariaDB, one row a call, in the table that the replaced
//! program kept.
//!
//! Rows go through the journal's outbox ([`crate::journal::OutboxLine`]): an attempt is marked
//! there with the record that changes it, a thread of its own ([`Mirror`]) writes what is
//! marked and has it confirmed in the journal. The database may be away for as long as it likes,
//! and anything may die in between: a row is written again rather than lost, and writing it
//! again changes nothing. Dialing waits for none of it.
//!
//! Only calls that begin or change while the copy is switched on are written. What an engine
//! could not write waits in the journal for the next that has it switched on.

mod database;
mod keeper;
mod row;
mod status;
mod table;
mod trouble;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::campaign::{AsteriskIds, Time};
use crate::config::Mysql;
use crate::journal::Writer;
use database::Database;
use keeper::Keeper;

pub use status::sql_status;

/// How the copy stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MirrorView {
    /// Whether rows can be written.
    pub state: MirrorState,
    /// Rows that wait to be written.
    pub waiting: u64,
    /// Since when the oldest of them waits.
    pub oldest: Option<Time>,
}

/// A row that waits longer than this is late.
const LATE: Duration = Duration::from_secs(10);

impl MirrorView {
    /// Since when rows are late, where they are.
    #[must_use]
    pub fn lags(&self, now: Time) -> Option<Time> {
        self.oldest.filter(|at| now.since(*at) > LATE)
    }
}

/// Whether rows can be written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MirrorState {
    /// There is no copy: `MYSQL_*` are not set.
    #[default]
    Off,
    /// The first try is under way.
    Connecting,
    /// They can.
    Connected,
    /// They can't; calls go on.
    Away {
        /// Since when.
        since: Time,
        /// Why, with the mend, in a sentence without an end.
        why: Arc<str>,
    },
}

/// The thread that keeps the copy. When this is dropped, it ends by itself.
#[derive(Debug)]
pub struct Mirror {
    view: watch::Receiver<MirrorView>,
    stop: watch::Sender<Option<Instant>>,
    /// Hears nothing until the thread has ended.
    ended: mpsc::Receiver<()>,
}

impl Mirror {
    /// Starts to copy what the journal at `journal` has marked. `ids` are those that this
    /// journal's calls have in Asterisk.
    pub fn start(
        mysql: &Mysql,
        journal: &Path,
        writer: Writer,
        ids: AsteriskIds,
    ) -> std::io::Result<Self> {
        let (view, shown) = watch::channel(MirrorView {
            state: MirrorState::Connecting,
            ..MirrorView::default()
        });
        let (stop, stopped) = watch::channel(None);
        let (end, ended) = mpsc::channel::<()>();
        let keeper = Keeper {
            mysql: mysql.clone(),
            ids,
            path: journal.to_owned(),
            writer,
            view,
            stop: stopped,
        };
        // A runtime of its own: it reads the journal and waits for its confirmations, and
        // nothing else may wait for that.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new()
            .name("mirror".to_owned())
            .spawn(move || {
                let _end = end;
                runtime.block_on(keeper.run());
                // A name that is being looked up must not hold up the end.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            view: shown,
            stop,
            ended,
        })
    }

    /// How the copy stands.
    #[must_use]
    pub fn view(&self) -> MirrorView {
        let mut view = self.view.borrow().clone();
        if self.view.has_changed().is_err() && self.stop.borrow().is_none() {
            let since = match view.state {
                MirrorState::Away { since, .. } => since,
                _ => view.oldest.unwrap_or_default(),
            };
            let why = "the thread that writes to MySQL has ended; start Dialdeck again".into();
            view.state = MirrorState::Away { since, why };
        }
        view
    }

    /// Writes what waits, for as long as `patience` at the most, and ends. Says how the copy
    /// stands then. Blocks.
    #[must_use]
    pub fn finish(self, patience: Duration) -> MirrorView {
        let until = Instant::now() + patience;
        self.stop.send_replace(Some(until));
        // A moment longer, so that it can close the connection.
        let _ = self.ended.recv_timeout(patience + Duration::from_secs(1));
        self.view.borrow().clone()
    }
}

/// What the first row would meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// The table is there and takes rows.
    Fits,
    /// There is no table, and the account may make it.
    WouldBeMade,
    /// The table is there; not every call may fit. A sentence with the mend.
    Narrow(String),
}

/// Makes the database ready for calls: connects, logs in and looks at the table, and makes it
/// where there is none. The error is a sentence with the mend.
pub async fn prepare(mysql: &Mysql) -> Result<(), String> {
    let database = Database::open(mysql).await.map_err(|t| t.why)?;
    database.close().await;
    Ok(())
}

/// Whether calls could be written there now. Logs in and looks, and changes nothing. The
/// error is a sentence with the mend.
pub async fn examine(mysql: &Mysql) -> Result<Outlook, String> {
    let mut database = Database::connect(mysql).await.map_err(|t| t.why)?;
    let outlook = database.examine().await;
    database.close().await;
    outlook.map_err(|t| t.why)
}
