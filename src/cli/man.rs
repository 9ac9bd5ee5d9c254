//! The manual page and the shells' completions, from the same definition as the flags, the
//! table of settings and the table of keys.

use std::io::{self, Write};

use clap::builder::ValueRange;
use clap::{Arg, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::exit::Failure;
use crate::config::{SETTINGS, Unset};
use crate::keys::{BINDINGS, Group, KeyMap};

/// When this page was last looked through.
const DATE: &str = "2026-11-22";

const EXIT_CODES: &[(&str, &str)] = &[
    (
        "0",
        "Finished, or stopped as asked; for check: it would dial.",
    ),
    ("1", "Something unexpected."),
    (
        "2",
        "Bad settings or list; for check: something has to be mended.",
    ),
    (
        "3",
        "Another engine holds the journal or the Stasis application.",
    ),
    (
        "4",
        "Gave up on Asterisk (only with --exit-when-done, after GIVE_UP_SECONDS).",
    ),
];

const SIGNALS: &[(&str, &str)] = &[
    (
        "SIGTERM, SIGINT",
        "No new calls. Live calls may end by themselves for DRAIN_SECONDS, then they are hung up. A second one hangs them up at once.",
    ),
    (
        "SIGHUP",
        "With a console: it ends, and dialing goes on without it (or drains, with ON_HANGUP=drain). Without one: .env and the list are read again.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        ".env",
        "The settings, in the current directory. They win over the environment.",
    ),
    (
        "dialdeck.db",
        "The journal (STATE_FILE). Whoever deletes it dials everybody again.",
    ),
    (
        "dialdeck.rejected.txt",
        "The lines of the list that are no numbers, beside the journal.",
    ),
    ("recordings/", "The recordings (RECORDINGS_DIR)."),
    (
        "dialdeck.log",
        "What the console logs (LOG_FILE), and dialdeck.log.1 and so on before it.",
    ),
];

const EXAMPLES: &[(&str, &str)] = &[
    (
        "dialdeck demo",
        "A whole campaign against the built-in simulator.",
    ),
    (
        "dialdeck check",
        "What is wrong with the settings, before anybody is called.",
    ),
    ("dialdeck", "The console; s starts to dial."),
    (
        "dialdeck --headless --start --exit-when-done",
        "Dial the list without a console, and end.",
    ),
    (
        "dialdeck report --format csv > results.csv",
        "The results, also while an engine runs.",
    ),
];

pub(super) fn completions(shell: Shell, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "dialdeck", &mut script);
    print(&script)
}

pub(super) fn page(command: &Command) -> Result<(), Failure> {
    let mut page = Vec::new();
    // Writing into memory can't fail.
    let _ = write_page(command, &mut page);
    print(&page)
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    match io::stdout().lock().write_all(bytes) {
        // `head` has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Unexpected(format!("it can't be written: {error}")))
        }
        _ => Ok(()),
    }
}

fn write_page(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command.clone().disable_help_subcommand(true))
        .date(DATE)
        .manual("User Commands")
        .source(format!("dialdeck {}", env!("CARGO_PKG_VERSION")));
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    let mut roff = Roff::new();
    roff.control("SH", ["OPTIONS"]);
    arguments(&mut roff, command);
    commands(&mut roff, command);
    keys(&mut roff);
    settings(&mut roff);
    for (title, pairs) in [
        ("EXIT STATUS", EXIT_CODES),
        ("SIGNALS", SIGNALS),
        ("FILES", FILES),
        ("EXAMPLES", EXAMPLES),
    ] {
        roff.control("SH", [title]);
        for (term, text) in pairs {
            item(&mut roff, vec![bold(*term)], *text);
        }
    }
    roff.to_writer(page)
}

fn item(roff: &mut Roff, term: Vec<Inline>, text: impl Into<String>) {
    roff.control("TP", []).text(term).text([roman(text)]);
}

fn commands(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["COMMANDS"]);
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        roff.control("SS", [format!("dialdeck {}", sub.get_name()).as_str()]);
        if let Some(about) = sub.get_about() {
            roff.text([roman(format!("{about}."))]);
        }
        arguments(roff, sub);
    }
}

fn arguments(roff: &mut Roff, command: &Command) {
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let help = arg.get_help().map(ToString::to_string);
        item(roff, term(arg), help.unwrap_or_default() + &allowed(arg));
    }
}

/// `--format FORMAT`, as it is typed.
fn term(arg: &Arg) -> Vec<Inline> {
    let values = arg.get_num_args() != Some(ValueRange::EMPTY);
    let name = arg.get_id().as_str().to_uppercase();
    match arg.get_long() {
        Some(long) if values && arg.get_action().takes_values() => {
            vec![bold(format!("--{long}")), roman(" "), italic(name)]
        }
        Some(long) => vec![bold(format!("--{long}"))],
        None => vec![italic(name)],
    }
}

fn allowed(arg: &Arg) -> String {
    let values = arg.get_possible_values();
    if values.is_empty() || !arg.get_action().takes_values() {
        return String::new();
    }
    let names: Vec<_> = values
        .iter()
        .map(clap::builder::PossibleValue::get_name)
        .collect();
    format!(": {}", names.join(", "))
}

fn keys(roff: &mut Roff) {
    roff.control("SH", ["KEYS"]);
    roff.text([roman(
        "Of the console. CONSOLE_KEYS gives an action another key by its name, which stands in brackets.",
    )]);
    let map = KeyMap::default();
    for group in Group::ALL {
        roff.control("SS", [group.title()]);
        for binding in BINDINGS.iter().filter(|b| b.group == group) {
            let keys = map.all(binding.action);
            item(
                roff,
                vec![bold(keys), roman(format!(" ({})", binding.name))],
                binding.help,
            );
        }
    }
}

fn settings(roff: &mut Roff) {
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman(
        "The settings: NAME=value lines of .env in the current directory, or variables of the environment.",
    )]);
    for setting in SETTINGS {
        let unset = match setting.unset {
            Unset::Required => "Required.".to_owned(),
            Unset::Default(value) => format!("Without it: {value}."),
            Unset::Means(words) => format!("Without it: {words}."),
        };
        let text = format!(
            "{}. Allowed: {}. {unset}",
            capital(setting.help),
            setting.allowed
        );
        item(roff, vec![bold(setting.name)], text);
    }
    item(
        roff,
        vec![bold("NO_COLOR")],
        "Where it is set to anything, nothing is coloured.",
    );
    item(
        roff,
        vec![bold("NOTIFY_SOCKET"), roman(", "), bold("WATCHDOG_USEC")],
        "Set by systemd, which is then told of the state and of the engine's signs of life.",
    );
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}
