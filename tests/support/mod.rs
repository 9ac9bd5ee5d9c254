//! What the integration tests share.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod certificates;
pub(crate) mod copied;
pub(crate) mod cost;
pub(crate) mod database;
pub(crate) mod deck;
pub(crate) mod disk;
pub(crate) mod incumbent;
pub(crate) mod lab;
pub(crate) mod load;
pub(crate) mod machine;
pub(crate) mod numbers;
pub(crate) mod phone;
pub(crate) mod promtool;
pub(crate) mod proxy;
pub(crate) mod screen;
pub(crate) mod simulated;
pub(crate) mod svg;
pub(crate) mod tls;
pub(crate) mod wait;
pub(crate) mod wav;
pub(crate) mod web;
