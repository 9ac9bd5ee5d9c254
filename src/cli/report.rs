//! `dialdeck report`: results of a run, read from the journal.

use std::io;

use super::dial::load_settings;
use super::exit::Failure;
use super::{ByArg, FormatArg, ReportArgs};
use crate::campaign::RunId;
use crate::report::{self, By, Format, ReportError, ReportOptions};

pub(super) fn run(args: &ReportArgs) -> Result<(), Failure> {
    let settings = load_settings()?;
    let options = ReportOptions {
        format: match args.format {
            FormatArg::Csv => Format::Csv,
            FormatArg::Json => Format::Json,
        },
        run: args.run.map(RunId),
        by: match args.by {
            ByArg::Lead => By::Lead,
            ByArg::Attempt => By::Attempt,
        },
    };
    match report::write(&settings.state_file, options, &mut io::stdout().lock()) {
        Ok(_) => Ok(()),
        // `head` has seen enough.
        Err(ReportError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error @ (ReportError::Journal(_) | ReportError::NoSuchRun { .. })) => {
            Err(Failure::Settings(error.to_string()))
        }
        Err(error) => Err(Failure::Unexpected(error.to_string())),
    }
}
