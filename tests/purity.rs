//! The core may use itself and a little of the standard library, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

/// What a path that leads out of a file of the core may begin with.
const ALLOWED: &[&str] = &[
    "crate::campaign",
    "std::collections",
    "std::fmt",
    "std::hash",
    "std::mem",
    "std::num",
    "std::ops",
    // A path is a value; nothing is opened.
    "std::path::PathBuf",
    "std::string",
    "std::sync::Arc",
    "std::time::Duration",
    "hashbrown",
    // How values are written down is derived; nothing is written or read.
    "serde",
    "thiserror",
];

/// The roots of paths that lead out of a file, beside the names of dependencies.
const ROOTS: &[&str] = &["crate", "std", "core", "alloc"];

/// What brings in files or surroundings without a path.
const MACROS: &[&str] = &[
    "include!",
    "include_str!",
    "include_bytes!",
    "env!",
    "extern crate",
];

/// A file of the core, and how many modules up the crate's root is.
type Source = (PathBuf, usize);

fn files_below(folder: &Path, depth: usize, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("the core's folder is there") {
        let path = entry.expect("an entry can be read").path();
        let is_tests = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_tests {
            files_below(&path, depth + 1, found);
        } else if !is_tests {
            found.push((path, depth));
        }
    }
}

fn core_files() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![(src.join("campaign.rs"), 0)];
    files_below(&src.join("campaign"), 1, &mut found);
    found
}

/// The crates that this one depends on, as they are named in code.
fn dependencies() -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("the manifest can be read");
    let names = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='));
    names
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect()
}

/// The code of a file: without comments, and without the tests at its end.
fn code_of(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next();
    own.unwrap_or_default()
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every path in `code`, with the members of a `use` group spelt out.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let mut path = String::new();
    for c in code.chars().chain(['\n']) {
        if c.is_alphanumeric() || matches!(c, '_' | ':') {
            path.push(c);
            continue;
        }
        let whole = format!("{}{path}", groups.last().map_or("", String::as_str));
        if !path.is_empty() && whole.contains("::") {
            found.push(whole.trim_matches(':').to_owned());
        }
        match c {
            '{' if path.ends_with("::") => groups.push(whole),
            '{' => groups.push(String::new()),
            '}' => drop(groups.pop()),
            _ => {}
        }
        path.clear();
    }
    found
}

fn is_allowed(path: &str) -> bool {
    ALLOWED.iter().any(|allowed| {
        let rest = path.strip_prefix(allowed);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            // The head of a group, `std::{fmt, mem}`: its members are judged.
            || allowed.starts_with(&format!("{path}::"))
    })
}

/// What in `code`, that stands `depth` modules below the crate's root, is not the core's.
fn intruders(code: &str, depth: usize, dependencies: &[String]) -> Vec<String> {
    let leads_out = |path: &String| {
        let root = path.split("::").next().unwrap_or_default();
        let ups = path.split("::").take_while(|part| *part == "super").count();
        let named = ROOTS.contains(&root) || dependencies.iter().any(|name| name == root);
        ups > depth || named && !is_allowed(path)
    };
    let mut found: Vec<String> = paths(code).into_iter().filter(leads_out).collect();
    let macros = MACROS.iter().filter(|word| code.contains(**word));
    found.extend(macros.map(ToString::to_string));
    found
}

#[test]
fn the_core_uses_nothing_from_outside_itself() {
    let dependencies = dependencies();
    let files = core_files();
    assert!(files.len() > 10, "the core was not found: {files:?}");
    for (file, depth) in files {
        let text = fs::read_to_string(&file).expect("a file of the core can be read");
        let found = intruders(&code_of(&text), depth, &dependencies);
        assert!(found.is_empty(), "{} uses {found:?}", file.display());
    }
}

/// Paths in `code` that name something by way of a module above it: such a file cannot be
/// understood, or tested, without the whole that it is a part of.
fn upward(code: &str) -> Vec<String> {
    let names_a_type =
        |part: Option<&str>| part.is_some_and(|part| part.starts_with(char::is_uppercase));
    let leads_up = |path: &String| {
        let mut parts = path.split("::").skip_while(|part| *part == "super");
        if path.starts_with("super::") {
            return names_a_type(parts.next());
        }
        path.starts_with("crate::campaign::") && names_a_type(parts.nth(2))
    };
    paths(code).into_iter().filter(leads_up).collect()
}

#[test]
fn no_part_of_the_core_imports_from_above() {
    for (file, depth) in core_files() {
        if depth == 0 {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a file of the core can be read");
        let found = upward(&code_of(&text));
        assert!(found.is_empty(), "{} uses {found:?}", file.display());
    }
}

#[test]
fn an_import_from_above_is_found() {
    for bad in [
        "use super::Campaign;",
        "use super::{Time, io::Op};",
        "use super::super::Call;",
        "use crate::campaign::AttemptId;",
        "use crate::campaign::{ids::LeadId, Number};",
    ] {
        assert_eq!(upward(bad).len(), 1, "{bad}");
    }
    for good in [
        "use super::ids::AttemptId;",
        "use super::super::ids::{AttemptId, LeadId};",
        "use crate::campaign::call::Call;",
        "fn f() { Phase::Journaling }",
    ] {
        assert!(upward(good).is_empty(), "{good}");
    }
}

#[test]
fn what_is_not_the_cores_is_found_however_it_is_written() {
    let dependencies = dependencies();
    for bad in [
        "use crate::engine::Engine;",
        "use crate::{campaign::Time, engine};",
        "use super::super::engine::Engine;",
        "use std::time::{Duration, Instant};",
        "use std::{fmt, fs};",
        "fn f() { let _ = std::env::var(\"X\"); }",
        "use std::net::TcpStream;",
        "use std::{\n    thread::{self, JoinHandle},\n};",
        "use tokio::sync::mpsc;",
        "fn f() { tracing::info!(\"x\"); }",
        "use reqwest::Client;",
        "use rusqlite::Connection;",
        "fn f() -> u64 { fastrand::u64(..) }",
        "const X: &str = include_str!(\"x\");",
    ] {
        assert!(!intruders(bad, 1, &dependencies).is_empty(), "{bad}");
    }
    assert!(!intruders("use super::engine::Engine;", 0, &dependencies).is_empty());
}

#[test]
fn what_is_the_cores_own_is_let_be() {
    let dependencies = dependencies();
    for good in [
        "use super::{Time, io::{Op, OpError}};",
        "use crate::campaign::Time;",
        "use std::{fmt, mem};",
        "use std::collections::{BTreeMap, BTreeSet};",
        "fn f(d: std::time::Duration) { let x = Presence::Never; }",
    ] {
        let found = intruders(good, 1, &dependencies);
        assert!(found.is_empty(), "{good}: {found:?}");
    }
}
