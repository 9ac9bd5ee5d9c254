//! Dialdeck, an outbound dialer for Asterisk: the library behind the binary.
//!
//! The map, from the inside out. A module may use those above it, never those below.
//!
//! | module | what it is for | never done there |
//! | --- | --- | --- |
//! | [`campaign`] | the whole dialing logic as a pure state machine | I/O, clock, tokio, logging |
//! | [`keys`] | the console's keys: one table for dispatch, footer, help, manual | reading them |
//! | [`config`] | `.env`, environment and flags, validated once into typed settings | dialing |
//! | [`list`] | the list of numbers, streamed and checked line by line | holding the text |
//! | [`journal`] | the durable record (SQLite): runs, leads, attempts, audit | being bypassed |
//! | [`report`] | results as CSV or JSON, read from a journal | writing to it |
//! | [`ari`] | Asterisk's REST interface: typed client and event stream | knowing about campaigns |
//! | [`recordings`] | fetches finished recordings into the operator's folder | delaying a call |
//! | [`mirror`] | the copy of every call in MySQL, fed from the journal | delaying a call |
//! | [`engine`] | the only driver of `campaign`: inputs in, effects out | deciding anything |
//! | [`control`] | the one way in for commands, and who gave them | deciding about calls |
//! | [`console`] | the operator's console in a terminal | touching the engine's state |
//! | [`http`] | the control API and metrics | deciding about calls |
//! | [`headless`] | one structured line an event, and the summary | |
//! | [`check`] | every setting against reality | changing anything |
//! | [`simulator`] | a fake Asterisk that speaks real ARI on loopback | being used by any module above |
//! | [`cli`] | the command line and the commands behind it | |

pub mod ari;
pub mod attach;
pub mod campaign;
pub mod check;
pub mod cli;
pub mod config;
pub mod console;
pub mod control;
pub mod engine;
pub mod feed;
pub mod headless;
pub mod http;
pub mod journal;
pub mod keys;
pub mod list;
pub mod mirror;
pub mod recordings;
pub mod report;
pub mod simulator;
pub mod wire;
