//! Legs that leave the application alive, and calls that a phone transfers.

use std::time::Duration;

use super::{ANSWERS, TALKS, bridged, destroy_bridge, hang_up};
use crate::contract::session::Session;

async fn continue_in_dialplan(s: &mut Session, role: &str) {
    let path = format!("/channels/{}/continue", s.id(role));
    let query = [("context", "lab-targets"), ("extension", "104")];
    s.post(&path, &query).await;
    s.until(role, "StasisEnd").await;
}

/// The channel lives on, is no longer in the application, and its end is told all the same.
pub(crate) async fn a_leg_that_continues_elsewhere(s: &mut Session) {
    bridged(s, ANSWERS, TALKS).await;
    continue_in_dialplan(s, "a").await;
    s.shows_dialplan_app("a", true).await;
    continue_in_dialplan(s, "a").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

/// The agent's phone transfers its call by `transfer`: another channel takes its place.
pub(crate) async fn a_phone_that_transfers(s: &mut Session, transfer: impl AsyncFn(&str)) {
    bridged(s, ANSWERS, "PJSIP/scripted-agent").await;
    s.shows_dialplan_app("b", false).await;
    transfer(&s.id("b")).await;
    s.until("b", "StasisEnd").await;
    s.drain(Duration::from_millis(300)).await;
    let bridge = s.id("bridge");
    s.get(&format!("/bridges/{bridge}"), &[]).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    s.hang_up_others_in("bridge").await;
    destroy_bridge(s).await;
}
