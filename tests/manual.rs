//! The manual page and the completions, judged by those who read them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use dialdeck::config::SETTINGS;
use dialdeck::keys::BINDINGS;
use tempfile::TempDir;

fn needs(packages: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/needs");
    let status = Command::new(script).args(packages).status();
    assert!(status.expect("the script runs").success());
}

fn printed(args: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_dialdeck"))
        .args(args)
        .output();
    let output = output.expect("the binary runs");
    assert!(output.status.success(), "{args:?}");
    output.stdout
}

/// A file with what the binary prints, in a folder that lives as long as the first.
fn file(args: &[&str], name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, printed(args)).expect("writable");
    (folder, path)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn mandoc_has_nothing_to_say_against_the_manual_page() {
    needs(&["mandoc"]);
    let (_folder, page) = file(&["man"], "dialdeck.1");
    let lint = Command::new("mandoc")
        .args(["-T", "lint", "-W", "warning"])
        .arg(&page)
        .output()
        .expect("mandoc runs");
    assert!(lint.status.success(), "{}", text(&lint));
    assert_eq!(text(&lint), "");
}

#[test]
fn the_manual_page_has_every_setting_key_exit_code_and_command() {
    needs(&["mandoc"]);
    let (_folder, page) = file(&["man"], "dialdeck.1");
    let shown = Command::new("mandoc")
        .args(["-T", "ascii", "-O", "width=400"])
        .arg(&page)
        .output();
    // Bold and underlined letters are struck twice there.
    let shown = text(&shown.expect("mandoc runs"));
    let mut plain = String::new();
    for c in shown.chars() {
        match c {
            '\u{8}' => drop(plain.pop()),
            c => plain.push(c),
        }
    }
    let lines: Vec<&str> = plain.lines().map(str::trim).collect();
    for setting in SETTINGS {
        assert!(
            lines
                .iter()
                .any(|l| l.split_whitespace().next() == Some(setting.name)),
            "{} has no entry",
            setting.name
        );
    }
    for binding in BINDINGS {
        let name = format!("({})", binding.name);
        assert!(
            lines.iter().any(|l| l.contains(&name)),
            "{name} has no entry"
        );
    }
    for code in ["0", "1", "2", "3", "4"] {
        assert!(
            lines
                .iter()
                .any(|l| l.split_whitespace().next() == Some(code)),
            "{code}"
        );
    }
    for command in ["demo", "check", "report", "completions", "man"] {
        assert!(
            lines.contains(&format!("dialdeck {command}").as_str()),
            "{command}"
        );
    }
    for section in ["ENVIRONMENT", "EXIT STATUS", "SIGNALS", "FILES", "EXAMPLES"] {
        assert!(lines.contains(&section), "{section}");
    }
}

#[test]
fn each_shell_can_read_its_completions() {
    needs(&["bash", "zsh", "fish"]);
    for shell in ["bash", "zsh", "fish"] {
        let (_folder, script) = file(&["completions", shell], "completions");
        let read = Command::new(shell).arg("-n").arg(&script).output();
        let read = read.expect("the shell runs");
        assert!(read.status.success(), "{shell}: {}", text(&read));
    }
}

#[test]
fn bash_completes_a_command_and_a_flag() {
    let (_folder, script) = file(&["completions", "bash"], "completions");
    let completed = |words: &str, last: usize, typed: &str| {
        let ask = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD={last}; \
             _dialdeck dialdeck '{typed}' ''; echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let said = Command::new("bash").args(["-c", &ask]).output();
        text(&said.expect("bash runs")).trim().to_owned()
    };
    assert_eq!(completed("dialdeck ch", 1, "ch"), "check");
    assert_eq!(completed("dialdeck check --j", 2, "--j"), "--json");
}
