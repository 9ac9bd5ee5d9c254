//! What the console costs, against its budgets. Exits with 1 where one is broken.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "console/million.rs"]
mod million;
#[path = "console/shipped.rs"]
mod shipped;

use std::process::ExitCode;

/// The figures, and whether all are within their budgets.
#[derive(Default)]
struct Table {
    broken: u32,
}

impl Table {
    /// A figure and the most that it may be.
    fn row(&mut self, what: &str, found: f64, most: f64, unit: &str) {
        let verdict = if found <= most { "ok" } else { "BROKEN" };
        self.broken += u32::from(found > most);
        println!("  {what:<44} {found:>9.2} {unit:<9} of {most:>8.2}  {verdict}");
    }
}

fn heading(text: &str) {
    println!("\n{text}");
}

/// A figure without a budget.
fn note(what: &str, found: f64, unit: &str) {
    println!("  {what:<44} {found:>9.2} {unit}");
}

type Measure = fn(&mut Table);

/// What can be measured by itself: `cargo bench --bench console -- rest`.
const PARTS: [(&str, Measure); 4] = [
    ("million", million::measure),
    ("busy", shipped::busy),
    ("load", shipped::full_load),
    ("rest", shipped::at_rest),
];

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        println!("a build without optimisation says nothing: cargo bench --bench console");
        return ExitCode::SUCCESS;
    }
    // Cargo adds `--bench`; a part's name measures that part only.
    let mut parts: Vec<String> = std::env::args().skip(1).collect();
    parts.retain(|part| !part.starts_with('-'));
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let mut table = Table::default();
    for (part, measure) in PARTS {
        if wanted(part) {
            measure(&mut table);
        }
    }
    ExitCode::from(u8::from(table.broken > 0))
}
