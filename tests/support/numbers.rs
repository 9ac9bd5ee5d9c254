//! Numbers whose first digits choose what becomes of them, as the lab's carrier has it.

/// `count` numbers that begin with `prefix`.
pub(crate) fn numbers(prefix: &str, count: usize) -> Vec<String> {
    mixed(&[prefix], count)
}

/// `count` numbers that begin with these prefixes in turn.
pub(crate) fn mixed(prefixes: &[&str], count: usize) -> Vec<String> {
    let prefixes = prefixes.iter().cycle();
    let all = prefixes
        .enumerate()
        .map(|(i, prefix)| format!("{prefix}55{i:04}"));
    all.take(count).collect()
}
