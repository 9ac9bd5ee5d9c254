//! The `dialdeck` binary: everything is in the library.

fn main() {}
