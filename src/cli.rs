//! The command line and the commands behind it.

mod attach;
mod check;
mod demo;
mod dial;
mod exit;
mod man;
mod private;
mod report;
mod requeue;
mod session;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::LogFormat;

/// An outbound dialer for Asterisk.
///
/// Without a command it dials the list of the .env in the current directory. Exit codes:
/// 0 finished or stopped as asked; 1 unexpected; 2 bad settings or list; 3 another engine
/// holds the journal or the Stasis application; 4 gave up on Asterisk.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<CliCommand>,
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
    /// The form of log lines; without it, that of the settings
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    #[command(flatten)]
    console: ConsoleFlags,
    /// Fail on purpose after three seconds, to see what then happens
    #[arg(long, hide = true, value_enum)]
    fail_in: Option<session::FailIn>,
}

/// How the console is to be.
#[derive(Debug, Clone, Copy, Args)]
struct ConsoleFlags {
    /// Look, but touch nothing: no key that changes the campaign works
    #[arg(long, conflicts_with = "headless")]
    read_only: bool,
    /// How many frames a second the engine may cause; keys are drawn at once
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60))]
    fps: u32,
}

impl ConsoleFlags {
    /// The console, unless there is to be none, or none can be shown.
    fn wanted(self, headless: bool) -> Option<session::ConsoleArgs> {
        let shown = !headless && crate::console::can_show();
        shown.then_some(session::ConsoleArgs {
            read_only: self.read_only,
            fps: self.fps,
        })
    }
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Run a whole campaign against the built-in simulator: no Asterisk, no settings
    Demo(DemoArgs),
    /// Test every setting against reality, and say what to mend; 0 only if it would dial
    Check(CheckArgs),
    /// The console on an engine that runs in another process
    Attach(AttachArgs),
    /// Print results as CSV or JSON, also while an engine runs
    Report(ReportArgs),
    /// Call those again whose refusals in a row have paused a run, or others that ended
    Requeue(RequeueArgs),
    /// Print a shell's completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print this program's manual page
    Man,
}

/// Where the engine is. The token is CONTROL_TOKEN, in the environment or the .env of this
/// folder.
#[derive(Debug, Clone, Args)]
struct AttachArgs {
    /// The engine's control API; CONTROL_ADDR of this folder's .env, if none is given
    url: Option<String>,
    /// A PEM file with the certificates that an https URL is trusted by, instead of the
    /// system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    console: AttachOptions,
}

/// How an attached console is to be.
#[derive(Debug, Clone, Copy, Args)]
struct AttachOptions {
    /// Look, but touch nothing: no key that changes the campaign works
    #[arg(long)]
    read_only: bool,
    /// How many frames a second the engine may cause; keys are drawn at once
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60))]
    fps: u32,
}

/// Whom to call again. Without --since and --disposition: those of the streak that paused the run
/// last. They wait in line until dialing is started.
#[derive(Debug, Clone, Args)]
struct RequeueArgs {
    /// The engine's control API; CONTROL_ADDR of this folder's .env, if none is given
    url: Option<String>,
    /// A PEM file with the certificates that an https URL is trusted by, instead of the
    /// system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Only whom attempts called that were begun since then: a time, or how long ago (30m)
    #[arg(long, value_name = "TIME", value_parser = requeue::since)]
    since: Option<jiff::Timestamp>,
    /// Whose last attempt ended so; without it, those whom the carrier refused
    #[arg(long, value_name = "WORD")]
    disposition: Option<String>,
    /// Also people who answered and reached nobody
    #[arg(long)]
    reached: bool,
}

/// The simulated campaign.
#[derive(Debug, Clone, Args)]
struct DemoArgs {
    /// No console: one line an event on standard output
    #[arg(long)]
    headless: bool,
    /// How many numbers are on the list
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=80_000))]
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
    /// The form of log lines
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    #[command(flatten)]
    console: ConsoleFlags,
    /// Fail on purpose after three seconds, to see what then happens
    #[arg(long, hide = true, value_enum)]
    fail_in: Option<session::FailIn>,
}

/// How to tell what was found.
#[derive(Debug, Clone, Copy, Args)]
struct CheckArgs {
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
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
    if let Err(why) = private::keep_memory_private() {
        let why = format!("its memory can't be kept out of core files: {why}");
        return exit::code(Err(exit::Failure::Unexpected(why)));
    }
    let result = match cli.command {
        None => {
            let console = cli.dial.console.wanted(cli.dial.headless);
            session::init_log(console.is_some());
            dial::run(&cli.dial, console)
        }
        Some(CliCommand::Demo(args)) => {
            let console = args.console.wanted(args.headless);
            session::init_log(console.is_some());
            demo::run(&args, console)
        }
        Some(CliCommand::Check(args)) => {
            session::init_log(false);
            check::run(args)
        }
        Some(CliCommand::Attach(args)) => {
            session::init_pane();
            attach::run(&args)
        }
        Some(CliCommand::Report(args)) => {
            session::init_log(false);
            report::run(&args)
        }
        Some(CliCommand::Requeue(args)) => {
            session::init_log(false);
            requeue::run(&args)
        }
        Some(CliCommand::Completions { shell }) => man::completions(shell, Cli::command()),
        Some(CliCommand::Man) => man::page(&Cli::command()),
    };
    exit::code(result)
}
