//! What the integration tests share.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod deck;
pub mod lab;
pub mod wav;
