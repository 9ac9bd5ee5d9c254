//! The shipped binary against a real Asterisk with a real carrier beside it.
//!
//! Each test has a lab to itself, and those that measure have all of them.

use std::collections::BTreeMap;

use crate::support::lab::{Lab, Node};
use serde_json::Value;

/// What these tests ask of the lab's witnesses.
trait Witness {
    /// The numbers that the carrier saw, in order.
    fn called(&self) -> Vec<String>;
    /// The caller ids that the carrier saw, in order.
    fn callers(&self) -> Vec<String>;
    /// The targets that were reached, and whom each saw calling.
    fn seen_by_targets(&self) -> Vec<(String, String)>;
    /// The ids of the channels that are up in the PBX.
    fn channel_ids(&self) -> Vec<String>;
    /// How many channels of an endpoint are up in the PBX.
    fn channels_of(&self, endpoint: &str) -> usize;
}

impl Witness for Lab {
    fn called(&self) -> Vec<String> {
        self.carrier_calls().into_iter().map(|c| c.callee).collect()
    }

    fn callers(&self) -> Vec<String> {
        self.carrier_calls().into_iter().map(|c| c.caller).collect()
    }

    fn seen_by_targets(&self) -> Vec<(String, String)> {
        let seen = self.target_calls().into_iter();
        seen.map(|s| (s.callee, s.caller)).collect()
    }

    fn channel_ids(&self) -> Vec<String> {
        let channels = self.channels(Node::Pbx).into_iter();
        channels
            .filter_map(|line| line.rsplit('!').next().map(str::to_owned))
            .collect()
    }

    fn channels_of(&self, endpoint: &str) -> usize {
        let name = format!("PJSIP/{endpoint}-");
        let channels = self.channels(Node::Pbx);
        channels.iter().filter(|c| c.starts_with(&name)).count()
    }
}

/// Whether a row of the report has the status with which a carrier refused or redirected. Asterisk
/// 22.10.1 sometimes ends a redirected channel before it knows which 3xx it was.
fn is_told_of(row: &BTreeMap<String, Value>, status: u16) -> bool {
    let is_lost = (300..400).contains(&status) && row["sip_code"].is_null() && row["cause"] == 23;
    is_lost || row["sip_code"] == status
}

mod api;
mod calls;
mod lists;
mod moved;
mod recordings;
mod recovery;
mod refusals;
mod reload;
mod settings;
mod streaks;
mod toll;
