//! Prometheus' own judgement of what is scraped.

use std::io::Write;
use std::process::{Command, Stdio};

/// It has not a word to say of form and names.
pub(crate) fn promtool_agrees(metrics: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/promtool");
    let found = Command::new(script).output().expect("the script runs");
    let errors = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "{errors}");
    let program = String::from_utf8(found.stdout).expect("a path");
    let mut check = Command::new(program.trim())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    let mut stdin = check.stdin.take().expect("it is piped");
    stdin.write_all(metrics.as_bytes()).expect("it takes them");
    drop(stdin);
    let said = check.wait_with_output().expect("it ends");
    let text = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&text));
    assert_eq!(String::from_utf8_lossy(&text), "");
}
