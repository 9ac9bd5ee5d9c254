//! The operator's console of the shipped binary: keys in, the screen out, in a terminal.
//!
//! Most tests run it on a simulated Asterisk, whose log of placed calls says what a key really
//! did; `console/demo.rs` runs the demo as a newcomer would, and `console/lab.rs` the same keys
//! on a real Asterisk.

mod support;

mod console {
    pub(crate) mod desk;

    mod attach;
    mod calls;
    mod demo;
    mod dialing;
    mod half_open;
    mod hostile;
    mod lab;
    mod leaving;
    mod logging;
    mod looking;
    mod overtaking;
    mod paste;
    mod pretending;
    mod signals;
    mod sizes;
    mod suspend;
    mod terminals;
}
