//! The `dialdeck` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    dialdeck::cli::main()
}
