//! The tables of a journal, and the way from each format to the next.

use rusqlite::{Connection, TransactionBehavior};

/// Tells a journal from any other `SQLite` file: `DDjr` in ASCII, in the header's
/// `application_id`.
pub(super) const APPLICATION_ID: i32 = 0x4444_6a72;

/// The step to each format from the one before. A step that was released is never changed.
const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// The format that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "there are a handful of steps")]
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Brings a database to [`VERSION`], each step in one transaction with its new number, so
/// that a death in between leaves a whole format behind.
pub(super) fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    run_steps(conn, STEPS)
}

fn run_steps(conn: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let done = version(conn)?;
    for (number, sql) in (1_i64..).zip(steps) {
        if number <= done {
            continue;
        }
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    Ok(())
}

/// The format of a database.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "CREATE TABLE a (x)";
    const TWO: &str = "CREATE TABLE b (x); INSERT INTO b VALUES (1)";

    fn tables(conn: &Connection) -> Vec<String> {
        let mut names = conn
            .prepare("SELECT name FROM sqlite_schema ORDER BY name")
            .expect("prepares");
        let rows = names.query_map([], |row| row.get(0)).expect("queries");
        rows.map(|name| name.expect("text")).collect()
    }

    #[test]
    fn steps_that_were_done_are_not_done_again() {
        let mut conn = Connection::open_in_memory().expect("opens");
        run_steps(&mut conn, &[ONE]).expect("the first step");
        run_steps(&mut conn, &[ONE, TWO]).expect("only the second step");
        assert_eq!(tables(&conn), ["a", "b"]);
        assert_eq!(version(&conn).expect("reads"), 2);
    }

    /// The journal of version 3 with a run, a lead and an attempt that was rejected.
    const OLD_ROWS: &str = "
        INSERT INTO runs (run, list, state, opened_at, changed_at) VALUES (1, 'l', 'IDLE', 1, 1);
        INSERT INTO leads (run, lead, number, state, disposition, attempts, last_attempt)
        VALUES (1, 0, '12', 'done', 'rejected', 1, 1);
        INSERT INTO attempts (attempt, run, lead, call_id, queued_at, dialed_at, ended_at,
            disposition, ended_by)
        VALUES (1, 1, 0, '00000000-0000-0000-0000-000000000000', 1, 2, 3, 'rejected', 'carrier')";

    #[test]
    fn a_journal_of_version_3_keeps_its_rows_and_takes_the_words_of_this_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.db");
        let mut conn = Connection::open(&path).expect("opens");
        conn.pragma_update(None, "foreign_keys", true)
            .expect("sets");
        run_steps(&mut conn, &STEPS[..3]).expect("the format before");
        conn.execute_batch(OLD_ROWS).expect("old rows");
        migrate(&mut conn).expect("comes to this format");
        let change = |conn: &Connection, disposition: &str| {
            conn.execute("UPDATE leads SET disposition = ?1", [disposition])
                .and_then(|_| conn.execute("UPDATE attempts SET disposition = ?1", [disposition]))
        };
        // Also on a connection that reads the schema for the first time.
        let second = Connection::open(&path).expect("opens");
        for conn in [&conn, &second] {
            for word in ["rejected", "blocked", "redirected"] {
                change(conn, word).expect("an allowed word");
            }
            change(conn, "nonsense").expect_err("no word of ours");
            conn.execute("UPDATE attempts SET ended_by = 'handed over'", [])
                .expect("an allowed word");
            let found: String = conn
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .expect("checks");
            assert_eq!(found, "ok");
        }
        let kept: (i64, Option<i64>) = second
            .query_row("SELECT ended_at, early_media_at FROM attempts", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .expect("the old row");
        assert_eq!(kept, (3, None));
    }

    #[test]
    fn a_step_that_fails_leaves_the_format_before_it_whole() {
        let mut conn = Connection::open_in_memory().expect("opens");
        let broken = "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)";
        run_steps(&mut conn, &[ONE, broken]).expect_err("the second step fails");
        assert_eq!(tables(&conn), ["a"]);
        assert_eq!(version(&conn).expect("reads"), 1);
    }
}
