//! The rows that the replaced program wrote, and what Dialdeck's differ in, as was announced.

use std::collections::BTreeSet;
use std::path::Path;

use super::database::Named;

/// The rows that the replaced program wrote, without `call_id` and `created_at`.
pub(crate) fn rows() -> Vec<Named> {
    let text = include_str!("../fixtures/incumbent_rows.tsv");
    let mut lines = text.lines().map(|line| line.split('\t'));
    let names: Vec<&str> = lines.next().expect("a heading").collect();
    lines
        .map(|fields| {
            let pairs = names.iter().zip(fields);
            pairs
                .map(|(name, field)| {
                    let value = (field != "NULL").then(|| field.to_owned());
                    ((*name).to_owned(), value)
                })
                .collect()
        })
        .collect()
}

/// What kind of value it is: what differs from call to call is left out, what a query looks
/// for stays.
fn shape(value: Option<&str>) -> String {
    let Some(text) = value else {
        return "NULL".to_owned();
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_id = text.starts_with("dd-")
        || text
            .split_once('.')
            .is_some_and(|(a, b)| digits(a) && digits(b));
    let is_time = text.len() == 19 && text.as_bytes()[10] == b' ' && text.as_bytes()[13] == b':';
    let half = text.rsplit_once(';').map(|(_, half)| half);
    if is_id {
        "id".to_owned()
    } else if is_time {
        "time".to_owned()
    } else if text.contains("/recordings/") && text.rsplit('.').next() == Some("wav") {
        "recording".to_owned()
    } else if let Some(name) = text.strip_prefix("PJSIP/mytrunk-") {
        assert_eq!(name.len(), 8, "{text}");
        "PJSIP/mytrunk-*".to_owned()
    } else if let (Some(half), true) = (half, text.starts_with("Local/")) {
        format!("Local;{half}")
    } else if text.contains('@') {
        "what@where".to_owned()
    } else {
        text.to_owned()
    }
}

/// Of all rows: the number, the column, what stood there, what stands there now.
type Difference = (&'static str, &'static str, &'static str, &'static str);

/// "It says NO ANSWER for busy, congestion and unallocated numbers alike", and the hangup cause
/// for people whom nobody spoke to.
const STATUSES: &[Difference] = &[
    ("10000001", "leg_a_status", "NO ANSWER", "BUSY"),
    ("20000001", "leg_a_status", "NO ANSWER", "CONGESTION"),
    ("40000001", "leg_a_status", "NO ANSWER", "INVALID NUMBER"),
    ("80000002", "leg_a_status", "Normal Clearing", "NO ANSWER"),
    ("80000003", "leg_a_status", "Normal Clearing", "NO ANSWER"),
    ("80000004", "leg_a_status", "Normal Clearing", "NO ANSWER"),
    ("80000002", "leg_b_status", "Normal Clearing", "NO ANSWER"),
    ("80000003", "leg_b_status", "Normal Clearing", "BUSY"),
    ("80000004", "leg_b_status", "Normal Clearing", "NO ANSWER"),
];

/// "... and leaves most of leg A empty."
pub(crate) const UNANSWERED: [&str; 4] = ["10000001", "20000001", "30000001", "40000001"];
const ANSWERED: [&str; 4] = ["80000001", "80000002", "80000003", "80000004"];
const OF_UNANSWERED: [(&str, &str, &str); 3] = [
    ("leg_a_channel", "NULL", "id"),
    ("leg_a_peer", "NULL", "PJSIP/mytrunk-*"),
    ("leg_a_dial_string", "NULL", "what@where"),
];
const OF_ANSWERED: [(&str, &str, &str); 2] = [
    ("leg_a_dial_string", "NULL", "what@where"),
    ("leg_a_answered_by", "NULL", "what@where"),
];

/// "`paired_channel` the id and `caller` the name of a local channel's second half", and a
/// target that is missing is dialed like any other.
const OF_B: &[Difference] = &[
    ("80000001", "leg_b_caller", "NULL", "Local;2"),
    ("80000003", "leg_b_caller", "NULL", "Local;2"),
    ("80000004", "leg_b_caller", "NULL", "Local;2"),
    ("80000004", "leg_b_channel", "NULL", "id"),
    ("80000004", "leg_b_paired_channel", "NULL", "id"),
    ("80000004", "leg_b_peer", "NULL", "Local;1"),
    ("80000004", "leg_b_dial_string", "NULL", "what@where"),
    ("80000004", "leg_b_start", "NULL", "time"),
];

/// Whoever is told at once that the target is busy or missing stays for some 20 ms: there may be
/// no sound to keep, and then no file. The replaced program wrote a path all the same.
const MAY_DIFFER: [Difference; 2] = [
    ("80000003", "recording_path", "recording", "NULL"),
    ("80000004", "recording_path", "recording", "NULL"),
];

/// The value of a column.
pub(crate) fn column<'a>(row: &'a Named, name: &str) -> Option<&'a str> {
    let found = row.iter().find(|(n, _)| n == name);
    let (_, value) = found.unwrap_or_else(|| panic!("no column {name} in {row:?}"));
    value.as_deref()
}

/// What was announced of the row of this number: column, what stood there, what stands there.
fn announced(number: &str) -> BTreeSet<[String; 3]> {
    let of_this = |of: &[Difference]| {
        let found = of.iter().filter(|(n, ..)| *n == number);
        found.map(|(_, name, was, is)| (*name, *was, *is)).collect()
    };
    let mut all: Vec<(&str, &str, &str)> = of_this(STATUSES);
    all.extend::<Vec<_>>(of_this(OF_B));
    if UNANSWERED.contains(&number) {
        all.extend(OF_UNANSWERED);
    }
    if ANSWERED.contains(&number) {
        all.extend(OF_ANSWERED);
    }
    all.into_iter()
        .map(|(name, was, is)| [name, was, is].map(str::to_owned))
        .collect()
}

/// Compares a row column by column with the one that the replaced program wrote for a call with
/// the same outcome: they differ in all that was announced, and in nothing else.
pub(crate) fn assert_differs_as_announced(new: &Named, old: &Named) {
    let number = column(old, "leg_a_number").expect("each has a number");
    let mut found = BTreeSet::new();
    // A call with the same outcome may be one to another number.
    for (name, was) in old.iter().filter(|(name, _)| name != "leg_a_number") {
        let (was, is) = (shape(was.as_deref()), shape(column(new, name)));
        let difference = (number, name.as_str(), was.as_str(), is.as_str());
        if was != is && !MAY_DIFFER.contains(&difference) {
            found.insert([name.clone(), was, is]);
        }
    }
    let announced = announced(number);
    let unannounced: Vec<_> = found.difference(&announced).collect();
    assert!(
        unannounced.is_empty(),
        "not announced of {number}: {unannounced:#?}"
    );
    let missing: Vec<_> = announced.difference(&found).collect();
    assert!(
        missing.is_empty(),
        "announced of {number} and not so: {missing:#?}"
    );
    assert_holds_together(new);
}

/// What shapes don't tell.
fn assert_holds_together(row: &Named) {
    let of = |name: &str| column(row, name);
    let id = of("call_id").expect("the key");
    assert_eq!(id.parse::<uuid::Uuid>().expect("a UUID").to_string(), id);
    let number = of("leg_a_number").expect("a number");
    let dialed = format!("{number}@mytrunk");
    assert_eq!(of("leg_a_dial_string"), Some(dialed.as_str()));
    for (earlier, later) in [
        ("leg_a_start", "leg_a_answer"),
        ("leg_a_start", "leg_a_end"),
        ("leg_a_answer", "leg_b_start"),
        ("leg_b_start", "leg_b_answer"),
        ("leg_b_start", "leg_b_end"),
        ("leg_b_end", "leg_a_end"),
    ] {
        if let (Some(first), Some(second)) = (of(earlier), of(later)) {
            assert!(first <= second, "{earlier} after {later}: {row:?}");
        }
    }
    if let Some(path) = of("recording_path") {
        assert!(Path::new(path).is_absolute(), "{path}");
    }
    if let Some(peer) = of("leg_b_peer") {
        let second = peer.replace(";1", ";2");
        assert_eq!(of("leg_b_caller"), Some(second.as_str()));
        let paired = of("leg_b_channel").map(|id| format!("{id}2"));
        assert_eq!(of("leg_b_paired_channel"), paired.as_deref());
    }
}
