//! The list as a whole: what is dialed, what is skipped and told, what is an error.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use dialdeck::campaign::{Emergency, Number};
use dialdeck::config::ListSource;
use dialdeck::list::{self, List, ListError, Numbers, ReadError};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn rejects(&self) -> PathBuf {
        self.at("dialdeck.rejected.txt")
    }

    fn load(&self, text: impl AsRef<[u8]>) -> Result<List, ListError> {
        fs::write(self.at("list.txt"), text).expect("writable");
        let source = ListSource::File(self.at("list.txt"));
        list::load(&source, Emergency::default(), &self.rejects())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("readable");
        let name = |e: io::Result<fs::DirEntry>| e.expect("readable").file_name();
        let mut names: Vec<_> = entries
            .map(|e| name(e).into_string().expect("ASCII"))
            .collect();
        names.sort();
        names
    }
}

fn numbers(list: &List) -> Vec<&str> {
    list.numbers.iter().collect()
}

#[test]
fn numbers_come_in_the_order_of_the_list_each_once() {
    let folder = Folder::new();
    let text = "\u{feff}# my list\r\n\r\n+12025550102\r\n 12025550100\t\r\n+12025550102\r\n#31#5550112\r\n12025550100";
    let list = folder.load(text).expect("a list");
    assert_eq!(
        numbers(&list),
        ["+12025550102", "12025550100", "#31#5550112"]
    );
    let s = &list.summary;
    assert_eq!((s.lines, s.numbers, s.duplicates, s.rejected), (7, 3, 2, 0));
    assert_eq!(s.to_string(), "3 numbers in 7 lines, 2 repeated");
    assert_eq!(s.warnings(), Vec::<String>::new());
    assert_eq!(folder.names(), ["list.txt"]);
}

#[test]
fn bad_lines_are_skipped_and_all_told_in_the_file() {
    let folder = Folder::new();
    let mut text = b"1\n2&3\n4 5\n\xff\n".to_vec();
    text.extend(vec![b'6'; 1024 * 1024]);
    text.extend(b"\n7\n");
    for n in 0..20 {
        text.extend(format!("bad{n}\n").bytes());
    }
    let list = folder.load(text).expect("two numbers");
    assert_eq!(numbers(&list), ["1", "7"]);
    assert_eq!(list.summary.rejected, 24);
    assert_eq!(
        list.summary.rejects_file.as_deref(),
        Some(&*folder.rejects())
    );
    let told = list.summary.warnings();
    assert_eq!(told.len(), 1 + list::FIRST);
    assert!(
        told[0].contains("skipped: 24. The first 10 of them follow."),
        "{}",
        told[0]
    );
    assert!(told[0].contains("dialdeck.rejected.txt"), "{}", told[0]);
    assert!(
        told[1].starts_with("line 2: '&' is not allowed"),
        "{}",
        told[1]
    );
    assert!(told[1].ends_with(": 2&3"), "{}", told[1]);
    assert!(
        told[3].starts_with("line 4: it is not UTF-8"),
        "{}",
        told[3]
    );
    assert!(
        told[4].starts_with("line 5: it is longer than 512 bytes"),
        "{}",
        told[4]
    );
    let file = fs::read_to_string(folder.rejects()).expect("UTF-8");
    assert_eq!(file.lines().count(), 24);
    assert!(
        file.lines()
            .zip(&told[1..])
            .all(|(line, told)| line == told)
    );
    assert!(file.ends_with(": bad19\n"), "{file}");
    assert!(file.lines().all(|line| line.chars().count() < 160));
}

#[test]
fn the_file_of_rejects_is_replaced_and_at_last_removed() {
    let folder = Folder::new();
    folder.load("1\nx\ny\n").expect("a list");
    folder.load("1\n\u{1b}]0;z\u{7}\n").expect("a list");
    let file = fs::read_to_string(folder.rejects()).expect("there");
    assert_eq!(file.lines().count(), 1);
    assert!(
        file.chars().all(|c| c == '\n' || (' '..='~').contains(&c)),
        "{file:?}"
    );
    folder.load("1\n").expect("a list");
    assert_eq!(folder.names(), ["list.txt"]);
}

#[test]
fn a_file_of_rejects_that_cannot_be_written_stops_nothing() {
    let folder = Folder::new();
    fs::write(folder.at("list.txt"), "1\nx\n").expect("writable");
    let nowhere = folder.at("no/such/folder.txt");
    let source = ListSource::File(folder.at("list.txt"));
    let list = list::load(&source, Emergency::default(), &nowhere).expect("a list");
    assert_eq!(numbers(&list), ["1"]);
    let told = list.summary.warnings();
    assert!(
        told[2].starts_with("The file of skipped lines can't be kept up"),
        "{told:?}"
    );
}

#[test]
fn comments_that_could_be_numbers_are_told() {
    let folder = Folder::new();
    let list = folder
        .load("1\n# note\n#79991234567\n\n#+1\n")
        .expect("a list");
    assert_eq!(numbers(&list), ["1"]);
    let told = list.summary.warnings();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("though they could be numbers: 3, 5."),
        "{}",
        told[0]
    );
    let list = folder
        .load("1\n".to_owned() + &"#1\n".repeat(14))
        .expect("a list");
    assert!(list.summary.warnings()[0].contains("10, 11 and 4 more."));
}

#[test]
fn one_person_in_three_spellings_is_one_number_and_told_as_a_count() {
    let folder = Folder::new();
    let text = "+79991234567\n79991234567\n0079991234567\n+79991234567\n79991234568\n";
    let list = folder.load(text).expect("a list");
    assert_eq!(numbers(&list), ["+79991234567", "79991234568"]);
    assert_eq!((list.summary.duplicates, list.summary.respelt), (1, 2));
    let said = "2 numbers in 5 lines, 1 repeated, 2 repeated with or without + or 00";
    assert_eq!(list.summary.to_string(), said);
    let told = list.summary.warnings();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("but for a leading + or 00: 2."),
        "{}",
        told[0]
    );
}

#[test]
fn numbers_that_may_be_none_are_dialed_and_their_lines_are_known() {
    let folder = Folder::new();
    let text = "79991234567\n101\n20240115\n+1234567890123456\n101\n";
    let list = folder.load(text).expect("a list");
    assert_eq!(list.numbers.len(), 4);
    let told = list.summary.first_odd.iter().map(ToString::to_string);
    let told: Vec<String> = told.collect();
    let expected = [
        "line 2: it has 3 digits or fewer: 101",
        "line 3: it looks like a date: 20240115",
        "line 4: it has over 15 digits behind its +: +1234567890123456",
    ];
    assert_eq!(
        (list.summary.odd, told.as_slice()),
        (3, &expected.map(str::to_owned)[..])
    );
}

#[test]
fn a_list_that_is_cut_off_within_its_last_number_is_not_taken() {
    let folder = Folder::new();
    let whole = "79991234501\n79991234502\n79991234503\n";
    for length in [whole.len() - 2, whole.len() - 11, whole.len() - 5] {
        let cut = &whole[..length];
        fs::write(folder.at("list.txt"), cut).expect("writable");
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        let file = fs::File::options().write(true).open(folder.at("list.txt"));
        let set = file.expect("it is there").set_modified(long_ago);
        set.expect("the file is ours");
        let source = ListSource::File(folder.at("list.txt"));
        let error = list::load(&source, Emergency::default(), &folder.rejects());
        let error = error.expect_err("it is cut off").to_string();
        assert!(
            error.contains("list.txt is not complete, and nothing"),
            "{error}"
        );
        let looked = list::look(&source, Emergency::default());
        assert_eq!(looked.expect_err("it is cut off").to_string(), error);
    }
    for length in [whole.len(), whole.len() - 1, whole.len() - 12] {
        folder.load(&whole[..length]).expect("no number is cut");
    }
    folder
        .load("79991")
        .expect("a number without a line break is a list");
    folder.load("79991234501\n79991\n").expect("it has an end");
    folder
        .load("# mine\n79991")
        .expect("a comment is no neighbour");
}

#[test]
fn a_list_that_is_written_while_it_is_read_is_read_again_until_it_is_whole() {
    let folder = Folder::new();
    let line = |n: u32| format!("7999{n:07}\n");
    let first: String = (0..500).map(line).collect();
    fs::write(folder.at("list.txt"), &first[..first.len() - 5]).expect("writable");
    let path = folder.at("list.txt");
    let upload = std::thread::spawn(move || {
        // Longer than one pause between two readings.
        std::thread::sleep(std::time::Duration::from_millis(600));
        let rest: String = (500..1000).map(line).collect();
        let whole = first.clone() + &rest;
        let mut file = fs::File::options().append(true).open(path).expect("there");
        let rest = &whole.as_bytes()[first.len() - 5..];
        file.write_all(rest).expect("writable");
    });
    let source = ListSource::File(folder.at("list.txt"));
    let list = list::load(&source, Emergency::default(), &folder.rejects()).expect("a list");
    upload.join().expect("it is written");
    assert_eq!(list.numbers.len(), 1000);
    let told = list.summary.warnings();
    assert!(
        told[0].contains("was read again until it was whole"),
        "{told:?}"
    );
}

#[test]
fn one_number_is_a_list_too() {
    let folder = Folder::new();
    fs::write(folder.rejects(), "of an earlier list").expect("writable");
    let number = Number::parse("+12025550100").expect("a number");
    let source = ListSource::One(number);
    let list = list::load(&source, Emergency::default(), &folder.rejects()).expect("a list");
    assert_eq!(numbers(&list), ["+12025550100"]);
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn what_is_no_list_is_an_error_that_says_what_to_mend() {
    let folder = Folder::new();
    let rejects = folder.rejects();
    let told = |path: PathBuf| {
        let loaded = list::load(&ListSource::File(path), Emergency::default(), &rejects);
        loaded.expect_err("no list").to_string()
    };
    let missing = told(folder.at("nowhere.txt"));
    assert!(
        missing.contains("nowhere.txt: create it, or set OUTBOUND_NUMBER_FILE"),
        "{missing}"
    );
    let a_folder = told(folder.0.path().to_owned());
    assert!(
        a_folder.contains("is a folder: set OUTBOUND_NUMBER_FILE"),
        "{a_folder}"
    );
    for (text, mend) in [
        (&b""[..], "no number to dial. Put one number on each line."),
        (
            b"# only\n\n#79991234567\n",
            "no number to dial. Put one number on each line.",
        ),
        (
            b"x\n",
            "Its only line with text was skipped: line 1: 'x' is not allowed",
        ),
        (
            b"x\ny\n",
            "2 lines were skipped; the first is line 1: 'x' is not allowed",
        ),
        (b"79991\r79992\r", "lines must end with LF or CR LF"),
        (b"\xff\xfe1\0\n\0", "is UTF-16 text: save it as UTF-8"),
        (b"\xfe\xff\x001", "is UTF-16 text: save it as UTF-8"),
    ] {
        let error = folder.load(text).expect_err("no number").to_string();
        assert!(error.contains(mend), "{error}");
        assert!(error.ends_with('.'), "{error}");
    }
}

#[test]
fn a_stream_that_breaks_off_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let source = BufReader::new(b"1\nx\n".chain(Broken));
    let (mut numbers, mut rejects) = (Numbers::new(), Vec::new());
    let read = list::read(source, &mut numbers, Emergency::default(), &mut rejects);
    let error = read.expect_err("broken");
    assert!(matches!(&error, ReadError::Io(e) if e.to_string() == "the disk is gone"));
    assert_eq!(rejects.len(), 1);
}

#[test]
fn the_sample_list_is_right() {
    let folder = Folder::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("numbers.txt");
    let source = ListSource::File(sample);
    let list = list::load(&source, Emergency::default(), &folder.rejects()).expect("a list");
    assert_eq!(list.summary.warnings(), Vec::<String>::new());
    let fictional = |n: &str| {
        n.strip_prefix("+120255501")
            .is_some_and(|rest| rest.len() == 2)
    };
    assert!(list.numbers.iter().all(fictional), "reserved for fiction");
}
