//! Takes the pictures of the console that the README shows: runs the program in a terminal,
//! types, waits, and draws the screen as SVG. `docs/pictures` calls it.
//!
//! ```text
//! pictures PROGRAM FOLDER [SCENE…]    the scenes below, or those named, to FOLDER/SCENE.svg
//! pictures --one COLSxROWS FILE COMMAND [ARG…]    what COMMAND shows once it is quiet
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a shell"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/support/screen.rs"]
mod screen;
#[path = "../tests/support/svg.rs"]
mod svg;

use screen::{Screen, key};

/// A picture: what is run and typed before it is taken.
struct Scene {
    /// The file's name.
    name: &'static str,
    title: &'static str,
    args: &'static [&'static str],
    cols: u16,
    rows: u16,
    steps: &'static [Step],
}

enum Step {
    /// Let the program run on for so many milliseconds.
    Pass(u64),
    /// Wait until this is on the screen.
    See(&'static str),
    /// Type this.
    Type(&'static str),
}

use Step::{Pass, See, Type};

const SCENES: &[Scene] = &[
    Scene {
        name: "console",
        title: "Dialdeck's console during a demo: header, queue, live calls and log",
        args: &["demo", "--calls", "200"],
        cols: 120,
        rows: 40,
        steps: &[See("DIALING"), Pass(8000)],
    },
    Scene {
        name: "detail",
        title: "A call in detail: both legs and what happened to them, with durations",
        args: &["demo", "--calls", "200"],
        cols: 120,
        rows: 40,
        steps: &[
            See("bridged"),
            Pass(5000),
            Type(key::DOWN),
            Type(key::ENTER),
            See("asked Asterisk to dial"),
        ],
    },
    Scene {
        name: "trends",
        title: "Trends of the last minutes: calls in use, calls a second, answers, dead air",
        args: &["demo", "--calls", "200"],
        cols: 120,
        rows: 40,
        steps: &[See("DIALING"), Pass(20_000), Type("t")],
    },
];

/// How long anything that must be seen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the screen is let alone after the last step: the program draws ten times a second
/// at the most, so that it is never quiet, but has drawn the last key by then.
const LAST_FRAME: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["--one", size, file, command, ref rest @ ..] => one(size, Path::new(file), command, rest),
        [program, folder, ref names @ ..] => scenes(Path::new(program), Path::new(folder), names),
        _ => {
            Err("pictures PROGRAM FOLDER [SCENE…], or pictures --one COLSxROWS FILE COMMAND".into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn scenes(program: &Path, folder: &Path, names: &[&str]) -> Result<(), String> {
    let unknown = names.iter().find(|n| SCENES.iter().all(|s| s.name != **n));
    if let Some(name) = unknown {
        return Err(format!("there is no scene {name:?}"));
    }
    let program = fs::canonicalize(program).map_err(|e| format!("{}: {e}", program.display()))?;
    let wanted = SCENES
        .iter()
        .filter(|s| names.is_empty() || names.contains(&s.name));
    for scene in wanted {
        let picture = take(scene, &program);
        keep(&folder.join(scene.name).with_extension("svg"), &picture)?;
    }
    Ok(())
}

/// Plays a scene in an empty folder, and draws how it ends.
fn take(scene: &Scene, program: &Path) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(program);
    command.args(scene.args).current_dir(folder.path());
    let screen = Screen::open(&command, scene.rows, scene.cols);
    for step in scene.steps {
        match step {
            Pass(millis) => std::thread::sleep(Duration::from_millis(*millis)),
            See(text) => drop(screen.wait_for(text, PATIENCE)),
            Type(keys) => screen.keys(keys),
        }
    }
    std::thread::sleep(LAST_FRAME);
    svg::render(&screen.picture(), scene.title)
}

fn one(size: &str, file: &Path, program: &str, args: &[&str]) -> Result<(), String> {
    let size_of = |size: &str| {
        let (cols, rows) = size.split_once('x')?;
        Some((cols.parse().ok()?, rows.parse().ok()?))
    };
    let (cols, rows) = size_of(size).ok_or("the size is COLSxROWS: 120x40")?;
    let mut command = Command::new(program);
    command.args(args).current_dir(".");
    let screen = Screen::open(&command, rows, cols);
    screen.wait_quiet(Duration::from_secs(1), PATIENCE);
    keep(file, &svg::render(&screen.picture(), program))
}

fn keep(file: &Path, picture: &str) -> Result<(), String> {
    fs::write(file, picture).map_err(|e| format!("{}: {e}", file.display()))?;
    println!("{}", file.display());
    Ok(())
}
