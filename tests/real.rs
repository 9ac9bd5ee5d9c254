//! The shipped binary against a real Asterisk with a real carrier beside it.
//!
//! The lab is one, so the tests take it in turns.

mod support;

mod real {
    mod calls;
    mod dead_air;
    mod lists;
    mod recordings;
    mod recovery;
    mod refusals;
    mod settings;
}
