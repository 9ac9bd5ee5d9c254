//! The recordings' folder full, read-only or gone while people talk.

use std::fs;

use super::{Rig, SOON, until};
use crate::support::disk::Disk;
use crate::support::numbers::numbers;
use crate::support::wav::Sound;

const CALLS: usize = 6;

/// Six people talk, the folder is spoiled; they talk on, and what was recorded waits in
/// Asterisk's spool until the folder is mended.
fn wait_out(spoil: fn(&mut Disk), why: &str, mend: fn(&mut Disk)) {
    let list = numbers("80", CALLS);
    let mut rig = Rig::new(list, &[("RECORDINGS_DIR", "disk/kept")]);
    let process = rig.deck.spawn(&["--headless", "--start"]);
    until(&process, "calls", |now| now["calls"]["in_use"] == CALLS);
    spoil(&mut rig.disk);
    let waiting = until(&process, "recordings that wait", |now| {
        now["state"] == "DONE" && now["recordings"]["why"].is_string()
    });
    let recordings = &waiting["recordings"];
    assert_eq!(recordings["waiting"], CALLS, "{waiting}");
    assert_eq!(recordings["saved"], 0, "{waiting}");
    assert_eq!(recordings["failed"], 0, "none is given up: {waiting}");
    let told = recordings["why"].as_str().unwrap_or_default();
    assert!(told.contains(why), "{told}");
    assert!(told.contains("RECORDINGS_DIR"), "the mend: {told}");
    assert_eq!(
        rig.asterisk.recordings_stored().len(),
        CALLS,
        "in the spool"
    );
    process.wait_for(why, SOON);

    mend(&mut rig.disk);
    until(&process, "recordings saved", |now| {
        now["recordings"]["saved"] == CALLS && now["recordings"]["waiting"] == 0
    });
    assert_eq!(rig.asterisk.recordings_stored(), [] as [&str; 0]);
    process.signal("TERM");
    assert_eq!(process.wait(SOON).code, Some(0));
    assert_eq!(rig.check(), ["answered"; CALLS]);
    let files: Vec<_> = fs::read_dir(rig.disk.path("kept"))
        .expect("the folder is back")
        .map(|entry| entry.expect("readable").path())
        .collect();
    assert_eq!(
        files.len(),
        CALLS,
        "whole files and nothing else: {files:?}"
    );
    for file in files {
        let seconds = Sound::read(&file).seconds();
        assert!(seconds > 1.5, "{} has {seconds} s", file.display());
    }
}

#[test]
fn recordings_wait_while_their_disk_is_full() {
    wait_out(|disk| disk.fill(), "No space left", |disk| disk.make_room());
}

#[test]
fn recordings_wait_while_their_disk_is_read_only() {
    wait_out(
        |disk| disk.set_read_only(true),
        "Read-only file system",
        |disk| disk.set_read_only(false),
    );
}

#[test]
fn recordings_wait_while_their_folder_is_gone() {
    let gone = |disk: &mut Disk| {
        fs::remove_dir_all(disk.path("kept")).expect("it is there");
        // Else it would be made anew at once.
        fs::write(disk.path("kept"), "").expect("there is room");
    };
    let back = |disk: &mut Disk| fs::remove_file(disk.path("kept")).expect("it is there");
    wait_out(gone, "File exists", back);
}
