//! Who gets a journal, and what is refused and left as it was.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::fixture::{open, place, run_of, write};
use crate::journal::{Journal, JournalError, Reader};

fn refused(path: &Path) -> JournalError {
    Journal::open(path).expect_err("it is refused")
}

#[test]
fn a_new_journal_knows_nothing_and_keeps_its_identity() {
    let (_dir, path) = place();
    let (journal, first) = open(&path);
    assert_eq!((first.next_attempt.0, first.run), (1, None));
    assert_eq!(first.token.len(), 8);
    assert!(first.uuid.simple().to_string().starts_with(&first.token));
    journal.close().expect("closes");
    let (_journal, second) = open(&path);
    assert_eq!(second.uuid, first.uuid);
}

#[test]
fn a_second_engine_is_told_who_holds_the_journal() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let me = std::process::id();
    match refused(&path) {
        JournalError::Held { pid, .. } => assert_eq!(pid, Some(me)),
        other => panic!("refused for another reason: {other}"),
    }
    let sentence = refused(&path).to_string();
    assert!(sentence.contains(&format!("process {me}")), "{sentence}");
    journal.close().expect("closes");
    open(&path);
}

#[cfg(unix)]
#[test]
fn a_second_engine_meets_the_lock_through_a_link() {
    let (dir, path) = place();
    let (_journal, _) = open(&path);
    let link = dir.path().join("same.db");
    std::os::unix::fs::symlink(&path, &link).expect("links");
    assert!(matches!(refused(&link), JournalError::Held { .. }));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_makes_no_new_journal() {
    let (dir, path) = place();
    std::os::unix::fs::symlink(dir.path().join("unmounted/dialdeck.db"), &path).expect("links");
    assert!(matches!(refused(&path), JournalError::Io { .. }));
    assert!(path.symlink_metadata().expect("still there").is_symlink());
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let (dir, _) = place();
    let sentence = refused(&dir.path().join("nowhere/dialdeck.db")).to_string();
    assert!(sentence.contains("nowhere"), "{sentence}");
    assert!(sentence.contains("folder"), "{sentence}");
}

#[test]
fn a_newer_version_is_refused_and_untouched() {
    let (_dir, path) = place();
    write(&path, run_of(3));
    let conn = Connection::open(&path).expect("opens");
    conn.pragma_update(None, "user_version", 99).expect("sets");
    conn.close().expect("closes");
    let before = fs::read(&path).expect("reads");
    assert!(matches!(
        refused(&path),
        JournalError::Newer { found: 99, .. }
    ));
    let reader = Reader::open(&path).expect_err("readers too");
    assert!(matches!(reader, JournalError::Newer { found: 99, .. }));
    assert_eq!(fs::read(&path).expect("reads"), before);
}

#[test]
fn a_reader_does_not_guess_at_an_older_version() {
    let (_dir, path) = place();
    write(&path, run_of(3));
    let conn = Connection::open(&path).expect("opens");
    conn.pragma_update(None, "user_version", 0).expect("sets");
    conn.close().expect("closes");
    let error = Reader::open(&path).expect_err("refused");
    assert!(matches!(error, JournalError::Older { found: 0, .. }));
}

#[test]
fn a_newer_version_that_is_only_in_the_wal_is_refused_and_untouched() {
    let (dir, path) = place();
    write(&path, run_of(3));
    let newer = Connection::open(&path).expect("opens");
    newer.pragma_update(None, "user_version", 99).expect("sets");
    // What a process leaves that dies here: the copies, while `newer` still lives.
    let wal = dir.path().join("dead.db-wal");
    let dead = dir.path().join("dead.db");
    fs::copy(&path, &dead).expect("copies");
    fs::copy(dir.path().join("dialdeck.db-wal"), &wal).expect("copies");
    let before = (
        fs::read(&dead).expect("reads"),
        fs::read(&wal).expect("reads"),
    );
    assert!(matches!(
        refused(&dead),
        JournalError::Newer { found: 99, .. }
    ));
    let after = (
        fs::read(&dead).expect("reads"),
        fs::read(&wal).expect("reads"),
    );
    assert!(before == after, "the journal was changed");
}

#[test]
fn another_programs_database_is_refused_and_untouched() {
    let (_dir, path) = place();
    let conn = Connection::open(&path).expect("opens");
    conn.execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .expect("fills");
    conn.close().expect("closes");
    let before = fs::read(&path).expect("reads");
    assert!(matches!(refused(&path), JournalError::Foreign { .. }));
    assert_eq!(fs::read(&path).expect("reads"), before);
    assert!(!path.with_extension("db-wal").exists());
}

#[test]
fn a_file_that_is_no_database_is_refused_and_untouched() {
    let (_dir, path) = place();
    fs::write(&path, "+79990000001\n+79990000002\n").expect("writes");
    assert!(matches!(refused(&path), JournalError::NotAJournal { .. }));
    let text = fs::read_to_string(&path).expect("reads");
    assert_eq!(text, "+79990000001\n+79990000002\n");
}

#[test]
fn an_empty_file_is_not_taken_for_a_new_journal() {
    let (_dir, path) = place();
    fs::write(&path, "").expect("writes");
    assert!(matches!(refused(&path), JournalError::Damaged { .. }));
}

#[test]
fn a_wal_without_its_journal_is_not_thrown_away() {
    let (_dir, path) = place();
    let wal = path.with_extension("db-wal");
    fs::write(&wal, "the last records").expect("writes");
    assert!(matches!(refused(&path), JournalError::Orphaned { .. }));
    let kept = fs::read_to_string(&wal).expect("still there");
    assert_eq!(kept, "the last records");
}

#[test]
fn a_death_while_creating_leaves_nothing_in_the_way() {
    let (_dir, path) = place();
    fs::write(path.with_extension("db.new"), "half a journal").expect("writes");
    fs::write(path.with_extension("db.new-journal"), "and its").expect("writes");
    let (_journal, recovered) = open(&path);
    assert_eq!(recovered.run, None);
}

#[test]
fn a_reader_needs_a_journal_and_makes_none() {
    let (_dir, path) = place();
    let error = Reader::open(&path).expect_err("there is none");
    assert!(matches!(error, JournalError::Absent { .. }));
    assert!(!path.exists());
}

#[test]
fn a_reader_needs_no_lock_and_sees_what_is_committed() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let reader = Reader::open(&path).expect("opens beside the engine");
    assert_eq!(reader.latest_run().expect("reads"), None);
    let appended = journal.writer().append_blocking(run_of(1));
    appended.expect("is written");
    let latest = reader.latest_run().expect("reads");
    assert_eq!(latest.map(|run| run.0), Some(1));
}

#[test]
fn a_closed_journal_is_one_file_and_its_lock() {
    let (dir, path) = place();
    write(&path, run_of(10));
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .expect("lists")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["dialdeck.db", "dialdeck.db.lock"]);
}
