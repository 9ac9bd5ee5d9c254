//! The connection to the database: every step of it is bounded in time.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Params, Value};
use tokio::time::timeout;

use super::Outlook;
use super::row::{COLUMNS, MirrorRow};
use super::table::{FoundTable, create, quoted, upsert};
use super::trouble::{About, Trouble};
use crate::config::Mysql;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a statement may take.
const STATEMENT: Duration = Duration::from_secs(10);
/// How long the server itself waits for a lock: shorter than [`STATEMENT`], so that it gives
/// up before the client does, and no statement is left behind there. Strict, or a column that
/// is too narrow would cut values silently.
const SESSION: &str = "SET SESSION autocommit=1, lock_wait_timeout=5, \
     innodb_lock_wait_timeout=5, sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'";

/// A connection to a table that takes rows.
pub(super) struct Database {
    conn: Conn,
    mysql: Mysql,
    /// Which of [`FURTHER`](super::row::FURTHER) the table has.
    further: Vec<usize>,
}

impl Database {
    /// Connects, and makes the table where there is none.
    pub(super) async fn open(mysql: &Mysql) -> Result<Self, Trouble> {
        let mut database = Self::connect(mysql).await?;
        let found = match database.look().await {
            Err(Trouble {
                about: About::NoTable,
                ..
            }) => {
                database.run(create(&mysql.table)).await?;
                database.look().await?
            }
            found => found?,
        };
        found.check(&mysql.table)?;
        database.further = found.further();
        Ok(database)
    }

    /// What [`Self::open`] and [`Self::write`] would meet. Nothing is changed: the server is
    /// asked to explain a row's statement and to prepare the table's, and looks at rights and
    /// at being read-only for both, but carries out neither.
    pub(super) async fn examine(&mut self) -> Result<Outlook, Trouble> {
        let table = self.mysql.table.clone();
        let explain = format!("EXPLAIN {}", upsert(&table, &[], 1));
        match self.look().await {
            Err(Trouble {
                about: About::NoTable,
                ..
            }) => {
                unless_missing(self.try_out(explain).await)?;
                // Of a table that is not there MySQL itself asks for no right to read it.
                let read = format!("SELECT 1 FROM {}", quoted(&table));
                unless_missing(self.run(read).await)?;
                let made = self.conn.prep(create(&table));
                bounded(&self.mysql, made).await?;
                // Only carrying it out would be refused for this.
                let read_only = self.ask("SELECT @@global.read_only".to_owned()).await?;
                if read_only.first().and_then(|row| row.get(0)) == Some(1) {
                    return Err(Trouble::read_only(&self.mysql, "read_only is on"));
                }
                Ok(Outlook::WouldBeMade)
            }
            found => {
                let found = found?;
                found.check(&table)?;
                self.try_out(explain).await?;
                Ok(found.narrow(&table).map_or(Outlook::Fits, Outlook::Narrow))
            }
        }
    }

    async fn try_out(&mut self, explain: String) -> Result<(), Trouble> {
        let nothing = vec![Value::NULL; COLUMNS.len()];
        let explained = self.conn.exec_drop(explain, Params::Positional(nothing));
        bounded(&self.mysql, explained).await
    }

    pub(super) async fn connect(mysql: &Mysql) -> Result<Self, Trouble> {
        let conn = match timeout(CONNECT, Conn::new(options(mysql))).await {
            Ok(conn) => conn.map_err(|e| Trouble::of(mysql, &e))?,
            Err(_) => return Err(Trouble::silence(mysql, CONNECT.as_secs())),
        };
        let mysql = mysql.clone();
        let mut database = Self {
            conn,
            mysql,
            further: Vec::new(),
        };
        database.run(SESSION.to_owned()).await?;
        Ok(database)
    }

    /// Writes rows, all of them or none.
    pub(super) async fn write(&mut self, rows: &[MirrorRow]) -> Result<(), Trouble> {
        let values = rows.iter().flat_map(|row| {
            let (known, further) = row.split_at(COLUMNS.len());
            let further = self.further.iter().map(|at| &further[*at]);
            known.iter().chain(further).cloned().map(Value::from)
        });
        let values = values.collect();
        let statement = upsert(&self.mysql.table, &self.further, rows.len());
        let written = self.conn.exec_drop(statement, Params::Positional(values));
        bounded(&self.mysql, written).await
    }

    /// Whether it is still there.
    pub(super) async fn ping(&mut self) -> Result<(), Trouble> {
        bounded(&self.mysql, self.conn.ping()).await
    }

    /// Says good-bye, or does not when that takes long.
    pub(super) async fn close(self) {
        let _ = timeout(Duration::from_millis(500), self.conn.disconnect()).await;
    }

    async fn run(&mut self, statement: String) -> Result<(), Trouble> {
        bounded(&self.mysql, self.conn.query_drop(statement)).await
    }

    /// What the table is like.
    async fn look(&mut self) -> Result<FoundTable, Trouble> {
        let table = quoted(&self.mysql.table);
        let columns = self.ask(format!("SHOW COLUMNS FROM {table}")).await?;
        let mut found = FoundTable::default();
        for row in &columns {
            let text = |name: &str| -> String {
                let value: Option<Option<String>> = row.get(name);
                value.flatten().unwrap_or_default()
            };
            let column = (text("Field"), text("Type"));
            // The server fills what has an Extra: AUTO_INCREMENT, STORED GENERATED.
            let filled = row.get("Default") != Some(Value::NULL) || !text("Extra").is_empty();
            if text("Null") == "NO" && !filled {
                found.demanding.push(column.clone());
            }
            found.columns.push(column);
        }
        for row in self.ask(format!("SHOW INDEX FROM {table}")).await? {
            let unique = row.get::<i64, _>("Non_unique") == Some(0);
            let names = row.get("Key_name").zip(row.get("Column_name"));
            if let (true, Some((index, column))) = (unique, names) {
                let columns: &mut Vec<String> = found.unique.entry(index).or_default();
                columns.push(column);
            }
        }
        Ok(found)
    }

    async fn ask(&mut self, statement: String) -> Result<Vec<mysql_async::Row>, Trouble> {
        bounded(&self.mysql, self.conn.query(statement)).await
    }
}

/// What a server says of a statement whose table is not there, other than that.
fn unless_missing(said: Result<(), Trouble>) -> Result<(), Trouble> {
    said.or_else(|trouble| match trouble.about {
        About::NoTable => Ok(()),
        _ => Err(trouble),
    })
}

async fn bounded<T>(
    mysql: &Mysql,
    work: impl Future<Output = mysql_async::Result<T>>,
) -> Result<T, Trouble> {
    match timeout(STATEMENT, work).await {
        Ok(result) => result.map_err(|e| Trouble::of(mysql, &e)),
        Err(_) => Err(Trouble::silence(mysql, STATEMENT.as_secs())),
    }
}

fn options(mysql: &Mysql) -> Opts {
    let password = mysql.password.as_ref().map(|p| p.expose().to_owned());
    OptsBuilder::default()
        .ip_or_hostname(mysql.host.clone())
        .tcp_port(mysql.port)
        .user(Some(mysql.user.clone()))
        .pass(password)
        .db_name(Some(mysql.database.clone()))
        // It would leave the connection that was asked for.
        .prefer_socket(false)
        .into()
}
