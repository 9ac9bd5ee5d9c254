use std::collections::{BTreeMap, BTreeSet};

use super::{DotenvError, DotenvNotice, DotenvReading, Entry, read};

/// A text, and what Node's dotenv makes of it; `generate.js` beside the file wrote it.
#[derive(serde::Deserialize)]
struct Case {
    name: Option<String>,
    text: String,
    /// By dotenv 18.
    now: BTreeMap<String, String>,
    /// By dotenv 14.3, the last with the contract's rule for `#`.
    before15: Option<BTreeMap<String, String>>,
}

fn cases() -> Vec<Case> {
    let file = include_str!("../../../tests/fixtures/dotenv/cases.json");
    serde_json::from_str(file).expect("generate.js writes JSON")
}

fn reading(text: &str) -> DotenvReading {
    read(text.as_bytes()).expect("readable")
}

fn values(reading: &DotenvReading) -> BTreeMap<String, String> {
    let pair = |e: &Entry| (e.name.clone(), e.value.clone());
    reading.entries.iter().map(pair).collect()
}

/// The names whose value a newer dotenv would cut at a `#`, if the last assignment to
/// them is such a one.
fn hash_kept(reading: &DotenvReading) -> BTreeMap<String, usize> {
    let last = |name: &str| reading.entries.iter().rfind(|e| e.name == name);
    let kept = |n: &DotenvNotice| match n {
        DotenvNotice::HashKept { name, line } if last(name)?.line == *line => {
            Some((name.clone(), *line))
        }
        _ => None,
    };
    reading.notices.iter().filter_map(kept).collect()
}

fn odd_names(reading: &DotenvReading) -> BTreeSet<&str> {
    let notices = reading.notices.iter();
    notices
        .filter_map(|notice| match notice {
            DotenvNotice::OddName { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn every_value_is_the_one_that_node_gives_or_is_told() {
    let cases = cases();
    assert!(cases.len() > 4000, "{} cases", cases.len());
    for case in cases {
        let reading = reading(&case.text);
        let kept = hash_kept(&reading);
        let ours = values(&reading);
        let mut node = case.now;
        for odd in odd_names(&reading) {
            assert!(node.remove(odd).is_some(), "{:?}: {odd}", case.text);
        }
        for name in kept.keys() {
            let cut = node.remove(name);
            assert_ne!(
                cut.as_ref(),
                ours.get(name),
                "{:?}: told for nothing",
                case.text
            );
        }
        let rest = |(name, _): &(&String, &String)| !kept.contains_key(*name);
        let ours: BTreeMap<_, _> = ours.iter().filter(rest).collect();
        assert_eq!(ours, node.iter().collect(), "{:?}", case.text);
    }
}

#[test]
fn a_hash_that_is_kept_gives_the_value_of_dotenv_before_15() {
    let mut seen = 0;
    for case in cases() {
        let (Some(name), Some(before15)) = (case.name, case.before15) else {
            continue;
        };
        let reading = reading(&case.text);
        let ours = values(&reading);
        for kept in hash_kept(&reading).keys() {
            assert_eq!(ours.get(kept), before15.get(kept), "{name}: {kept}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen} values with a #");
}

#[test]
fn the_examples_of_the_contract() {
    let reading = reading("CALLER_ID=Sales Team <1001>\nARI_PASSWORD=p$ecret#1\nX=a #b\n");
    let values: Vec<_> = reading.entries.iter().map(|e| e.value.as_str()).collect();
    assert_eq!(values, ["Sales Team <1001>", "p$ecret#1", "a"]);
}

#[test]
fn lines_are_counted_through_every_kind_of_line_end() {
    let reading = reading("A=1\r\n\r\n# c\rB=\"2\n3\"\nexport C=4\nexport\nD=5");
    let lines: Vec<_> = reading.entries.iter().map(|e| e.line).collect();
    assert_eq!(lines, [1, 4, 6, 8]);
}

#[test]
fn what_may_be_meant_otherwise_is_told_with_its_line() {
    let text = "just words\n\nA=\"open\nB-C=1\n1=2\nD=x#y\n'E'=1\n";
    let line = |line| DotenvNotice::Ignored { line };
    assert_eq!(
        reading(text).notices,
        [
            line(1),
            DotenvNotice::OpenQuote {
                name: "A".into(),
                line: 3
            },
            DotenvNotice::OddName {
                name: "B-C".into(),
                line: 4
            },
            DotenvNotice::OddName {
                name: "1".into(),
                line: 5
            },
            DotenvNotice::HashKept {
                name: "D".into(),
                line: 6
            },
            line(7),
        ]
    );
}

#[test]
fn blank_and_comment_lines_are_not_told() {
    assert_eq!(reading("\u{feff}\n \t\n# x\n  #y\n\u{a0}\n").notices, []);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_line() {
    for (bytes, line) in [
        (&b"A=\xff"[..], 1),
        (b"A=1\r\nB=\xc3\x28\n", 2),
        (b"A=1\rB=2\n\rC=\x80", 4),
        (b"\xff\xfeA\0=\x001\0", 1),
    ] {
        assert_eq!(read(bytes).unwrap_err(), DotenvError::NotUtf8 { line });
    }
}

#[test]
fn invisible_line_ends_are_refused_with_their_line() {
    let error = read("A=1\nB=a\u{2028}C=2\n".as_bytes()).unwrap_err();
    assert_eq!(error, DotenvError::LineSeparator { line: 2 });
}

#[test]
fn the_environment_is_neither_read_nor_changed() {
    let before: Vec<_> = std::env::vars_os().collect();
    let reading = reading("PATH=$PATH:x\nDIALDECK_NEVER_SET=\"${HOME}\"\n");
    assert_eq!(reading.entries[0].value, "$PATH:x");
    assert_eq!(reading.entries[1].value, "${HOME}");
    assert_eq!(before, std::env::vars_os().collect::<Vec<_>>());
}
