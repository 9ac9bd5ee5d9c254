//! The command line and the commands behind it.

mod demo;
mod dial;
mod exit;
mod report;
mod session;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// An outbound dialer for Asterisk.
///
/// Without a command it dials the list of the .env in the current directory. Exit codes:
/// 0 finished or stopped as asked; 1 unexpected; 2 bad settings or list; 3 another engine
/// holds the journal or the Stasis application; 4 gave up on Asterisk.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    dial: DialArgs,
}

/// How to dial.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each switch; any may stand with any other"
)]
struct DialArgs {
    /// No console: one line an event on standard output
    #[arg(long)]
    headless: bool,
    /// Begin dialing at once (a run that was paused stays paused)
    #[arg(long)]
    start: bool,
    /// Begin a new run: everybody on the list is called again
    #[arg(long)]
    new_run: bool,
    /// Connect even if another program holds the Stasis application
    #[arg(long)]
    take_over: bool,
    /// End when the list is done
    #[arg(long)]
    exit_when_done: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole campaign against the built-in simulator: no Asterisk, no settings
    Demo(DemoArgs),
    /// Print results as CSV or JSON, also while an engine runs
    Report(ReportArgs),
}

/// The simulated campaign.
#[derive(Debug, Clone, Args)]
struct DemoArgs {
    /// No console: one line an event on standard output
    #[arg(long)]
    headless: bool,
    /// How many numbers are on the list
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=80_000))]
    calls: u32,
    /// How many calls may be up at once
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_cc: u32,
    /// The same seed gives the same campaign
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many times faster than life people answer and talk
    #[arg(long, default_value_t = 2.0, value_parser = speed)]
    speed: f64,
}

/// What to report.
#[derive(Debug, Clone, Args)]
struct ReportArgs {
    /// The format
    #[arg(long, value_enum, default_value_t = FormatArg::Csv)]
    format: FormatArg,
    /// The run; the latest, if none is given
    #[arg(long)]
    run: Option<u32>,
    /// One row for each
    #[arg(long, value_enum, default_value_t = ByArg::Lead)]
    by: ByArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    Csv,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ByArg {
    Lead,
    Attempt,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=100.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 100".to_owned()),
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // What no line on standard output is made of: oddities for whoever looks into them.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .init();
    let result = match cli.command {
        None => dial::run(&cli.dial),
        Some(Command::Demo(args)) => demo::run(&args),
        Some(Command::Report(args)) => report::run(&args),
    };
    exit::code(result)
}
