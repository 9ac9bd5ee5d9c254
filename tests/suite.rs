//! Most of the integration tests, in one binary: it is linked once, and while one test waits
//! another one runs. `cargo test --release --test suite real::` runs those of `real.rs`.
//!
//! They wait for calls, clocks and other programs most of the time, so that eight threads suit
//! two cores. What would notice that belongs into `quiet.rs`.

mod ari_client;
mod chaos;
mod check;
mod contract;
mod damage;
mod demo;
mod disks;
mod engine;
mod env_example;
mod faults;
mod hostile;
mod http;
mod journal;
mod lab;
mod list;
mod manual;
mod mysql;
mod openapi;
mod purity;
mod readme;
mod real;
mod screen;
mod secrets;
mod settings;
mod supervision;
mod support;
mod tls;
