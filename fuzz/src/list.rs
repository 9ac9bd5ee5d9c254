use std::collections::HashSet;
use std::io::BufReader;

use dialdeck::campaign::{Emergency, MAX_NUMBER_LEN, Number, Numbers, trunk_endpoint};
use dialdeck::list::{ListSummary, Reject, read};

/// A list: nothing but numbers comes out of it, each once, and every line is accounted for.
pub fn list(bytes: &[u8]) {
    let (numbers, rejects, summary) = taken(bytes, 8192);
    let mut met = HashSet::new();
    for number in numbers.iter() {
        assert!(met.insert(number), "twice: {number}");
        assert!(!Emergency::of("01 000").has(number), "{number}");
        check_number(number);
    }
    assert_eq!(summary.numbers, numbers.len() as u64);
    assert_eq!(summary.rejected, rejects.len() as u64);
    let repeated = summary.duplicates + summary.respelt;
    let told = summary.numbers + repeated + summary.rejected + summary.commented;
    assert!(told <= summary.lines, "{summary:?}");
    for reject in &rejects {
        let text = reject.to_string();
        assert!(super::is_harmless(&text), "{text:?}");
        assert!(text.chars().count() < 250, "{text}");
    }
    for warning in summary.warnings() {
        assert!(warning.lines().all(super::is_harmless), "{warning:?}");
    }
    // However the disk hands it out.
    let (again, _, also) = taken(bytes, 1 + bytes.len() % 7);
    assert!(again.iter().eq(numbers.iter()));
    assert_eq!(also, summary);
}

fn taken(bytes: &[u8], at_a_time: usize) -> (Numbers, Vec<Reject>, ListSummary) {
    let mut numbers = Numbers::new();
    let mut rejects = Vec::new();
    let source = BufReader::with_capacity(at_a_time, bytes);
    let emergency = Emergency::of("01 000");
    let summary = read(source, &mut numbers, emergency, &mut rejects);
    let summary = summary.expect("memory can be read");
    (numbers, rejects, summary)
}

/// It can't alter a dial string.
fn check_number(text: &str) {
    assert!((1..=MAX_NUMBER_LEN).contains(&text.len()), "{text}");
    assert!(
        text.bytes().all(|b| b"0123456789+*#".contains(&b)),
        "{text}"
    );
    let number = Number::parse(text).expect("it was taken");
    let endpoint = trunk_endpoint(&number, "mytrunk");
    assert_eq!(endpoint, ["PJSIP/", text, "@mytrunk"].concat());
}
