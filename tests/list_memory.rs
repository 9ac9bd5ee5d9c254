//! What a list of a million numbers costs. In a process of its own, since the peak is that of
//! the whole process.
#![cfg(target_os = "linux")]

use std::env;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::process::Command;

use dialdeck::campaign::Emergency;
use dialdeck::config::ListSource;
use dialdeck::list::{self, Numbers};

const MIB: u64 = 1024 * 1024;

/// The most memory that this process ever had in use, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.expect("it is there").trim().trim_end_matches(" kB");
    kib.parse::<u64>().expect("a number") * 1024
}

#[test]
fn a_million_numbers_take_little_memory_whatever_stands_between_them() {
    let _alone = crate::alone();
    let alone = Command::new(env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "list_memory::alone", "--nocapture"])
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&alone.stdout);
    let errors = String::from_utf8_lossy(&alone.stderr);
    println!("{said}");
    assert!(alone.status.success(), "{errors}");
    assert!(said.contains("1 passed"), "it did not run: {said}");
}

#[test]
#[ignore = "it needs a process of its own: that which the other test starts"]
fn alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("list.txt");
    let mut file = BufWriter::new(File::create(&path).expect("writable"));
    for n in 0..1_000_000_u32 {
        let _ = writeln!(file, "+1202{n:07}");
        if n % 100 == 0 {
            let _ = writeln!(file, "+1202{n:07}\nno number {n}\n# a comment");
        }
    }
    file.into_inner().expect("written");

    let before = peak();
    let rejects = folder.path().join("rejected.txt");
    let emergency = Emergency::default();
    let list = list::load(&ListSource::File(path), emergency, &rejects).expect("a list");
    assert_eq!(list.numbers.len(), 1_000_000);
    assert_eq!(list.summary.duplicates, 10_000);
    assert_eq!(list.summary.rejected, 10_000);
    assert_eq!(list.numbers.find("+12020999999"), Some(999_999));
    let grown = peak() - before;
    println!("a million numbers: {} KiB more at the peak", grown / 1024);
    assert!(grown < 80 * MIB, "{grown} bytes more");

    let before = peak();
    let endless = BufReader::new(io::repeat(b'1').take(256 * MIB));
    let mut rejects = Vec::new();
    let read = list::read(endless, &mut Numbers::new(), emergency, &mut rejects).expect("read");
    assert_eq!((read.lines, read.rejected), (1, 1));
    assert!(peak() - before < MIB, "a line of 256 MiB was held");
    assert!(peak() < 150 * MIB, "{} bytes in all", peak());
}
